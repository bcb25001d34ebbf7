//! What proxies say of the client in front of them: `X-Forwarded-For`.
//!
//! A field of no standard, a list as RFC 9110 section 5.6.1 has them, and several lines of it are one
//! list (section 5.3). Each proxy adds the address of whoever it was asked by at the end. Everything
//! before that is what it was told, and anybody can send the field: so only as many members are
//! believed, from the end, as there are proxies of one's own.
//!
//! ```text
//!  client ──────────► proxy A ──────────► proxy B ──────────► server
//!  203.0.113.9        198.51.100.1        192.0.2.1
//!
//!  "1.2.3.4"          "1.2.3.4,           "1.2.3.4, 203.0.113.9, 198.51.100.1"
//!  (forged)            203.0.113.9"        ───────  two of them are believed
//! ```

use core::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use super::syntax::list_members;

/// The field.
pub(crate) const FIELD: &str = "x-forwarded-for";

/// The addresses that so many trusted proxies vouch for, the client's first. Fewer where the field
/// has fewer, or something that is no address: what is before that is not believed either.
///
/// The peer of the connection, which is the last of the proxies, is not among them.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::forwarded_for;
/// use http::{HeaderMap, HeaderValue};
///
/// let mut fields = HeaderMap::new();
/// let list = "1.2.3.4, 203.0.113.9, 198.51.100.1";
/// fields.insert("x-forwarded-for", HeaderValue::from_static(list));
/// let addresses = forwarded_for(&fields, 2);
/// assert_eq!(addresses[0].to_string(), "203.0.113.9");
/// assert_eq!(addresses[1].to_string(), "198.51.100.1");
/// assert!(forwarded_for(&fields, 0).is_empty());
/// ```
pub fn forwarded_for(fields: &HeaderMap, trusted_hops: usize) -> Vec<IpAddr> {
    if trusted_hops == 0 {
        return Vec::new();
    }
    let lines: Vec<_> = fields.get_all(FIELD).iter().collect();
    let members = lines.iter().rev().flat_map(|line| {
        let members: Vec<_> = list_members(line.as_bytes()).collect();
        members.into_iter().rev()
    });
    let mut addresses: Vec<_> = members.take(trusted_hops).map_while(address).collect();
    addresses.reverse();
    addresses
}

/// An address, with or without a port; version 6 with a port has brackets, without it may have.
fn address(member: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(member).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port()).ok()
}
