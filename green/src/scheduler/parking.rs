//! Parking and giving way: how a coroutine leaves the stage, and what is raised in it before and after.
//!
//! Who waits for what is the business of those who call; how the root waits, of `root`.

use std::rc::Rc;
use std::thread;

use eventlet_runloop::Time;

use super::{IO_CREDIT, Scheduler};
use crate::coroutine::{Coroutine, State, Wait, Woken};
use crate::error::ParkError;
use crate::sys::slot::Act;

/// After so many raised kills or expired scopes, all of them swallowed, a coroutine no longer gets the
/// thread at once: each further one is raised only when its turn comes, so that others go on.
const MAX_RAISES: u32 = 100;

impl Scheduler {
    /// Suspends whoever calls until it is woken or the deadline has passed, and says which.
    ///
    /// The one suspension point: a kill and an expired timeout scope are raised here, before
    /// parking and after. What the caller put up to be woken (a waiter's slot) it must take down
    /// in a destructor, since this may unwind.
    ///
    /// # Errors
    ///
    /// * [`ParkError::Unwinding`]: the thread is unwinding a panic.
    /// * [`ParkError::InCallback`]: called from a callback of the run loop.
    /// * [`ParkError::InContext`]: called from a hook of a context.
    /// * [`ParkError::Deadlock`]: called on the root stack, and nothing is left that could wake it.
    #[inline(always)] // see `Stage`
    pub(crate) fn park(&self, wait: Wait, deadline: Option<Time>) -> Result<Woken, ParkError> {
        if thread::panicking() {
            return Err(ParkError::Unwinding);
        }
        let park = Park {
            scheduler: self,
            wait,
            deadline,
        };
        match self.stage.play(park) {
            Some(outcome) => outcome,
            None => self.park_root(wait, deadline),
        }
    }

    /// Notes that a coroutine is about to leave, and for what.
    #[inline(always)] // as above
    pub(super) fn note_parked(&self, coroutine: &Coroutine, wait: Wait) {
        coroutine.state.set(State::Parked);
        coroutine.wait.set(wait);
        // One look at the clock a turn is what knowing since when somebody waits may cost.
        coroutine.since.set(self.run_loop.turn_time());
    }

    /// Has whoever is about to park woken at a deadline.
    pub(super) fn arm_deadline(&self, coroutine: Rc<Coroutine>, deadline: Time) {
        let timer = self
            .run_loop
            .arm_timer(deadline, Rc::clone(&coroutine) as _);
        coroutine.deadline.set(Some(timer));
    }

    /// Lets everybody who is ready run first.
    ///
    /// # Errors
    ///
    /// As for [`park`](Self::park), without the deadlock.
    #[inline(always)]
    pub(crate) fn yield_now(&self) -> Result<(), ParkError> {
        if self.yield_coroutine() == Yielded::Yes {
            Ok(())
        } else {
            self.yield_root()
        }
    }

    /// Yields if a coroutine runs that may.
    #[inline(always)]
    fn yield_coroutine(&self) -> Yielded {
        if thread::panicking() {
            return Yielded::No;
        }
        self.stage.play(GiveWay(self)).unwrap_or(Yielded::No)
    }

    /// Called before each operation on a descriptor; makes the caller yield when it has done many
    /// without waiting.
    #[inline]
    pub(crate) fn spend_credit(&self) {
        let credit = self.credit.get();
        if credit > 0 {
            self.credit.set(credit - 1);
            return;
        }
        self.credit.set(IO_CREDIT);
        // Where yielding is refused, the operation itself goes on.
        let _ = self.yield_now();
    }

    /// The caller, if it can wait now; what is pending for it is raised first.
    ///
    /// # Errors
    ///
    /// As for [`park`](Self::park), without the deadlock.
    #[inline]
    pub(crate) fn about_to_park(&self) -> Result<Rc<Coroutine>, ParkError> {
        if thread::panicking() {
            return Err(ParkError::Unwinding);
        }
        let coroutine = self.current().ok_or(ParkError::InCallback)?;
        self.raise_interrupts(&coroutine)?;
        Ok(coroutine)
    }

    /// # Errors
    ///
    /// [`ParkError::InContext`].
    #[inline(always)]
    pub(super) fn raise_interrupts(&self, coroutine: &Coroutine) -> Result<(), ParkError> {
        if coroutine.is_interrupted() {
            self.raise_slowly(coroutine)
        } else {
            Ok(())
        }
    }

    /// Raises what is pending for the caller, unless a hook of one of its contexts runs.
    #[inline]
    pub(crate) fn raise_pending(&self) {
        self.with_self(|coroutine| {
            if coroutine.is_interrupted() && !coroutine.is_in_hook() {
                coroutine.raise();
            }
        });
    }

    #[cold]
    fn raise_slowly(&self, coroutine: &Coroutine) -> Result<(), ParkError> {
        if coroutine.is_in_hook() {
            return Err(ParkError::InContext);
        }
        if coroutine.raises.get() >= MAX_RAISES {
            // It swallows everything. Others must go on all the same.
            if coroutine.is_root() {
                // A hub that cannot wait is reported by the next wait that is no raise.
                let _ = self.requeue_root();
            } else {
                self.suspend(coroutine);
            }
        }
        coroutine.raise();
        Ok(())
    }

    /// Leaves the stage; its contexts, if it has any, and its spans stay behind.
    #[inline(always)]
    fn suspend(&self, coroutine: &Coroutine) {
        #[cfg(feature = "tracing")]
        let _spans = crate::spans::leave(coroutine);
        match coroutine.contexts.get() {
            None => self.stage.suspend(),
            Some(contexts) => contexts.away(coroutine, || self.stage.suspend()),
        }
    }
}

/// What a coroutine that parks does on stage.
struct Park<'a> {
    scheduler: &'a Scheduler,
    wait: Wait,
    deadline: Option<Time>,
}

impl Act<Coroutine> for Park<'_> {
    type Outcome = Result<Woken, ParkError>;

    #[inline(always)] // see `Stage`
    fn act(self, coroutine: &Coroutine) -> Self::Outcome {
        let Park {
            scheduler,
            wait,
            deadline,
        } = self;
        scheduler.raise_interrupts(coroutine)?;
        scheduler.note_parked(coroutine, wait);
        if let Some(deadline) = deadline
            && let Some(coroutine) = scheduler.stage.share_current()
        {
            scheduler.arm_deadline(coroutine, deadline);
        }
        scheduler.suspend(coroutine);
        scheduler.raise_interrupts(coroutine)?;
        Ok(coroutine.woken.get())
    }
}

/// What a coroutine that yields does on stage.
struct GiveWay<'a>(&'a Scheduler);

impl Act<Coroutine> for GiveWay<'_> {
    type Outcome = Yielded;

    #[inline(always)] // see `Stage`
    fn act(self, coroutine: &Coroutine) -> Yielded {
        let GiveWay(scheduler) = self;
        if scheduler.raise_interrupts(coroutine).is_err() {
            return Yielded::No;
        }
        // Not parked, so `run` puts it at the end of the ready queue, without a new owner.
        scheduler.suspend(coroutine);
        // Not in a hook any more.
        let _ = scheduler.raise_interrupts(coroutine);
        Yielded::Yes
    }
}

/// Whether the caller has given its turn away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Yielded {
    Yes,
    No,
}
