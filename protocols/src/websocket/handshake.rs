//! What both sides of the handshake have to look at (RFC 6455 section 4): lists in fields, and keys.

use http::HeaderMap;
use http::header::HeaderName;

use crate::wire::syntax::list_members;

/// The only version there is.
pub(super) const VERSION: &str = "13";

/// What to upgrade to.
pub(super) const WEBSOCKET: &str = "websocket";

/// Whether a field's lists have a member, in whatever case.
pub(super) fn lists(fields: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    members(fields, name).any(|member| member.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// The members of a field's lists, without empty ones.
pub(super) fn members(fields: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    fields
        .get_all(name)
        .iter()
        .flat_map(|value| list_members(value.as_bytes()))
        .filter(|member| !member.is_empty())
}

/// The value of a field that may be there only once.
pub(super) fn only(fields: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut values = fields.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

/// Whether it is sixteen bytes in base64 (RFC 6455 section 4.1): 22 characters, of which the last
/// has four bits that are zero, and `==`.
pub(super) fn is_key(key: &[u8]) -> bool {
    let [first @ .., last, b'=', b'='] = key else {
        return false;
    };
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    first.len() == 21 && first.iter().all(is_digit) && matches!(last, b'A' | b'Q' | b'g' | b'w')
}
