//! A queue of parked coroutines, first in, first out: what the other pieces are made of.
//!
//! Whoever hands something over takes the first waiter off the queue and wakes it; a waiter that is
//! woken by something else (a deadline, a kill) takes itself off, and if something was handed to it
//! just before, it is told so and can pass it on. So nothing is lost. A waiter may hold something
//! (`P`) that whoever chooses it can take or fill.
//!
//! That a coroutine is parked is what makes it choosable: one that stands in several queues at once
//! (`select`) is chosen by the first of them, and the others pass over it.
//!
//! Waiting, leaving and choosing cost the same however many wait, and allocate nothing once so many
//! have waited before: see [`line`](super::line).

use std::cell::RefCell;
use std::rc::Rc;

use eventlet_runloop::Time;

use super::line::Line;
use crate::coroutine::{Coroutine, State, Wait, Woken};
use crate::error::ParkError;
use crate::scheduler::{self, Scheduler};
use crate::sys::slot::Act;

/// The queue.
pub(crate) struct Waiters<P = ()> {
    line: RefCell<Line<Waiter<P>>>,
}

struct Waiter<P> {
    coroutine: Rc<Coroutine>,
    chosen: bool,
    held: P,
}

/// A place in the queue. It must be [left](Waiters::leave), once.
#[derive(Debug)]
pub(crate) struct Place(usize);

/// How a wait came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was chosen.
    Chosen,
    /// The deadline has passed, and it was not chosen.
    TimedOut,
}

impl<P> Default for Waiters<P> {
    fn default() -> Self {
        Waiters {
            line: RefCell::new(Line::new()),
        }
    }
}

impl Waiters {
    /// Takes the longest waiter off the queue and wakes it; says whether there was one.
    #[inline]
    pub(crate) fn choose_first(&self) -> bool {
        self.choose_first_with(|()| ()).is_some()
    }

    /// Parks the caller until it is chosen or the deadline has passed.
    ///
    /// `pass_on` is called if the caller is unwound although it was chosen: what it was given must
    /// go to the next.
    pub(crate) fn wait(
        &self,
        wait: Wait,
        deadline: Option<Time>,
        pass_on: impl FnOnce(),
    ) -> Result<Outcome, ParkError> {
        let (outcome, ()) = self.wait_holding((), wait, deadline, |()| pass_on());
        outcome
    }

    /// Parks the caller until `is_over` says so or the deadline has passed. It looks before it parks
    /// and after each wake-up, so whoever makes it so chooses all who wait, and a choice that finds a
    /// waiter on its way out is not lost.
    pub(crate) fn wait_until(
        &self,
        wait: Wait,
        deadline: Option<Time>,
        is_over: impl Fn() -> bool,
    ) -> Result<Outcome, ParkError> {
        scheduler::with(|scheduler| {
            while !is_over() {
                let coroutine = scheduler.current().ok_or(ParkError::InCallback)?;
                let _left_at_the_end = Seat {
                    waiters: self,
                    place: Some(self.enter(coroutine, ())),
                    pass_on: Some(|()| ()),
                };
                if scheduler.park(wait, deadline)? == Woken::TimedOut && !is_over() {
                    return Ok(Outcome::TimedOut);
                }
            }
            Ok(Outcome::Chosen)
        })
    }
}

impl<P> Waiters<P> {
    /// How many wait. One that was woken by something else counts until its turn has come.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.line.borrow().len()
    }

    /// Whether anybody can be chosen.
    pub(crate) fn has_choosable(&self) -> bool {
        let mut line = self.line.borrow_mut();
        while let Some(first) = line.first() {
            if first.coroutine.state.get() == State::Parked {
                return true;
            }
            line.call_first();
        }
        false
    }

    /// Takes the longest waiter off the queue, wakes it, and gives what it holds to `f`, which must
    /// neither run code of the user's nor come back to this queue.
    #[inline]
    pub(crate) fn choose_first_with<R>(&self, f: impl FnOnce(&mut P) -> R) -> Option<R> {
        let mut line = self.line.borrow_mut();
        loop {
            let waiter = line.call_first()?;
            // One that is no longer parked is on its way out, and is about to leave.
            if scheduler::wake(&waiter.coroutine, Woken::Ready) {
                waiter.chosen = true;
                return Some(f(&mut waiter.held));
            }
        }
    }

    /// Parks the caller until it is chosen or the deadline has passed, and gives what it holds
    /// back.
    ///
    /// If the caller is unwound although it was chosen, `pass_on` is called with what it held.
    #[inline(always)]
    pub(crate) fn wait_holding(
        &self,
        held: P,
        wait: Wait,
        deadline: Option<Time>,
        pass_on: impl FnOnce(P),
    ) -> (Result<Outcome, ParkError>, P) {
        scheduler::act(WaitHolding {
            waiters: self,
            held,
            wait,
            deadline,
            pass_on,
        })
    }

    /// Puts a coroutine that is about to park at the end of the queue.
    #[inline]
    pub(crate) fn enter(&self, coroutine: Rc<Coroutine>, held: P) -> Place {
        let waiter = Waiter {
            coroutine,
            chosen: false,
            held,
        };
        Place(self.line.borrow_mut().join(waiter))
    }

    /// Whether the waiter at a place was chosen.
    #[inline]
    pub(crate) fn is_chosen(&self, place: &Place) -> bool {
        self.line.borrow().member(place.0).chosen
    }

    /// Takes a waiter off; says whether it was chosen, and gives what it holds.
    #[inline]
    pub(crate) fn leave(&self, place: Place) -> (bool, P) {
        let waiter = self.line.borrow_mut().remove(place.0);
        (waiter.chosen, waiter.held)
    }

    /// What the one holds who would be chosen next, shown to `f`.
    #[inline]
    pub(crate) fn first_with<R>(&self, f: impl FnOnce(&P) -> R) -> Option<R> {
        if !self.has_choosable() {
            return None;
        }
        self.line.borrow().first().map(|waiter| f(&waiter.held))
    }

    /// What the waiter at a place holds, shown to `f`.
    pub(crate) fn held_with<R>(&self, place: &Place, f: impl FnOnce(&P) -> R) -> R {
        f(&self.line.borrow().member(place.0).held)
    }

    /// Takes the waiter at a place off the queue, wakes it, and gives what it holds to `f`, as
    /// [`choose_first_with`](Self::choose_first_with); `None` if it was woken before.
    pub(crate) fn choose_with<R>(&self, place: &Place, f: impl FnOnce(&mut P) -> R) -> Option<R> {
        let mut line = self.line.borrow_mut();
        let waiter = line.call(place.0)?;
        if !scheduler::wake(&waiter.coroutine, Woken::Ready) {
            return None;
        }
        waiter.chosen = true;
        Some(f(&mut waiter.held))
    }

    /// Takes the longest waiter off the queue and leaves it parked, for `f` to have it wait
    /// elsewhere; `f` keeps to what [`choose_first_with`](Self::choose_first_with) says. `None` if
    /// nobody waits.
    pub(crate) fn move_first_with<R>(
        &self,
        f: impl FnOnce(&Rc<Coroutine>, &mut P) -> R,
    ) -> Option<R> {
        if !self.has_choosable() {
            return None;
        }
        let mut line = self.line.borrow_mut();
        line.call_first()
            .map(|waiter| f(&waiter.coroutine, &mut waiter.held))
    }
}

/// What [`Waiters::wait_holding`] does.
struct WaitHolding<'a, P, F> {
    waiters: &'a Waiters<P>,
    held: P,
    wait: Wait,
    deadline: Option<Time>,
    pass_on: F,
}

impl<P, F: FnOnce(P)> Act<Scheduler> for WaitHolding<'_, P, F> {
    type Outcome = (Result<Outcome, ParkError>, P);

    #[inline(always)] // it parks: see `Stage`
    fn act(self, scheduler: &Scheduler) -> Self::Outcome {
        let WaitHolding {
            waiters,
            held,
            wait,
            deadline,
            pass_on,
        } = self;
        let Some(coroutine) = scheduler.current() else {
            return (Err(ParkError::InCallback), held);
        };
        let mut seat = Seat {
            waiters,
            place: Some(waiters.enter(coroutine, held)),
            pass_on: Some(pass_on),
        };
        loop {
            let woken = scheduler.park(wait, deadline);
            let (was_chosen, held) = seat.rise();
            // A hub may fail just after somebody was chosen; it was given something then.
            if was_chosen {
                return (Ok(Outcome::Chosen), held);
            }
            match woken {
                Ok(Woken::TimedOut) => return (Ok(Outcome::TimedOut), held),
                Err(error) => return (Err(error), held),
                // A wake-up that was left over from a wait whose hub failed.
                Ok(_) => match scheduler.current() {
                    Some(coroutine) => seat.place = Some(waiters.enter(coroutine, held)),
                    None => return (Err(ParkError::InCallback), held),
                },
            }
        }
    }
}

/// Parks the caller, who has entered some queue, until `is_chosen` says so or the deadline has
/// passed.
pub(crate) fn park_until_chosen(
    scheduler: &Scheduler,
    wait: Wait,
    deadline: Option<Time>,
    is_chosen: impl Fn() -> bool,
) -> Result<Outcome, ParkError> {
    loop {
        let woken = scheduler.park(wait, deadline);
        // A hub may fail just after somebody was chosen; it was given something then.
        if is_chosen() {
            return Ok(Outcome::Chosen);
        }
        match woken {
            Ok(Woken::TimedOut) => return Ok(Outcome::TimedOut),
            // A wake-up that was left over from a wait whose hub failed.
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
}

/// A place in the queue, given up on every way out.
struct Seat<'a, P, F: FnOnce(P)> {
    waiters: &'a Waiters<P>,
    place: Option<Place>,
    pass_on: Option<F>,
}

impl<P, F: FnOnce(P)> Seat<'_, P, F> {
    /// The wait has ended by itself: what was given is the caller's.
    #[inline]
    fn rise(&mut self) -> (bool, P) {
        match self.place.take() {
            Some(place) => self.waiters.leave(place),
            None => unreachable!("who has parked has a place"),
        }
    }
}

impl<P, F: FnOnce(P)> Drop for Seat<'_, P, F> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        let (was_chosen, held) = self.waiters.leave(place);
        if was_chosen && let Some(pass_on) = self.pass_on.take() {
            pass_on(held);
        }
    }
}
