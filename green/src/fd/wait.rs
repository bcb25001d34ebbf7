//! Waiting on a watched descriptor: on one direction, on both, on several descriptors at once, and
//! for a moment where the kernel reports nothing.
//!
//! What is tried before and after is the business of `operate`, of [`transfer`](super::transfer),
//! and of those who connect.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::fd::RawFd;
use eventlet_hub::{Interest, Source};
use eventlet_runloop::Time;

use super::errors::{busy, closed, timed_out};
use super::{Direction, Seat, Shared, Watched};
use crate::coroutine::{Coroutine, Wait, Woken, after};
use crate::scheduler::{self, Scheduler};
use crate::sys::slot::Act;

impl<S: Source + 'static> Watched<S> {
    /// Parks until one of the directions is reported ready.
    ///
    /// # Errors
    ///
    /// * `TimedOut`: the deadline has passed.
    /// * `ResourceBusy`: another coroutine waits for one of the directions.
    /// * `NotConnected`: closed, before or meanwhile.
    /// * Why the caller could not wait.
    #[inline(always)] // it parks: see `Stage`
    pub(crate) fn wait(
        self: &Rc<Self>,
        interest: Interest,
        wait: fn(RawFd) -> Wait,
        deadline: Option<Time>,
    ) -> io::Result<()> {
        scheduler::act(WaitArmed {
            watched: self,
            interest,
            wait,
            deadline,
        })
    }

    /// Parks until one of the directions may be ready, at most for `limit`. One that is not known to
    /// be drained, with a hub that reports every change, is ready.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    pub(crate) fn wait_for(
        self: &Rc<Self>,
        interest: Interest,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        if self.closed.get() {
            return Err(closed());
        }
        let wait = match interest {
            Interest::READABLE => Wait::Read,
            _ => Wait::Write,
        };
        let may_be_ready = [Direction::Read, Direction::Write]
            .into_iter()
            .any(|direction| direction.is_in(interest) && !self.seat(direction).is_drained());
        if self.remembers_drained && may_be_ready {
            return Ok(());
        }
        self.wait(interest, wait, deadline_of(limit))
    }

    /// Parks until `until`: for what the kernel does not report, but which passes. What it does
    /// report meanwhile means nothing (a refused send of a Unix datagram frees its own buffer, and
    /// that alone is reported as room). Ends at once when it is closed.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait), without `TimedOut`.
    pub(crate) fn pause(
        self: &Rc<Self>,
        direction: Direction,
        wait: fn(RawFd) -> Wait,
        until: Time,
    ) -> io::Result<()> {
        scheduler::with(|scheduler| {
            let _seat_left_at_the_end = self.sit(scheduler, direction.interest())?;
            while scheduler.park(wait(self.number()), Some(until))? != Woken::TimedOut {
                if self.closed.get() {
                    return Err(closed());
                }
            }
            Ok(())
        })
    }

    /// Sits the caller down and asks the hub to report.
    fn sit_armed(
        self: &Rc<Self>,
        scheduler: &Scheduler,
        interest: Interest,
    ) -> io::Result<Seated<'_>> {
        let seated = self.sit(scheduler, interest)?;
        let token = self.token.get().ok_or_else(closed)?;
        scheduler.run_loop.arm(token, interest)?;
        Ok(seated)
    }

    fn sit(self: &Rc<Self>, scheduler: &Scheduler, interest: Interest) -> io::Result<Seated<'_>> {
        if self.closed.get() {
            return Err(closed());
        }
        if let Some(direction) = self.taken(interest) {
            return Err(busy(direction));
        }
        let me = scheduler.current().ok_or(crate::ParkError::InCallback)?;
        Ok(Seated::take(self, interest, me))
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
}

/// What [`Watched::wait`] does.
struct WaitArmed<'a, S: Source> {
    watched: &'a Rc<Watched<S>>,
    interest: Interest,
    wait: fn(RawFd) -> Wait,
    deadline: Option<Time>,
}

impl<S: Source + 'static> Act<Scheduler> for WaitArmed<'_, S> {
    type Outcome = io::Result<()>;

    #[inline(always)] // as above
    fn act(self, scheduler: &Scheduler) -> io::Result<()> {
        let WaitArmed {
            watched,
            interest,
            wait,
            deadline,
        } = self;
        let _seats_left_at_the_end = watched.sit_armed(scheduler, interest)?;
        let _counted = scheduler.waiting_for_kernel();
        let deadline = match (deadline, watched.only_seat(interest)) {
            (Some(deadline), Some(seat)) => {
                seat.set_deadline(&scheduler.run_loop, deadline, || Rc::clone(watched) as _);
                None
            }
            (deadline, _) => deadline,
        };
        match scheduler.park(wait(watched.number()), deadline)? {
            Woken::TimedOut => Err(timed_out(interest)),
            _ if watched.closed.get() => Err(closed()),
            _ => Ok(()),
        }
    }
}

/// Parks until one of several descriptors is reported ready for `interest`, or the deadline has
/// passed; which of them it was is for the caller to find out. There must be one.
///
/// # Errors
///
/// As for [`Watched::wait`], but that a passed deadline is none.
pub(crate) fn wait_any<'a, S: Source + 'static>(
    several: impl Iterator<Item = &'a Shared<S>>,
    interest: Interest,
    wait: fn(RawFd) -> Wait,
    deadline: Option<Time>,
) -> io::Result<()> {
    scheduler::with(|scheduler| {
        let mut seats_left_at_the_end = Vec::new();
        let mut number = None;
        for watched in several {
            number = Some(watched.number());
            seats_left_at_the_end.push(watched.sit_armed(scheduler, interest)?);
        }
        let Some(number) = number else {
            return Err(closed());
        };
        let _counted = scheduler.waiting_for_kernel();
        scheduler.park(wait(number), deadline)?;
        Ok(())
    })
}

/// When a wait that begins now is over.
pub(crate) fn deadline_of(limit: Option<Duration>) -> Option<Time> {
    limit.map(|limit| scheduler::with(|scheduler| after(&scheduler.run_loop, limit)))
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
