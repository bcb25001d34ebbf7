//! A non-blocking descriptor that coroutines wait on: try, arm, park, try again.
//!
//! [`Watched`] is what every green socket is made of. It holds the descriptor, its registration
//! with the loop, and two seats: one for a reader, one for a writer. What the operations are (a
//! read, an accept) is the business of the types in [`net`](crate::net) and [`io`](crate::io).
//!
//! ```text
//!            ┌────────── done ─────────────────────────────────────────────► result
//!  operation ┤
//!            └─ WouldBlock ─► take the seat, arm, park ─┬─ event ──► operation again
//!                   ▲                                   ├─ deadline ─► TimedOut
//!                   │ hub reports every change:         ├─ closed ───► NotConnected
//!                   └─ a drained side parks untried     └─ kill ─────► unwinds; seat left
//! ```
//!
//! * `seat`: one direction: who waits, until when, and whether it is drained.
//! * `handle`: who owns it. `errors`: what it says when it cannot go on.
//! * `wait`: parking on one descriptor or several, and the seats' guard.
//! * `transfer`: reading and writing bytes, for whatever `std` can read and write.
//! * `pausing`: trying again where nothing is reported; Unix sockets.
//! * `surface`: what the public types have in common, as macros.

mod errors;
mod handle;
#[cfg(unix)]
mod pausing;
mod seat;
mod surface;
mod transfer;
mod wait;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use eventlet_hub::{Hub, Interest, Readiness, Source, Token};
use eventlet_runloop::{Descriptor, Task, Time, TimerId};

use self::errors::{busy, closed, timed_out};
pub(crate) use self::handle::Shared;
pub(crate) use self::seat::{Due, Seat};
pub(crate) use self::surface::{
    byte_reader, byte_writer, direction, duplex, from_and_into_std, handle, listener, options,
    readable, writable,
};
pub(crate) use self::transfer::Pauses;
pub(crate) use self::wait::{deadline_of, wait_any};
use crate::coroutine::{Loop, Wait, Woken};
use crate::scheduler;
use crate::sys::descriptor::end_behind;
use crate::sys::slot;
use crate::watch::{self, Target, Watcher};

/// A descriptor with its registration, shared by the handles to it.
pub(crate) struct Watched<S: Source> {
    source: S,
    /// Given up when the registration ends.
    token: Cell<Option<Token>>,
    closed: Cell<bool>,
    /// How many [`Shared`] there are; the loop's own references do not count.
    handles: Cell<usize>,
    /// The hub reports every change, so a side that was drained can be waited for untried.
    remembers_drained: bool,
    /// The end of the stream, an error, or urgent data was reported, or it is no plain stream at all.
    /// The first two are not reported again, and at the others a read stops short with more behind
    /// it: from then on a short read means nothing, and the next is tried. From the start where the hub
    /// does not tell all of these.
    always_tried: Cell<bool>,
    reader: Seat,
    writer: Seat,
}

/// A direction to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    fn interest(self) -> Interest {
        match self {
            Direction::Read => Interest::READABLE,
            Direction::Write => Interest::WRITABLE,
        }
    }

    fn is_in(self, interest: Interest) -> bool {
        match self {
            Direction::Read => interest.is_readable(),
            Direction::Write => interest.is_writable(),
        }
    }
}

/// How much of what was asked for an operation on a stream has done.
pub(crate) enum Extent {
    /// All, or it is not a stream: there may be more.
    Full,
    /// Less: the buffer of the kernel is now empty, or full. See epoll(7), question 9.
    Short,
}

impl<S: Source + 'static> Watched<S> {
    /// Registers a descriptor, which must be non-blocking, with this thread's loop.
    pub(crate) fn register(source: S) -> io::Result<Shared<S>> {
        crate::setup::ensure()?;
        scheduler::with(|scheduler| {
            let watched = Rc::new(Watched {
                source,
                token: Cell::new(None),
                closed: Cell::new(false),
                handles: Cell::new(1),
                remembers_drained: scheduler.remembers_drained,
                always_tried: Cell::new(!scheduler.trusts_short),
                reader: Seat::new(),
                writer: Seat::new(),
            });
            let token = scheduler
                .run_loop
                .register_descriptor(Rc::clone(&watched) as _)?;
            watched.token.set(Some(token));
            Ok(Shared(watched))
        })
    }

    /// Has a short read or write never count as the last there is: for what is no stream, or one
    /// whose reads stop short at boundaries of its own. (What is watched on Windows is neither.)
    #[cfg(unix)]
    pub(crate) fn always_try(&self) {
        self.always_tried.set(true);
    }

    /// The wrapped object, for what does not wait.
    ///
    /// # Errors
    ///
    /// `NotConnected`: closed.
    pub(crate) fn source(&self) -> io::Result<&S> {
        if self.closed.get() {
            return Err(closed());
        }
        Ok(&self.source)
    }

    pub(crate) fn limit(&self, direction: Direction) -> Option<Duration> {
        self.seat(direction).limit.get()
    }

    /// Sets how long an operation may wait.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero, as for the sockets of `std`.
    pub(crate) fn set_limit(
        &self,
        direction: Direction,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        if limit.is_some_and(|limit| limit.is_zero()) {
            let text =
                "a time limit of zero would never let an operation wait; use None for no limit";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.seat(direction).limit.set(limit);
        Ok(())
    }

    /// Does an operation, parking for as long as it would block.
    #[inline]
    pub(crate) fn operate<T>(
        self: &Rc<Self>,
        direction: Direction,
        wait: fn(RawFd) -> Wait,
        mut operation: impl FnMut(&S) -> io::Result<(T, Extent)>,
    ) -> io::Result<T> {
        slot::with(crate::scheduler::Scheduler::spend_credit);
        let seat = self.seat(direction);
        let mut deadline = None;
        loop {
            if self.closed.get() {
                return Err(closed());
            }
            if !(self.remembers_drained && seat.is_drained()) {
                match operation(&self.source) {
                    Ok((value, extent)) => {
                        self.note(seat, &extent);
                        return Ok(value);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        seat.set_drained();
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                }
            }
            // Fixed by the first wait: being woken for nothing does not prolong it.
            let deadline = *deadline.get_or_insert_with(|| deadline_of(seat.limit.get()));
            self.wait(direction.interest(), wait, deadline)?;
        }
    }

    /// Does an operation if it does not block.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, which takes no system call where the direction is known to be drained; else
    /// what the operation gives.
    pub(crate) fn try_operate<T>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<(T, Extent)>,
    ) -> io::Result<T> {
        let seat = self.seat(direction);
        if self.closed.get() {
            return Err(closed());
        }
        if self.remembers_drained && seat.is_drained() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        loop {
            match operation(&self.source) {
                Ok((value, extent)) => {
                    self.note(seat, &extent);
                    return Ok(value);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if error.kind() == io::ErrorKind::WouldBlock {
                        seat.set_drained();
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Keeps what an operation has told of the direction.
    #[inline]
    fn note(&self, seat: &Seat, extent: &Extent) {
        if matches!(extent, Extent::Short) && !self.always_tried.get() {
            seat.set_drained();
        }
    }

    /// Parks until the direction may be ready, without an operation. Where it is not known to be
    /// drained, a hub that reports every change has said so already; the others are asked.
    pub(crate) fn wait_ready(
        self: &Rc<Self>,
        direction: Direction,
        wait: fn(RawFd) -> Wait,
    ) -> io::Result<()> {
        let seat = self.seat(direction);
        if self.closed.get() {
            return Err(closed());
        }
        if self.remembers_drained && !seat.is_drained() {
            return Ok(());
        }
        self.wait(direction.interest(), wait, deadline_of(seat.limit.get()))
    }

    /// Has a watcher begun once there may be something to read, or the deadline has passed, which is
    /// asked for if there is nothing yet.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait), without the deadline; the watcher is dropped then.
    pub(crate) fn watch(
        self: &Rc<Self>,
        watcher: Rc<dyn Watcher>,
        deadline: impl FnOnce() -> Option<Time>,
        watched_at: &'static Location<'static>,
    ) -> io::Result<()> {
        let Some(token) = self.token.get() else {
            return Err(closed());
        };
        let seat = &self.reader;
        if seat.is_taken() {
            return Err(busy(Direction::Read));
        }
        scheduler::with(|scheduler| {
            scheduler.check_not_ending()?;
            let run_loop = &scheduler.run_loop;
            run_loop.arm(token, Interest::READABLE)?;
            seat.take_for_watcher(scheduler.watchers.insert(watcher, watched_at));
            if self.remembers_drained && !seat.is_drained() {
                self.begin_if(seat.report(Woken::Ready));
            } else if let Some(deadline) = deadline() {
                seat.set_deadline(run_loop, deadline, || Rc::clone(self) as _);
            }
            Ok(())
        })
    }

    /// [`watch`](Self::watch), within the time limit of a read.
    pub(crate) fn watch_within_limit(
        self: &Rc<Self>,
        watcher: Rc<dyn Watcher>,
        watched_at: &'static Location<'static>,
    ) -> io::Result<()> {
        let deadline = || deadline_of(self.reader.limit.get());
        self.watch(watcher, deadline, watched_at)
    }

    /// Has the watcher that is due begun.
    #[inline]
    fn begin_if(self: &Rc<Self>, due: Option<Due>) {
        if let Some(due) = due {
            watch::begin_soon(due, || Rc::clone(self) as _);
        }
    }

    /// Ends the connection, or the listening, for every handle, and wakes who waits. The number
    /// stays taken until the last handle is gone.
    pub(crate) fn close(self: &Rc<Self>) -> io::Result<()> {
        if self.closed.replace(true) {
            return Ok(());
        }
        self.deregister(End::Replaced);
        let outcome = end_behind(self.source.as_fd());
        self.try_again();
        outcome
    }

    /// Wakes who waits, as if the hub had reported both directions.
    pub(crate) fn try_again(self: &Rc<Self>) {
        for seat in [&self.reader, &self.writer] {
            self.begin_if(seat.report(Woken::Ready));
        }
    }

    fn deregister(&self, end: End) {
        let Some(token) = self.token.take() else {
            return;
        };
        if !matches!(end, End::Replaced) {
            self.reader.drop_watcher(self);
        }
        // The thread may be ending, and its loop gone: then there is nothing to end.
        slot::with(|scheduler| {
            let run_loop = &scheduler.run_loop;
            self.reader.drop_alarm(run_loop);
            self.writer.drop_alarm(run_loop);
            // Errors say that nothing is registered, which is what is wanted.
            let _ = match end {
                End::LastHandle => run_loop.deregister_closing(token),
                End::Replaced | End::Released => run_loop.deregister(token),
            };
        });
    }

    fn seat(&self, direction: Direction) -> &Seat {
        match direction {
            Direction::Read => &self.reader,
            Direction::Write => &self.writer,
        }
    }

    pub(crate) fn number(&self) -> RawFd {
        self.source.as_fd().as_raw_fd()
    }
}

/// How a registration comes to its end.
enum End {
    /// The descriptor is closed right afterwards.
    LastHandle,
    /// Another file is put behind its number.
    Replaced,
    /// It lives on elsewhere.
    Released,
}

impl<S: Source + 'static> Descriptor<Box<dyn Hub>> for Watched<S> {
    fn ready(self: Rc<Self>, _: &Loop, _: Token, readiness: Readiness) {
        if readiness.is_error() || readiness.is_read_closed() || readiness.is_urgent() {
            self.always_tried.set(true);
        }
        if readiness.is_readable() {
            self.begin_if(self.reader.report(Woken::Ready));
        }
        if readiness.is_writable() {
            self.begin_if(self.writer.report(Woken::Ready));
        }
    }
}

impl<S: Source + 'static> Task<Box<dyn Hub>> for Watched<S> {
    /// Only its timers are queued.
    fn run(self: Rc<Self>, _: &Loop) {}

    /// The alarm of one of the seats.
    fn expired(self: Rc<Self>, run_loop: &Loop, timer: TimerId) {
        for seat in [&self.reader, &self.writer] {
            let due = seat.alarm_rings(run_loop, timer, || Rc::clone(&self) as _);
            self.begin_if(due);
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a time limit of descriptor {}", self.number())
    }
}

impl<S: Source + 'static> Target for Watched<S> {
    fn leave(&self) -> io::Result<()> {
        match self.reader.leave_due() {
            Some(Woken::TimedOut) => Err(timed_out(Interest::READABLE)),
            _ if self.closed.get() => Err(closed()),
            _ => Ok(()),
        }
    }
}

impl<S: Source> AsFd for Watched<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}
