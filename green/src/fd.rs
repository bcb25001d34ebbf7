//! A non-blocking descriptor that coroutines wait on: try, arm, park, try again.
//!
//! [`Watched`] is what every green socket is made of. It holds the descriptor, its registration
//! with the loop, and two seats: one for a reader, one for a writer. What the operations are (a
//! read, an accept) is the business of the types in [`net`](crate::net).
//!
//! ```text
//!            ┌────────── done ─────────────────────────────────────────────► result
//!  operation ┤
//!            └─ WouldBlock ─► take the seat, arm, park ─┬─ event ──► operation again
//!                   ▲                                   ├─ deadline ─► TimedOut
//!                   │ hub reports every change:         ├─ closed ───► NotConnected
//!                   └─ a drained side parks untried     └─ kill ─────► unwinds; seat left
//! ```

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Hub, Interest, Readiness, Source, Token};
use eventlet_runloop::{Descriptor, Task, Time, TimerId};

use crate::coroutine::{Coroutine, Loop, Wait, Woken, after};
use crate::scheduler;
use crate::seat::Seat;
use crate::sys::descriptor::replace_with_inert;
use crate::sys::slot;

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
    /// The end of the stream, an error, or urgent data was reported. The first two are not reported
    /// again, and at the third a read stops short with more behind it: from then on a short read
    /// means nothing, and the next is tried.
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
                always_tried: Cell::new(false),
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
                        if matches!(extent, Extent::Short) && !self.always_tried.get() {
                            seat.set_drained();
                        }
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

    /// Parks until one of the directions is reported ready.
    ///
    /// # Errors
    ///
    /// * `TimedOut`: the deadline has passed.
    /// * `ResourceBusy`: another coroutine waits for one of the directions.
    /// * `NotConnected`: closed, before or meanwhile.
    /// * Why the caller could not wait.
    pub(crate) fn wait(
        self: &Rc<Self>,
        interest: Interest,
        wait: fn(RawFd) -> Wait,
        deadline: Option<Time>,
    ) -> io::Result<()> {
        let Some(token) = self.token.get() else {
            return Err(closed());
        };
        if let Some(direction) = self.taken(interest) {
            return Err(busy(direction));
        }
        scheduler::with(|scheduler| {
            let me = scheduler.current().ok_or(crate::ParkError::InCallback)?;
            scheduler.run_loop.arm(token, interest)?;
            let _seats_left_at_the_end = Seated::take(self, interest, me);
            let _counted = scheduler.waiting_for_kernel();
            let deadline = match (deadline, self.only_seat(interest)) {
                (Some(deadline), Some(seat)) => {
                    seat.set_deadline(&scheduler.run_loop, deadline, || Rc::clone(self) as _);
                    None
                }
                (deadline, _) => deadline,
            };
            match scheduler.park(wait(self.number()), deadline)? {
                Woken::TimedOut => Err(timed_out(interest)),
                _ if self.closed.get() => Err(closed()),
                _ => Ok(()),
            }
        })
    }

    /// The seat of an interest in one direction.
    fn only_seat(&self, interest: Interest) -> Option<&Seat> {
        match interest {
            Interest::READABLE => Some(&self.reader),
            Interest::WRITABLE => Some(&self.writer),
            _ => None,
        }
    }

    /// A direction of `interest` that somebody waits for.
    fn taken(&self, interest: Interest) -> Option<Direction> {
        [Direction::Read, Direction::Write]
            .into_iter()
            .find(|&direction| direction.is_in(interest) && self.seat(direction).is_taken())
    }

    /// Ends the connection, or the listening, for every handle, and wakes who waits. The number
    /// stays taken until the last handle is gone.
    pub(crate) fn close(&self) -> io::Result<()> {
        if self.closed.replace(true) {
            return Ok(());
        }
        self.deregister(End::Replaced);
        let outcome = replace_with_inert(self.source.as_fd());
        self.reader.report(Woken::Ready);
        self.writer.report(Woken::Ready);
        outcome
    }

    fn deregister(&self, end: End) {
        let Some(token) = self.token.take() else {
            return;
        };
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

/// When a wait that begins now is over.
pub(crate) fn deadline_of(limit: Option<Duration>) -> Option<Time> {
    limit.map(|limit| scheduler::with(|scheduler| after(&scheduler.run_loop, limit)))
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

/// Keeps the waiter on its seats, and takes it off however the wait ends.
struct Seated<'a>([Option<&'a Seat>; 2]);

impl<'a> Seated<'a> {
    fn take<S: Source>(watched: &'a Watched<S>, interest: Interest, who: Rc<Coroutine>) -> Self {
        let reader = interest.is_readable().then_some(&watched.reader);
        let writer = interest.is_writable().then_some(&watched.writer);
        if let (Some(reader), Some(_)) = (reader, writer) {
            reader.take(Rc::clone(&who));
        }
        if let Some(last) = writer.or(reader) {
            last.take(who);
        }
        Seated([reader, writer])
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        for seat in self.0.iter().flatten() {
            seat.leave();
        }
    }
}

impl<S: Source + 'static> Descriptor<Box<dyn Hub>> for Watched<S> {
    fn ready(self: Rc<Self>, _: &Loop, _: Token, readiness: Readiness) {
        if readiness.is_error() || readiness.is_read_closed() || readiness.is_urgent() {
            self.always_tried.set(true);
        }
        if readiness.is_readable() {
            self.reader.report(Woken::Ready);
        }
        if readiness.is_writable() {
            self.writer.report(Woken::Ready);
        }
    }
}

impl<S: Source + 'static> Task<Box<dyn Hub>> for Watched<S> {
    /// Not called: nothing queues it.
    fn run(self: Rc<Self>, _: &Loop) {}

    /// The alarm of one of the seats.
    fn expired(self: Rc<Self>, run_loop: &Loop, timer: TimerId) {
        for seat in [&self.reader, &self.writer] {
            seat.alarm_rings(run_loop, timer, || Rc::clone(&self) as _);
        }
    }
}

impl<S: Source> AsFd for Watched<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}

/// A handle to a watched descriptor: it is closed when the last one is dropped.
pub(crate) struct Shared<S: Source + 'static>(Rc<Watched<S>>);

impl<S: Source + 'static> Shared<S> {
    /// The wrapped object back, if this is the only handle; else `ResourceBusy`.
    pub(crate) fn release(self) -> io::Result<S> {
        if self.0.handles.get() > 1 {
            let text = "other handles to this descriptor are in use";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        if self.0.closed.get() {
            return Err(closed());
        }
        self.0.deregister(End::Released);
        let watched = Rc::clone(&self.0);
        drop(self);
        match Rc::try_unwrap(watched) {
            Ok(watched) => Ok(watched.source),
            // A callback of the loop has it in its hands right now.
            Err(_) => Err(io::ErrorKind::ResourceBusy.into()),
        }
    }
}

impl<S: Source + 'static> Clone for Shared<S> {
    fn clone(&self) -> Self {
        self.0.handles.set(self.0.handles.get() + 1);
        Shared(Rc::clone(&self.0))
    }
}

impl<S: Source + 'static> Deref for Shared<S> {
    type Target = Rc<Watched<S>>;

    fn deref(&self) -> &Rc<Watched<S>> {
        &self.0
    }
}

impl<S: Source + 'static> Drop for Shared<S> {
    fn drop(&mut self) {
        let left = self.0.handles.get() - 1;
        self.0.handles.set(left);
        if left == 0 {
            self.0.deregister(End::LastHandle);
        }
    }
}

impl<S: Source + fmt::Debug + 'static> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}

#[cold]
fn closed() -> io::Error {
    let text = "closed by another handle of this socket";
    io::Error::new(io::ErrorKind::NotConnected, text)
}

#[cold]
fn busy(direction: Direction) -> io::Error {
    let text = match direction {
        Direction::Read => "another coroutine is waiting to read from this descriptor",
        Direction::Write => "another coroutine is waiting to write to this descriptor",
    };
    io::Error::new(io::ErrorKind::ResourceBusy, text)
}

#[cold]
fn timed_out(interest: Interest) -> io::Error {
    let text = match interest {
        Interest::READABLE => "the read timed out",
        Interest::WRITABLE => "the write timed out",
        _ => "the wait timed out",
    };
    io::Error::new(io::ErrorKind::TimedOut, text)
}
