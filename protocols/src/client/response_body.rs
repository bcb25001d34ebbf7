//! The body of a response, as the caller reads it (RFC 9112 sections 6 to 8).
//!
//! When it has been read to its end, the connection goes back to where it came from; when it is
//! dropped before, the connection is closed, unless the rest has come already.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use bytes::Bytes;
use eventlet_green::{Interest, Time};
use http::HeaderMap;

use super::config::Config;
use super::error::Error;
#[cfg(feature = "gzip")]
use super::inflate::Inflater;
use super::pool::Lease;
use super::send::{Failed, Sender, Step};
use super::timing::{Limit, Phase};
use super::upgraded::Upgraded;
use crate::wire::{BodyReader, Refusal, ResponseFault};

/// The body of a response: a reader that parks its coroutine. It holds its connection until it has
/// been read to its end, or is dropped.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::client::{Body, Config, ResponseBody, exchange_over};
/// use http::Request;
/// use std::io::{Read, Write};
///
/// let (near, mut far) = UnixStream::pair()?;
/// far.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
/// far.write_all(b"5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n")?;
/// let request = Request::get("http://a.example/").body(Body::empty())?;
/// let mut body: ResponseBody = exchange_over(near, request, &Config::new())?.into_body();
///
/// assert_eq!(body.remaining(), None, "of chunks nobody knows");
/// let mut text = String::new();
/// body.read_to_string(&mut text)?;
/// assert_eq!((text.as_str(), body.remaining()), ("hello", Some(0)));
/// assert_eq!(body.take_trailers()["x-sum"], "7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ResponseBody {
    raw: Raw,
    #[cfg(feature = "gzip")]
    inflater: Option<Box<Inflater>>,
    /// How much may be read into memory as a whole.
    in_memory: u64,
}

impl ResponseBody {
    pub(super) fn new(raw: Raw, config: &Config) -> Self {
        ResponseBody {
            raw,
            #[cfg(feature = "gzip")]
            inflater: None,
            in_memory: config.in_memory,
        }
    }

    /// Has it decompressed while it is read.
    #[cfg(feature = "gzip")]
    pub(super) fn inflating(mut self, inflater: Inflater) -> Self {
        self.inflater = Some(Box::new(inflater));
        self
    }

    /// How many bytes are still to come, if that is known: `Some(0)` without a body.
    pub fn remaining(&self) -> Option<u64> {
        #[cfg(feature = "gzip")]
        if self.inflater.is_some() {
            return None;
        }
        self.raw.remaining()
    }

    /// The fields that followed a chunked body that has been read to its end; once.
    pub fn take_trailers(&mut self) -> HeaderMap {
        std::mem::take(&mut self.raw.trailers)
    }

    /// Reads the rest into memory: at most [`Config::in_memory`](super::Config::in_memory).
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`]; what reading gives.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_protocols::client::{Body, Config, Error, exchange_over};
    /// use http::Request;
    /// use std::io::Write;
    ///
    /// let (near, mut far) = UnixStream::pair()?;
    /// far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")?;
    /// let request = Request::get("http://a.example/").body(Body::empty())?;
    /// let mut config = Config::new();
    /// config.in_memory = 4;
    /// let response = exchange_over(near, request, &config)?;
    /// let error = response.into_body().into_bytes().unwrap_err();
    /// assert!(matches!(error, Error::TooLarge { limit: 4 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_bytes(mut self) -> Result<Bytes, Error> {
        let limit = self.in_memory;
        match self.collect(limit)? {
            (bytes, Extent::Whole) => Ok(bytes),
            (_, Extent::Part) => Err(Error::TooLarge { limit }),
        }
    }

    /// Reads the rest into memory as text.
    ///
    /// # Errors
    ///
    /// As for [`into_bytes`](Self::into_bytes); [`Error::Encoding`] if it is not UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_protocols::client::{Body, Config, exchange_over};
    /// use http::Request;
    /// use std::io::Write;
    ///
    /// let (near, mut far) = UnixStream::pair()?;
    /// far.write_all("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngrün".as_bytes())?;
    /// let request = Request::get("http://a.example/").body(Body::empty())?;
    /// let response = exchange_over(near, request, &Config::new())?;
    /// assert_eq!(response.into_body().into_text()?, "grün");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_text(self) -> Result<String, Error> {
        let bytes = self.into_bytes()?;
        String::from_utf8(bytes.into()).map_err(|error| {
            Error::Encoding(io::Error::new(ErrorKind::InvalidData, error.utf8_error()))
        })
    }

    /// The connection, after `101 Switching Protocols`: whatever comes on it now is the other
    /// protocol's. `None` after any other response.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_protocols::client::{Body, Config, exchange_over};
    /// use http::Request;
    /// use std::io::Write;
    ///
    /// let (near, mut far) = UnixStream::pair()?;
    /// far.write_all(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")?;
    /// let request = Request::get("http://a.example/").body(Body::empty())?;
    /// let response = exchange_over(near, request, &Config::new())?;
    /// assert!(response.into_body().into_upgraded().is_none(), "after 101 only");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_upgraded(self) -> Option<Upgraded> {
        self.raw.into_upgraded()
    }

    /// Reads up to `limit` bytes.
    pub(super) fn collect(&mut self, limit: u64) -> Result<(Bytes, Extent), Error> {
        /// How much is read at a time.
        const PIECE: usize = 16 * 1024;
        /// How much memory is taken at the server's word.
        const TRUSTED: u64 = 64 * 1024;
        let announced = self.remaining().unwrap_or(0).min(limit).min(TRUSTED);
        let mut bytes = Vec::with_capacity(announced as usize);
        let mut piece = [0; PIECE];
        loop {
            // One byte more than the limit tells whether there is more.
            let room = limit.saturating_add(1).saturating_sub(bytes.len() as u64);
            let room = usize::try_from(room).map_or(PIECE, |room| room.min(PIECE));
            let count = self.read_some(&mut piece[..room])?;
            bytes.extend_from_slice(&piece[..count]);
            if count == 0 {
                return Ok((bytes.into(), Extent::Whole));
            }
            if bytes.len() as u64 > limit {
                bytes.truncate(limit as usize);
                return Ok((bytes.into(), Extent::Part));
            }
        }
    }

    fn read_some(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        #[cfg(feature = "gzip")]
        if let Some(inflater) = &mut self.inflater {
            return inflater.read(&mut self.raw, into);
        }
        self.raw.read_some(into)
    }
}

/// Whether all of a body was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Part,
}

impl Read for ResponseBody {
    /// Reads what there is of the body, waiting for the first byte of it.
    ///
    /// # Errors
    ///
    /// An [`Error`] within an `io::Error`, see [`Error::of_io`]:
    ///
    /// * `TimedOut`: [`Error::Timeout`], which says which.
    /// * `UnexpectedEof`: the body was cut off; what came is not all of it.
    /// * `InvalidData`: it is malformed or beyond a limit.
    /// * What the connection gives.
    ///
    /// After any of them but `TimedOut` the connection is closed, and reading on gives
    /// `NotConnected`.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_some(into)?)
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// The bytes as they come, without their framing.
pub(super) struct Raw {
    open: Option<Open>,
    trailers: HeaderMap,
    has_failed: bool,
    is_switch: bool,
}

/// What is needed for as long as the body has not come to its end.
pub(super) struct Open {
    pub(super) lease: Lease,
    pub(super) reader: BodyReader,
    /// What is left of the request.
    pub(super) sender: Option<Sender>,
    pub(super) is_reusable: bool,
    /// How long one read may wait.
    pub(super) body: Option<Duration>,
    /// When all must be over.
    pub(super) whole: Option<Time>,
}

impl Raw {
    /// A body; if there is nothing of it to come, the connection is given back at once.
    pub(super) fn new(open: Open, is_switch: bool) -> Self {
        let mut raw = Raw {
            open: Some(open),
            trailers: HeaderMap::new(),
            has_failed: false,
            is_switch,
        };
        if !is_switch {
            raw.finish_if_over();
        }
        raw
    }

    pub(super) fn remaining(&self) -> Option<u64> {
        match &self.open {
            Some(open) => open.reader.remaining(),
            None => Some(0),
        }
    }

    pub(super) fn read_some(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let Some(open) = &mut self.open else {
            if self.has_failed {
                let text = "reading this body has failed before";
                return Err(Error::Receive(io::Error::new(
                    ErrorKind::NotConnected,
                    text,
                )));
            }
            return Ok(0);
        };
        if into.is_empty() || self.is_switch {
            return Ok(0);
        }
        match open.read(into) {
            Ok(Some(count)) => {
                self.finish_if_over();
                Ok(count)
            }
            // The end of the connection, which was that of the body.
            Ok(None) => {
                self.open = None;
                Ok(0)
            }
            Err(error) => {
                if !error.is_timeout() {
                    self.open = None;
                    self.has_failed = true;
                }
                Err(error)
            }
        }
    }

    fn finish_if_over(&mut self) {
        if let Some(open) = self.open.take_if(|open| open.reader.is_finished()) {
            self.trailers = open.finish();
        }
    }

    fn into_upgraded(mut self) -> Option<Upgraded> {
        if !self.is_switch {
            return None;
        }
        let open = self.open.take()?;
        open.lease.detach().map(Upgraded::new)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // What has come already may be all: then the connection need not be closed.
        if !self.is_switch
            && let Some(open) = &mut self.open
            && open.skip_what_is_there()
        {
            self.finish_if_over();
        }
    }
}

impl Open {
    /// Reads what there is, waiting for it; zero is the end that the framing says, `None` that of the
    /// connection where it is the body's, too.
    fn read(&mut self, into: &mut [u8]) -> Result<Option<usize>, Error> {
        let mut limit = None;
        loop {
            if let Some(count) = self.take_ahead(into)? {
                return Ok(Some(count));
            }
            let limit =
                *limit.get_or_insert_with(|| Limit::new(Phase::Body, self.body, self.whole));
            if limit.is_over() {
                return Err(Error::Timeout(limit.phase));
            }
            let is_blocked = self.send_on()?;
            let Some(conn) = &mut self.lease.conn else {
                return Ok(None);
            };
            let ahead = self.reader.data_ahead();
            let came = if ahead > 0 {
                // Straight to where it is wanted.
                let most = usize::try_from(ahead).map_or(into.len(), |ahead| ahead.min(into.len()));
                conn.stream.try_read(&mut into[..most])
            } else {
                conn.input.fill(|room| conn.stream.try_read(room))
            };
            match came {
                Ok(0) => {
                    let ended = self.reader.end_of_input();
                    ended.map_err(|refusal| Error::Response(ResponseFault::Body(refusal)))?;
                    return Ok(None);
                }
                Ok(count) if ahead > 0 => {
                    self.reader.skip_data(count as u64).map_err(fault)?;
                    return Ok(Some(count));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let interest = match is_blocked {
                        Sending::Blocked => Interest::BOTH,
                        Sending::Done => Interest::READABLE,
                        Sending::Moved => continue,
                    };
                    let waited = conn.stream.wait(interest, limit.left());
                    waited.map_err(|error| Error::of_read(error, limit.phase))?;
                }
                Err(error) => return Err(Error::Receive(error)),
            }
        }
    }

    /// Takes what is in the buffer. `Some(0)`: the body is over.
    fn take_ahead(&mut self, into: &mut [u8]) -> Result<Option<usize>, Error> {
        loop {
            if self.reader.is_finished() {
                return Ok(Some(0));
            }
            let Some(conn) = &mut self.lease.conn else {
                return Ok(None);
            };
            let waiting = conn.input.waiting();
            let room = waiting.len().min(into.len());
            let step = self.reader.read(&waiting[..room]).map_err(fault)?;
            let (consumed, count) = (step.consumed, step.data.len());
            into[..count].copy_from_slice(step.data);
            conn.input.consume(consumed);
            if count > 0 {
                return Ok(Some(count));
            }
            if consumed == 0 && !self.reader.is_finished() {
                return Ok(None);
            }
        }
    }

    /// Sends on what is left of the request.
    fn send_on(&mut self) -> Result<Sending, Error> {
        let (Some(sender), Some(conn)) = (&mut self.sender, &self.lease.conn) else {
            return Ok(Sending::Done);
        };
        match sender.step(&*conn.stream) {
            Ok(Step::Moved) => Ok(Sending::Moved),
            Ok(Step::Blocked) => Ok(Sending::Blocked),
            Ok(Step::Done) => {
                self.sender = None;
                Ok(Sending::Done)
            }
            Err(Failed::Body(error)) => Err(error),
            // The server wants no more of it; its response may be there all the same.
            Err(Failed::Stream(_)) => {
                self.sender = None;
                self.is_reusable = false;
                Ok(Sending::Done)
            }
        }
    }

    /// Passes over what is there of the body, without waiting; whether that was all.
    fn skip_what_is_there(&mut self) -> bool {
        let mut piece = [0; 1024];
        loop {
            match self.take_ahead(&mut piece) {
                Ok(Some(0)) => return true,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// The end of the body: the trailers, and the connection back to where it came from, if it is as
    /// it should be. Whatever came after the response makes it suspect.
    fn finish(mut self) -> HeaderMap {
        let trailers = self.reader.take_trailers();
        let is_clean = self
            .lease
            .conn
            .as_ref()
            .is_some_and(|conn| conn.input.is_empty());
        if self.is_reusable && self.sender.is_none() && is_clean {
            self.lease.give_back();
        }
        trailers
    }
}

/// What has become of the rest of the request.
enum Sending {
    Done,
    Moved,
    Blocked,
}

fn fault(refusal: Refusal) -> Error {
    Error::Response(ResponseFault::Body(refusal))
}
