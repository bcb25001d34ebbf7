//! A place where so many coroutines wait for each other.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use eventlet_runloop::Time;

use super::waiters::{Outcome, Waiters};
use crate::coroutine::{Wait, deadline_in};
use crate::error::ParkError;

/// Holds coroutines up until so many have come, then lets them all go on, in the order in which they
/// came; in the shape of `std`'s. It can be used again and again.
///
/// One that is killed or runs out of time while it waits takes its arrival back: so many others must
/// come. One that was counted when the last one came has passed, even if its time was over in the
/// same turn.
///
/// # Examples
///
/// ```
/// use eventlet_green::spawn;
/// use eventlet_green::sync::Barrier;
/// use std::rc::Rc;
///
/// let barrier = Rc::new(Barrier::new(3));
/// let workers: Vec<_> = (0..3)
///     .map(|_| {
///         let barrier = Rc::clone(&barrier);
///         spawn(move || barrier.wait().unwrap().is_leader())
///     })
///     .collect();
/// let leaders = workers.into_iter().map(|worker| worker.join().unwrap());
/// assert_eq!(leaders.filter(|&leads| leads).count(), 1);
/// ```
pub struct Barrier {
    size: usize,
    /// How often it has opened.
    openings: Cell<u64>,
    waiters: Waiters,
}

impl Barrier {
    /// One for so many. With one, or none, nobody ever waits.
    pub fn new(size: usize) -> Self {
        Barrier {
            size,
            openings: Cell::new(0),
            waiters: Waiters::default(),
        }
    }

    /// Waits until so many are here. The last to come does not wait, and is the leader.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait. It has then not come.
    pub fn wait(&self) -> Result<BarrierWaitResult, ParkError> {
        match self.wait_until(|| None)? {
            Some(result) => Ok(result),
            None => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// As [`wait`](Self::wait), at most for `limit`; `None` if there were not enough in time. The
    /// caller has then not come.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Barrier;
    /// use std::time::Duration;
    ///
    /// let barrier = Barrier::new(2);
    /// assert!(barrier.wait_timeout(Duration::from_millis(1))?.is_none());
    /// assert_eq!(barrier.waiting(), 0);
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn wait_timeout(&self, limit: Duration) -> Result<Option<BarrierWaitResult>, ParkError> {
        self.wait_until(|| Some(deadline_in(limit)))
    }

    /// How many wait here now.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    fn wait_until(
        &self,
        deadline: impl FnOnce() -> Option<Time>,
    ) -> Result<Option<BarrierWaitResult>, ParkError> {
        let openings = self.openings.get();
        if self.waiters.len() + 1 >= self.size {
            self.openings.set(openings + 1);
            while self.waiters.choose_first() {}
            return Ok(Some(BarrierWaitResult { is_leader: true }));
        }
        let outcome = self.waiters.wait(Wait::Barrier, deadline(), || ())?;
        let missed = outcome == Outcome::TimedOut && self.openings.get() == openings;
        Ok((!missed).then_some(BarrierWaitResult { is_leader: false }))
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("size", &self.size)
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// What it was like to pass a [`Barrier`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, sync::Barrier};
/// use std::rc::Rc;
///
/// let barrier = Rc::new(Barrier::new(2));
/// let other = Rc::clone(&barrier);
/// let other = spawn(move || other.wait().unwrap().is_leader());
/// let mine = barrier.wait()?.is_leader();
/// assert!(mine != other.join().unwrap(), "one of them is");
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    /// Whether the caller is the one of its group that is to do what is to be done once: the last
    /// that came.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}
