//! What a site's values become: text, bytes, a stream, or a whole response.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, response};

use crate::server::Body;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The content of a site's response.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::site::Content;
///
/// let page: Content = "<h1>hello</h1>".into();
/// let picture: Content = vec![0x89, b'P', b'N', b'G'].into();
/// # let _ = (page, picture);
/// ```
///
/// ```
/// use eventlet_protocols::gateway::site::Content;
/// use eventlet_protocols::server::Body;
///
/// assert!(matches!(Content::from("<p>hello"), Content::Text(_)));
/// assert!(matches!(Content::from(vec![0, 1, 2]), Content::Bytes(_)));
/// let long = Body::reader(std::io::repeat(b'.'));
/// assert!(matches!(Content::from(long), Content::Body(_)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Content {
    /// Text: `text/html` unless the site has said otherwise. The charset is added to a type that
    /// has none, and is UTF-8.
    Text(String),
    /// Bytes: `application/octet-stream` unless the site has said otherwise.
    Bytes(Bytes),
    /// Whatever a body can be, as it is.
    Body(Body),
    /// A response of its own, of `Files` perhaps. The status that the site has set is not looked
    /// at; of its fields those are added that the response has not.
    Response(Box<Response<Body>>),
}

impl Content {
    /// With the status and the fields that the site has set.
    pub(super) fn into_response_with(self, head: response::Parts) -> Response<Body> {
        let (body, default) = match self {
            Content::Text(text) => (Body::from(text), Some(HTML)),
            Content::Bytes(bytes) => (Body::from(bytes), Some(OCTETS)),
            Content::Body(body) => {
                return Response::from_parts(head, body);
            }
            Content::Response(mut response) => {
                for name in head.headers.keys() {
                    if response.headers().contains_key(name) {
                        continue;
                    }
                    for value in head.headers.get_all(name) {
                        response.headers_mut().append(name, value.clone());
                    }
                }
                return *response;
            }
        };
        let is_text = default == Some(HTML);
        let mut response = Response::from_parts(head, body);
        let headers = response.headers_mut();
        match headers.get(CONTENT_TYPE) {
            Some(given) if is_text => {
                if let Some(with_charset) = with_charset(given) {
                    headers.insert(CONTENT_TYPE, with_charset);
                }
            }
            Some(_) => {}
            None => headers.extend(default.map(|default| (CONTENT_TYPE, default))),
        }
        response
    }
}

/// The type with its charset, if it has none.
fn with_charset(content_type: &HeaderValue) -> Option<HeaderValue> {
    let text = content_type.to_str().ok()?;
    let mut parameters = text.split(';').skip(1);
    let has_charset = parameters.any(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("charset")
    });
    if has_charset {
        return None;
    }
    HeaderValue::try_from(format!("{text}; charset=utf-8")).ok()
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Content::Text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Content::Text(text.to_owned())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Content::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Content::Bytes(bytes.into())
    }
}

impl From<Body> for Content {
    fn from(body: Body) -> Self {
        Content::Body(body)
    }
}

impl From<Response<Body>> for Content {
    fn from(response: Response<Body>) -> Self {
        Content::Response(Box::new(response))
    }
}
