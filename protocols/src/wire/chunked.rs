//! The chunked transfer coding (RFC 9112 section 7.1): a decoder over slices, and an encoder.
//!
//! ```text
//! chunked-body   = *chunk last-chunk trailer-section CRLF
//! chunk          = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//! chunk-size     = 1*HEXDIG
//! last-chunk     = 1*("0") [ chunk-ext ] CRLF
//! chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//! ```
//!
//! Stricter than some: at most 16 digits, no sign or prefix, CRLF everywhere, and white space after
//! a size only before an extension. Extensions are skipped and bounded; trailers are read by
//! [`trailers`](super::trailers). The limit on the body as a whole is [`body`](super::body)'s.

use std::num::NonZeroUsize;

use http::HeaderMap;

use super::limits::Limits;
use super::refusal::Refusal;
use super::trailers::TrailerReader;

/// The end of a chunk's data.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The last chunk with an empty trailer section: the end of a body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// As many hexadecimal digits as a `u64` can have.
const MOST_DIGITS: u8 = 16;

/// What the decoder found.
#[derive(Debug, PartialEq, Eq)]
pub enum ChunkEvent<'a> {
    /// Everything was framing; more input is needed.
    Incomplete,
    /// A piece of the body, never empty: part of the input.
    Data(&'a [u8]),
    /// The body has ended; the trailers are at [`ChunkDecoder::take_trailers`].
    End,
}

/// Takes the framing off a chunked body, a slice at a time, without copying data.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{ChunkDecoder, ChunkEvent, Limits};
///
/// let mut decoder = ChunkDecoder::new(&Limits::default());
/// let mut input = &b"5\r\nhello\r\n0\r\n\r\nGET /"[..];
/// let (used, event) = decoder.decode(input)?;
/// assert_eq!(event, ChunkEvent::Data(b"hello"));
/// input = &input[used..];
/// let (used, event) = decoder.decode(input)?;
/// assert_eq!(event, ChunkEvent::End);
/// assert_eq!(&input[used..], b"GET /");
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
///
/// ```
/// use eventlet_protocols::wire::{ChunkDecoder, Limits};
///
/// let mut decoder = ChunkDecoder::new(&Limits::default());
/// decoder.decode(b"0\r\nx-sum: 7\r\n\r\n")?;
/// assert!(decoder.is_finished());
/// assert_eq!(decoder.take_trailers()["x-sum"], "7");
/// assert!(decoder.take_trailers().is_empty(), "once");
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChunkDecoder {
    state: State,
    /// The size of the chunk that is being read; then what is left of it.
    left: u64,
    /// Bytes by which extensions outweigh data so far.
    overhead: u64,
    extension_limit: usize,
    overhead_limit: u64,
    trailers: TrailerReader,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A chunk size, of which so many digits have come.
    Size { digits: u8 },
    /// White space after a size: only a `;` may follow.
    Space { length: usize },
    /// An extension, of which so many bytes have come.
    Extension { length: usize },
    /// The LF of a chunk-size line.
    SizeLineFeed,
    /// Chunk data, `left` bytes of it.
    Data,
    /// The CR after the data.
    DataReturn,
    /// The LF after the data.
    DataLineFeed,
    /// The trailer section.
    Trailers,
    /// Nothing: the body is over.
    End,
}

impl ChunkDecoder {
    /// A decoder at the beginning of a body.
    pub fn new(limits: &Limits) -> Self {
        ChunkDecoder {
            state: State::Size { digits: 0 },
            left: 0,
            overhead: 0,
            extension_limit: limits.chunk_extension,
            overhead_limit: limits.chunk_overhead,
            trailers: TrailerReader::new(limits),
        }
    }

    /// Reads on: how many bytes were used, and what they brought. Data is the end of the bytes
    /// used. After [`ChunkEvent::End`] nothing more is used.
    ///
    /// # Errors
    ///
    /// The chunk and trailer [refusals](Refusal). The decoder is of no use afterwards.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<(usize, ChunkEvent<'a>), Refusal> {
        let mut at = 0;
        while at < input.len() {
            match self.state {
                State::Data => {
                    let room = usize::try_from(self.left).unwrap_or(usize::MAX);
                    let end = at + room.min(input.len() - at);
                    self.advance_data((end - at) as u64);
                    return Ok((end, ChunkEvent::Data(&input[at..end])));
                }
                State::Trailers => {
                    let (used, is_over) = self.trailers.read(&input[at..])?;
                    at += used;
                    if is_over {
                        self.state = State::End;
                    }
                }
                State::End => return Ok((at, ChunkEvent::End)),
                state => {
                    self.state = self.framing_byte(state, input[at])?;
                    at += 1;
                }
            }
        }
        let event = match self.state {
            State::End => ChunkEvent::End,
            _ => ChunkEvent::Incomplete,
        };
        Ok((at, event))
    }

    /// How many of the next bytes are data, so that they may be read straight to where they are
    /// wanted; see [`BodyReader::skip_data`](super::BodyReader::skip_data).
    pub(crate) fn data_ahead(&self) -> u64 {
        match self.state {
            State::Data => self.left,
            _ => 0,
        }
    }

    /// Passes over data that was read elsewhere; `length` is at most `left`.
    pub(crate) fn advance_data(&mut self, length: u64) {
        self.left -= length;
        self.overhead = self.overhead.saturating_sub(length);
        if self.left == 0 {
            self.state = State::DataReturn;
        }
    }

    /// The trailers, once; empty before the end and without trailers.
    ///
    /// Those that may not come as trailers are dropped, see
    /// [`is_forbidden_trailer`](super::is_forbidden_trailer).
    pub fn take_trailers(&mut self) -> HeaderMap {
        self.trailers.take()
    }

    /// Whether the body has ended.
    pub fn is_finished(&self) -> bool {
        self.state == State::End
    }

    /// One byte of a chunk-size line or of the CRLF after data.
    fn framing_byte(&mut self, state: State, byte: u8) -> Result<State, Refusal> {
        match (state, byte) {
            (State::Size { digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == MOST_DIGITS {
                    return Err(Refusal::ChunkSizeInvalid);
                }
                // No more than 16 digits, so nothing is shifted out.
                self.left = self.left << 4 | u64::from(hex_value(byte));
                Ok(State::Size { digits: digits + 1 })
            }
            (State::Size { digits: 0 }, _) => Err(Refusal::ChunkSizeInvalid),
            (State::Size { .. } | State::Extension { .. }, b'\r') => Ok(State::SizeLineFeed),
            (State::Size { .. }, b';') => self.extension_byte(0).map(extension),
            (State::Size { .. }, b' ' | b'\t') => self.extension_byte(0).map(space),
            (State::Size { .. }, b'\n') => Err(Refusal::ChunkLineInvalid),
            (State::Size { .. }, _) => Err(Refusal::ChunkSizeInvalid),
            (State::Space { length }, b' ' | b'\t') => self.extension_byte(length).map(space),
            (State::Space { length }, b';') => self.extension_byte(length).map(extension),
            (State::Space { .. }, _) => Err(Refusal::ChunkLineInvalid),
            (State::Extension { length }, b'\t' | b' '..=b'~' | 0x80..) => {
                self.extension_byte(length).map(extension)
            }
            (State::Extension { .. }, _) => Err(Refusal::ChunkLineInvalid),
            (State::SizeLineFeed, b'\n') if self.left == 0 => Ok(State::Trailers),
            (State::SizeLineFeed, b'\n') => Ok(State::Data),
            (State::SizeLineFeed, _) => Err(Refusal::ChunkLineInvalid),
            (State::DataReturn, b'\r') => Ok(State::DataLineFeed),
            (State::DataLineFeed, b'\n') => Ok(State::Size { digits: 0 }),
            _ => Err(Refusal::ChunkEndMissing),
        }
    }

    /// Counts one more byte of an extension that has `length` so far.
    fn extension_byte(&mut self, length: usize) -> Result<usize, Refusal> {
        if length == self.extension_limit {
            return Err(Refusal::ChunkExtensionTooLong);
        }
        if self.overhead == self.overhead_limit {
            return Err(Refusal::ChunkOverheadTooLarge);
        }
        self.overhead += 1;
        Ok(length + 1)
    }
}

fn extension(length: usize) -> State {
    State::Extension { length }
}

fn space(length: usize) -> State {
    State::Space { length }
}

/// The value of a byte that is a hexadecimal digit.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

/// The line that begins a chunk, made on the stack: `1a\r\n`.
///
/// A length of zero cannot be said, so an empty piece of a body can never end it.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroUsize;
/// use eventlet_protocols::wire::ChunkHead;
///
/// let head = ChunkHead::new(NonZeroUsize::new(26).unwrap());
/// assert_eq!(head.as_bytes(), b"1a\r\n");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHead {
    bytes: [u8; Self::CAPACITY],
    start: u8,
}

impl ChunkHead {
    const CAPACITY: usize = MOST_DIGITS as usize + CHUNK_END.len();

    /// The head of a chunk of `length` bytes.
    pub fn new(length: NonZeroUsize) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [b'0'; Self::CAPACITY];
        let mut start = Self::CAPACITY - CHUNK_END.len();
        bytes[start..].copy_from_slice(CHUNK_END);
        let mut rest = length.get();
        while rest > 0 {
            start -= 1;
            bytes[start] = DIGITS[rest & 0xf];
            rest >>= 4;
        }
        ChunkHead {
            bytes,
            start: start as u8,
        }
    }

    /// No bytes at all, for data that is sent as it is.
    pub(crate) const fn none() -> Self {
        ChunkHead {
            bytes: [b'0'; Self::CAPACITY],
            start: Self::CAPACITY as u8,
        }
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..]
    }
}
