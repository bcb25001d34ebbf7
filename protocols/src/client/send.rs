//! A request on its way out, a step at a time, so that whoever drives it can see the answer come
//! meanwhile.
//!
//! Driving it is the business of `exchange`, and of the body of a response that began early.

use std::io::{self, ErrorKind, Read};

use bytes::Bytes;

use super::body::{Body, Source, Trailers};
use super::error::Error;
use super::transport::Transport;
use crate::wire::{BodySize, BodyWriter, ResponsePlan};

/// How much of a reader's bytes go out at a time, and how long a body in memory may be to be sent
/// together with its head.
const PIECE: usize = 16 * 1024;

/// A request that is being sent.
pub(super) struct Sender {
    /// Framed, and ready to go out from `at` on.
    ready: Vec<u8>,
    at: usize,
    /// Goes out after `ready`, as it is.
    whole: Bytes,
    reader: Option<Box<dyn Read>>,
    /// Of the reader's announced length, what has not been read.
    left: Option<u64>,
    writer: BodyWriter,
    trailers: Option<Trailers>,
    body: Progress,
    /// Bytes that the stream has taken.
    sent: u64,
}

/// How far the body has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The server is to say that it wants it.
    Held,
    Going,
    /// All of it is in `ready` and `whole`.
    Over,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something went out, or was read.
    Moved,
    /// There is no room.
    Blocked,
    /// All is out that may go.
    Done,
}

/// Why a step failed.
pub(super) enum Failed {
    /// The connection did.
    Stream(io::Error),
    /// The body did: what was sent of it is not the whole.
    Body(Error),
}

impl Sender {
    /// A request whose head is written.
    pub(super) fn new(head: Vec<u8>, body: Body, plan: &ResponsePlan) -> Self {
        let mut sender = Sender {
            ready: head,
            at: 0,
            whole: Bytes::new(),
            reader: None,
            left: None,
            writer: BodyWriter::new(plan),
            trailers: body.trailers,
            body: Progress::Going,
            sent: 0,
        };
        match body.source {
            Source::Bytes(bytes) => {
                sender.whole = bytes;
                sender.body = Progress::Over;
            }
            Source::Reader(reader, size) => {
                sender.reader = Some(reader);
                if let BodySize::Known(length) = size {
                    sender.left = Some(length);
                }
            }
        }
        sender
    }

    /// Keeps the body back until [`release`](Self::release).
    pub(super) fn hold(&mut self) {
        self.body = Progress::Held;
    }

    pub(super) fn release(&mut self) {
        if self.body == Progress::Held {
            self.body = match self.reader {
                Some(_) => Progress::Going,
                None => Progress::Over,
            };
        }
    }

    /// How many bytes the stream has taken.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Does what can be done without waiting for the connection. (Reading the body may wait.)
    pub(super) fn step(&mut self, to: &dyn Transport) -> Result<Step, Failed> {
        if self.at == self.ready.len() && self.body == Progress::Going {
            self.refill()?;
        }
        if self.body == Progress::Over && !self.whole.is_empty() && self.whole.len() <= PIECE {
            let whole = std::mem::take(&mut self.whole);
            self.ready.extend_from_slice(&whole);
        }
        let written = if self.at < self.ready.len() {
            to.try_write(&self.ready[self.at..]).inspect(|count| {
                self.at += count;
                if self.at == self.ready.len() {
                    self.ready.clear();
                    self.at = 0;
                }
            })
        } else if self.body == Progress::Over && !self.whole.is_empty() {
            let written = to.try_write(&self.whole);
            written.inspect(|&count| drop(self.whole.split_to(count)))
        } else {
            return match to.try_flush() {
                Ok(()) if self.body == Progress::Going => Ok(Step::Moved),
                Ok(()) => Ok(Step::Done),
                Err(error) => blocked_or_failed(error),
            };
        };
        match written {
            Ok(0) => Err(Failed::Stream(ErrorKind::WriteZero.into())),
            Ok(count) => {
                self.sent += count as u64;
                Ok(Step::Moved)
            }
            Err(error) => blocked_or_failed(error),
        }
    }

    /// Whether nothing is left to go, but for what the stream itself may hold.
    pub(super) fn is_drained(&self) -> bool {
        self.body != Progress::Going && self.at == self.ready.len() && self.is_body_out()
    }

    fn is_body_out(&self) -> bool {
        self.body == Progress::Held || self.whole.is_empty()
    }

    /// Reads the next piece of the body and frames it.
    fn refill(&mut self) -> Result<(), Failed> {
        let Some(reader) = &mut self.reader else {
            self.body = Progress::Over;
            return Ok(());
        };
        let most = self.left.map_or(PIECE, |left| {
            usize::try_from(left).map_or(PIECE, |left| left.min(PIECE))
        });
        let mut piece = [0; PIECE];
        let count = loop {
            if most == 0 {
                break 0;
            }
            match reader.read(&mut piece[..most]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failed::Body(Error::RequestBody(error))),
                Ok(count) => break count,
            }
        };
        if count > 0 {
            self.writer.frame(&piece[..count]).write_to(&mut self.ready);
            if let Some(left) = &mut self.left {
                *left -= count as u64;
            }
            if self.left != Some(0) {
                return Ok(());
            }
        }
        // The end: of the reader, or of what was announced.
        self.body = Progress::Over;
        self.reader = None;
        let trailers = self.trailers.take().map(|trailers| trailers());
        let finished = self.writer.finish(trailers.as_ref(), &mut self.ready);
        finished.map_err(|short| {
            Failed::Body(Error::RequestLength {
                missing: short.missing,
            })
        })
    }
}

fn blocked_or_failed(error: io::Error) -> Result<Step, Failed> {
    match error.kind() {
        ErrorKind::WouldBlock => Ok(Step::Blocked),
        _ => Err(Failed::Stream(error)),
    }
}
