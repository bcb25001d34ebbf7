//! Request targets (RFC 9112 section 3.2) and hosts (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
//!
//! ```text
//! request-target = origin-form    ; /path?query
//!                / absolute-form  ; http://host/path?query
//!                / authority-form ; host:port, only for CONNECT
//!                / asterisk-form  ; *, only for OPTIONS
//! Host           = uri-host [ ":" port ]
//! uri-host       = IP-literal / IPv4address / reg-name
//! reg-name       = *( unreserved / pct-encoded / sub-delims )
//! ```
//!
//! What the path means is not decided here: `%00`, `%2f` and `..` are left as they came; decoding
//! is [`query`](super::query)'s, and a file server must guard its own directory.

// An address as text, no socket: `core` on purpose.
use core::net::Ipv6Addr;

use bytes::Bytes;
use http::{Method, Uri};

use super::refusal::Refusal;
use super::syntax::alphanumeric_and;

/// Which of the four forms a request target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetForm {
    /// `/path?query`: nearly every request.
    Origin,
    /// `http://host/path?query`: to a proxy, but every server must take it. Its host overrides
    /// the `Host` field (RFC 9112 section 3.2.2).
    Absolute,
    /// `host:port`: `CONNECT`.
    Authority,
    /// `*`: `OPTIONS` for the server as a whole.
    Asterisk,
}

/// Reads a request target, sharing the memory of `target`.
///
/// # Errors
///
/// [`Refusal::TargetInvalid`] for a byte that no URI has, a fragment, a scheme other than `http`
/// and `https`, an absent host, user information (RFC 9110 section 4.2.4), or a bad port. Of the
/// bytes that no URI has, some that browsers send are let through: `[\]^{|}`, the quotation mark in a
/// path, the grave accent in a query.
/// [`Refusal::TargetFormMismatch`] for a form that does not go with the method.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http::Method;
/// use eventlet_protocols::wire::{parse_target, TargetForm};
///
/// let (uri, form) = parse_target(&Method::GET, Bytes::from_static(b"/a?b=1")).unwrap();
/// assert_eq!((uri.path(), uri.query(), form), ("/a", Some("b=1"), TargetForm::Origin));
/// assert!(parse_target(&Method::GET, Bytes::from_static(b"*")).is_err());
/// ```
pub fn parse_target(method: &Method, target: Bytes) -> Result<(Uri, TargetForm), Refusal> {
    let is_connect = *method == Method::CONNECT;
    // `http::Uri` would take bytes beyond ASCII for UTF-8, which no URI is written in.
    if !target.is_ascii() {
        return Err(Refusal::TargetInvalid);
    }
    let form = match target.first() {
        None => return Err(Refusal::TargetInvalid),
        _ if is_connect => TargetForm::Authority,
        Some(b'/') => TargetForm::Origin,
        Some(b'*') if target.len() == 1 => TargetForm::Asterisk,
        Some(_) => TargetForm::Absolute,
    };
    let length = target.len();
    match form {
        TargetForm::Origin => {}
        // A fragment, which a target does not have (RFC 9112 section 3.2).
        _ if target.contains(&b'#') => return Err(Refusal::TargetInvalid),
        TargetForm::Absolute => {
            check_absolute(&target)?;
        }
        TargetForm::Authority => check_connect_authority(&target)?,
        TargetForm::Asterisk if *method != Method::OPTIONS => {
            return Err(Refusal::TargetFormMismatch);
        }
        TargetForm::Asterisk => {}
    }
    let uri = Uri::from_maybe_shared(target).map_err(|_| Refusal::TargetInvalid)?;
    // A fragment has been cut off, silently.
    let kept = uri.path_and_query().map_or(0, |kept| kept.as_str().len());
    if form == TargetForm::Origin && kept != length {
        return Err(Refusal::TargetInvalid);
    }
    Ok((uri, form))
}

/// Whether a value is a `Host`: a host with an optional port, or nothing at all.
///
/// An empty value is what a client must send for a target without an authority (RFC 9112 section
/// 3.2). A comma, which the grammar lets into a name, is refused: it is what two `Host` fields
/// joined by a middleman look like.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::is_valid_host;
///
/// assert!(is_valid_host(b"example.com:8080"));
/// assert!(is_valid_host(b"[::1]:80"));
/// assert!(!is_valid_host(b"a.example, b.example"));
/// assert!(!is_valid_host(b"user@example.com"));
/// assert!(!is_valid_host(b"example.com:port"));
/// ```
pub fn is_valid_host(value: &[u8]) -> bool {
    split_host(value).is_some()
}

/// `http://host…` or `https://host…`, with a host and without user information.
fn check_absolute(target: &[u8]) -> Result<(), Refusal> {
    let has_scheme = |scheme: &[u8]| {
        target
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let rest = if has_scheme(b"http://") {
        &target[b"http://".len()..]
    } else if has_scheme(b"https://") {
        &target[b"https://".len()..]
    } else if split_host(target).is_some_and(|(_, port)| port.is_some()) {
        // `host:port`: a well-formed target, for CONNECT only.
        return Err(Refusal::TargetFormMismatch);
    } else {
        return Err(Refusal::TargetInvalid);
    };
    let end = rest.iter().position(|&byte| byte == b'/' || byte == b'?');
    let authority = &rest[..end.unwrap_or(rest.len())];
    match split_host(authority) {
        Some((host, _)) if !host.is_empty() => Ok(()),
        _ => Err(Refusal::TargetInvalid),
    }
}

/// `host:port`, both there (RFC 9110 section 9.3.6: an empty or invalid port must be refused).
fn check_connect_authority(target: &[u8]) -> Result<(), Refusal> {
    match split_host(target) {
        Some((host, Some(port))) if !host.is_empty() && !port.is_empty() => Ok(()),
        Some(_) => Err(Refusal::TargetFormMismatch),
        None if target.starts_with(b"/") || target == b"*" => Err(Refusal::TargetFormMismatch),
        None => Err(Refusal::TargetInvalid),
    }
}

/// Host and port of `uri-host [ ":" port ]`, or `None` if it is not that.
fn split_host(value: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    if value.first() == Some(&b'[') {
        let close = value.iter().position(|&byte| byte == b']')?;
        let (literal, rest) = value.split_at(close + 1);
        if !is_ip_literal(&literal[1..close]) {
            return None;
        }
        return match rest {
            [] => Some((literal, None)),
            [b':', port @ ..] if is_port(port) => Some((literal, Some(port))),
            _ => None,
        };
    }
    let mut rest = value;
    loop {
        let name = rest.iter().position(|&byte| !is_name_byte(byte));
        rest = &rest[name.unwrap_or(rest.len())..];
        match rest {
            [] => return Some((value, None)),
            [b'%', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest = after;
            }
            // A port without a name (":80") names no host.
            [b':', port @ ..] if rest.len() < value.len() && is_port(port) => {
                return Some((&value[..value.len() - rest.len()], Some(port)));
            }
            _ => return None,
        }
    }
}

/// unreserved / sub-delims, but the comma (see [`is_valid_host`]).
fn is_name_byte(byte: u8) -> bool {
    const NAME: [bool; 256] = alphanumeric_and(b"-._~!$&'()*+;=");
    NAME[usize::from(byte)]
}

/// `*DIGIT` that fits 16 bits. Empty is allowed by the grammar (RFC 3986 section 3.2.3).
fn is_port(port: &[u8]) -> bool {
    const LONGEST: usize = 5;
    if port.len() > LONGEST {
        return false;
    }
    let mut number = 0u32;
    for &byte in port {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return false;
        }
        number = number * 10 + u32::from(digit);
    }
    number <= u32::from(u16::MAX)
}

/// What stands between the brackets: an IPv6 address, or `"v" 1*HEXDIG "." 1*(…)`.
fn is_ip_literal(inside: &[u8]) -> bool {
    if let [b'v' | b'V', rest @ ..] = inside {
        let mut parts = rest.splitn(2, |&byte| byte == b'.');
        let is_version = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit);
        let is_address = |text: &[u8]| {
            !text.is_empty()
                && text
                    .iter()
                    .all(|&b| is_name_byte(b) || b == b':' || b == b',')
        };
        return parts.next().is_some_and(is_version) && parts.next().is_some_and(is_address);
    }
    std::str::from_utf8(inside).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}
