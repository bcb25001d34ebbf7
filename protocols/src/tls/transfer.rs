//! Between the session and the stream below: handshakes, reading and writing records, waiting.
//!
//! While somebody waits nothing of the session is borrowed. What was encrypted and not sent when a
//! write ends early stays with the session, by guards, and goes out before anything that comes later.
//! What programs see of it is in [`stream`](super::stream).

use std::cell::{Cell, RefCell};
use std::io;
use std::net::Shutdown;
use std::time::Duration;

use eventlet_green::net::Stream;
use eventlet_green::{Time, now, yield_if_due};

use super::error::TlsError;
use super::session::{ReadStep, Session};
use super::stream::TlsStream;

/// A limit that has run out is still a limit: zero would be refused.
const SHORTEST: Duration = Duration::from_nanos(1);

impl<S: Stream> TlsStream<S> {
    /// Does the handshake. If it fails, the peer is told, as far as there is room for it.
    pub(crate) fn handshake(&self, limit: Option<Duration>) -> io::Result<()> {
        let shaken = self.shake_hands(after(limit));
        self.0.session.borrow_mut().rest();
        shaken.map_err(|error| {
            // Who speaks HTTP understands no alert, but may be answered in HTTP.
            if TlsError::of(&error) != Some(&TlsError::PlainHttp) {
                self.try_send();
                // It may be gone already.
                let _ = self.0.socket.shutdown(Shutdown::Write);
            }
            match (error.kind(), limit) {
                (io::ErrorKind::TimedOut, Some(limit)) => TlsError::HandshakeTimeout(limit).into(),
                _ => error,
            }
        })
    }

    fn shake_hands(&self, deadline: Option<Time>) -> io::Result<()> {
        let inner = &*self.0;
        loop {
            let shaken = inner.session.borrow_mut().handshake();
            let is_done = shaken.map_err(|error| self.explain(error))?;
            if is_done && inner.session.borrow().has_only_tickets_to_send() {
                // A client that sends before it reads must not wait for a server that waits for it
                // to read. What there is no room for goes with what is written next.
                self.try_send();
                return Ok(());
            }
            let writing = self.begin_writing()?;
            self.send(deadline)?;
            drop(writing);
            if is_done {
                return Ok(());
            }
            self.fill(deadline)?;
        }
    }

    /// What it means that the first bytes are no record.
    fn explain(&self, error: TlsError) -> TlsError {
        use rustls::{Error, InvalidMessage};
        let TlsError::Protocol(Error::InvalidMessage(InvalidMessage::InvalidContentType)) = error
        else {
            return error;
        };
        let session = self.0.session.borrow();
        if looks_like_http(session.first_bytes()) {
            TlsError::PlainHttp
        } else {
            TlsError::NotTls
        }
    }

    /// Reads records, waiting for them if there are none; their end is noted as well.
    fn fill(&self, deadline: Option<Time>) -> io::Result<()> {
        loop {
            match self.try_fill() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.wait_for_input(deadline)?;
        }
    }

    /// Reads records, without waiting.
    pub(crate) fn try_fill(&self) -> io::Result<()> {
        let inner = &*self.0;
        let mut session = inner.session.borrow_mut();
        let filled = session.fill(|room| inner.socket.try_read(room));
        if filled.is_err() {
            session.rest();
        }
        filled.map(drop)
    }

    pub(super) fn wait_for_input(&self, deadline: Option<Time>) -> io::Result<()> {
        let inner = &*self.0;
        inner.session.borrow_mut().rest();
        inner.socket.set_read_timeout(left(deadline))?;
        inner.socket.wait_readable()
    }

    pub(super) fn read_shared(&self, into: &mut [u8]) -> io::Result<usize> {
        yield_if_due();
        let inner = &*self.0;
        let mut deadline = None;
        loop {
            if let Some(outcome) = self.read_what_is_there(into) {
                return outcome;
            }
            // Fixed by the first wait: being woken by half a record does not prolong it.
            let limit = || after(inner.read_limit.get());
            self.fill(*deadline.get_or_insert_with(limit))?;
        }
    }

    /// What a read gives now; `None` if records have to come first.
    pub(super) fn read_what_is_there(&self, into: &mut [u8]) -> Option<io::Result<usize>> {
        let mut session = self.0.session.borrow_mut();
        let step = session.read(into);
        let has_answers = !session.outgoing.is_empty();
        session.rest();
        drop(session);
        if has_answers {
            self.try_send();
        }
        match step {
            Ok(ReadStep::Got(count)) => Some(Ok(count)),
            Ok(ReadStep::End) => Some(Ok(0)),
            Ok(ReadStep::NeedsInput) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    pub(super) fn write_shared(&self, from: &[u8]) -> io::Result<usize> {
        yield_if_due();
        if from.is_empty() {
            return Ok(0);
        }
        let deadline = after(self.0.write_limit.get());
        let _writing = self.begin_writing()?;
        let piece = self.encrypt(from)?;
        let unfinished = Unfinished {
            session: &self.0.session,
            piece,
        };
        self.send(deadline)?;
        Ok(unfinished.finish())
    }

    pub(super) fn encrypt<'a>(&self, from: &'a [u8]) -> io::Result<&'a [u8]> {
        let encrypted = self.0.session.borrow_mut().encrypt(from);
        match encrypted {
            Ok(count) => Ok(&from[..count]),
            Err(error) => {
                // An alert, perhaps; the error says more than that it could not be sent.
                let _ = self.send_what_fits();
                Err(error)
            }
        }
    }

    pub(super) fn begin_writing(&self) -> io::Result<Writing<'_>> {
        if self.0.is_writing.replace(true) {
            let text = "another coroutine is writing to this TLS connection";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        Ok(Writing(&self.0.is_writing))
    }

    /// Sends all that is to be sent. The caller has begun writing.
    pub(super) fn send(&self, deadline: Option<Time>) -> io::Result<()> {
        let inner = &*self.0;
        while !self.send_what_fits()? {
            inner.socket.set_write_timeout(left(deadline))?;
            inner.socket.wait_writable()?;
        }
        Ok(())
    }

    /// Sends what there is room for, if nobody is at it. What fails is found out by who writes next.
    fn try_send(&self) {
        if let Ok(_writing) = self.begin_writing() {
            let _ = self.send_what_fits();
        }
    }

    /// As [`send`](Self::send), without waiting; whether it was all.
    pub(super) fn send_what_fits(&self) -> io::Result<bool> {
        let inner = &*self.0;
        while let Some(mut sending) = Sending::begin(&inner.session) {
            while !sending.rest().is_empty() {
                match inner.socket.try_write(sending.rest()) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => sending.sent += count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(true)
    }

    /// Sends what an earlier operation could not, without waiting.
    pub(crate) fn try_flush(&self) -> io::Result<()> {
        let _writing = self.begin_writing()?;
        if self.send_what_fits()? {
            Ok(())
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    /// Whether nothing has come that is there to be read; `is_quiet_below` asks the stream below. What
    /// is TLS's own is taken off it.
    pub(crate) fn is_quiet_if(&self, is_quiet_below: impl Fn() -> bool) -> bool {
        while self.read_what_is_there(&mut []).is_none() {
            if is_quiet_below() {
                return true;
            }
            if self.try_fill().is_err() {
                return false;
            }
        }
        false
    }
}

impl<S> TlsStream<S> {
    /// Whether reading need not wait.
    pub(crate) fn has_something_to_read(&self) -> bool {
        self.0.session.borrow().has_something_to_read()
    }

    /// Whether not a byte has come so far.
    pub(crate) fn has_heard_nothing(&self) -> bool {
        self.0.session.borrow().has_heard_nothing()
    }
}

/// When a wait that begins now is over.
pub(super) fn after(limit: Option<Duration>) -> Option<Time> {
    limit.map(|limit| now() + limit)
}

/// What is left of it, for the stream below.
fn left(deadline: Option<Time>) -> Option<Duration> {
    deadline.map(|deadline| (deadline - now()).max(SHORTEST))
}

/// Whether bytes that are no record are the beginning of a request line: a method and a space.
fn looks_like_http(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase());
    let length = method.count();
    length >= 3 && matches!(bytes.get(length), None | Some(b' '))
}

/// Somebody is writing, until this is dropped.
pub(super) struct Writing<'a>(&'a Cell<bool>);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// What is to be sent, taken out of the session while it is. What is left goes back, however it ends.
struct Sending<'a> {
    session: &'a RefCell<Session>,
    bytes: Vec<u8>,
    sent: usize,
}

impl<'a> Sending<'a> {
    /// `None`: there is nothing.
    fn begin(session: &'a RefCell<Session>) -> Option<Self> {
        let bytes = std::mem::take(&mut session.borrow_mut().outgoing);
        let sending = Sending {
            session,
            bytes,
            sent: 0,
        };
        (!sending.bytes.is_empty()).then_some(sending)
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if self.rest().is_empty() {
            return;
        }
        self.bytes.drain(..self.sent);
        let mut session = self.session.borrow_mut();
        self.bytes.append(&mut session.outgoing);
        session.outgoing = std::mem::take(&mut self.bytes);
    }
}

/// A write whose piece has been encrypted and not been sent.
pub(super) struct Unfinished<'a> {
    pub(super) session: &'a RefCell<Session>,
    pub(super) piece: &'a [u8],
}

impl Unfinished<'_> {
    /// It has been sent; says how much it was.
    pub(super) fn finish(mut self) -> usize {
        self.session.borrow_mut().is_sent();
        std::mem::take(&mut self.piece).len()
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.piece.is_empty() {
            self.session.borrow_mut().keep_ahead(self.piece);
        }
    }
}
