//! The name of a format within a `Content-Type` field (RFC 9110 section 8.3).
//!
//! Only type and subtype: parameters, of which `charset` is the one in use, are the format's business.

use http::HeaderValue;

/// Type and subtype of a `Content-Type`, without parameters and the white space around: `None` if
/// it has not the shape `type/subtype`.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::essence;
/// use http::HeaderValue;
///
/// let html = HeaderValue::from_static("text/html; charset=utf-8");
/// assert_eq!(essence(&html), Some("text/html"));
/// assert_eq!(essence(&HeaderValue::from_static("html")), None);
/// ```
pub fn essence(content_type: &HeaderValue) -> Option<&str> {
    let text = content_type.to_str().ok()?;
    let name = text.split(';').next()?.trim();
    let (kind, subtype) = name.split_once('/')?;
    let is_token = |token: &str| {
        !token.is_empty()
            && token
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b',')
    };
    (is_token(kind) && is_token(subtype)).then_some(name)
}
