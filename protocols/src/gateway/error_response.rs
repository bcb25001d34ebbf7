//! An error that is a response: a handler gives up where it stands, and the client gets this.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

use http::header::ALLOW;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::format::{BodyError, DumpError};
use crate::server::{Body, IntoResponse};
use crate::wire::{Refusal, error_page, reason_phrase};

/// An error that becomes a response: of this status, with these fields, and with a body that is a
/// line of text unless another one is given. What was set for a response that did not come to be
/// is not in it.
///
/// Made of an [`io::Error`] it is 500, and what went wrong is written to standard error, not told to
/// the client; so `?` works in a [`Site`](super::Site) and in functions that return it. An error of a
/// request's body is the client's, and is answered as its [`Refusal`] says.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::ErrorResponse;
/// use eventlet_protocols::server::{IntoResponse, RequestBody, Server};
/// use http::{Request, StatusCode};
///
/// fn whisper(request: Request<RequestBody>) -> Result<String, ErrorResponse> {
///     let name = request.uri().query().ok_or(ErrorResponse::not_found())?;
///     if name.len() > 10 {
///         return Err(ErrorResponse::new(StatusCode::BAD_REQUEST).explain("too loud"));
///     }
///     Ok(name.to_lowercase())
/// }
///
/// let server = Server::new(whisper);
/// # drop(server);
/// assert_eq!(ErrorResponse::not_found().to_string(), "404 Not Found");
/// ```
///
/// ```
/// use eventlet_protocols::gateway::ErrorResponse;
/// use http::HeaderValue;
/// use http::header::{CONTENT_TYPE, RETRY_AFTER};
///
/// assert_eq!(ErrorResponse::not_allowed("GET, HEAD").status(), 405);
/// assert_eq!(ErrorResponse::failed("the disk is full").status(), 500); // Told to standard error alone.
/// let busy = ErrorResponse::new(http::StatusCode::SERVICE_UNAVAILABLE)
///     .header(RETRY_AFTER, HeaderValue::from(30))
///     .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
///     .body(r#"{"error":"busy"}"#);
/// assert_eq!(busy.status(), 503);
/// ```
#[derive(Debug)]
#[must_use = "an error that is made is to be returned"]
pub struct ErrorResponse {
    // Behind a pointer, so that the `Result`s it stands in stay small.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    headers: HeaderMap,
    detail: Option<Cow<'static, str>>,
    /// Instead of the line of text.
    body: Option<Body>,
}

impl ErrorResponse {
    /// An error of this status, with a line of text that names it. Redirections are welcome, too.
    pub fn new(status: StatusCode) -> Self {
        ErrorResponse {
            inner: Box::new(Inner {
                status,
                headers: HeaderMap::new(),
                detail: None,
                body: None,
            }),
        }
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    /// 405 with the methods that are allowed, as `"GET, HEAD"`.
    pub fn not_allowed(methods: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, HeaderValue::from_static(methods))
    }

    /// 500; what went wrong is written to standard error.
    pub fn failed(error: impl fmt::Display) -> Self {
        eprintln!("eventlet: a handler failed: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Adds a sentence to the line of text. The client sees it.
    pub fn explain(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.inner.detail = Some(detail.into());
        self
    }

    /// Sets a field; the last one of a name counts.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.inner.headers.insert(name, value);
        self
    }

    /// Another body than the line of text. Its type is [`header`](Self::header)'s to say.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.inner.body = Some(body.into());
        self
    }

    /// The status it will have.
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response<Body> {
        let Inner {
            status,
            headers,
            detail,
            body,
        } = *self.inner;
        let mut response = match body {
            Some(body) => {
                let mut response = Response::new(body);
                *response.status_mut() = status;
                response
            }
            None => error_page(status, detail.as_deref()).into_response(),
        };
        // Names come with their first value only; one of our own at most is replaced.
        for (name, value) in &headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.inner.status;
        write!(f, "{} {}", status.as_str(), reason_phrase(status))?;
        match &self.inner.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl Error for ErrorResponse {}

impl From<StatusCode> for ErrorResponse {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

impl From<io::Error> for ErrorResponse {
    fn from(error: io::Error) -> Self {
        if let Some(refusal) = Refusal::found_in(&error) {
            return Self::new(refusal.status()).explain(refusal.explain());
        }
        Self::failed(error)
    }
}

impl From<DumpError> for ErrorResponse {
    fn from(error: DumpError) -> Self {
        Self::failed(error)
    }
}

/// 400, 408, 413 or 415: see [`BodyError`].
impl From<BodyError> for ErrorResponse {
    fn from(error: BodyError) -> Self {
        let status = error.status();
        Self::new(status).explain(error.for_client())
    }
}
