//! The verbs as functions: one call, one connection, which is closed afterwards.
//!
//! Who asks a host more than once is better served by an [`Agent`].

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::agent::Agent;
use super::body::Body;
use super::config::Config;
use super::error::Error;
use super::response_body::ResponseBody;

/// An agent that keeps nothing.
pub(super) fn once() -> Agent {
    let mut config = Config::new();
    config.idle_per_host = 0;
    Agent::with_config(config)
}

/// The body at a URL; see [`Agent::get`].
///
/// # Errors
///
/// As there.
pub fn get(url: &str) -> Result<Bytes, Error> {
    once().get(url)
}

/// The fields at a URL; see [`Agent::head`].
///
/// # Errors
///
/// As there.
pub fn head(url: &str) -> Result<HeaderMap, Error> {
    once().head(url)
}

/// Puts a body at a URL; see [`Agent::put`].
///
/// # Errors
///
/// As there.
///
/// # Examples
///
/// ```
/// # use eventlet_green::net::TcpListener;
/// # use eventlet_protocols::server::{Body, RequestBody, Server};
/// # use http::{Request, Response};
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let url = format!("http://{}/", listener.local_addr()?);
/// # eventlet_green::spawn(move || {
/// #     let echo = |request: Request<RequestBody>| Response::new(Body::reader(request.into_body()));
/// #     Server::new(echo).serve(listener)
/// # });
/// use eventlet_protocols::client;
///
/// assert_eq!(client::put(&url, "a new page")?, "a new page");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn put(url: &str, body: impl Into<Body>) -> Result<Bytes, Error> {
    once().put(url, body)
}

/// Posts a body to a URL; see [`Agent::post`].
///
/// # Errors
///
/// As there.
pub fn post(url: &str, body: impl Into<Body>) -> Result<Bytes, Error> {
    once().post(url, body)
}

/// Deletes what is at a URL; see [`Agent::delete`].
///
/// # Errors
///
/// As there.
///
/// # Examples
///
/// ```
/// # use eventlet_green::net::TcpListener;
/// # use eventlet_protocols::server::{Body, Server};
/// # use http::Response;
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let url = format!("http://{}/", listener.local_addr()?);
/// # eventlet_green::spawn(move || {
/// #     Server::new(|_| Response::builder().status(204).body(Body::empty()).unwrap()).serve(listener)
/// # });
/// use eventlet_protocols::client;
///
/// assert!(client::delete(&url)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn delete(url: &str) -> Result<Bytes, Error> {
    once().delete(url)
}

/// Sends a request and gives the response, whatever its status; see [`Agent::request`].
///
/// # Errors
///
/// As there.
pub fn request(request: Request<Body>) -> Result<Response<ResponseBody>, Error> {
    once().request(request)
}
