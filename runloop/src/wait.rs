//! The wait in a turn: whether there is one, how long it may be, and asking the hub.
//!
//! When a turn comes to it, and what is done with the events, is in `turn.rs`.

use std::io;
use std::time::{Duration, Instant};

use eventlet_hub::{Events, Hub};

use crate::turn::{Observed, Stop, increment};
use crate::{Activity, Flow, RunLoop, Time};

/// A queue of ready calls that once grew beyond this gives its memory back before a wait.
const KEPT_CALLS: usize = 4096;

/// A deadline that was nearer than this when a turn began may have passed in it.
const NEAR: Duration = Duration::from_millis(1);

/// How long a turn may wait when nothing is ready.
#[derive(Clone, Copy)]
pub(crate) enum Waiting<'a> {
    /// So long; for ever without a duration.
    AtMost(Option<Duration>),
    /// As long as it takes, but not at all when nothing could end it.
    UnlessIdle,
    /// As long as it takes, but not without a timer when somebody says that nothing else will end it.
    Unless(&'a dyn Fn() -> bool),
}

/// What ends a wait if nothing becomes ready.
#[derive(Clone, Copy)]
struct End {
    /// So long; for ever without a duration.
    patience: Option<Duration>,
    /// The next timer's.
    deadline: Option<Time>,
}

/// How the hub is told of it.
#[derive(Clone, Copy)]
enum Limit {
    /// So long; for ever without a duration.
    For(Option<Duration>),
    /// Until then, on the clock of the system.
    Until(Instant),
}

impl End {
    const NOW: End = End {
        patience: Some(Duration::ZERO),
        deadline: None,
    };
}

impl<H: Hub + 'static> RunLoop<H> {
    pub(crate) fn wait(&self, waiting: Waiting<'_>) -> io::Result<()> {
        let Some(mut end) = self.end_of_wait(waiting) else {
            increment(&self.counters.polls);
            return self.ask_hub(Limit::For(Some(Duration::ZERO)));
        };
        if self.observe(Activity::BeforeWaiting) == Observed::Called {
            // They may have made something ready.
            end = match self.stop.get() {
                Stop::No => self.end_of_wait(waiting).unwrap_or(End::NOW),
                _ => End::NOW,
            };
        }
        if let Waiting::Unless(is_hopeless) = waiting
            && self.timers.borrow().is_empty()
            && is_hopeless()
        {
            self.leave_turn();
            end = End::NOW;
        }
        // Not before the observers have taken their time.
        let limit = self.limit(end);
        self.trim_calls();
        increment(&self.counters.waits);
        let outcome = match limit {
            Limit::For(Some(time)) if !time.is_zero() && self.clock.flow() == Flow::Jumping => {
                self.ask_hub_or_jump(time)
            }
            _ => self.ask_hub(limit),
        };
        // However long it was: who asks now is not to be told of the time before.
        self.turn_time.set(None);
        self.observe(Activity::AfterWaiting);
        outcome
    }

    /// Whether a deadline has passed, as far as is known: the clock is not read again for one that was
    /// far away when the turn began.
    fn is_due(&self, deadline: Time) -> bool {
        deadline <= self.turn_time() + NEAR && deadline <= self.clock.now()
    }

    /// What ends a wait if nothing becomes ready; `None` if there is something to do already.
    fn end_of_wait(&self, waiting: Waiting<'_>) -> Option<End> {
        if !self.calls.borrow().is_empty() {
            return None;
        }
        let patience = match waiting {
            Waiting::AtMost(patience) => patience,
            Waiting::UnlessIdle if self.is_idle() => return None,
            Waiting::UnlessIdle | Waiting::Unless(_) => None,
        };
        if patience == Some(Duration::ZERO) {
            return None;
        }
        let deadline = self.timers.borrow_mut().next_look();
        let is_ready = deadline.is_some_and(|it| self.is_due(it));
        (!is_ready).then_some(End { patience, deadline })
    }

    /// How long the hub may wait. The hub rounds up, and the clock is read again afterwards, so no
    /// timer expires early.
    fn limit(&self, end: End) -> Limit {
        let End { patience, deadline } = end;
        let Some(deadline) = deadline else {
            return Limit::For(patience);
        };
        // The hub may know what is left without a look at the clock.
        if patience.is_none()
            && let Some(deadline) = self.clock.instant(deadline)
        {
            return Limit::Until(deadline);
        }
        let left = deadline - self.clock.now();
        Limit::For(match patience {
            _ if left.is_zero() => Some(left),
            _ if self.clock.flow() == Flow::Frozen => patience,
            Some(patience) => Some(left.min(patience)),
            None => Some(left),
        })
    }

    fn ask_hub(&self, limit: Limit) -> io::Result<()> {
        let mut events = self.events.borrow_mut();
        let capacity = self.budget.get().events();
        if events.capacity() != capacity {
            *events = Events::with_capacity(capacity);
        }
        self.events_taken.set(0);
        let outcome = match limit {
            Limit::For(time) => self.descriptors.wait(&mut events, time),
            Limit::Until(deadline) => self.descriptors.wait_until(&mut events, deadline),
        };
        if outcome.is_err() {
            events.clear();
        } else if events.is_woken() {
            increment(&self.counters.wake_ups);
        }
        outcome
    }

    fn ask_hub_or_jump(&self, limit: Duration) -> io::Result<()> {
        self.ask_hub(Limit::For(Some(Duration::ZERO)))?;
        let nothing = {
            let events = self.events.borrow();
            events.is_empty() && !events.is_woken()
        };
        if nothing {
            self.clock.jump_to(self.clock.now() + limit);
        }
        Ok(())
    }

    /// Gives the memory of a flood of calls back, when all are done.
    fn trim_calls(&self) {
        let mut calls = self.calls.borrow_mut();
        if calls.capacity() > KEPT_CALLS && calls.is_empty() {
            calls.shrink_to(KEPT_CALLS);
        }
    }
}
