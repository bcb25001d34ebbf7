//! What the test kit asks of a scheduler: to turn without waiting until nobody is ready, and what
//! there is. The kit itself is in [`testing`](crate::testing).

use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::Time;

use super::Scheduler;
use crate::coroutine::Coroutine;
use crate::error::ParkError;

impl Scheduler {
    /// Turns the loop, without waiting, until nobody is ready, no timer is due and the hub has
    /// nothing to report.
    ///
    /// # Errors
    ///
    /// * `Unwinding`: as for [`park`](Self::park).
    /// * `InCallback`: not called on the root stack, the only one that can turn the loop.
    /// * `InContext`: called from a hook of one of its contexts.
    /// * `HubFailed`: the hub's wait failed.
    pub(crate) fn settle(&self) -> Result<(), ParkError> {
        if std::thread::panicking() {
            return Err(ParkError::Unwinding);
        }
        if !self.at_root.get() {
            return Err(ParkError::InCallback);
        }
        if self.root.is_in_hook() {
            return Err(ParkError::InContext);
        }
        self.away(|| self.turn_until_quiet())
    }

    fn turn_until_quiet(&self) -> Result<(), ParkError> {
        self.at_root.set(false);
        let outcome = loop {
            let before = self.run_loop.counters();
            if let Err(error) = self.run_loop.turn(Some(Duration::ZERO)) {
                break Err(ParkError::HubFailed(error.into()));
            }
            self.inbox.deliver(self);
            let after = self.run_loop.counters();
            // The hub was looked at after the calls, so nothing they did is unseen. A turn that was
            // taken up in its middle has not looked at the timers.
            let whole = before.turns < after.turns;
            let quiet = (before.events, before.wake_ups) == (after.events, after.wake_ups);
            let next = self.next_deadline();
            let is_due = next.is_some_and(|next| next <= self.run_loop.now());
            if whole && quiet && !is_due && self.run_loop.call_count() == 0 {
                break Ok(());
            }
        };
        self.at_root.set(true);
        self.pulse.note_root();
        outcome
    }

    /// The earliest deadline of a timer.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.run_loop.next_deadline()
    }

    /// Those that have not finished, the oldest first.
    pub(crate) fn live(&self) -> Vec<Rc<Coroutine>> {
        let coroutines = self.coroutines.borrow();
        let mut live: Vec<_> = coroutines.iter().map(|(_, one)| Rc::clone(one)).collect();
        live.sort_by_key(|coroutine| coroutine.id);
        live
    }
}
