//! One reader for the ways a body is delimited (RFC 9112 section 6): not there, of fixed length,
//! chunked; and for a response's, by the end of the connection.
//!
//! It says which bytes of the input are data; it keeps none. Reading from the socket, and asking
//! for the body with `100 Continue` before, is the job of whoever feeds it
//! ([`Exchange::before_body_read`](super::Exchange::before_body_read)).

use http::HeaderMap;

use super::chunked::{ChunkDecoder, ChunkEvent};
use super::framing::{RequestFraming, ResponseFraming};
use super::limits::Limits;
use super::refusal::Refusal;

/// What one slice of input brought.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{BodyReader, BodyStep, Limits, RequestFraming};
///
/// let mut reader = BodyReader::new(RequestFraming::Length(5), &Limits::default())?;
/// let BodyStep { consumed, data, is_finished, .. } = reader.read(b"helloGET /")?;
/// assert_eq!((consumed, data, is_finished), (5, &b"hello"[..], true));
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyStep<'a> {
    /// How many bytes of the input are dealt with; drop them and feed the rest next time.
    pub consumed: usize,
    /// A piece of the body: the last bytes of those consumed. Never longer than the input, so a
    /// caller with little room feeds little.
    pub data: &'a [u8],
    /// Whether the body ends here.
    pub is_finished: bool,
}

/// Reads the body of a request, or of a response.
///
/// A step that consumes nothing, has no data and is not finished wants more input.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{BodyReader, Limits, RequestFraming};
///
/// let mut reader = BodyReader::new(RequestFraming::Chunked, &Limits::default())?;
/// let mut input = &b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"[..];
/// let mut body = Vec::new();
/// while !reader.is_finished() {
///     let step = reader.read(input)?;
///     body.extend_from_slice(step.data);
///     input = &input[step.consumed..];
/// }
/// assert_eq!(body, b"abcde");
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
///
/// ```
/// use eventlet_protocols::wire::{BodyReader, Limits, Refusal, RequestFraming, ResponseFraming};
///
/// let limits = Limits::default();
/// let mut reader = BodyReader::new(RequestFraming::Length(100_000), &limits)?;
/// reader.read(b"the beginning")?;
/// assert_eq!((reader.received(), reader.remaining()), (13, Some(99_987)));
/// // The rest is read straight to where it is wanted.
/// assert_eq!(reader.data_ahead(), 99_987);
/// reader.skip_data(99_000)?;
/// assert_eq!(reader.end_of_input(), Err(Refusal::BodyTruncated));
///
/// let mut reader = BodyReader::of_response(ResponseFraming::Chunked, &limits)?;
/// reader.read(b"0\r\nx-sum: 7\r\n\r\n")?;
/// assert!(reader.is_finished());
/// assert_eq!(reader.take_trailers()["x-sum"], "7");
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Clone, Debug)]
pub struct BodyReader {
    rest: Rest,
    /// How many more bytes [`Limits::body`] lets through.
    allowance: u64,
    /// Data so far.
    received: u64,
}

#[derive(Clone, Debug)]
enum Rest {
    /// So many bytes; zero is the end.
    Fixed(u64),
    /// Boxed: it is ten times the size of the other, which nearly every request has.
    Chunked(Box<ChunkDecoder>),
    /// Everything that comes.
    UntilClose,
}

impl BodyReader {
    /// A reader at the beginning of a body.
    ///
    /// # Errors
    ///
    /// [`Refusal::BodyTooLarge`] if the length is beyond [`Limits::body`] already.
    pub fn new(framing: RequestFraming, limits: &Limits) -> Result<Self, Refusal> {
        let allowance = limits.body.unwrap_or(u64::MAX);
        let rest = match framing {
            RequestFraming::Empty => Rest::Fixed(0),
            RequestFraming::Length(length) if length > allowance => {
                return Err(Refusal::BodyTooLarge);
            }
            RequestFraming::Length(length) => Rest::Fixed(length),
            RequestFraming::Chunked => Rest::Chunked(Box::new(ChunkDecoder::new(limits))),
        };
        Ok(BodyReader {
            rest,
            allowance,
            received: 0,
        })
    }

    /// A reader at the beginning of the body of a response. With [`ResponseFraming::UntilClose`] it
    /// never finishes: the body is what came before the end of the input, and whether that is all
    /// cannot be known (RFC 9112 section 8).
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn of_response(framing: ResponseFraming, limits: &Limits) -> Result<Self, Refusal> {
        let framing = match framing {
            ResponseFraming::Nothing => RequestFraming::Empty,
            ResponseFraming::Length(length) => RequestFraming::Length(length),
            ResponseFraming::Chunked => RequestFraming::Chunked,
            ResponseFraming::UntilClose => {
                return Ok(BodyReader {
                    rest: Rest::UntilClose,
                    allowance: limits.body.unwrap_or(u64::MAX),
                    received: 0,
                });
            }
        };
        Self::new(framing, limits)
    }

    /// Reads on. Chunk framing is consumed until data is found, the body ends or the input does.
    ///
    /// # Errors
    ///
    /// [`Refusal::BodyTooLarge`], or a refusal of the chunked framing. The reader is of no use
    /// afterwards, and the connection must be closed.
    pub fn read<'a>(&mut self, input: &'a [u8]) -> Result<BodyStep<'a>, Refusal> {
        let (consumed, data) = match &mut self.rest {
            Rest::Fixed(left) => {
                let length =
                    usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= length as u64;
                (length, &input[..length])
            }
            Rest::Chunked(decoder) => match decoder.decode(input)? {
                (used, ChunkEvent::Data(data)) => (used, data),
                (used, ChunkEvent::Incomplete | ChunkEvent::End) => (used, &input[..0]),
            },
            Rest::UntilClose => (input.len(), input),
        };
        self.account(data.len() as u64)?;
        // A chunk that will be too much is refused before its data is waited for.
        if let Rest::Chunked(decoder) = &self.rest
            && decoder.data_ahead() > self.allowance
        {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(BodyStep {
            consumed,
            data,
            is_finished: self.is_finished(),
        })
    }

    /// How many of the next bytes are data whatever they are. That much may be read from the socket
    /// straight to where it is wanted, and reported with [`skip_data`](Self::skip_data): a long
    /// body then goes through no buffer in between.
    pub fn data_ahead(&self) -> u64 {
        match &self.rest {
            Rest::Fixed(left) => *left,
            Rest::Chunked(decoder) => decoder.data_ahead(),
            Rest::UntilClose => u64::MAX,
        }
    }

    /// Passes over data that was read elsewhere.
    ///
    /// # Errors
    ///
    /// [`Refusal::BodyTooLarge`], as for [`read`](Self::read).
    ///
    /// # Panics
    ///
    /// If `length` is more than [`data_ahead`](Self::data_ahead).
    pub fn skip_data(&mut self, length: u64) -> Result<(), Refusal> {
        assert!(
            length <= self.data_ahead(),
            "bytes beyond the data ahead are framing, which the reader must see"
        );
        match &mut self.rest {
            Rest::Fixed(left) => *left -= length,
            Rest::Chunked(_) if length == 0 => {}
            Rest::UntilClose => {}
            Rest::Chunked(decoder) => decoder.advance_data(length),
        }
        self.account(length)
    }

    /// The trailers of a chunked body that has ended, once.
    pub fn take_trailers(&mut self) -> HeaderMap {
        match &mut self.rest {
            Rest::Fixed(_) | Rest::UntilClose => HeaderMap::new(),
            Rest::Chunked(decoder) => decoder.take_trailers(),
        }
    }

    /// Says that the peer sends no more.
    ///
    /// # Errors
    ///
    /// [`Refusal::BodyTruncated`] if the body is not over: what came must not be taken for all of
    /// it (RFC 9112 section 8).
    pub fn end_of_input(&self) -> Result<(), Refusal> {
        if self.is_finished() || matches!(self.rest, Rest::UntilClose) {
            return Ok(());
        }
        Err(Refusal::BodyTruncated)
    }

    /// Whether the body has ended; with a body that is not there, from the start.
    pub fn is_finished(&self) -> bool {
        match &self.rest {
            Rest::Fixed(left) => *left == 0,
            Rest::Chunked(decoder) => decoder.is_finished(),
            Rest::UntilClose => false,
        }
    }

    /// How many bytes of data are still to come, where that is known.
    pub fn remaining(&self) -> Option<u64> {
        match &self.rest {
            Rest::Fixed(left) => Some(*left),
            Rest::Chunked(decoder) if decoder.is_finished() => Some(0),
            Rest::Chunked(_) | Rest::UntilClose => None,
        }
    }

    /// How many bytes of data have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    fn account(&mut self, length: u64) -> Result<(), Refusal> {
        self.received += length;
        let rest = self.allowance.checked_sub(length);
        self.allowance = rest.ok_or(Refusal::BodyTooLarge)?;
        Ok(())
    }
}

/// Reads what a handler left of a body and throws it away, up to [`Limits::drain`], so that the
/// next request can be read.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{BodyReader, Drain, DrainStep, Limits, RequestFraming};
///
/// let limits = Limits::default();
/// let mut body = BodyReader::new(RequestFraming::Length(4), &limits)?;
/// let mut drain = Drain::new(&body, &limits).expect("four bytes are few");
/// assert_eq!(drain.feed(&mut body, b"ab")?, DrainStep::NeedsInput);
/// assert_eq!(drain.feed(&mut body, b"cdGET /")?, DrainStep::Done { consumed: 2 });
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Drain {
    /// Bytes that may still be read, framing included.
    budget: u64,
}

/// How far a [`Drain`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainStep {
    /// The whole input was used up; the body goes on.
    NeedsInput,
    /// The body is over after this many bytes of the input.
    Done {
        /// Bytes that belonged to the body.
        consumed: usize,
    },
    /// Too much: close with [`CloseReason::BodyUnread`](super::CloseReason::BodyUnread).
    GiveUp,
}

impl Drain {
    /// `None` if the rest of the body is known to be beyond the limit.
    pub fn new(body: &BodyReader, limits: &Limits) -> Option<Self> {
        let is_too_long = body.remaining().is_some_and(|rest| rest > limits.drain);
        (!is_too_long).then_some(Drain {
            budget: limits.drain,
        })
    }

    /// Takes input on.
    ///
    /// # Errors
    ///
    /// As [`BodyReader::read`]: a malformed body ends the connection also when nobody wants it.
    pub fn feed(&mut self, body: &mut BodyReader, input: &[u8]) -> Result<DrainStep, Refusal> {
        let mut at = 0;
        loop {
            let step = body.read(&input[at..])?;
            at += step.consumed;
            // Also if it is all at hand: what comes of it must not depend on how the bytes were cut.
            match self.budget.checked_sub(step.consumed as u64) {
                None => return Ok(DrainStep::GiveUp),
                Some(rest) => self.budget = rest,
            }
            if step.is_finished {
                return Ok(DrainStep::Done { consumed: at });
            }
            if at == input.len() {
                return Ok(DrainStep::NeedsInput);
            }
        }
    }
}
