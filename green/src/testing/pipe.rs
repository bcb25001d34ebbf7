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
use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;

use eventlet_hub::Hub;
use eventlet_runloop::{Task, Time, TimerId};

use crate::coroutine::{Loop, Wait, Woken};
use crate::error::ParkError;
use crate::fd::{Due, Seat};
use crate::scheduler;
use crate::sys::slot;
use crate::watch::{self, Target, Watcher};

/// The direction.
pub(super) struct Pipe {
    bytes: RefCell<VecDeque<u8>>,
    capacity: usize,
    /// The writing side has said that no more will come.
    pub(super) ended: Cell<bool>,
    /// The reading side will not read any more.
    pub(super) refused: Cell<bool>,
    /// The reading side has closed its end: what is told to who waits there.
    pub(super) closed: Cell<bool>,
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
            closed: Cell::new(false),
            reader: Seat::new(),
            writer: Seat::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    pub(super) fn has_room(&self) -> bool {
        self.len() < self.capacity
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
    pub(super) fn take(self: &Rc<Self>, into: &mut [u8]) -> usize {
        let count = self.look(into);
        if count > 0 {
            self.bytes.borrow_mut().drain(..count);
            self.tell(&self.writer);
        }
        count
    }

    /// Puts in what there is room for, and tells who waits for data; says how much.
    pub(super) fn put(self: &Rc<Self>, from: &[u8]) -> usize {
        let mut bytes = self.bytes.borrow_mut();
        let count = from.len().min(self.capacity - bytes.len());
        bytes.extend(&from[..count]);
        drop(bytes);
        if count > 0 {
            self.tell(&self.reader);
        }
        count
    }

    /// Nobody will read what is on its way; says how much that was.
    pub(super) fn throw_away(&self) -> usize {
        std::mem::take(&mut *self.bytes.borrow_mut()).len()
    }

    /// No more will come: whoever reads is told.
    pub(super) fn end(self: &Rc<Self>) {
        self.ended.set(true);
        self.tell(&self.reader);
    }

    /// Nobody will read: whoever writes is told.
    pub(super) fn refuse(self: &Rc<Self>) {
        self.refused.set(true);
        self.tell(&self.writer);
    }

    /// Whether a read would not wait.
    fn is_readable(&self) -> bool {
        self.len() > 0 || self.ended.get()
    }

    /// Wakes who waits, or has a watcher begun.
    fn tell(self: &Rc<Self>, seat: &Seat) {
        self.begin_if(seat.report(Woken::Ready));
    }

    /// Has the watcher that is due begun.
    fn begin_if(self: &Rc<Self>, due: Option<Due>) {
        if let Some(due) = due {
            watch::begin_soon(due, || Rc::clone(self) as _);
        }
    }

    /// Has a watcher begun once there is something to read, or the deadline has passed, which is asked
    /// for if there is nothing yet.
    ///
    /// # Errors
    ///
    /// `ResourceBusy`: somebody else waits to read. `Unsupported`: the thread is ending.
    pub(super) fn watch(
        self: &Rc<Self>,
        watcher: Rc<dyn Watcher>,
        deadline: impl FnOnce() -> Option<Time>,
        watched_at: &'static Location<'static>,
    ) -> io::Result<()> {
        if self.reader.is_taken() {
            return Err(busy(Wait::MemoryRead));
        }
        scheduler::with(|scheduler| {
            scheduler.check_not_ending()?;
            let key = scheduler.watchers.insert(watcher, watched_at);
            self.reader.take_for_watcher(key);
            if self.is_readable() {
                self.tell(&self.reader);
            } else if let Some(deadline) = deadline() {
                let task = || Rc::clone(self) as _;
                self.reader
                    .set_deadline(&scheduler.run_loop, deadline, task);
            }
            Ok(())
        })
    }

    /// Takes the timer of a watcher down, when the reading side has gone.
    pub(super) fn drop_alarm(&self) {
        slot::with(|scheduler| self.reader.drop_alarm(&scheduler.run_loop));
    }
}

impl Target for Pipe {
    fn leave(&self) -> io::Result<()> {
        match self.reader.leave_due() {
            Some(Woken::TimedOut) => Err(timed_out(Wait::MemoryRead)),
            _ if self.closed.get() => Err(closed()),
            _ => Ok(()),
        }
    }
}

impl Task<Box<dyn Hub>> for Pipe {
    /// Only its timers are queued.
    fn run(self: Rc<Self>, _: &Loop) {}

    /// The alarm of a watcher.
    fn expired(self: Rc<Self>, run_loop: &Loop, timer: TimerId) {
        let due = self
            .reader
            .alarm_rings(run_loop, timer, || Rc::clone(&self) as _);
        self.begin_if(due);
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time limit of a stream in memory")
    }
}

/// Parks the caller on a seat until something has changed.
///
/// # Errors
///
/// `ResourceBusy`: somebody else waits there. `TimedOut`: the deadline has passed. Why the caller
/// could not wait.
pub(super) fn wait(seat: &Seat, wait: Wait, deadline: Option<Time>) -> io::Result<()> {
    if seat.is_taken() {
        return Err(busy(wait));
    }
    scheduler::with(|scheduler| {
        let me = scheduler.current().ok_or(ParkError::InCallback)?;
        seat.take(me);
        let _left_at_the_end = Seated(seat);
        match scheduler.park(wait, deadline)? {
            Woken::TimedOut => Err(timed_out(wait)),
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

fn busy(wait: Wait) -> io::Error {
    let text = format!("another coroutine is waiting for {wait}");
    io::Error::new(io::ErrorKind::ResourceBusy, text)
}

fn timed_out(wait: Wait) -> io::Error {
    let text = format!("the time limit was over while waiting for {wait}");
    io::Error::new(io::ErrorKind::TimedOut, text)
}

pub(super) fn closed() -> io::Error {
    let text = "closed by another handle of this stream";
    io::Error::new(io::ErrorKind::NotConnected, text)
}
