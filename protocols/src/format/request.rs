//! Reading a request's body as a value: under a limit, with an answer ready for each thing that can
//! be wrong.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::{Load, LoadError, essence};
use crate::server::{Body, IntoResponse, RequestBody};
use crate::wire::{Refusal, error_page};

/// How many bytes of a body are held in memory to make a value of it, unless the caller says
/// otherwise: 2 MiB, far more than forms and calls of an interface have, and little enough that a
/// thousand of them fit.
pub const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Why a request's body is no value. As a response it is 400, 413 or 415 with a line that says why;
/// what the connection itself did wrong is answered by the server.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::BodyError;
/// use eventlet_protocols::server::IntoResponse;
///
/// let response = BodyError::TooLarge { limit: 100 }.into_response();
/// assert_eq!(response.status(), 413);
/// ```
///
/// ```
/// use eventlet_protocols::format::BodyError;
///
/// let error = BodyError::TooLarge { limit: 1024 };
/// assert_eq!(error.status(), 413);
/// assert!(error.for_client().contains("1024"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// It has more bytes than are taken. 413.
    TooLarge {
        /// How many are.
        limit: usize,
    },
    /// It is said to be of another format, or nothing is said. 415.
    WrongType {
        /// What it is said to be.
        found: Option<HeaderValue>,
        /// What it should have been.
        wanted: HeaderValue,
    },
    /// It is no value of that format. 400.
    Malformed(LoadError),
    /// It could not be read to its end: see [`RequestBody`]. 400, or what the
    /// [`Refusal`] says; 408 if it did not come in time.
    Unreadable(io::Error),
}

impl BodyError {
    /// What it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::WrongType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            BodyError::Malformed(_) => StatusCode::BAD_REQUEST,
            BodyError::Unreadable(error) => match Refusal::found_in(error) {
                Some(refusal) => refusal.status(),
                None if error.kind() == io::ErrorKind::TimedOut => StatusCode::REQUEST_TIMEOUT,
                None => StatusCode::BAD_REQUEST,
            },
        }
    }

    /// A sentence that may be shown to the client: nothing of what it sent is repeated, but where
    /// a format says so itself ("expected value at line 1 column 1").
    pub fn for_client(&self) -> String {
        match self {
            BodyError::TooLarge { .. } => self.to_string(),
            BodyError::WrongType { wanted, .. } => {
                format!("the body must be {}", wanted.as_bytes().escape_ascii())
            }
            BodyError::Malformed(error) => match error.source() {
                Some(why) => format!("the body cannot be loaded: {why}"),
                None => "the body cannot be loaded".to_owned(),
            },
            BodyError::Unreadable(error) => match Refusal::found_in(error) {
                Some(refusal) => refusal.explain().to_owned(),
                None => "the body cannot be read".to_owned(),
            },
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::TooLarge { limit } => {
                write!(f, "the body has more than the {limit} bytes that are taken")
            }
            BodyError::WrongType { found, wanted } => {
                let wanted = wanted.as_bytes().escape_ascii();
                match found {
                    Some(found) => {
                        let found = found.as_bytes().escape_ascii();
                        write!(f, "the body is said to be {found}, and should be {wanted}")
                    }
                    None => write!(f, "the body is not said to be {wanted}"),
                }
            }
            BodyError::Malformed(error) => error.fmt(f),
            BodyError::Unreadable(error) => write!(f, "the body cannot be read: {error}"),
        }
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            BodyError::Malformed(error) => Some(error),
            BodyError::Unreadable(error) => Some(error),
            _ => None,
        }
    }
}

/// A page of one line: see [`BodyError::for_client`].
impl IntoResponse for BodyError {
    fn into_response(self) -> Response<Body> {
        error_page(self.status(), Some(&self.for_client())).into_response()
    }
}

/// Reads a whole body into memory. One that announces more than `limit` bytes is refused before a
/// byte is read, so that a client that asks first (`Expect: 100-continue`) does not send it.
///
/// # Errors
///
/// [`BodyError::TooLarge`], [`BodyError::Unreadable`].
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::{self, Error};
/// use eventlet_protocols::format::{BodyError, read_whole};
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{Request, Response};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// eventlet_green::spawn(move || {
///     let reverse = |request: Request<RequestBody>| -> Result<Response<Body>, BodyError> {
///         let mut bytes = read_whole(&mut request.into_body(), 8)?.to_vec();
///         bytes.reverse();
///         Ok(Response::new(Body::from(bytes)))
///     };
///     Server::new(reverse).serve(listener)
/// });
/// assert_eq!(client::post(&url, "stressed")?, "desserts");
/// let error = client::post(&url, "too long for it").unwrap_err();
/// assert_eq!(error.status().map(|status| status.as_u16()), Some(413));
/// # let _: Error = error;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_whole(body: &mut RequestBody, limit: usize) -> Result<Bytes, BodyError> {
    let announced = body.remaining();
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    let mut bytes = Vec::new();
    // One more than is taken, to see that there is more.
    let most = (limit as u64).saturating_add(1);
    body.take(most)
        .read_to_end(&mut bytes)
        .map_err(BodyError::Unreadable)?;
    if bytes.len() > limit {
        return Err(BodyError::TooLarge { limit });
    }
    Ok(bytes.into())
}

/// Reads a body of `limit` bytes at most as a value. It has to be [named](super::Format::is_named)
/// as one of the format (or to have no byte): a page of another site can make a browser send a form
/// or plain text without being asked, but nothing that is named otherwise.
///
/// # Errors
///
/// See [`BodyError`], which is a response, too.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{BodyError, Text, read_as};
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{Request, Response};
///
/// fn shout(request: Request<RequestBody>) -> Result<Response<Body>, BodyError> {
///     let (parts, mut body) = request.into_parts();
///     let text = read_as(&Text, &parts.headers, &mut body, 1000)?;
///     Ok(Response::new(text.to_uppercase().into()))
/// }
///
/// let server = Server::new(shout);
/// # drop(server);
/// ```
pub fn read_as<T, F: Load<T>>(
    format: &F,
    headers: &HeaderMap,
    body: &mut RequestBody,
    limit: usize,
) -> Result<T, BodyError> {
    let found = headers.get(CONTENT_TYPE);
    let is_named = found
        .and_then(essence)
        .is_some_and(|name| format.is_named(name));
    if !is_named && body.remaining() != Some(0) {
        return Err(BodyError::WrongType {
            found: found.cloned(),
            wanted: format.content_type(),
        });
    }
    let bytes = read_whole(body, limit)?;
    format.load(found, &bytes).map_err(BodyError::Malformed)
}
