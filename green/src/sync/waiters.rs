//! A queue of parked coroutines, first in, first out: what the other pieces are made of.
//!
//! Each waiter has a ticket. Whoever hands something over takes the first waiter off the queue and
//! wakes it; a waiter that is woken by something else (a deadline, a kill) takes itself off, and if
//! something was handed to it just before, it is told so and can pass it on. So nothing is lost.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use eventlet_runloop::Time;

use crate::coroutine::{Coroutine, Wait, Woken};
use crate::error::ParkError;
use crate::scheduler;

/// The queue.
#[derive(Default)]
pub(crate) struct Waiters {
    queue: RefCell<VecDeque<Waiter>>,
    next_ticket: Cell<u64>,
}

struct Waiter {
    ticket: u64,
    coroutine: Rc<Coroutine>,
    chosen: Rc<Cell<bool>>,
}

/// How a wait came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was chosen.
    Chosen,
    /// The deadline has passed, and it was not chosen.
    TimedOut,
}

impl Waiters {
    pub(crate) fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Takes the longest waiter off the queue and wakes it; says whether there was one.
    pub(crate) fn choose_first(&self) -> bool {
        loop {
            let first = self.queue.borrow_mut().pop_front();
            let Some(waiter) = first else { return false };
            // One that is no longer parked is on its way out, and its seat is about to be left.
            if scheduler::wake(&waiter.coroutine, Woken::Ready) {
                waiter.chosen.set(true);
                return true;
            }
        }
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
        scheduler::with(|scheduler| {
            let coroutine = scheduler.current().ok_or(ParkError::InCallback)?;
            let ticket = self.next_ticket.replace(self.next_ticket.get() + 1);
            let chosen = Rc::new(Cell::new(false));
            let waiter = Waiter {
                ticket,
                coroutine,
                chosen: Rc::clone(&chosen),
            };
            self.queue.borrow_mut().push_back(waiter);
            let seat = Seat {
                waiters: self,
                ticket,
                chosen: &chosen,
                pass_on: Some(pass_on),
            };
            let woken = scheduler.park(wait, deadline)?;
            seat.leave();
            match woken {
                Woken::TimedOut => Ok(Outcome::TimedOut),
                _ => Ok(Outcome::Chosen),
            }
        })
    }
}

/// A place in the queue, given up on every way out.
struct Seat<'a, F: FnOnce()> {
    waiters: &'a Waiters,
    ticket: u64,
    chosen: &'a Cell<bool>,
    pass_on: Option<F>,
}

impl<F: FnOnce()> Seat<'_, F> {
    /// The wait has ended by itself: what was given is the caller's.
    fn leave(mut self) {
        self.pass_on = None;
    }
}

impl<F: FnOnce()> Drop for Seat<'_, F> {
    fn drop(&mut self) {
        if !self.chosen.get() {
            let mut queue = self.waiters.queue.borrow_mut();
            let place = queue.iter().position(|waiter| waiter.ticket == self.ticket);
            let left = place.and_then(|place| queue.remove(place));
            drop(queue);
            drop(left);
        } else if let Some(pass_on) = self.pass_on.take() {
            pass_on();
        }
    }
}
