//! What was wrong with a response (RFC 9112 sections 4 to 8), for the one who asked.
//!
//! The lines of a head and the framing of a body obey the same rules in both directions, so their
//! faults are the [`Refusal`]s of the server's side. After any of them the connection is of no use:
//! where the next response would begin is a guess (RFC 9112 section 11.1).

use std::error::Error;
use std::fmt;

use super::refusal::Refusal;

/// What was wrong with a response.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{Limits, ResponseFault, ResponseParser};
/// use http::Method;
///
/// let fault = ResponseParser::new(&Method::GET)
///     .parse(b"SSH-2.0-OpenSSH_9.2\r\n", &Limits::default())
///     .unwrap_err();
/// assert_eq!(fault, ResponseFault::NotHttp);
/// ```
///
/// ```
/// use eventlet_protocols::wire::{Limits, ResponseFault, ResponseParser};
/// use http::Method;
///
/// let input = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n";
/// let fault = ResponseParser::new(&Method::GET).parse(input, &Limits::default()).unwrap_err();
/// assert_eq!(fault, ResponseFault::LengthsDiffer);
/// assert!(!fault.is_truncation() && !fault.explain().is_empty());
/// assert!(ResponseFault::HeadTruncated.is_truncation());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseFault {
    // The status line.
    /// It does not begin with `HTTP/d.d` and a space (RFC 9112 section 4).
    NotHttp,
    /// A major version other than 1.
    VersionUnsupported,
    /// The status is not three digits from 100 to 599, followed by a space or the end of the line
    /// (RFC 9110 section 15).
    StatusInvalid,
    /// A control character in the reason phrase (RFC 9112 section 4).
    ReasonInvalid,
    /// A status line longer than [`Limits::field`](super::Limits).
    StatusLineTooLong,

    // The lines of a head.
    /// A fault in the lines of the head (RFC 9112 section 5), or more of them than the limits
    /// allow.
    Head(Refusal),
    /// The connection ended within the head (RFC 9112 section 8).
    HeadTruncated,

    // What the fields say.
    /// A `Content-Length` that is no decimal number of 64 bits (RFC 9112 section 6.3).
    LengthInvalid,
    /// Two lengths that differ (RFC 9112 section 6.3).
    LengthsDiffer,
    /// `Content-Length` beside `Transfer-Encoding`: perhaps somebody in between was to be fooled
    /// (RFC 9112 section 6.3).
    LengthAndCoding,
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 section 6.1).
    CodingInOldVersion,
    /// A `Transfer-Encoding` other than one `chunked`, which was not asked for (RFC 9112 sections
    /// 6.1 and 7.4).
    CodingUnknown,

    // What comes when.
    /// More interim responses than [`Limits::interims`](super::Limits).
    InterimsTooMany,
    /// `101 Switching Protocols` that was not asked for (RFC 9110 section 15.2.2).
    UpgradeUnasked,

    /// A fault in the framing of the body (RFC 9112 sections 6 to 8).
    Body(Refusal),
}

impl ResponseFault {
    /// Whether the response is cut off: whatever came was well.
    pub const fn is_truncation(self) -> bool {
        matches!(
            self,
            ResponseFault::HeadTruncated | ResponseFault::Body(Refusal::BodyTruncated)
        )
    }

    /// One sentence for a log. It holds nothing of what the peer sent.
    pub const fn explain(self) -> &'static str {
        use ResponseFault as F;
        match self {
            F::NotHttp => "it does not begin as HTTP does",
            F::VersionUnsupported => "its version is neither HTTP/1.1 nor HTTP/1.0",
            F::StatusInvalid => "the status is not three digits from 100 to 599",
            F::ReasonInvalid => "the reason phrase has a control character",
            F::StatusLineTooLong => "the status line is too long",
            F::Head(refusal) | F::Body(refusal) => refusal.explain(),
            F::HeadTruncated => "the connection ended inside of the head",
            F::LengthInvalid => "Content-Length is not a number",
            F::LengthsDiffer => "it has two lengths that differ",
            F::LengthAndCoding => "Content-Length and Transfer-Encoding exclude each other",
            F::CodingInOldVersion => "HTTP/1.0 has no Transfer-Encoding",
            F::CodingUnknown => "its transfer coding is not one chunked",
            F::InterimsTooMany => "too many interim responses came before it",
            F::UpgradeUnasked => "it changes to a protocol that nobody asked for",
        }
    }
}

impl fmt::Display for ResponseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain())
    }
}

impl Error for ResponseFault {}
