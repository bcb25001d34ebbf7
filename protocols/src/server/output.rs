//! The bytes on their way out: heads and bodies are put together here and go out in few writes.
//!
//! Responses to pipelined requests are gathered, too: they are sent when there is no further
//! request at hand, when a handler waits, or when enough has come together.

use std::io;
use std::mem;
use std::rc::Rc;

use http::HeaderMap;

use super::fairness::{ROW, Row};
use super::pace::{Pace, Patience};
use super::transport::Transport;
use crate::wire::{BodyWriter, ResponseFraming, ResponsePlan};

/// So much is gathered before it is sent; also the size of the largest chunk made of small pieces.
const ENOUGH: usize = 16 * 1024;

/// So much may be written beyond the length of a body before writing fails: a writer without end
/// would never wait for anybody, and keep the loop to itself.
const MOST_CUT: u64 = 64 * 1024;

/// What a flush that does not wait has left unsent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Some,
}

#[cold]
fn broken() -> io::Error {
    let text = "an earlier write to this client has failed";
    io::Error::new(io::ErrorKind::BrokenPipe, text)
}

/// Where a connection's bytes go. In this order as [`Link`](super::link::Link) is.
#[repr(C)]
pub(super) struct Output {
    /// Ready to go out.
    pub(super) ready: Vec<u8>,
    broken: bool,
    /// The end of the body under way, or of the last one.
    end: End,
    transport: Rc<dyn Transport>,
    /// Bytes that have gone out, and are not in `pace` yet.
    moved: u64,
    body: BodyWriter,
    /// Bytes that were written beyond the announced length.
    cut: u64,
    /// Of the body under way: not framed yet.
    gathered: Vec<u8>,
    patience: Patience,
    pace: Pace,
    row: Row,
}

/// How the end of a body is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By its framing.
    Framed,
    /// It ends where the connection does; more of it is to come.
    CloseAwaited,
    /// It ends where the connection does, and all of it is there.
    CloseDue,
}

impl Output {
    pub(super) fn new(transport: Rc<dyn Transport>, patience: Patience) -> Self {
        let nothing = ResponsePlan {
            field: crate::wire::LengthField::Absent,
            framing: ResponseFraming::Nothing,
        };
        Output {
            transport,
            patience,
            pace: Pace::full(patience),
            moved: 0,
            ready: Vec::new(),
            gathered: Vec::new(),
            body: BodyWriter::new(&nothing),
            cut: 0,
            broken: false,
            end: End::Framed,
            row: Row::default(),
        }
    }

    /// Begins the body of a response whose head has been written to `ready`.
    pub(super) fn begin_body(&mut self, plan: &ResponsePlan) {
        self.body = BodyWriter::new(plan);
        self.cut = 0;
        self.end = match plan.framing {
            ResponseFraming::UntilClose => End::CloseAwaited,
            _ => End::Framed,
        };
    }

    /// Whether a write has failed or was broken off: the client is gone, or too slow.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether closing the connection now would pass for the end of a body that has not come to its
    /// end: the client is to see a reset instead.
    pub(super) fn is_torn(&self) -> bool {
        match self.end {
            End::Framed => false,
            End::CloseAwaited => true,
            End::CloseDue => self.broken || !self.ready.is_empty(),
        }
    }

    pub(super) fn body_sent(&self) -> u64 {
        self.body.sent()
    }

    /// Bytes of the body that were written beyond its announced length, and not sent.
    pub(super) fn body_cut(&self) -> u64 {
        self.cut
    }

    /// Whether a body of that length, with a head before it, can be written without anything being sent.
    pub(super) fn has_room_for(&self, body: usize) -> bool {
        /// More than heads take that are written by a server.
        const HEAD: usize = 4 * 1024;
        !self.broken && self.ready.len().saturating_add(body) < ENOUGH - HEAD
    }

    /// Writes a body that is all there, and ends it.
    #[inline]
    pub(super) fn whole_body(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > ENOUGH {
            self.send_piece(bytes)?;
        } else if self.body.takes_whole(bytes) {
            self.ready.extend_from_slice(bytes);
            return self.flush_if_enough();
        } else {
            let frame = self.body.frame(bytes);
            frame.write_to(&mut self.ready);
            self.cut += frame.cut as u64;
        }
        self.end_body(None)
    }

    /// Takes a piece of a body; sends what has come together when it is enough.
    pub(super) fn gather(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.cut > MOST_CUT {
            let text = "the body goes on and on beyond the length it was announced with";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if self.gathered.is_empty() && bytes.len() >= ENOUGH {
            return self.send_piece(bytes);
        }
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= ENOUGH {
            self.send_gathered()
        } else {
            Ok(())
        }
    }

    /// Whether all bytes of a body of known length have been written.
    pub(super) fn has_whole_body(&self) -> bool {
        let missing = self.body.missing();
        missing.is_some_and(|missing| missing <= self.gathered.len() as u64)
    }

    /// Sends what has been gathered of a body, with all that is ready before it.
    pub(super) fn send_gathered(&mut self) -> io::Result<()> {
        self.frame_gathered();
        self.flush()
    }

    fn frame_gathered(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let mut gathered = mem::take(&mut self.gathered);
        let frame = self.body.frame(&gathered);
        frame.write_to(&mut self.ready);
        self.cut += frame.cut as u64;
        gathered.clear();
        self.gathered = gathered;
    }

    /// Writes to the client. Until that has succeeded the connection counts as broken, also when the
    /// caller is unwound in the middle: nothing may follow what was torn off.
    fn write_out(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(broken());
        }
        self.broken = true;
        let written = self.write_on(bytes);
        self.broken = written.is_err();
        written
    }

    fn write_on(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.pace.earn(self.patience, mem::take(&mut self.moved));
        while !bytes.is_empty() {
            self.row.give_way();
            let piece = &bytes[..bytes.len().min(ROW)];
            let write = |limit| self.transport.write(piece, limit);
            let written = self.pace.spend(self.patience, write);
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.pace.earn(self.patience, count as u64);
                    self.row.count(count);
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends a large piece without copying it.
    fn send_piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let frame = self.body.frame(bytes);
        self.ready.extend_from_slice(frame.head());
        self.cut += frame.cut as u64;
        let (data, tail) = (frame.data, frame.tail);
        self.flush()?;
        self.write_out(data)?;
        self.ready.extend_from_slice(tail);
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// `InvalidData` if it is shorter than was announced.
    pub(super) fn end_body(&mut self, trailers: Option<&HeaderMap>) -> io::Result<()> {
        self.frame_gathered();
        self.body
            .finish(trailers, &mut self.ready)
            .map_err(|short| io::Error::new(io::ErrorKind::InvalidData, short))?;
        if self.end == End::CloseAwaited {
            self.end = End::CloseDue;
        }
        self.flush_if_enough()
    }

    fn flush_if_enough(&mut self) -> io::Result<()> {
        if self.ready.len() >= ENOUGH {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Forgets the body under way; what is ready has gone out or goes out with the next flush.
    pub(super) fn abandon_body(&mut self) {
        self.gathered.clear();
    }

    /// Sends what there is room for, without waiting.
    pub(super) fn try_flush(&mut self) -> io::Result<Left> {
        if self.broken {
            return Err(broken());
        }
        let mut at = 0;
        let outcome = loop {
            if at == self.ready.len() {
                break Ok(Left::Nothing);
            }
            match self.transport.try_write(&self.ready[at..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => at += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(Left::Some),
                Err(error) => break Err(error),
            }
        };
        self.moved += at as u64;
        match outcome {
            Ok(Left::Some) => {
                self.ready.drain(..at);
            }
            // After a failure the rest must not go out later, out of its place.
            _ => self.ready.clear(),
        }
        self.broken = outcome.is_err();
        outcome
    }

    /// Sends all that is ready.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let mut ready = mem::take(&mut self.ready);
        let written = self.write_out(&ready);
        // After a failure the rest must not go out later, out of its place.
        ready.clear();
        self.ready = ready;
        written
    }
}
