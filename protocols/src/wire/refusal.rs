//! Why a request is not accepted, and the status to answer.
//!
//! One list for heads, framing and bodies, so that a server has one place that turns a refusal into
//! a response ([`error_page`](mod@super::error_page)). After any of them the connection is closed: once
//! one message was doubtful, where the next begins is a guess (RFC 9112 section 11.2).

use std::error::Error;
use std::fmt;
use std::io;

use http::StatusCode;

/// What was wrong with a request.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{HeadParser, Limits, Refusal};
///
/// let head = b"GET / HTTP/1.1\r\n\r\n";
/// let refusal = HeadParser::new().parse(head, &Limits::default()).unwrap_err();
/// assert_eq!(refusal, Refusal::HostMissing);
/// assert_eq!(refusal.status(), 400);
/// assert_eq!(refusal.explain(), "an HTTP/1.1 request needs a Host field");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    // The request line.
    /// More empty lines before the request line than [`Limits::empty_lines`](super::Limits).
    EmptyLinesTooMany,
    /// The method is no token (RFC 9110 section 5.6.2), or is not followed by one space.
    MethodInvalid,
    /// The method is longer than [`Limits::method`](super::Limits).
    MethodTooLong,
    /// The request target has a byte or a form that a URI cannot have (RFC 9112 section 3.2).
    TargetInvalid,
    /// `CONNECT` without `host:port`, `*` without `OPTIONS`, or `host:port` without `CONNECT`.
    TargetFormMismatch,
    /// The target is longer than [`Limits::uri`](super::Limits).
    UriTooLong,
    /// No `HTTP/d.d` where the version belongs (RFC 9112 section 2.3).
    VersionInvalid,
    /// A major version other than 1.
    VersionUnsupported,

    // The lines of a head.
    /// A line that ends in LF without CR (RFC 9112 section 2.2 lets a recipient refuse it).
    BareLineFeed,
    /// A CR without LF (RFC 9112 section 2.2).
    BareCarriageReturn,
    /// A line that begins with a space or tab: obsolete folding, or an indented first field
    /// (RFC 9112 sections 2.2 and 5.2).
    FieldFolded,
    /// A field name that is no token, or a line without a colon (RFC 9112 section 5).
    FieldNameInvalid,
    /// A space or tab between a field name and its colon (RFC 9112 section 5.1).
    FieldNameSpaced,
    /// A control character in a field value (RFC 9110 section 5.5).
    FieldValueInvalid,
    /// A field line longer than [`Limits::field`](super::Limits).
    FieldTooLarge,
    /// More field lines than [`Limits::fields`](super::Limits).
    FieldsTooMany,
    /// A head longer than [`Limits::head`](super::Limits).
    HeadTooLarge,
    /// A head the parser cannot read, for a reason none of the others name.
    HeadInvalid,

    // What the fields say.
    /// HTTP/1.1 without `Host` (RFC 9112 section 3.2).
    HostMissing,
    /// More than one `Host` (RFC 9112 section 3.2).
    HostRepeated,
    /// A `Host` that is no `uri-host [":" port]` (RFC 9110 section 7.2).
    HostInvalid,
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112 section 6.1).
    LengthAndCoding,
    /// A `Content-Length` that is no decimal number of 64 bits, or is a list
    /// (RFC 9110 section 8.6).
    LengthInvalid,
    /// More than one `Content-Length`, equal or not (RFC 9112 section 6.3).
    LengthRepeated,
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 section 6.1).
    CodingInOldVersion,
    /// A `Transfer-Encoding` that does not end in one `chunked` (RFC 9112 section 6.3).
    CodingNotChunked,
    /// A transfer coding other than `chunked` before it (RFC 9112 section 6.1).
    CodingUnknown,
    /// An `Expect` other than `100-continue` (RFC 9110 section 10.1.1).
    ExpectationUnknown,

    // Deadlines, which whoever drives the wire code keeps.
    /// The head did not come in time (RFC 9110 section 15.5.9).
    HeadLate,
    /// The body did not come in time (RFC 9110 section 15.5.9).
    BodyLate,

    // Bodies.
    /// A body longer than [`Limits::body`](super::Limits).
    BodyTooLarge,
    /// The peer ended the connection inside of a body (RFC 9112 section 8).
    BodyTruncated,
    /// A chunk size that is not 1 to 16 hexadecimal digits (RFC 9112 section 7.1).
    ChunkSizeInvalid,
    /// A chunk-size line that ends in LF without CR, or has a CR or another control character.
    ChunkLineInvalid,
    /// A chunk extension longer than [`Limits::chunk_extension`](super::Limits).
    ChunkExtensionTooLong,
    /// Chunk extensions outweigh the data by more than
    /// [`Limits::chunk_overhead`](super::Limits).
    ChunkOverheadTooLarge,
    /// No CRLF after the data of a chunk.
    ChunkEndMissing,
    /// A trailer section with a malformed line (RFC 9112 section 7.1.2).
    TrailerInvalid,
    /// A trailer section longer than [`Limits::trailers`](super::Limits).
    TrailersTooLarge,
    /// More trailers than [`Limits::trailer_fields`](super::Limits).
    TrailersTooMany,
}

impl Refusal {
    /// The status to answer before closing.
    pub const fn status(self) -> StatusCode {
        use Refusal as R;
        match self {
            R::UriTooLong => StatusCode::URI_TOO_LONG,
            R::HeadLate | R::BodyLate => StatusCode::REQUEST_TIMEOUT,
            R::FieldTooLarge
            | R::FieldsTooMany
            | R::HeadTooLarge
            | R::TrailersTooLarge
            | R::TrailersTooMany => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            R::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            R::ExpectationUnknown => StatusCode::EXPECTATION_FAILED,
            R::MethodTooLong | R::CodingUnknown => StatusCode::NOT_IMPLEMENTED,
            R::VersionUnsupported => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// One sentence for a log or an error page. It holds nothing of what the peer sent.
    pub const fn explain(self) -> &'static str {
        use Refusal as R;
        match self {
            R::EmptyLinesTooMany => "too many empty lines before the request line",
            R::MethodInvalid => "the method is not a token followed by one space",
            R::MethodTooLong => "the method is longer than any this server knows",
            R::TargetInvalid => "the request target is not a valid URI",
            R::TargetFormMismatch => "this form of request target does not go with this method",
            R::UriTooLong => "the request target is too long",
            R::VersionInvalid => "the request line does not end in an HTTP version",
            R::VersionUnsupported => "this server speaks HTTP/1.1 and HTTP/1.0",
            R::BareLineFeed => "a line ends in LF without CR",
            R::BareCarriageReturn => "a CR is not followed by LF",
            R::FieldFolded => "a field line begins with white space",
            R::FieldNameInvalid => "a field name is not a token followed by a colon",
            R::FieldNameSpaced => "white space stands between a field name and its colon",
            R::FieldValueInvalid => "a field value has a control character",
            R::FieldTooLarge => "a field line is too long",
            R::FieldsTooMany => "the head has too many fields",
            R::HeadTooLarge => "the head is too long",
            R::HeadInvalid => "the head is malformed",
            R::HostMissing => "an HTTP/1.1 request needs a Host field",
            R::HostRepeated => "the Host field is repeated",
            R::HostInvalid => "the Host field is not a host with an optional port",
            R::LengthAndCoding => "Content-Length and Transfer-Encoding exclude each other",
            R::LengthInvalid => "Content-Length is not a number",
            R::LengthRepeated => "the Content-Length field is repeated",
            R::CodingInOldVersion => "HTTP/1.0 has no Transfer-Encoding",
            R::CodingNotChunked => "the last transfer coding is not one chunked",
            R::CodingUnknown => "chunked is the only transfer coding this server knows",
            R::ExpectationUnknown => "100-continue is the only expectation this server knows",
            R::HeadLate => "the head of the request did not come in time",
            R::BodyLate => "the body of the request did not come in time",
            R::BodyTooLarge => "the body is too long",
            R::BodyTruncated => "the connection ended inside of the body",
            R::ChunkSizeInvalid => "a chunk size is not 1 to 16 hexadecimal digits",
            R::ChunkLineInvalid => "a chunk-size line is malformed",
            R::ChunkExtensionTooLong => "a chunk extension is too long",
            R::ChunkOverheadTooLarge => "chunk extensions outweigh the data",
            R::ChunkEndMissing => "the data of a chunk is not followed by CRLF",
            R::TrailerInvalid => "a trailer field is malformed",
            R::TrailersTooLarge => "the trailer section is too long",
            R::TrailersTooMany => "the trailer section has too many fields",
        }
    }
}

impl Refusal {
    /// The refusal that an error of a body's reader was made of, if it was made of one.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::wire::Refusal;
    /// use std::io;
    ///
    /// let error = io::Error::from(Refusal::BodyTruncated);
    /// assert_eq!(Refusal::found_in(&error), Some(Refusal::BodyTruncated));
    /// assert_eq!(Refusal::found_in(&io::ErrorKind::TimedOut.into()), None);
    /// ```
    pub fn found_in(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain())
    }
}

impl Error for Refusal {}

/// For the reader of a body: `UnexpectedEof` for [`Refusal::BodyTruncated`], `TimedOut` for
/// [`Refusal::BodyLate`] and [`Refusal::HeadLate`], `InvalidData` for the rest. [`io::Error::get_ref`] and a downcast give the refusal back.
impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::BodyTruncated => io::ErrorKind::UnexpectedEof,
            Refusal::HeadLate | Refusal::BodyLate => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, refusal)
    }
}
