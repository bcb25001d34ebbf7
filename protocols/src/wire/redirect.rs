//! What a redirect asks for (RFC 9110 sections 10.2.2 and 15.4), and the resolution of references
//! (RFC 3986 section 5), which `iri-string` does.
//!
//! Whether it is followed, how often, and what is sent along is the client's business.

use http::header::{self, HeaderName};
use http::{Method, StatusCode, Uri};
use iri_string::types::{UriAbsoluteStr, UriReferenceStr};

/// The method of the request that a redirect asks for; `None` if the status is none to follow by
/// oneself.
///
/// | status | RFC 9110 | method |
/// |---|---|---|
/// | 301, 302 | 15.4.2, 15.4.3 | GET instead of POST, as everybody does; else the same |
/// | 303 | 15.4.4 | GET; HEAD stays |
/// | 307, 308 | 15.4.8, 15.4.9 | the same |
/// | 300, 304, 305, 306 | 15.4.1, 15.4.5 to 15.4.7 | none: there is a choice to make, or nothing to go to |
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::redirected_method;
/// use http::{Method, StatusCode};
///
/// let method = |status, method| redirected_method(status, &method);
/// assert_eq!(method(StatusCode::FOUND, Method::POST), Some(Method::GET));
/// assert_eq!(method(StatusCode::TEMPORARY_REDIRECT, Method::POST), Some(Method::POST));
/// assert_eq!(method(StatusCode::NOT_MODIFIED, Method::GET), None);
/// ```
pub fn redirected_method(status: StatusCode, method: &Method) -> Option<Method> {
    match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if *method == Method::POST => {
            Some(Method::GET)
        }
        StatusCode::SEE_OTHER if *method != Method::HEAD => Some(Method::GET),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Some(method.clone()),
        _ => None,
    }
}

/// Whether a field describes the content of a request, and so goes when the content does
/// (RFC 9110 section 15.4).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::is_content_field;
/// use http::header;
///
/// // A POST that becomes a GET leaves them behind.
/// assert!(is_content_field(&header::CONTENT_TYPE) && !is_content_field(&header::ACCEPT));
/// ```
pub fn is_content_field(name: &HeaderName) -> bool {
    let described = [
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_LOCATION,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::LAST_MODIFIED,
        header::EXPECT,
    ];
    described.contains(name) || matches!(name.as_str(), "digest" | "content-digest" | "repr-digest")
}

/// Whether a field is meant for one origin, and must not be sent to another one that a redirect names
/// (RFC 9110 sections 15.4 and 17.16.3): credentials, cookies, and what the field `Origin` says.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::is_origins_own;
/// use http::header;
///
/// assert!(is_origins_own(&header::AUTHORIZATION) && is_origins_own(&header::COOKIE));
/// assert!(!is_origins_own(&header::USER_AGENT));
/// ```
pub fn is_origins_own(name: &HeaderName) -> bool {
    [
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::COOKIE,
        header::ORIGIN,
    ]
    .contains(name)
        || *name == "cookie2"
}

/// Why a reference leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceFault {
    /// It is no URI reference (RFC 3986 section 4.1).
    Invalid,
    /// It resolves to what an `http::Uri` cannot hold: beyond 65,534 bytes.
    TooLong,
}

/// Resolves a reference, such as that of a `Location` field, against the URI it came from (RFC 3986
/// section 5.2). A fragment is cut off: it is not sent.
///
/// Spaces and bytes beyond ASCII, which some servers send as they are, are percent-encoded first, as
/// browsers do.
///
/// # Errors
///
/// [`ReferenceFault`].
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::resolve_reference;
/// use http::Uri;
///
/// let base = Uri::from_static("http://a/b/c/d;p?q");
/// assert_eq!(resolve_reference(&base, b"../g?y#s")?, "http://a/b/g?y");
/// assert_eq!(resolve_reference(&base, b"//other/x")?, "http://other/x");
/// # Ok::<(), eventlet_protocols::wire::ReferenceFault>(())
/// ```
pub fn resolve_reference(base: &Uri, reference: &[u8]) -> Result<Uri, ReferenceFault> {
    let mut text = String::with_capacity(reference.len());
    for &byte in reference {
        match byte {
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    let base = base.to_string();
    let base = UriAbsoluteStr::new(&base).map_err(|_| ReferenceFault::Invalid)?;
    let reference = UriReferenceStr::new(&text).map_err(|_| ReferenceFault::Invalid)?;
    let resolved = reference.resolve_against(base).to_string();
    let without_fragment = resolved.split('#').next().unwrap_or_default();
    without_fragment
        .parse()
        .map_err(|_| ReferenceFault::TooLong)
}
