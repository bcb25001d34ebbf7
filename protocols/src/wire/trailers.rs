//! Trailer sections (RFC 9110 section 6.5, RFC 9112 section 7.1.2): collected, bounded, filtered.
//!
//! When the section begins is [`chunked`](super::chunked)'s to say. Nothing is allocated for a body
//! without trailers.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::limits::Limits;
use super::refusal::Refusal;
use super::response_writer::{NameCase, write_field};

/// Whether a field is dropped when it comes, or is to be sent, as a trailer.
///
/// RFC 9110 section 6.5.1 forbids fields for framing, routing, request modifiers, authentication,
/// response control and the processing of content: a trailer is too late for them, and whoever
/// merged it into the head would be fooled.
///
/// # Examples
///
/// ```
/// use http::header;
/// use eventlet_protocols::wire::is_forbidden_trailer;
///
/// assert!(is_forbidden_trailer(&header::CONTENT_LENGTH));
/// assert!(!is_forbidden_trailer(&header::ETAG));
/// ```
pub fn is_forbidden_trailer(name: &HeaderName) -> bool {
    /// Framing, connection and routing; modifiers; authentication; control; content.
    static FORBIDDEN: &[HeaderName] = &[
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
        header::CONNECTION,
        header::HOST,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::FORWARDED,
        header::MAX_FORWARDS,
        header::EXPECT,
        header::CACHE_CONTROL,
        header::PRAGMA,
        header::RANGE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
        header::WWW_AUTHENTICATE,
        header::COOKIE,
        header::SET_COOKIE,
        header::AGE,
        header::DATE,
        header::EXPIRES,
        header::LOCATION,
        header::RETRY_AFTER,
        header::VARY,
        header::WARNING,
        header::CONTENT_ENCODING,
        header::CONTENT_TYPE,
        header::CONTENT_RANGE,
    ];
    /// Fields of the same kinds that the `http` crate has no constant for.
    static FORBIDDEN_TEXT: &[&str] = &[
        "keep-alive",
        "proxy-connection",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ];
    FORBIDDEN.contains(name) || FORBIDDEN_TEXT.contains(&name.as_str())
}

/// Writes the end of a chunked body: the last chunk, the trailers, the empty line.
///
/// Fields that may not be trailers are left out.
///
/// # Examples
///
/// ```
/// use http::{header, HeaderMap, HeaderValue};
/// use eventlet_protocols::wire::write_last_chunk;
///
/// let mut trailers = HeaderMap::new();
/// trailers.insert(header::ETAG, HeaderValue::from_static("\"x\""));
/// trailers.insert(header::HOST, HeaderValue::from_static("elsewhere"));
/// let mut out = Vec::new();
/// write_last_chunk(&trailers, &mut out);
/// assert_eq!(out, b"0\r\nEtag: \"x\"\r\n\r\n");
/// ```
pub fn write_last_chunk(trailers: &HeaderMap, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        if !is_forbidden_trailer(name) {
            write_field(name, value, NameCase::Title, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Reads a trailer section, byte ranges at a time.
#[derive(Clone, Debug)]
pub(crate) struct TrailerReader {
    /// The lines so far, with their line ends, without the empty line that ends the section.
    lines: Vec<u8>,
    place: Place,
    /// Field lines so far.
    count: usize,
    /// Bytes of the section so far, line ends and empty line included.
    seen: usize,
    size_limit: usize,
    count_limit: usize,
    fields: HeaderMap,
}

/// Where in a line the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LineStart,
    Inside,
    /// After the CR of a field line.
    LineFeed,
    /// After the CR of the empty line.
    LastLineFeed,
}

impl TrailerReader {
    pub(crate) fn new(limits: &Limits) -> Self {
        TrailerReader {
            lines: Vec::new(),
            place: Place::LineStart,
            count: 0,
            seen: 0,
            size_limit: limits.trailers,
            count_limit: limits.trailer_fields.min(Limits::FIELDS_CEILING),
            fields: HeaderMap::new(),
        }
    }

    /// How many bytes belong to the section, and whether it is over.
    pub(crate) fn read(&mut self, input: &[u8]) -> Result<(usize, bool), Refusal> {
        for (at, &byte) in input.iter().enumerate() {
            match (self.place, byte) {
                (Place::LineStart, b'\r') => self.place = Place::LastLineFeed,
                (Place::LastLineFeed, b'\n') => {
                    self.finish()?;
                    return Ok((at + 1, true));
                }
                (Place::LineFeed, b'\n') => self.place = Place::LineStart,
                (Place::LineFeed | Place::LastLineFeed, _) | (_, b'\n') => {
                    return Err(Refusal::TrailerInvalid);
                }
                (Place::LineStart, _) => {
                    if self.count == self.count_limit {
                        return Err(Refusal::TrailersTooMany);
                    }
                    self.count += 1;
                    self.place = Place::Inside;
                }
                (Place::Inside, b'\r') => self.place = Place::LineFeed,
                (Place::Inside, _) => {}
            }
            // The CRLF of the empty line does not count: a body without trailers has it too.
            if self.place != Place::LastLineFeed {
                if self.seen == self.size_limit {
                    return Err(Refusal::TrailersTooLarge);
                }
                self.seen += 1;
                self.lines.push(byte);
            }
        }
        Ok((input.len(), false))
    }

    pub(crate) fn take(&mut self) -> HeaderMap {
        std::mem::take(&mut self.fields)
    }

    /// Turns the lines into fields.
    fn finish(&mut self) -> Result<(), Refusal> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let mut lines = std::mem::take(&mut self.lines);
        lines.extend_from_slice(b"\r\n");
        let mut slots = vec![httparse::EMPTY_HEADER; self.count];
        let parsed = httparse::parse_headers(&lines, &mut slots);
        let Ok(httparse::Status::Complete((_, found))) = parsed else {
            return Err(Refusal::TrailerInvalid);
        };
        for field in found {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            let value = HeaderValue::from_bytes(field.value);
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(Refusal::TrailerInvalid);
            };
            if !is_forbidden_trailer(&name) {
                // Bounded by `count_limit`, which the map can hold.
                self.fields.append(name, value);
            }
        }
        Ok(())
    }
}
