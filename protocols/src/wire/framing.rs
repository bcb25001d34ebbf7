//! Which rule gives the length of a body (RFC 9112 section 6), for requests and for responses.
//!
//! Two parties that disagree about where a message ends can be made to take part of one request for
//! another (request smuggling, RFC 9112 section 11.2). So whatever could be read in two ways is
//! refused, also where the RFC would allow a guess:
//!
//! | request | RFC 9112 | here |
//! |---|---|---|
//! | neither field | no body | no body |
//! | `Content-Length` and `Transfer-Encoding` | 6.1, 6.3: may refuse | 400 |
//! | `Content-Length` as a list, or twice, even when equal | 6.3: may accept equal ones | 400 |
//! | `Content-Length` with a sign, empty, not decimal, beyond 64 bits | 6.3 | 400 |
//! | `Transfer-Encoding` in HTTP/1.0 | 6.1: faulty framing | 400 |
//! | codings that do not end in `chunked`, or have it twice, or have empty members | 6.3, 7.1 | 400 |
//! | another coding before the last `chunked` | 6.1 | 501 |
//!
//! Reading a body by its rule is the job of [`body`](super::body), writing one that of
//! [`response_body`](super::response_body).

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Version};

use super::refusal::Refusal;
use super::syntax::{is_tchar, list_members};

/// How the body of a request is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestFraming {
    /// No body: neither field, or `Content-Length: 0`.
    Empty,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks, and the last of them says that it is the last.
    Chunked,
}

/// How much a handler's body is going to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodySize {
    /// Exactly so many bytes; zero for an empty body.
    Known(u64),
    /// Not known before the last byte.
    Unknown,
}

/// The framing field of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthField {
    /// Neither field.
    Absent,
    /// `Content-Length: n`.
    ContentLength(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What of a response's body goes onto the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseFraming {
    /// Nothing, whatever the handler writes: HEAD, 1xx, 204, 205, 304, 2xx to CONNECT.
    Nothing,
    /// Exactly so many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Everything until the connection closes: unknown length to HTTP/1.0.
    UntilClose,
}

/// What to announce in a response's head and what to send after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResponsePlan {
    /// The field for the head.
    pub field: LengthField,
    /// The rule for the bytes.
    pub framing: ResponseFraming,
}

/// Collects the framing fields of a request while its head is read.
#[derive(Debug, Default)]
pub(crate) struct FramingFields {
    length: Option<u64>,
    coding: Option<LastCoding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastCoding {
    /// `chunked`, once and last.
    Chunked,
    /// `chunked` after codings we cannot undo.
    UnknownThenChunked,
    /// Something else, so far.
    Other,
    /// Nothing that follows can mend it.
    Broken,
}

impl FramingFields {
    pub(crate) fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.length.is_some() {
            return Err(Refusal::LengthRepeated);
        }
        self.length = Some(parse_length(value).ok_or(Refusal::LengthInvalid)?);
        Ok(())
    }

    pub(crate) fn transfer_encoding(&mut self, value: &[u8]) {
        for member in list_members(value) {
            self.coding = Some(match (self.coding, coding_of(member)) {
                (Some(LastCoding::Broken), _) | (_, Coding::Malformed) => LastCoding::Broken,
                (None, Coding::Chunked) => LastCoding::Chunked,
                (Some(LastCoding::Other), Coding::Chunked) => LastCoding::UnknownThenChunked,
                (None | Some(LastCoding::Other), Coding::Unknown) => LastCoding::Other,
                // Anything after chunked: chunked is not last, or is applied twice.
                (Some(LastCoding::Chunked | LastCoding::UnknownThenChunked), _) => {
                    LastCoding::Broken
                }
            });
        }
    }

    pub(crate) fn finish(self, version: Version) -> Result<RequestFraming, Refusal> {
        match (self.coding, self.length) {
            (Some(_), Some(_)) => Err(Refusal::LengthAndCoding),
            (Some(_), None) if version < Version::HTTP_11 => Err(Refusal::CodingInOldVersion),
            (Some(LastCoding::Chunked), None) => Ok(RequestFraming::Chunked),
            (Some(LastCoding::UnknownThenChunked), None) => Err(Refusal::CodingUnknown),
            (Some(_), None) => Err(Refusal::CodingNotChunked),
            (None, Some(0) | None) => Ok(RequestFraming::Empty),
            (None, Some(length)) => Ok(RequestFraming::Length(length)),
        }
    }
}

/// Which rule delimits the body of a request with these fields.
///
/// The head parser has done this already
/// ([`RequestHead::framing`](super::RequestHead::framing)); this form is for fields that came
/// another way.
///
/// # Errors
///
/// One of the refusals of the table in the [module's head](self); the connection must be closed.
///
/// # Examples
///
/// ```
/// use http::{header, HeaderMap, HeaderValue, Version};
/// use eventlet_protocols::wire::{request_framing, Refusal, RequestFraming};
///
/// let mut fields = HeaderMap::new();
/// fields.insert(header::CONTENT_LENGTH, HeaderValue::from_static("5"));
/// assert_eq!(request_framing(Version::HTTP_11, &fields), Ok(RequestFraming::Length(5)));
///
/// fields.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
/// assert_eq!(request_framing(Version::HTTP_11, &fields), Err(Refusal::LengthAndCoding));
/// ```
pub fn request_framing(version: Version, fields: &HeaderMap) -> Result<RequestFraming, Refusal> {
    let mut collected = FramingFields::default();
    for value in fields.get_all(TRANSFER_ENCODING) {
        collected.transfer_encoding(value.as_bytes());
    }
    for value in fields.get_all(CONTENT_LENGTH) {
        collected.content_length(value.as_bytes())?;
    }
    collected.finish(version)
}

/// How to frame the response to a request (RFC 9110 section 8.6, RFC 9112 sections 6.1 to 6.3).
///
/// `fields` are those the handler set. Its own `Content-Length` counts only where it cannot
/// contradict what is sent: a body of known size wins over it; with an unknown size it is taken as
/// a promise that [`BodyWriter`](super::BodyWriter) enforces; for HEAD and 304, which send no body,
/// it is what a GET would have said. One that is no number, or stands there twice, is left out.
///
/// | response | field | bytes |
/// |---|---|---|
/// | 1xx, 204, 2xx to CONNECT | none | nothing |
/// | 205 | `Content-Length: 0` | nothing |
/// | 304 | the handler's `Content-Length` | nothing |
/// | to HEAD | the size if known and not zero, else the handler's | nothing |
/// | known size | `Content-Length` | that many |
/// | unknown, handler's `Content-Length` | `Content-Length` | that many |
/// | unknown, to HTTP/1.1 | `Transfer-Encoding: chunked` | chunks |
/// | unknown, to HTTP/1.0 | none | until close |
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, Method, StatusCode, Version};
/// use eventlet_protocols::wire::{plan_response, BodySize, LengthField, ResponseFraming};
///
/// let plan = plan_response(
///     &Method::HEAD,
///     Version::HTTP_11,
///     StatusCode::OK,
///     &HeaderMap::new(),
///     BodySize::Known(13),
/// );
/// assert_eq!(plan.field, LengthField::ContentLength(13));
/// assert_eq!(plan.framing, ResponseFraming::Nothing);
/// ```
pub fn plan_response(
    method: &Method,
    version: Version,
    status: StatusCode,
    fields: &HeaderMap,
    size: BodySize,
) -> ResponsePlan {
    let nothing = |field| ResponsePlan {
        field,
        framing: ResponseFraming::Nothing,
    };
    let promised =
        || declared_length(fields).map_or(LengthField::Absent, LengthField::ContentLength);
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        return nothing(LengthField::Absent);
    }
    if *method == Method::CONNECT && status.is_success() {
        return nothing(LengthField::Absent);
    }
    if status == StatusCode::RESET_CONTENT {
        return nothing(LengthField::ContentLength(0));
    }
    if status == StatusCode::NOT_MODIFIED {
        return nothing(promised());
    }
    if *method == Method::HEAD {
        return nothing(match size {
            BodySize::Known(length) if length > 0 => LengthField::ContentLength(length),
            // An empty body may only mean that the handler knows HEAD needs none.
            _ => promised(),
        });
    }
    let (field, framing) = match size {
        BodySize::Known(n) => (LengthField::ContentLength(n), ResponseFraming::Length(n)),
        BodySize::Unknown => match declared_length(fields) {
            Some(n) => (LengthField::ContentLength(n), ResponseFraming::Length(n)),
            None if version >= Version::HTTP_11 => (LengthField::Chunked, ResponseFraming::Chunked),
            None => (LengthField::Absent, ResponseFraming::UntilClose),
        },
    };
    ResponsePlan { field, framing }
}

/// The one, valid `Content-Length` among these fields.
fn declared_length(fields: &HeaderMap) -> Option<u64> {
    let mut values = fields.get_all(CONTENT_LENGTH).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => parse_length(value.as_bytes()),
        _ => None,
    }
}

/// `1*DIGIT` that fits 64 bits.
pub(super) fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

enum Coding {
    Chunked,
    Unknown,
    Malformed,
}

/// What one member of `Transfer-Encoding` names. `chunked` has no parameters (RFC 9112 section
/// 7.1), and an empty member is refused: stricter than RFC 9110 section 5.6.1.2, since parsers are
/// known to disagree on it.
fn coding_of(member: &[u8]) -> Coding {
    if member.eq_ignore_ascii_case(b"chunked") {
        return Coding::Chunked;
    }
    let name_end = member.iter().position(|&byte| !is_tchar(byte));
    let (name, rest) = member.split_at(name_end.unwrap_or(member.len()));
    let has_parameters = matches!(rest.first(), None | Some(b';' | b' ' | b'\t'));
    if name.is_empty() || !has_parameters || name.eq_ignore_ascii_case(b"chunked") {
        return Coding::Malformed;
    }
    Coding::Unknown
}
