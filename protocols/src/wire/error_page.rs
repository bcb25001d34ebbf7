//! What is sent when there is no handler to answer: a status with a line of plain text.
//!
//! Plain text, and nothing of what the peer sent: there is nothing to escape and nothing to leak.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use super::connection::ConnectionField;
use super::date::DateText;
use super::framing::LengthField;
use super::refusal::Refusal;
use super::response_writer::{NameCase, ResponseHead, reason_phrase};

/// The type of an error page.
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A response for a status, with an optional sentence that explains it.
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use eventlet_protocols::wire::error_page;
///
/// let page = error_page(StatusCode::NOT_FOUND, None);
/// assert_eq!(page.status(), 404);
/// assert_eq!(page.body(), "404 Not Found\n");
/// ```
pub fn error_page(status: StatusCode, detail: Option<&str>) -> Response<Bytes> {
    let mut response = Response::new(page_text(status, detail).into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, PLAIN);
    response
}

/// The response for a request that is refused.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{refusal_page, Refusal};
///
/// let page = refusal_page(Refusal::HostMissing);
/// assert_eq!(page.body(), "400 Bad Request: an HTTP/1.1 request needs a Host field\n");
/// ```
pub fn refusal_page(refusal: Refusal) -> Response<Bytes> {
    error_page(refusal.status(), Some(refusal.explain()))
}

/// Appends a whole response, `Connection: close` included, for a request that is refused; returns
/// the length of its body, for the access log. After sending it the connection is closed.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{write_refusal, Refusal};
///
/// let mut out = Vec::new();
/// let length = write_refusal(Refusal::UriTooLong, None, None, &mut out);
/// assert!(out.starts_with(b"HTTP/1.1 414 URI Too Long\r\n"));
/// assert_eq!(length, "414 URI Too Long: the request target is too long\n".len());
/// ```
pub fn write_refusal(
    refusal: Refusal,
    date: Option<&DateText>,
    server: Option<&HeaderValue>,
    out: &mut Vec<u8>,
) -> usize {
    write_error(refusal.status(), Some(refusal.explain()), date, server, out)
}

/// As [`write_refusal`], for any status and text: a deadline, or a handler that panicked before it
/// answered.
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use eventlet_protocols::wire::write_error;
///
/// let mut out = Vec::new();
/// write_error(StatusCode::REQUEST_TIMEOUT, Some("no head came in time"), None, None, &mut out);
/// assert!(out.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
/// ```
pub fn write_error(
    status: StatusCode,
    detail: Option<&str>,
    date: Option<&DateText>,
    server: Option<&HeaderValue>,
    out: &mut Vec<u8>,
) -> usize {
    let text = page_text(status, detail);
    let mut fields = HeaderMap::with_capacity(1);
    fields.insert(header::CONTENT_TYPE, PLAIN);
    ResponseHead {
        status,
        fields: &fields,
        length: LengthField::ContentLength(text.len() as u64),
        connection: ConnectionField::Close,
        keep_alive_seconds: None,
        date,
        server,
        names: NameCase::Title,
    }
    .write_to(out);
    out.extend_from_slice(text.as_bytes());
    text.len()
}

fn page_text(status: StatusCode, detail: Option<&str>) -> String {
    let (code, phrase) = (status.as_str(), reason_phrase(status));
    let space = if phrase.is_empty() { "" } else { " " };
    match detail {
        Some(detail) => format!("{code}{space}{phrase}: {detail}\n"),
        None => format!("{code}{space}{phrase}\n"),
    }
}
