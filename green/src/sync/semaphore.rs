//! So many at a time: a counter of permits that coroutines wait for.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::waiters::{Outcome, Waiters};
use crate::coroutine::{Wait, after};
use crate::error::ParkError;
use crate::scheduler;

/// A number of permits, shared by its clones. A permit that is given back goes to whoever has
/// waited longest; nobody who comes later can take it first.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::Semaphore;
/// use eventlet_green::{spawn, yield_now};
///
/// let seats = Semaphore::new(1);
/// let taken = seats.acquire()?;
/// let other = seats.clone();
/// let waits = spawn(move || other.acquire().is_ok());
/// yield_now();
/// assert!(!waits.is_finished());
/// assert_eq!(seats.waiting(), 1);
/// drop(taken);
/// assert!(waits.join().unwrap());
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    shared: Rc<Shared>,
}

struct Shared {
    free: Cell<usize>,
    waiters: Waiters,
}

impl Semaphore {
    /// A semaphore with so many permits.
    pub fn new(permits: usize) -> Self {
        let shared = Shared {
            free: Cell::new(permits),
            waiters: Waiters::default(),
        };
        Semaphore {
            shared: Rc::new(shared),
        }
    }

    /// Takes a permit, waiting for one if there is none. It is given back when it is dropped.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn acquire(&self) -> Result<Permit, ParkError> {
        match self.acquire_until(None)? {
            Some(permit) => Ok(permit),
            None => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// Takes a permit, waiting at most `limit` for one; `None` if there was none in time.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn acquire_timeout(&self, limit: Duration) -> Result<Option<Permit>, ParkError> {
        self.acquire_until(Some(limit))
    }

    /// Takes a permit if there is one.
    pub fn try_acquire(&self) -> Option<Permit> {
        let free = self.shared.free.get();
        if free == 0 {
            return None;
        }
        self.shared.free.set(free - 1);
        Some(self.permit())
    }

    fn acquire_until(&self, limit: Option<Duration>) -> Result<Option<Permit>, ParkError> {
        if let Some(permit) = self.try_acquire() {
            return Ok(Some(permit));
        }
        let deadline =
            limit.map(|limit| scheduler::with(|scheduler| after(&scheduler.run_loop, limit)));
        let shared = &self.shared;
        match shared
            .waiters
            .wait(Wait::Permit, deadline, || shared.give_back())?
        {
            Outcome::Chosen => Ok(Some(self.permit())),
            Outcome::TimedOut => Ok(None),
        }
    }

    /// How many permits are free.
    pub fn free(&self) -> usize {
        self.shared.free.get()
    }

    /// How many coroutines wait for one.
    pub fn waiting(&self) -> usize {
        self.shared.waiters.len()
    }

    fn permit(&self) -> Permit {
        Permit {
            shared: Rc::clone(&self.shared),
        }
    }
}

impl Shared {
    fn give_back(&self) {
        if !self.waiters.choose_first() {
            self.free.set(self.free.get() + 1);
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("free", &self.free())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// The right to be one of so many. Dropping it gives it to the next.
pub struct Permit {
    shared: Rc<Shared>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.give_back();
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}
