//! JSON (RFC 8259), through serde: the format, and a value that is a response.

use std::panic::resume_unwind;

use bytes::Bytes;
use eventlet_green::{Builder, JoinError, scope};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BodyError, BoxError, DEFAULT_BODY_LIMIT, Dump, Format, Load, read_as};
use crate::server::{Body, IntoResponse, RequestBody};

/// JSON. A body without a byte loads as `null` does: as `None`, as `()`, as
/// `serde_json::Value::Null`; for types that cannot be null it is an error.
///
/// A document that is nested more than 128 levels deep is an error; one of more than some levels is
/// read in a coroutine with a larger stack, for which the caller is parked.
///
/// Bodies named `application/json` and `application/…+json` are its own (RFC 6839 section 3.1).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{Dump, JsonFormat, Load};
///
/// let body = JsonFormat.dump(&("n", [1, 2]))?;
/// assert_eq!(body, r#"["n",[1,2]]"#);
/// let (name, numbers): (String, Vec<u8>) = JsonFormat.load(None, &body)?;
/// assert_eq!((&*name, &*numbers), ("n", &[1, 2][..]));
///
/// let nothing: Option<u8> = JsonFormat.load(None, b"")?;
/// assert_eq!(nothing, None);
/// let error = Load::<u8>::load(&JsonFormat, None, b"").unwrap_err();
/// assert!(error.to_string().contains("0 bytes of no type"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonFormat;

impl Format for JsonFormat {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/json")
    }

    fn is_named(&self, name: &str) -> bool {
        let Some((kind, subtype)) = name.split_once('/') else {
            return false;
        };
        let subtype = subtype.to_ascii_lowercase();
        kind.eq_ignore_ascii_case("application")
            && (subtype == "json" || subtype.ends_with("+json"))
    }
}

impl<T: Serialize + ?Sized> Dump<T> for JsonFormat {
    fn try_dump(&self, value: &T) -> Result<Bytes, BoxError> {
        Ok(serde_json::to_vec(value)?.into())
    }
}

impl<T: DeserializeOwned> Load<T> for JsonFormat {
    fn try_load(&self, body: &[u8]) -> Result<T, BoxError> {
        if body.is_empty()
            && let Ok(nothing) = serde_json::from_slice(b"null")
        {
            return Ok(nothing);
        }
        if is_deep(body) {
            return with_room(|| Ok(serde_json::from_slice(body)?));
        }
        Ok(serde_json::from_slice(body)?)
    }
}

/// How deep a document may be nested to be read on the stack of who asks. Documents that people
/// make are below it.
const SHALLOW: usize = 16;

/// The stack on which deeper ones are read. serde_json refuses more than 128 levels; with derived
/// types of some fields one takes up to 4 KiB where nothing is optimised, so there is four times as
/// much as that. It is address space, of which only what is used costs memory.
const ROOM: usize = 2 * 1024 * 1024;

/// Whether a document, well-formed or not, has more than [`SHALLOW`] brackets open at once.
fn is_deep(body: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            _ => continue,
        }
        if depth > SHALLOW {
            return true;
        }
    }
    false
}

/// Calls `f` where there is more of a stack than coroutines have: what a client sends must not be
/// able to overflow one, which would end the process.
fn with_room<T>(f: impl FnOnce() -> Result<T, BoxError>) -> Result<T, BoxError> {
    scope(|scope| {
        let reader = Builder::new().name("deep JSON").stack_size(ROOM);
        match reader.spawn_scoped(scope, f)?.join() {
            Ok(value) => value,
            Err(JoinError::Panicked(payload)) => resume_unwind(payload),
            Err(error) => Err(error.to_string().into()),
        }
    })
}

/// A value as JSON: what a handler returns, or what it reads of a request.
///
/// A value that has no form in JSON (a map whose keys are no strings) is written to standard error,
/// and the client gets 500.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{BodyError, Json};
/// use eventlet_protocols::server::{RequestBody, Server};
/// use http::Request;
///
/// fn double(request: Request<RequestBody>) -> Result<Json<Vec<i64>>, BodyError> {
///     let numbers: Vec<i64> = Json::read(request)?;
///     Ok(Json(numbers.iter().map(|n| n * 2).collect()))
/// }
///
/// let server = Server::new(double);
/// # drop(server);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Json<T> {
    /// Reads a request's body as JSON, of [`DEFAULT_BODY_LIMIT`] bytes at most;
    /// [`read_as`] takes another limit.
    ///
    /// # Errors
    ///
    /// As for [`read_as`]: returned from a handler, they are the fitting answers.
    pub fn read(request: Request<RequestBody>) -> Result<T, BodyError> {
        let (parts, mut body) = request.into_parts();
        read_as(&JsonFormat, &parts.headers, &mut body, DEFAULT_BODY_LIMIT)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response<Body> {
        match JsonFormat.dump(&self.0) {
            Ok(bytes) => {
                let mut response = Response::new(Body::from(bytes));
                let name = JsonFormat.content_type();
                response.headers_mut().insert(CONTENT_TYPE, name);
                response
            }
            Err(error) => std::io::Error::other(error).into_response(),
        }
    }
}
