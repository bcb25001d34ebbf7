//! Percent-decoding (RFC 3986 section 2.1) and the pairs of a query, as forms send them
//! (`application/x-www-form-urlencoded`, WHATWG URL section 5).
//!
//! Tolerant: a `%` that begins no escape stays as it is, and bytes that are no UTF-8 become U+FFFD.
//! Nothing here checks that a decoded path is safe to use as a file name: it may hold `/`, `..` and
//! NUL.

use std::borrow::Cow;

/// Decodes `%HH`; a `+` stays a plus, as it must in a path.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::percent_decode;
///
/// assert_eq!(&*percent_decode("/a%20b+c"), b"/a b+c");
/// assert_eq!(&*percent_decode("100%"), b"100%");
/// ```
pub fn percent_decode(text: &str) -> Cow<'_, [u8]> {
    decode(text.as_bytes(), Plus::Literal)
}

/// As [`percent_decode`], to text.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::percent_decode_text;
///
/// assert_eq!(percent_decode_text("gr%C3%BCn"), "grün");
/// assert_eq!(percent_decode_text("%ff"), "\u{fffd}");
/// ```
pub fn percent_decode_text(text: &str) -> Cow<'_, str> {
    into_text(percent_decode(text))
}

/// The segments of a path, decoded: what stands between its slashes.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::path_segments;
///
/// let segments: Vec<_> = path_segments("/a%2Fb//c").collect();
/// assert_eq!(segments, ["a/b", "", "c"]);
/// ```
pub fn path_segments(path: &str) -> impl Iterator<Item = Cow<'_, str>> {
    path.strip_prefix('/')
        .unwrap_or(path)
        .split('/')
        .map(percent_decode_text)
}

/// The pairs of a query or of a form's body, decoded, in order; `+` is a space, a name without `=`
/// has an empty value, empty pairs are passed over.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::query_pairs;
///
/// let pairs: Vec<_> = query_pairs("n=3&q=a+b%26c&&flag").collect();
/// assert_eq!(pairs[0], ("n".into(), "3".into()));
/// assert_eq!(pairs[1], ("q".into(), "a b&c".into()));
/// assert_eq!(pairs[2], ("flag".into(), "".into()));
/// assert_eq!(pairs.len(), 3);
/// ```
pub fn query_pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(name), decode_form(value))
        })
}

/// The first value of a name in a query.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::query_value;
///
/// let query = http::Uri::from_static("/chunked?n=3&ms=20").query().map(str::to_owned);
/// let query = query.as_deref().unwrap_or("");
/// assert_eq!(query_value(query, "ms").as_deref(), Some("20"));
/// assert_eq!(query_value(query, "absent"), None);
/// ```
pub fn query_value<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    query_pairs(query).find_map(|(candidate, value)| (candidate == name).then_some(value))
}

/// What a `+` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Literal,
    Space,
}

fn decode_form(text: &str) -> Cow<'_, str> {
    into_text(decode(text.as_bytes(), Plus::Space))
}

fn decode(text: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    let is_special = |byte: &u8| *byte == b'%' || (*byte == b'+' && plus == Plus::Space);
    let Some(first) = text.iter().position(is_special) else {
        return Cow::Borrowed(text);
    };
    let mut decoded = Vec::with_capacity(text.len());
    decoded.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let [byte, after @ ..] = rest {
        rest = after;
        decoded.push(match (byte, after) {
            (b'+', _) if plus == Plus::Space => b' ',
            (b'%', [high, low, behind @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = behind;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => *byte,
        });
    }
    Cow::Owned(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

fn into_text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        },
    }
}
