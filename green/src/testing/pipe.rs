//! One direction of a [`Duplex`](super::Duplex): bytes on their way, and who waits for them or for
//! room.
//!
//! ```text
//!            put                          take
//!   writer ───────► [ at most capacity ] ───────► reader
//!              ended: no more will come     refused: nobody will read
//! ```
//!
//! What an operation says in each of these states is the business of `duplex.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;

use eventlet_runloop::Time;

use crate::coroutine::{Wait, Woken};
use crate::error::ParkError;
use crate::scheduler;
use crate::seat::Seat;

/// The direction.
pub(super) struct Pipe {
    bytes: RefCell<VecDeque<u8>>,
    capacity: usize,
    /// The writing side has said that no more will come.
    pub(super) ended: Cell<bool>,
    /// The reading side will not read any more.
    pub(super) refused: Cell<bool>,
    pub(super) reader: Seat,
    pub(super) writer: Seat,
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        Pipe {
            bytes: RefCell::new(VecDeque::new()),
            capacity,
            ended: Cell::new(false),
            refused: Cell::new(false),
            reader: Seat::new(),
            writer: Seat::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    /// Copies what is there without taking it; says how much.
    pub(super) fn look(&self, into: &mut [u8]) -> usize {
        let bytes = self.bytes.borrow();
        let (first, second) = bytes.as_slices();
        let from_first = first.len().min(into.len());
        into[..from_first].copy_from_slice(&first[..from_first]);
        let rest = &mut into[from_first..];
        let from_second = second.len().min(rest.len());
        rest[..from_second].copy_from_slice(&second[..from_second]);
        from_first + from_second
    }

    /// Takes what is there, and tells who waits for room; says how much.
    pub(super) fn take(&self, into: &mut [u8]) -> usize {
        let count = self.look(into);
        if count > 0 {
            self.bytes.borrow_mut().drain(..count);
            self.writer.report(Woken::Ready);
        }
        count
    }

    /// Puts in what there is room for, and tells who waits for data; says how much.
    pub(super) fn put(&self, from: &[u8]) -> usize {
        let mut bytes = self.bytes.borrow_mut();
        let count = from.len().min(self.capacity - bytes.len());
        bytes.extend(&from[..count]);
        drop(bytes);
        if count > 0 {
            self.reader.report(Woken::Ready);
        }
        count
    }

    /// Nobody will read what is on its way; says how much that was.
    pub(super) fn throw_away(&self) -> usize {
        std::mem::take(&mut *self.bytes.borrow_mut()).len()
    }

    /// No more will come: whoever reads is told.
    pub(super) fn end(&self) {
        self.ended.set(true);
        self.reader.report(Woken::Ready);
    }

    /// Nobody will read: whoever writes is told.
    pub(super) fn refuse(&self) {
        self.refused.set(true);
        self.writer.report(Woken::Ready);
    }
}

/// Parks the caller on a seat until something has changed.
///
/// # Errors
///
/// `ResourceBusy`: another coroutine sits there. `TimedOut`: the deadline has passed. Why the
/// caller could not wait.
pub(super) fn wait(seat: &Seat, wait: Wait, deadline: Option<Time>) -> io::Result<()> {
    if seat.is_taken() {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("another coroutine is waiting for {wait}"),
        ));
    }
    scheduler::with(|scheduler| {
        let me = scheduler.current().ok_or(ParkError::InCallback)?;
        seat.take(me);
        let _left_at_the_end = Seated(seat);
        match scheduler.park(wait, deadline)? {
            Woken::TimedOut => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the time limit was over while waiting for {wait}"),
            )),
            _ => Ok(()),
        }
    })
}

/// Takes the waiter off its seat however the wait ends.
struct Seated<'a>(&'a Seat);

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
