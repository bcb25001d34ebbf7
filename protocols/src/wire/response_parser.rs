//! Parsing the head of a response (RFC 9112 sections 4 and 5), and how its body is delimited
//! (section 6.3), from the bytes that have come.
//!
//! `httparse` does the reading; the head is copied once, and all field values share that copy. Lines
//! are held to what is held of a request's, but for what RFC 9112 section 5.2 wants of a client:
//! obsolete folding is taken as spaces. The reason phrase may be missing with the space before it,
//! since section 4 has clients ignore it.
//!
//! | response | framing |
//! |---|---|
//! | to HEAD; 1xx, 204, 304; 2xx to CONNECT | nothing |
//! | `Transfer-Encoding: chunked` | chunks |
//! | another `Transfer-Encoding`, or one in HTTP/1.0, or beside `Content-Length` | a fault |
//! | `Content-Length`, once or repeated alike | so many bytes |
//! | `Content-Length`s that differ, or are no number | a fault |
//! | neither | until close |

use std::mem::MaybeUninit;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode, Version};
use httparse::Status;

use super::connection::ConnectionOptions;
use super::framing::{ResponseFraming, parse_length};
use super::head_faults::{ResponseWalk, walk_response};
use super::head_text::share_text;
use super::limits::Limits;
use super::progress::Progress;
use super::refusal::Refusal;
use super::response_fault::ResponseFault;
use super::syntax::list_members;

/// The head of a response, interim or final.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{Limits, ParsedResponse, ResponseParser};
/// use http::Method;
///
/// let head = |input: &[u8]| match ResponseParser::new(&Method::GET).parse(input, &Limits::default()) {
///     Ok(ParsedResponse::Complete { head, .. }) => head,
///     other => unreachable!("the head is whole and well: {other:?}"),
/// };
/// let hints = head(b"HTTP/1.1 103 Early Hints\r\n\r\n");
/// assert!(hints.is_interim(), "another one follows");
/// let last = head(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
/// assert!(!last.is_interim() && !last.keeps_alive());
/// assert_eq!(last.into_response("a body").body(), &"a body");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedHead {
    /// The status: 100 to 599.
    pub status: StatusCode,
    /// `HTTP_10` or `HTTP_11`.
    pub version: Version,
    /// The fields.
    pub headers: HeaderMap,
    /// How the body is delimited.
    pub framing: ResponseFraming,
    /// What the `Connection` field lists.
    pub connection: ConnectionOptions,
}

impl ReceivedHead {
    /// Whether it is an interim response, after which another comes (RFC 9110 section 15.2). 101 is
    /// final.
    pub fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// Whether the connection outlives this response, as far as the server is concerned
    /// (RFC 9112 section 9.3).
    pub fn keeps_alive(&self) -> bool {
        let is_kept = match self.version {
            Version::HTTP_11 => !self.connection.has_close(),
            _ => self.connection.has_keep_alive() && !self.connection.has_close(),
        };
        is_kept && self.framing != ResponseFraming::UntilClose
    }

    /// The response with a body.
    pub fn into_response<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.version_mut() = self.version;
        *response.headers_mut() = self.headers;
        response
    }
}

/// What a parse came to.
#[derive(Debug)]
pub enum ParsedResponse {
    /// The head goes on: read more, append it, and parse the whole again.
    Incomplete,
    /// The head is whole.
    Complete {
        /// Bytes of the input it took.
        consumed: usize,
        /// The head.
        head: ReceivedHead,
    },
}

/// Parses one head out of a growing buffer, and remembers how far it has looked.
///
/// Take a fresh one for each head, interim ones included. [`ParsedResponse::Incomplete`] comes only
/// while the buffer is within [`Limits::head`], so a buffer that is grown each time stays bounded.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{Limits, ParsedResponse, ResponseFraming, ResponseParser};
/// use http::Method;
///
/// let limits = Limits::default();
/// let mut parser = ResponseParser::new(&Method::GET);
/// let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// assert!(matches!(parser.parse(&bytes[..20], &limits)?, ParsedResponse::Incomplete));
/// let ParsedResponse::Complete { consumed, head } = parser.parse(bytes, &limits)? else {
///     unreachable!("the empty line is there");
/// };
/// assert_eq!(&bytes[consumed..], b"hello");
/// assert_eq!((head.status.as_u16(), head.framing), (200, ResponseFraming::Length(5)));
/// # Ok::<(), eventlet_protocols::wire::ResponseFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResponseParser {
    asked: Asked,
    progress: Progress,
}

/// What of the method decides on the body of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Head,
    Connect,
    Other,
}

/// Fields that are parsed without an allocation for the table of slices.
const SLOTS: usize = Limits::DEFAULT_FIELDS;

impl ResponseParser {
    /// A parser for a response to this method.
    pub fn new(method: &Method) -> Self {
        let asked = match *method {
            Method::HEAD => Asked::Head,
            Method::CONNECT => Asked::Connect,
            _ => Asked::Other,
        };
        ResponseParser {
            asked,
            progress: Progress::NONE,
        }
    }

    /// Parses the head at the beginning of `input`, which must begin with the same bytes at each
    /// call.
    ///
    /// # Errors
    ///
    /// A [`ResponseFault`], at the latest when the empty line has come. It is the same whether the
    /// head came in one piece or in many.
    pub fn parse(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<ParsedResponse, ResponseFault> {
        // The first bytes are always worth an attempt, to see whether it is HTTP at all.
        let is_start_seen = self.progress.tried >= STATUS_LINE_START;
        if !self.progress.is_worth_trying(input) && is_start_seen {
            // What is wrong already is said at once: there may never be an end of the line.
            self.check_size(input, limits)?;
            return Ok(ParsedResponse::Incomplete);
        }
        self.progress.tried = input.len();
        let parsed = attempt(self.asked, input, limits)?;
        if matches!(parsed, ParsedResponse::Incomplete) {
            self.check_size(input, limits)?;
        }
        Ok(parsed)
    }

    /// Finds the fault of what is too long already, whatever follows.
    fn check_size(&self, text: &[u8], limits: &Limits) -> Result<(), ResponseFault> {
        const RETURN: usize = "\r".len();
        let line = text.len() - self.progress.line_start;
        if text.len() <= limits.head && line <= limits.field + RETURN {
            return Ok(());
        }
        match walk_response(text, limits) {
            ResponseWalk::Fault(fault) => Err(fault),
            ResponseWalk::Incomplete | ResponseWalk::Complete => Ok(()),
        }
    }
}

/// `HTTP/1.1 200 `: the part of a status line that is looked at as it comes.
const STATUS_LINE_START: usize = "HTTP/1.1 200 ".len();

fn attempt(asked: Asked, text: &[u8], limits: &Limits) -> Result<ParsedResponse, ResponseFault> {
    let most = limits.fields_in_force();
    if most <= SLOTS {
        let mut slots = [const { MaybeUninit::uninit() }; SLOTS];
        return attempt_in(asked, text, limits, &mut slots[..most]);
    }
    let mut slots = vec![MaybeUninit::uninit(); most];
    attempt_in(asked, text, limits, &mut slots)
}

fn attempt_in<'t>(
    asked: Asked,
    text: &'t [u8],
    limits: &Limits,
    slots: &mut [MaybeUninit<httparse::Header<'t>>],
) -> Result<ParsedResponse, ResponseFault> {
    let mut response = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    match config.parse_response_with_uninit_headers(&mut response, text, slots) {
        Ok(Status::Complete(length)) => {
            let text = &text[..length];
            // It is more lenient than we are in places; the walk decides on those.
            match walk_response(text, limits) {
                ResponseWalk::Fault(fault) => Err(fault),
                ResponseWalk::Incomplete => Err(ResponseFault::Head(Refusal::HeadInvalid)),
                ResponseWalk::Complete => build(asked, &response, text),
            }
        }
        Ok(Status::Partial) => match walk_response(text, limits) {
            ResponseWalk::Fault(fault) => Err(fault),
            ResponseWalk::Incomplete | ResponseWalk::Complete => Ok(ParsedResponse::Incomplete),
        },
        Err(error) => match walk_response(text, limits) {
            ResponseWalk::Fault(fault) => Err(fault),
            ResponseWalk::Incomplete => Ok(ParsedResponse::Incomplete),
            ResponseWalk::Complete if error == httparse::Error::Version => {
                as_http11(asked, text, limits)
            }
            ResponseWalk::Complete => Err(ResponseFault::Head(Refusal::HeadInvalid)),
        },
    }
}

/// `HTTP/1.2` and up, which `httparse` does not take: read as HTTP/1.1 (RFC 9110 section 2.5).
fn as_http11(asked: Asked, text: &[u8], limits: &Limits) -> Result<ParsedResponse, ResponseFault> {
    const MINOR: usize = "HTTP/1.".len();
    if matches!(text[MINOR], b'0' | b'1') {
        return Err(ResponseFault::Head(Refusal::HeadInvalid));
    }
    let mut patched = text.to_vec();
    patched[MINOR] = b'1';
    attempt(asked, &patched, limits)
}

/// Makes a head of the slices of a parsed one; `text` is exactly that head.
fn build(
    asked: Asked,
    response: &httparse::Response<'_, '_>,
    text: &[u8],
) -> Result<ParsedResponse, ResponseFault> {
    let invalid = ResponseFault::Head(Refusal::HeadInvalid);
    let (Some(minor), Some(code)) = (response.version, response.code) else {
        return Err(invalid);
    };
    let status = StatusCode::from_u16(code).map_err(|_| ResponseFault::StatusInvalid)?;
    let version = match minor {
        0 => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    let offset_of = |part: &[u8]| part.as_ptr().addr() - text.as_ptr().addr();
    let shared = share_text(text);
    let mut headers = HeaderMap::with_capacity(response.headers.len());
    for field in &*response.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let name = name.map_err(|_| ResponseFault::Head(Refusal::FieldTooLarge))?;
        let start = offset_of(field.value);
        let value = if field.value.contains(&b'\n') {
            HeaderValue::from_bytes(&unfolded(field.value))
        } else {
            HeaderValue::from_maybe_shared(shared.slice(start..start + field.value.len()))
        };
        let value = value.map_err(|_| ResponseFault::Head(Refusal::FieldValueInvalid))?;
        let appended = headers.try_append(name, value);
        appended.map_err(|_| ResponseFault::Head(Refusal::FieldsTooMany))?;
    }
    let framing = framing_of(asked, status, version, &headers)?;
    Ok(ParsedResponse::Complete {
        consumed: text.len(),
        head: ReceivedHead {
            status,
            version,
            connection: ConnectionOptions::of(&headers),
            framing,
            headers,
        },
    })
}

/// A value whose line folds are spaces (RFC 9112 section 5.2).
fn unfolded(value: &[u8]) -> Vec<u8> {
    let space = |&byte: &u8| match byte {
        b'\r' | b'\n' => b' ',
        byte => byte,
    };
    value.iter().map(space).collect()
}

/// How a response is delimited; see the table in the [module's head](self).
fn framing_of(
    asked: Asked,
    status: StatusCode,
    version: Version,
    headers: &HeaderMap,
) -> Result<ResponseFraming, ResponseFault> {
    // Checked also where there is no body: a head that says two things is not to be trusted.
    let length = content_length(headers)?;
    let has_coding = headers.contains_key(header::TRANSFER_ENCODING);
    if has_coding && length.is_some() {
        return Err(ResponseFault::LengthAndCoding);
    }
    if has_coding && version < Version::HTTP_11 {
        return Err(ResponseFault::CodingInOldVersion);
    }
    let is_bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || asked == Asked::Head
        || (asked == Asked::Connect && status.is_success());
    if is_bodiless {
        return Ok(ResponseFraming::Nothing);
    }
    if has_coding {
        let mut codings = headers
            .get_all(header::TRANSFER_ENCODING)
            .iter()
            .flat_map(|value| list_members(value.as_bytes()));
        return match (codings.next(), codings.next()) {
            (Some(one), None) if one.eq_ignore_ascii_case(b"chunked") => {
                Ok(ResponseFraming::Chunked)
            }
            _ => Err(ResponseFault::CodingUnknown),
        };
    }
    Ok(match length {
        Some(length) => ResponseFraming::Length(length),
        None => ResponseFraming::UntilClose,
    })
}

/// The length all `Content-Length` fields agree on.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, ResponseFault> {
    let mut found = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        for member in list_members(value.as_bytes()) {
            let length = parse_length(member).ok_or(ResponseFault::LengthInvalid)?;
            if found.is_some_and(|found| found != length) {
                return Err(ResponseFault::LengthsDiffer);
            }
            found = Some(length);
        }
    }
    Ok(found)
}
