//! What the program gives the server: a function from a request to a response.

use std::fmt::Display;
use std::io;

use http::{Request, Response, StatusCode};

use super::body::Body;
use super::request_body::RequestBody;
use super::shortcut::Shortcut;
use crate::wire::{Refusal, error_page, refusal_page};

/// Answers requests. Every function from a request to something that is [`IntoResponse`] is one.
///
/// It runs in a coroutine of the connection's and may wait like any code; other connections go on
/// meanwhile. If it panics, the client gets 500 and the connection is closed; others do not notice.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::{Body, Handler, RequestBody, Server};
/// use http::{Request, Response};
///
/// /// Says no to those without a key, and asks another handler for the others.
/// struct Guarded<H>(H);
///
/// impl<H: Handler> Handler for Guarded<H> {
///     fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
///         match request.headers().contains_key("x-key") {
///             true => self.0.handle(request),
///             false => Response::builder().status(403).body(Body::empty()).unwrap(),
///         }
///     }
/// }
///
/// let server = Server::new(Guarded(|_: Request<RequestBody>| Response::new(Body::from("hello"))));
/// # drop(server);
/// ```
pub trait Handler: 'static {
    /// Answers one request.
    fn handle(&self, request: Request<RequestBody>) -> Response<Body>;

    /// Who may answer simple requests before a request is made of them; see [`Shortcut`]. Nobody, unless
    /// the handler says otherwise: one that wraps another, to guard it, is not to be passed by.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::{Body, Handler, RequestBody, Shortcut};
    /// use http::{HeaderValue, Request, Response, header};
    ///
    /// /// Forbids to keep what another handler says, but for what that answers by its shortcut.
    /// struct Fresh<H>(H);
    ///
    /// impl<H: Handler> Handler for Fresh<H> {
    ///     fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
    ///         let mut response = self.0.handle(request);
    ///         let never = HeaderValue::from_static("no-store");
    ///         response.headers_mut().insert(header::CACHE_CONTROL, never);
    ///         response
    ///     }
    ///
    ///     fn shortcut(&self) -> Option<&dyn Shortcut> {
    ///         self.0.shortcut()
    ///     }
    /// }
    ///
    /// let hello = |_: Request<RequestBody>| Response::new(Body::from("hello"));
    /// assert!(Fresh(hello).shortcut().is_none(), "a function has none");
    /// ```
    fn shortcut(&self) -> Option<&dyn Shortcut> {
        None
    }
}

impl<F, R> Handler for F
where
    F: Fn(Request<RequestBody>) -> R + 'static,
    R: IntoResponse,
{
    fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        self(request).into_response()
    }
}

/// What a handler may return.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::{Body, IntoResponse};
/// use http::Response;
/// use std::io;
///
/// struct Teapot;
///
/// impl IntoResponse for Teapot {
///     fn into_response(self) -> Response<Body> {
///         Response::builder().status(418).body(Body::from("short and stout\n")).unwrap()
///     }
/// }
///
/// assert_eq!(Teapot.into_response().status(), 418);
/// let failed: Result<Response<Body>, io::Error> = Err(io::Error::other("no disk"));
/// assert_eq!(failed.into_response().status(), 500); // Why, stands on standard error.
/// ```
pub trait IntoResponse {
    /// As a response.
    fn into_response(self) -> Response<Body>;
}

impl<B: Into<Body>> IntoResponse for Response<B> {
    fn into_response(self) -> Response<Body> {
        self.map(Into::into)
    }
}

/// An error is a response like any other.
impl<R: IntoResponse, E: IntoResponse> IntoResponse for Result<R, E> {
    fn into_response(self) -> Response<Body> {
        match self {
            Ok(response) => response.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

/// It is written to standard error, and the client gets 500 without its text. One of the request's
/// body is the client's, and is answered as its [`Refusal`] says.
impl IntoResponse for io::Error {
    fn into_response(self) -> Response<Body> {
        match Refusal::found_in(&self) {
            Some(refusal) => refusal_page(refusal).map(Body::from),
            None => failure(&self),
        }
    }
}

fn failure(error: &dyn Display) -> Response<Body> {
    eprintln!("eventlet: a handler failed: {error}");
    error_page(StatusCode::INTERNAL_SERVER_ERROR, None).map(Body::from)
}
