//! One direction of a watched descriptor: who waits for it, until when, and what is known of it.
//!
//! The deadline of a wait is kept lazily. The alarm that was set for one wait is left standing when
//! the wait ends early, as nearly all do, and serves the next: when it rings it looks whether
//! anybody waits, and until when. A connection whose every read has a deadline so sets a timer once
//! in a while, not once a read. How to wait is the business of [`fd`](crate::fd).

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Hub;
use eventlet_runloop::{Task, Time, TimerId};

use crate::coroutine::{Coroutine, Loop, Woken};
use crate::scheduler;
use crate::watch::{self, Target};

type AnyTask = Rc<dyn Task<Box<dyn Hub>>>;

/// Who sits there.
#[derive(Clone, Copy)]
enum Occupant {
    Nobody,
    /// The one that is [`parked`](Seat::parked).
    Coroutine,
    /// A [`Watcher`](crate::Watcher), by its number.
    Watcher(usize),
    /// A watcher that stands among those that are to begin.
    Due(Woken),
}

/// A watcher that has become due, by its number: whoever it waited on must have it begun.
#[must_use]
pub(crate) struct Due(pub(crate) usize);

/// A seat for one waiter.
pub(crate) struct Seat {
    occupant: Cell<Occupant>,
    parked: Cell<Option<Rc<Coroutine>>>,
    /// Nothing has been reported since the operation last said that it would block.
    drained: Cell<bool>,
    /// How long an operation of this direction may wait; `None` waits for ever.
    pub(crate) limit: Cell<Option<Duration>>,
    /// When the current wait is over.
    deadline: Cell<Option<Time>>,
    /// The timer that stands, and when it rings: never after `deadline`.
    alarm: Cell<Option<(TimerId, Time)>>,
}

impl Seat {
    pub(crate) fn new() -> Self {
        Seat {
            occupant: Cell::new(Occupant::Nobody),
            parked: Cell::new(None),
            drained: Cell::new(false),
            limit: Cell::new(None),
            deadline: Cell::new(None),
            alarm: Cell::new(None),
        }
    }

    /// Whether somebody waits.
    pub(crate) fn is_taken(&self) -> bool {
        !matches!(self.occupant.get(), Occupant::Nobody)
    }

    pub(crate) fn take(&self, who: Rc<Coroutine>) {
        self.occupant.set(Occupant::Coroutine);
        self.parked.set(Some(who));
    }

    pub(crate) fn leave(&self) {
        self.empty();
        self.parked.take();
    }

    pub(crate) fn take_for_watcher(&self, key: usize) {
        self.occupant.set(Occupant::Watcher(key));
    }

    fn empty(&self) {
        self.deadline.set(None);
        self.occupant.set(Occupant::Nobody);
    }

    /// Has the watcher that is due leave; says why it was.
    pub(crate) fn leave_due(&self) -> Option<Woken> {
        let Occupant::Due(why) = self.occupant.get() else {
            return None;
        };
        self.empty();
        Some(why)
    }

    /// Gives a watcher up, when the registration ends with nobody to begin it. `target` is what it
    /// waits on.
    pub(crate) fn drop_watcher(&self, target: &dyn Target) {
        match self.occupant.get() {
            Occupant::Watcher(key) => {
                self.empty();
                watch::forget(key);
            }
            Occupant::Due(_) => {
                self.empty();
                watch::forget_due(target);
            }
            Occupant::Nobody | Occupant::Coroutine => {}
        }
    }

    #[inline]
    pub(crate) fn is_drained(&self) -> bool {
        self.drained.get()
    }

    #[inline]
    pub(crate) fn set_drained(&self) {
        self.drained.set(true);
    }

    /// Notes that it is worth trying, and wakes who waits.
    #[inline]
    pub(crate) fn report(&self, why: Woken) -> Option<Due> {
        self.drained.set(false);
        self.wake(why)
    }

    /// The waiter keeps its seat until it has gone on: whoever else runs before it does cannot sit
    /// down in its place, to be taken off by it.
    #[inline]
    fn wake(&self, why: Woken) -> Option<Due> {
        match self.occupant.get() {
            Occupant::Watcher(key) => {
                self.occupant.set(Occupant::Due(why));
                Some(Due(key))
            }
            Occupant::Coroutine => {
                if let Some(waiter) = self.parked.take() {
                    scheduler::wake(&waiter, why);
                    self.parked.set(Some(waiter));
                }
                None
            }
            Occupant::Nobody | Occupant::Due(_) => None,
        }
    }

    /// Has the current wait end at `deadline`.
    pub(crate) fn set_deadline(
        &self,
        run_loop: &Loop,
        deadline: Time,
        task: impl FnOnce() -> AnyTask,
    ) {
        self.deadline.set(Some(deadline));
        match self.alarm.get() {
            Some((_, rings)) if rings <= deadline => return,
            Some((timer, _)) => {
                run_loop.cancel_timer(timer);
            }
            None => {}
        }
        let timer = run_loop.arm_timer(deadline, task());
        self.alarm.set(Some((timer, deadline)));
    }

    /// A timer of the descriptor's has expired: if it is this seat's, ends the wait, or sets it
    /// again for the wait there is now, or lets it be.
    pub(crate) fn alarm_rings(
        &self,
        run_loop: &Loop,
        timer: TimerId,
        task: impl FnOnce() -> AnyTask,
    ) -> Option<Due> {
        match self.alarm.get() {
            Some((standing, _)) if standing == timer => self.alarm.set(None),
            _ => return None,
        }
        let deadline = self.deadline.get()?;
        if run_loop.now() < deadline {
            self.set_deadline(run_loop, deadline, task);
            None
        } else {
            self.wake(Woken::TimedOut)
        }
    }

    /// Takes the timer down, when the registration ends.
    pub(crate) fn drop_alarm(&self, run_loop: &Loop) {
        if let Some((timer, _)) = self.alarm.take() {
            run_loop.cancel_timer(timer);
        }
    }
}
