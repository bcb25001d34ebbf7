//! Waiting until so many others are done, however each of them ends.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::Time;

use super::condvar::WaitTimeoutResult;
use super::waiters::{Outcome, Waiters};
use crate::coroutine::{Wait, deadline_in};
use crate::error::ParkError;

/// Counts its [members](Member), and lets wait until there are none; shared by its clones.
///
/// A member is a value: dropping it is being done, on every way out, a panic or a kill included.
/// (Go's `WaitGroup` counts by hand.) To get the results of coroutines as well, join them.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::WaitGroup;
/// use eventlet_green::{spawn, yield_now};
///
/// let group = WaitGroup::new();
/// for _ in 0..3 {
///     let member = group.add();
///     spawn(move || {
///         yield_now();
///         drop(member);
///     });
/// }
/// assert_eq!(group.members(), 3);
/// group.wait()?;
/// assert_eq!(group.members(), 0);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[derive(Clone, Default)]
pub struct WaitGroup {
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    members: Cell<usize>,
    waiters: Waiters,
}

impl WaitGroup {
    /// One without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member. There may be some, or none; and there may be coroutines that wait.
    pub fn add(&self) -> Member {
        self.shared.members.set(self.shared.members.get() + 1);
        Member {
            shared: Rc::clone(&self.shared),
        }
    }

    /// Waits until there are no members, or returns at once if there are none. Goes on even if there
    /// are new ones by the time the caller has its turn. One who waits while holding a member waits
    /// for itself.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn wait(&self) -> Result<(), ParkError> {
        self.wait_until(|| None).map(|_| ())
    }

    /// As [`wait`](Self::wait), at most for `limit`.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::WaitGroup;
    /// use std::time::Duration;
    ///
    /// let group = WaitGroup::new();
    /// let member = group.add();
    /// assert!(group.wait_timeout(Duration::from_millis(1))?.timed_out());
    /// drop(member);
    /// assert!(!group.wait_timeout(Duration::from_millis(1))?.timed_out());
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn wait_timeout(&self, limit: Duration) -> Result<WaitTimeoutResult, ParkError> {
        self.wait_until(|| Some(deadline_in(limit)))
    }

    /// How many members there are.
    pub fn members(&self) -> usize {
        self.shared.members.get()
    }

    /// How many coroutines wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::WaitGroup;
    /// use eventlet_green::{spawn, yield_now};
    ///
    /// let group = WaitGroup::new();
    /// let member = group.add();
    /// let other = group.clone();
    /// let waiting = spawn(move || other.wait());
    /// yield_now();
    /// assert_eq!(group.waiting(), 1);
    /// drop(member);
    /// waiting.join().unwrap()?;
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn waiting(&self) -> usize {
        self.shared.waiters.len()
    }

    fn wait_until(
        &self,
        deadline: impl FnOnce() -> Option<Time>,
    ) -> Result<WaitTimeoutResult, ParkError> {
        let shared = &self.shared;
        if shared.members.get() == 0 {
            return Ok(WaitTimeoutResult::IN_TIME);
        }
        let outcome = shared.waiters.wait(Wait::WaitGroup, deadline(), || ())?;
        if outcome == Outcome::TimedOut && shared.members.get() > 0 {
            return Ok(WaitTimeoutResult::TIMED_OUT);
        }
        Ok(WaitTimeoutResult::IN_TIME)
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup")
            .field("members", &self.members())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// One that a [`WaitGroup`] waits for, until it is dropped. A clone is another one.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::{Member, WaitGroup};
/// use std::time::Duration;
///
/// let group = WaitGroup::new();
/// let member: Member = group.add();
/// assert!(group.wait_timeout(Duration::from_millis(1))?.timed_out());
/// drop(member); // It has done its part.
/// group.wait()?;
/// assert_eq!((group.members(), group.waiting()), (0, 0));
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[must_use = "a member that is not kept is done at once"]
pub struct Member {
    shared: Rc<Shared>,
}

impl Clone for Member {
    fn clone(&self) -> Self {
        let group = WaitGroup {
            shared: Rc::clone(&self.shared),
        };
        group.add()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let left = self.shared.members.get() - 1;
        self.shared.members.set(left);
        if left == 0 {
            while self.shared.waiters.choose_first() {}
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Member")
    }
}
