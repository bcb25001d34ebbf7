//! Writing the body of a response so that it is what its head announced (RFC 9112 section 6).
//!
//! A handler that writes more than its `Content-Length` is cut, one that writes less is reported,
//! and what a HEAD, 204 or 304 writes is dropped: no mistake of a handler can desynchronise the
//! connection. Choosing the rule is [`framing`](super::framing)'s job.

use std::num::NonZeroUsize;

use http::HeaderMap;

use super::chunked::{CHUNK_END, ChunkHead, LAST_CHUNK};
use super::framing::{ResponseFraming, ResponsePlan};
use super::trailers::write_last_chunk;

/// One piece of a body with the framing around it, for a gathering write: three slices, in order.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{BodyWriter, LengthField, ResponseFraming, ResponsePlan};
///
/// let plan = ResponsePlan { field: LengthField::Chunked, framing: ResponseFraming::Chunked };
/// let mut writer = BodyWriter::new(&plan);
/// assert!(!writer.is_silent());
/// let frame = writer.frame(b"hello");
/// assert_eq!((frame.head(), frame.data, frame.tail), (&b"5\r\n"[..], &b"hello"[..], &b"\r\n"[..]));
/// assert_eq!((frame.len(), frame.is_empty()), (10, false));
/// let mut out = Vec::new();
/// frame.write_to(&mut out);
/// assert_eq!(out, b"5\r\nhello\r\n");
/// assert_eq!(writer.sent(), 5, "without the framing");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    head: ChunkHead,
    /// The part of the piece that goes out.
    pub data: &'a [u8],
    /// What follows it: the end of a chunk, or nothing.
    pub tail: &'static [u8],
    /// How many bytes of the piece were cut off, because they go beyond the `Content-Length`.
    /// Anything but zero is the handler's mistake and worth a log line. What a response without a
    /// body drops is not counted.
    pub cut: usize,
}

impl Frame<'_> {
    /// What goes before the data: the head of a chunk, or nothing.
    pub fn head(&self) -> &[u8] {
        self.head.as_bytes()
    }

    /// Appends the frame to a buffer.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let framing = self.head().len() + self.tail.len();
        out.reserve(framing + self.data.len());
        out.extend_from_slice(self.head());
        out.extend_from_slice(self.data);
        out.extend_from_slice(self.tail);
    }

    /// Bytes on the wire.
    pub fn len(&self) -> usize {
        self.head().len() + self.data.len() + self.tail.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The body ended before its `Content-Length` was reached. The connection must be closed
/// ([`CloseReason::ResponseTooShort`](super::CloseReason::ResponseTooShort)), which is how the
/// client learns of it.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{BodyWriter, LengthField, ResponseFraming, ResponsePlan, TooShort};
///
/// let (field, framing) = (LengthField::ContentLength(9), ResponseFraming::Length(9));
/// let plan = ResponsePlan { field, framing };
/// let mut writer = BodyWriter::new(&plan);
/// writer.frame(b"hello");
/// let Err(TooShort { missing }) = writer.finish(None, &mut Vec::new()) else { panic!() };
/// assert_eq!(missing, 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort {
    /// Bytes that were promised and not written.
    pub missing: u64,
}

impl std::fmt::Display for TooShort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let missing = self.missing;
        write!(f, "the body is {missing} bytes short of its Content-Length")
    }
}

impl std::error::Error for TooShort {}

/// Frames the pieces of a response body.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{BodyWriter, LengthField, ResponseFraming, ResponsePlan};
///
/// let plan = ResponsePlan {
///     field: LengthField::Chunked,
///     framing: ResponseFraming::Chunked,
/// };
/// let mut writer = BodyWriter::new(&plan);
/// let mut out = Vec::new();
/// writer.frame(b"hello").write_to(&mut out);
/// writer.frame(b"").write_to(&mut out); // an empty piece never ends the stream
/// writer.finish(None, &mut out).unwrap();
/// assert_eq!(out, b"5\r\nhello\r\n0\r\n\r\n");
/// ```
///
/// ```
/// use eventlet_protocols::wire::{BodyWriter, LengthField, ResponseFraming, ResponsePlan};
///
/// // As for HEAD: nothing goes out, so nothing need be made.
/// let (field, framing) = (LengthField::ContentLength(9), ResponseFraming::Nothing);
/// let plan = ResponsePlan { field, framing };
/// let mut writer = BodyWriter::new(&plan);
/// assert!(writer.is_silent() && writer.frame(b"hello").is_empty());
/// assert_eq!(writer.sent(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct BodyWriter {
    framing: ResponseFraming,
    /// With [`ResponseFraming::Length`], how much of it is still to come.
    left: u64,
    /// Data that went out.
    sent: u64,
}

impl BodyWriter {
    /// A writer at the beginning of a body.
    pub fn new(plan: &ResponsePlan) -> Self {
        let left = match plan.framing {
            ResponseFraming::Length(length) => length,
            _ => 0,
        };
        BodyWriter {
            framing: plan.framing,
            left,
            sent: 0,
        }
    }

    /// Frames the next piece.
    pub fn frame<'a>(&mut self, piece: &'a [u8]) -> Frame<'a> {
        let (allowed, cut) = match self.framing {
            ResponseFraming::Nothing => (0, 0),
            ResponseFraming::Length(_) => {
                let room = usize::try_from(self.left).unwrap_or(usize::MAX);
                let allowed = room.min(piece.len());
                (allowed, piece.len() - allowed)
            }
            ResponseFraming::Chunked | ResponseFraming::UntilClose => (piece.len(), 0),
        };
        self.left = self.left.saturating_sub(allowed as u64);
        self.sent += allowed as u64;
        let data = &piece[..allowed];
        let (head, tail) = match (self.framing, NonZeroUsize::new(allowed)) {
            (ResponseFraming::Chunked, Some(length)) => (ChunkHead::new(length), CHUNK_END),
            _ => (ChunkHead::none(), &[][..]),
        };
        Frame {
            head,
            data,
            tail,
            cut,
        }
    }

    /// Whether a piece is the body, from the first announced byte to the last, and goes out as it is;
    /// then it counts as written.
    pub(crate) fn takes_whole(&mut self, piece: &[u8]) -> bool {
        let is_whole = self.framing == ResponseFraming::Length(piece.len() as u64)
            && self.left == piece.len() as u64;
        if is_whole {
            self.left = 0;
            self.sent = piece.len() as u64;
        }
        is_whole
    }

    /// Ends the body, writing what ends it: for chunks the last one and the trailers, for the
    /// other rules nothing. Trailers go out with chunks only.
    ///
    /// Not to be called for a body that was broken off: without its last chunk a client sees that
    /// something is missing.
    ///
    /// # Errors
    ///
    /// [`TooShort`] if less was written than promised.
    pub fn finish(&self, trailers: Option<&HeaderMap>, out: &mut Vec<u8>) -> Result<(), TooShort> {
        match (self.framing, trailers) {
            (ResponseFraming::Chunked, Some(trailers)) => write_last_chunk(trailers, out),
            (ResponseFraming::Chunked, None) => out.extend_from_slice(LAST_CHUNK),
            _ if self.left > 0 => return Err(TooShort { missing: self.left }),
            _ => {}
        }
        Ok(())
    }

    /// Bytes of data that went out, without framing: what an access log counts.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes that are still to be written, where their number was announced.
    pub(crate) fn missing(&self) -> Option<u64> {
        matches!(self.framing, ResponseFraming::Length(_)).then_some(self.left)
    }

    /// Whether nothing of what is written goes out, so that it need not be made.
    pub fn is_silent(&self) -> bool {
        self.framing == ResponseFraming::Nothing
    }
}
