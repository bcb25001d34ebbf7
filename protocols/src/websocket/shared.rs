//! Moving the bytes of a WebSocket: who may read, who may write, until when, and how it ends.
//!
//! ```text
//!   receive ─► reading: one at a time ─► codec ─► messages
//!                 ▲                        │ pongs, closes
//!               socket                     ▼
//!                 ▲                      output ◄─ send, close, ping
//!                 └── writing: one at a time ┘
//! ```
//!
//! Whoever reads never waits for room: what the codec wants to have said meanwhile is sent by a
//! coroutine of its own, if it is not sent anyway. Nobody waits with the codec in his hands.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::sync::{Permit, Semaphore};
use eventlet_green::{Builder, ParkError, Time, now};
use tungstenite::protocol::Role;

use super::carrier::Carrier;
use super::close::{Close, CloseCode};
use super::codec::{Codec, Step};
use super::error::Error;
use super::message::Message;
use super::settings::Settings;

/// What all handles to a connection share.
pub(super) struct Shared {
    carrier: Box<dyn Carrier>,
    role: Role,
    settings: Settings,
    codec: RefCell<Codec>,
    reading: Semaphore,
    writing: Semaphore,
    /// A coroutine is on its way to send what is ready.
    is_flushing: Cell<bool>,
    /// A write has failed; what has come can still be read.
    is_deaf: Cell<bool>,
    /// When the last byte came.
    heard: Cell<Time>,
    /// When the peer was asked whether it is there, and has said nothing since.
    asked: Cell<Option<Time>>,
    /// What came while somebody closed, for whoever still receives.
    late: RefCell<VecDeque<Message>>,
    end: RefCell<Option<End>>,
}

/// How it has ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// Both sides have said that they close; what the peer said.
    Clean(Option<Close>),
    /// By an error, which has been told.
    Failed,
}

/// So many messages are kept while somebody closes.
const MOST_LATE: usize = 1024;

/// What a read waits for besides bytes.
enum Until {
    /// The time that the caller has set.
    Caller,
    /// The time to ask whether the peer is there.
    Ping,
    /// The time for its answer is over.
    Pong,
    Nothing,
}

impl Shared {
    pub(super) fn new(
        carrier: Box<dyn Carrier>,
        role: Role,
        settings: Settings,
        ahead: &[u8],
    ) -> Self {
        Shared {
            carrier,
            role,
            codec: RefCell::new(Codec::new(role, &settings, ahead)),
            settings,
            reading: Semaphore::new(1),
            writing: Semaphore::new(1),
            is_flushing: Cell::new(false),
            is_deaf: Cell::new(false),
            heard: Cell::new(now()),
            asked: Cell::new(None),
            late: RefCell::default(),
            end: RefCell::new(None),
        }
    }

    pub(super) fn end(&self) -> Option<End> {
        self.end.borrow().clone()
    }

    pub(super) fn is_open(&self) -> bool {
        self.end.borrow().is_none() && !self.is_deaf.get() && self.codec.borrow().is_open()
    }

    /// The next message; `None` when the peer has closed.
    pub(super) fn receive(
        self: &Rc<Self>,
        deadline: Option<Time>,
    ) -> Result<Option<Message>, Error> {
        if let Some(message) = self.take_late() {
            return Ok(Some(message));
        }
        let _turn = turn(&self.reading, deadline)?.ok_or(Error::Elapsed)?;
        match self.take_late() {
            Some(message) => Ok(Some(message)),
            None => self.read(deadline),
        }
    }

    fn take_late(&self) -> Option<Message> {
        self.late.borrow_mut().pop_front()
    }

    /// Keeps a message that came while this coroutine only waits for the close. Beyond what one message
    /// may have, nobody seems to want them.
    fn keep(&self, message: Message) {
        let mut late = self.late.borrow_mut();
        let kept: usize = late.iter().map(Message::len).sum();
        if kept + message.len() <= self.settings.message && late.len() < MOST_LATE {
            late.push_back(message);
        }
    }

    /// As [`receive`](Self::receive), with the turn to read.
    fn read(self: &Rc<Self>, deadline: Option<Time>) -> Result<Option<Message>, Error> {
        loop {
            match self.end() {
                None => {}
                Some(End::Clean(_)) => return Ok(None),
                Some(End::Failed) => return Err(Error::Closed),
            }
            let step = self.codec.borrow_mut().next();
            let step = match step {
                Ok(Step::Closed(close)) => {
                    self.part(close);
                    return Ok(None);
                }
                Ok(step) => step,
                Err(error) => return Err(self.fail(error)),
            };
            if self.codec.borrow().has_output() {
                self.flush_soon();
            }
            match step {
                Step::Message(message) => return Ok(Some(message)),
                Step::NeedsInput => self.fill(deadline)?,
                Step::Heard | Step::Closed(_) => {}
            }
        }
    }

    /// Reads what there is, or asks whether anybody is there.
    fn fill(self: &Rc<Self>, deadline: Option<Time>) -> Result<(), Error> {
        let (until, time) = self.next_deadline(deadline);
        let limit = time.map(|time| time - now());
        let mut memory = self.codec.borrow_mut().lend_input();
        let outcome = self.carrier.read(&mut memory, limit);
        match outcome {
            Ok(count) => {
                self.codec.borrow_mut().return_input(memory, count);
                self.heard.set(now());
                self.asked.set(None);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => match until {
                Until::Caller => Err(Error::Elapsed),
                Until::Ping => {
                    self.asked.set(Some(now()));
                    self.codec.borrow_mut().ping();
                    self.flush_soon();
                    Ok(())
                }
                Until::Pong => Err(self.break_off(Error::Unresponsive)),
                Until::Nothing => Ok(()),
            },
            // Closed here, by whoever has noted why.
            Err(_) if self.end.borrow().is_some() => Ok(()),
            Err(error) => Err(self.break_off(Error::Io(error))),
        }
    }

    fn next_deadline(&self, deadline: Option<Time>) -> (Until, Option<Time>) {
        let own = match (self.asked.get(), self.settings.ping) {
            (Some(asked), _) => Some((Until::Pong, asked + self.settings.pong)),
            (None, Some(ping)) => Some((Until::Ping, self.heard.get() + ping)),
            (None, None) => None,
        };
        match (own, deadline) {
            (Some((_, time)), Some(deadline)) if deadline <= time => {
                (Until::Caller, Some(deadline))
            }
            (Some((until, time)), _) => (until, Some(time)),
            (None, Some(deadline)) => (Until::Caller, Some(deadline)),
            (None, None) => (Until::Nothing, None),
        }
    }

    /// Sends a message; it is on its way, as far as the kernel takes it, on return.
    pub(super) fn send(&self, message: Message) -> Result<(), Error> {
        let _turn = self.writing.acquire().map_err(parking)?;
        loop {
            if !self.is_open() {
                return Err(Error::Closed);
            }
            self.pump(None)?;
            let mut codec = self.codec.borrow_mut();
            if codec.has_room() {
                codec.send(message)?;
                break;
            }
        }
        self.pump(None)
    }

    /// Writes what is ready. To be called with the turn to write.
    fn pump(&self, deadline: Option<Time>) -> Result<(), Error> {
        let longest = self.settings.write;
        loop {
            let bytes = self.codec.borrow_mut().take_output();
            if bytes.is_empty() {
                return Ok(());
            }
            let mut lent = Lent {
                shared: self,
                bytes,
                sent: 0,
            };
            while lent.sent < lent.bytes.len() {
                let limit = match deadline {
                    Some(deadline) => longest.min(deadline - now()),
                    None => longest,
                };
                match self.carrier.write(&lent.bytes[lent.sent..], Some(limit)) {
                    Ok(0) => return Err(self.go_deaf(io::ErrorKind::WriteZero.into())),
                    Ok(count) => lent.sent += count,
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                        return Err(self.break_off(Error::Stalled));
                    }
                    Err(error) => return Err(self.go_deaf(error)),
                }
            }
        }
    }

    /// The peer takes nothing more. What it has said before may be worth reading.
    fn go_deaf(&self, error: io::Error) -> Error {
        self.is_deaf.set(true);
        match self.end.borrow().is_some() {
            true => Error::Closed,
            false => Error::Io(error),
        }
    }

    /// Has what is ready sent by another coroutine, since this one is not to wait for it.
    fn flush_soon(self: &Rc<Self>) {
        if self.is_flushing.get() || self.is_deaf.get() {
            return;
        }
        self.is_flushing.set(true);
        let flush = Flush(Rc::clone(self));
        // Without memory for a stack, it is sent with what comes next.
        let _ = Builder::new().spawn(move || flush.run());
    }

    /// Says that this side closes, and waits for the peer to say so, too.
    pub(super) fn close(self: &Rc<Self>, close: Close) -> Result<(), Error> {
        let deadline = now() + self.settings.close;
        if self.end.borrow().is_some() {
            return Ok(());
        }
        self.tell(close, deadline)?;
        // Whoever reads now learns of it; others may still want what comes before.
        loop {
            let read = match turn(&self.reading, Some(deadline))? {
                Some(_turn) => self.read(Some(deadline)),
                None => Err(Error::Elapsed),
            };
            match read {
                Ok(Some(message)) => self.keep(message),
                Ok(None) => return Ok(()),
                Err(Error::Elapsed) => return Err(self.break_off(Error::Unresponsive)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a close.
    fn tell(&self, close: Close, deadline: Time) -> Result<(), Error> {
        let Some(_turn) = turn(&self.writing, Some(deadline))? else {
            return Err(self.break_off(Error::Stalled));
        };
        self.pump(Some(deadline))?;
        self.codec.borrow_mut().close(close);
        self.pump(Some(deadline))
    }

    /// The peer has closed, and this side has, too: it remains to send that, and to end.
    fn part(&self, close: Option<Close>) {
        let deadline = now() + self.settings.close;
        *self.end.borrow_mut() = Some(End::Clean(close));
        if let Ok(Some(_turn)) = turn(&self.writing, Some(deadline)) {
            // If it fails, the peer is gone: what it wanted.
            let _ = self.pump(Some(deadline));
        }
        // It is the server that ends the connection first, so that the time for which the system
        // remembers it is the server's (RFC 6455 section 7.1.1).
        if self.role == Role::Client {
            let mut memory = [0; 64];
            while let Ok(1..) = self.carrier.read(&mut memory, Some(deadline - now())) {}
            self.carrier.close();
        } else {
            self.carrier.finish_writing();
        }
    }

    /// Ends because of what has come, and tells the peer.
    fn fail(&self, error: Error) -> Error {
        if let Some((code, reason)) = error.to_tell() {
            let deadline = now() + self.settings.close;
            // It is over anyway.
            let _ = self.tell(Close::new(code, &reason), deadline);
        }
        self.end.borrow_mut().get_or_insert(End::Failed);
        self.carrier.finish_writing();
        error
    }

    /// Ends at once.
    fn break_off(&self, error: Error) -> Error {
        self.end.borrow_mut().get_or_insert(End::Failed);
        self.carrier.close();
        error
    }

    /// Ends because the program has no handle any more. A server's connection is closed by whoever
    /// handed it over, when it has been parted from.
    pub(super) fn abandon(&self) {
        if self.role == Role::Client || self.end.borrow().is_none() {
            self.break_off(Error::Closed);
        }
    }

    /// Says that the program closes it because of its own error.
    pub(super) fn close_for_error(&self) {
        let deadline = now() + self.settings.close;
        let close = Close::new(CloseCode::ERROR, "");
        if self.is_open() {
            // It is over anyway.
            let _ = self.tell(close, deadline);
            self.end.borrow_mut().get_or_insert(End::Failed);
        }
    }
}

/// A turn to read or to write; `None` if it did not come in time.
fn turn(queue: &Semaphore, deadline: Option<Time>) -> Result<Option<Permit>, Error> {
    let turn = match deadline {
        None => queue.acquire().map(Some),
        Some(deadline) => queue.acquire_timeout(left_until(deadline)),
    };
    turn.map_err(parking)
}

fn left_until(deadline: Time) -> Duration {
    deadline - now()
}

fn parking(error: ParkError) -> Error {
    Error::Io(error.into())
}

/// Bytes that are being written. However that ends, what was not written is still the next to go.
struct Lent<'a> {
    shared: &'a Shared,
    bytes: Vec<u8>,
    sent: usize,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if self.sent < self.bytes.len() {
            let bytes = std::mem::take(&mut self.bytes);
            let mut codec = self.shared.codec.borrow_mut();
            codec.return_output(bytes, self.sent);
        }
    }
}

/// Sends what is ready, once.
struct Flush(Rc<Shared>);

impl Flush {
    fn run(self) {
        if let Ok(_turn) = self.0.writing.acquire() {
            // Who reads finds out, or who sends.
            let _ = self.0.pump(None);
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.is_flushing.set(false);
    }
}
