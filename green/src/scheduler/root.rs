//! How the root stack waits: it turns the run loop until its own turn comes, or finds that it never
//! will.

use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use eventlet_runloop::Time;

use super::{IO_CREDIT, Scheduler};
use crate::coroutine::{State, Wait, Woken};
use crate::error::ParkError;
use crate::inspect::deadlock::Deadlock;

impl Scheduler {
    #[cold]
    #[inline(never)]
    pub(super) fn yield_root(&self) -> Result<(), ParkError> {
        if thread::panicking() {
            return Err(ParkError::Unwinding);
        }
        if let Some(refused) = self.stage.with_current(|coroutine| coroutine.is_in_hook()) {
            debug_assert!(refused, "a coroutine that may yield has done so");
            return Err(ParkError::InContext);
        }
        if !self.at_root.get() {
            return Err(ParkError::InCallback);
        }
        self.raise_interrupts(&self.root)?;
        self.requeue_root()?;
        self.raise_interrupts(&self.root)
    }

    /// The root's way of parking.
    #[cold]
    #[inline(never)]
    pub(super) fn park_root(&self, wait: Wait, deadline: Option<Time>) -> Result<Woken, ParkError> {
        if !self.at_root.get() {
            return Err(ParkError::InCallback);
        }
        let root = &self.root;
        self.raise_interrupts(root)?;
        self.note_parked(root, wait);
        if let Some(deadline) = deadline {
            self.arm_deadline(Rc::clone(root), deadline);
        }
        self.turn_until_due()?;
        self.raise_interrupts(root)?;
        Ok(root.woken.get())
    }

    pub(super) fn requeue_root(&self) -> Result<(), ParkError> {
        self.root.state.set(State::Ready);
        self.run_loop.enqueue(Rc::clone(&self.root) as _);
        self.turn_until_due()
    }

    /// The root's way of waiting: turn the loop until its own turn comes.
    pub(super) fn turn_until_due(&self) -> Result<(), ParkError> {
        self.away(|| self.turn_away())
    }

    /// Gives the thread away by `leave`; the root's contexts and spans stay behind.
    pub(super) fn away<R>(&self, leave: impl FnOnce() -> R) -> R {
        #[cfg(feature = "tracing")]
        let _spans = crate::spans::leave(&self.root);
        match self.root.contexts.get() {
            None => leave(),
            Some(contexts) => contexts.away(&self.root, leave),
        }
    }

    fn turn_away(&self) -> Result<(), ParkError> {
        self.at_root.set(false);
        if self.root.since.get() == Time::ORIGIN {
            self.root.since.set(self.run_loop.turn_time());
        }
        let outcome = loop {
            if self.root_due.replace(false) {
                break Ok(());
            }
            if let Some(deadlock) = self.deadlock() {
                break Err(ParkError::Deadlock(deadlock));
            }
            // A turn runs whoever is ready and then waits: what nothing could end must be noticed in
            // between, too.
            match self.run_loop.turn_unless(&|| self.is_stuck()) {
                Ok(_) => self.inbox.deliver(self),
                // Woken already, and in the queue: its turn comes without the hub. Told of the failure, it
                // would leave its turn behind, which would end its next wait at once.
                Err(_) if self.root.state.get() == State::Ready => {}
                Err(error) => break Err(ParkError::HubFailed(Arc::new(error))),
            }
        };
        if outcome.is_err()
            && let Some(timer) = self.root.deadline.take()
        {
            self.run_loop.cancel_timer(timer);
        }
        self.root.state.set(State::Running);
        self.root.wait.set(Wait::Nothing);
        self.credit.set(IO_CREDIT);
        self.at_root.set(true);
        self.pulse.note_root();
        outcome
    }

    /// A report, if nothing can ever wake anybody.
    fn deadlock(&self) -> Option<Arc<Deadlock>> {
        self.is_stuck()
            .then(|| Arc::new(Deadlock::new(self, self.deadlock_detail.get())))
    }

    /// Whether nothing is left that could wake anybody.
    fn is_stuck(&self) -> bool {
        self.run_loop.call_count() == 0
            && self.run_loop.timer_count() == 0
            && self.io_waiters.get() == 0
            && self.watchers.is_empty()
            && self.outside.is_empty()
            && self.run_loop.keep_alive_count() == 0
    }
}
