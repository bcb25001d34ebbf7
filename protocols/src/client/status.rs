//! A status that was not to be: the response as an error, with what of its body was kept.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::format::{Load, LoadError};
use crate::wire::reason_phrase;

/// A response whose status does not count as success, as an error: what was asked, and the response
/// with the beginning of its body.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::{self, Error};
/// use eventlet_protocols::server::{Body, Server};
/// use http::{Response, StatusCode};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// eventlet_green::spawn(move || {
///     let gone = |_| Response::builder().status(410).body(Body::from("it left\n")).unwrap();
///     Server::new(gone).serve(listener)
/// });
/// let error = client::get(&format!("http://{address}/")).unwrap_err();
/// let Error::Status(error) = error else { panic!("{error}") };
/// assert_eq!(error.status(), StatusCode::GONE);
/// assert_eq!(&error.body()[..], b"it left\n");
/// assert!(error.to_string().ends_with("410 Gone: it left"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::{self, Error};
/// use eventlet_protocols::format::Text;
/// use eventlet_protocols::server::{Body, Server};
/// use http::{Method, Response};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/cup", listener.local_addr()?);
/// eventlet_green::spawn(move || {
///     let teapot = |_| Response::builder().status(418).body(Body::from("short and stout")).unwrap();
///     Server::new(teapot).serve(listener)
/// });
/// let Err(Error::Status(error)) = client::get(&url) else { panic!("it is a teapot") };
/// assert_eq!((error.method(), error.uri().path()), (&Method::GET, "/cup"));
/// assert_eq!(error.headers()["content-length"], "15");
/// let text: String = error.load(&Text)?; // As JSON, where the interface says so what is wrong.
/// assert_eq!(text, "short and stout");
/// assert!(!error.is_body_cut());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StatusError {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) is_cut: bool,
}

impl StatusError {
    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The URL, after redirects that were followed.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The fields of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, or its [beginning](super::Config::error_body).
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as a value: many interfaces say so what is wrong.
    ///
    /// # Errors
    ///
    /// It is no such value, or is [cut](Self::is_body_cut).
    pub fn load<T>(&self, format: &impl Load<T>) -> Result<T, LoadError> {
        format.load(self.headers.get(CONTENT_TYPE), &self.body)
    }

    /// Whether there was more of the body than was kept, or its rest did not come.
    pub fn is_body_cut(&self) -> bool {
        self.is_cut
    }
}

/// How much of a body is shown in a message.
const SHOWN: usize = 200;

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.status.as_u16();
        write!(f, "{} {}: {code}", self.method, self.uri)?;
        match reason_phrase(self.status) {
            "" => {}
            phrase => write!(f, " {phrase}")?,
        }
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        // One line, whatever the server sent.
        let shown: String = text.chars().take(SHOWN).collect();
        write!(f, ": {}", shown.escape_debug())?;
        if shown.len() < text.len() || self.is_cut {
            f.write_str("…")?;
        }
        Ok(())
    }
}

impl std::error::Error for StatusError {}
