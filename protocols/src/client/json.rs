//! JSON as one call: [`get`], [`put`], [`post`], [`delete`], each on a connection of its own.
//!
//! Who asks a host more than once is better served by an agent: `agent.speaking(JsonFormat)`.
//!
//! ```
//! use eventlet_green::net::TcpListener;
//! use eventlet_protocols::client::json;
//! use eventlet_protocols::format::Json;
//! use eventlet_protocols::server::{RequestBody, Server};
//! use http::Request;
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("http://{}/", listener.local_addr()?);
//! eventlet_green::spawn(move || {
//!     let sum = |request: Request<RequestBody>| {
//!         Json::<Vec<i64>>::read(request).map(|numbers| Json(numbers.iter().sum::<i64>()))
//!     };
//!     Server::new(sum).serve(listener)
//! });
//! let sum: i64 = json::post(&url, &[1, 2, 3])?;
//! assert_eq!(sum, 6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::values::Speaking;
use super::verbs::once;
use crate::format::JsonFormat;

fn speaking() -> Speaking<JsonFormat> {
    once().speaking(JsonFormat)
}

/// The value at a URL; see [`Speaking::get`].
///
/// # Errors
///
/// As there.
pub fn get<T: DeserializeOwned>(url: &str) -> Result<T, Error> {
    speaking().get(url)
}

/// Puts a value at a URL, and gives that of the response; see [`Speaking::put`].
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
/// use eventlet_protocols::client::json;
///
/// let back: Vec<u32> = json::put(&url, &[1, 2, 3])?;
/// assert_eq!(back, [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn put<T: DeserializeOwned>(url: &str, value: &(impl Serialize + ?Sized)) -> Result<T, Error> {
    speaking().put(url, value)
}

/// Posts a value to a URL, and gives that of the response; see [`Speaking::post`].
///
/// # Errors
///
/// As there.
pub fn post<T: DeserializeOwned>(url: &str, value: &(impl Serialize + ?Sized)) -> Result<T, Error> {
    speaking().post(url, value)
}

/// Deletes what is at a URL; see [`Speaking::delete`].
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
/// # eventlet_green::spawn(move || Server::new(|_| Response::new(Body::empty())).serve(listener));
/// use eventlet_protocols::client::json;
///
/// json::delete(&url)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn delete(url: &str) -> Result<(), Error> {
    speaking().delete(url)
}
