//! So many at a time: a counter of permits that coroutines wait for.
//!
//! The counting and the line of those who wait are in [`permits`](super::permits).

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::permits::{Grant, Permits};
use crate::coroutine::{Wait, deadline_in};
use crate::error::ParkError;

/// A number of permits, shared by its clones. A permit that is given back goes to whoever has
/// waited longest; nobody who comes later can take it first.
///
/// Permits that are asked for [together](Self::acquire_many) are granted together, in the same line:
/// one who wants many holds up those behind it until it has them, and so is never starved by those
/// who want few.
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
///
/// ```
/// use eventlet_green::ParkError;
/// use eventlet_green::sync::Semaphore;
/// use std::time::Duration;
///
/// let semaphore = Semaphore::new(2);
/// let limit = Duration::from_millis(1);
/// let both = semaphore.try_acquire_many(2).expect("nobody has one");
/// assert!(semaphore.acquire_timeout(limit)?.is_none());
/// drop(both);
/// assert!(semaphore.acquire_many_timeout(2, limit)?.is_some());
/// semaphore.close();
/// assert!(semaphore.is_closed() && matches!(semaphore.acquire(), Err(ParkError::Closed)));
/// # Ok::<(), ParkError>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    permits: Rc<Permits>,
}

impl Semaphore {
    /// A semaphore with so many permits; with none, until some are [added](Self::add_permits).
    pub fn new(permits: usize) -> Self {
        Semaphore {
            permits: Rc::new(Permits::new(permits)),
        }
    }

    /// Takes a permit, waiting for one if there is none. It is given back when it is dropped.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait; [`ParkError::Closed`] if the semaphore is closed, before or
    /// meanwhile.
    pub fn acquire(&self) -> Result<Permit, ParkError> {
        self.acquire_many(1)
    }

    /// Takes a permit, waiting at most `limit` for one; `None` if there was none in time.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    pub fn acquire_timeout(&self, limit: Duration) -> Result<Option<Permit>, ParkError> {
        self.acquire_many_timeout(1, limit)
    }

    /// Takes a permit if one is free and nobody waits for it. (From a closed one: never.)
    pub fn try_acquire(&self) -> Option<Permit> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits at once, waiting until so many are free. Until then none is taken, and
    /// nobody behind in the line gets any. More than there are in [total](Self::total) can be asked
    /// for: they may yet be added.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Semaphore;
    ///
    /// let bytes_in_flight = Semaphore::new(64 * 1024);
    /// let message = bytes_in_flight.acquire_many(1500)?;
    /// assert_eq!(bytes_in_flight.free(), 64 * 1024 - 1500);
    /// drop(message);
    /// assert_eq!(bytes_in_flight.free(), 64 * 1024);
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn acquire_many(&self, count: usize) -> Result<Permit, ParkError> {
        match self.permits.take(count, Wait::Permit, || None)? {
            Grant::Granted => Ok(self.permit(count)),
            Grant::TimedOut => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// As [`acquire_many`](Self::acquire_many), waiting at most `limit`; `None` if there were not
    /// enough in time.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    pub fn acquire_many_timeout(
        &self,
        count: usize,
        limit: Duration,
    ) -> Result<Option<Permit>, ParkError> {
        let outcome = self
            .permits
            .take(count, Wait::Permit, || Some(deadline_in(limit)))?;
        Ok(match outcome {
            Grant::Granted => Some(self.permit(count)),
            Grant::TimedOut => None,
        })
    }

    /// Takes `count` permits if so many are free and nobody waits. (From a closed one: never.)
    pub fn try_acquire_many(&self, count: usize) -> Option<Permit> {
        self.permits.try_take(count).then(|| self.permit(count))
    }

    /// Takes a permit under the name of what it stands for; `None` if there was none in time.
    pub(crate) fn acquire_for(
        &self,
        wait: Wait,
        limit: Option<Duration>,
    ) -> Result<Option<Permit>, ParkError> {
        match self.permits.take(1, wait, || limit.map(deadline_in))? {
            Grant::Granted => Ok(Some(self.permit(1))),
            Grant::TimedOut => Ok(None),
        }
    }

    /// Adds permits; those who wait get them first. To take some away, [remove](Self::remove_permits)
    /// them, or acquire and [forget](Permit::forget) them.
    ///
    /// # Panics
    ///
    /// If there would be more than `usize::MAX` in total.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Semaphore;
    ///
    /// let seats = Semaphore::new(0);
    /// assert!(seats.try_acquire().is_none());
    /// seats.add_permits(2);
    /// seats.acquire()?.forget();
    /// assert_eq!(seats.total(), 1);
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn add_permits(&self, count: usize) {
        let added = self.permits.add(count);
        assert!(
            added.is_some(),
            "a semaphore cannot have more than {} permits",
            usize::MAX
        );
    }

    /// Takes permits away without waiting: those that are free, and for the rest, those that are given
    /// back next. Until these have come nothing is granted.
    ///
    /// # Panics
    ///
    /// If there are fewer in [total](Self::total).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Semaphore;
    ///
    /// let seats = Semaphore::new(2);
    /// let taken = seats.acquire()?;
    /// seats.remove_permits(2);
    /// assert_eq!((seats.total(), seats.free()), (0, 0));
    /// drop(taken);
    /// assert_eq!(seats.free(), 0);
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn remove_permits(&self, count: usize) {
        let removed = self.permits.remove(count);
        assert!(
            removed.is_some(),
            "a semaphore of {} permits cannot lose {count}",
            self.total()
        );
    }

    /// Closes the semaphore: it grants nothing any more. Those who wait, and all who come later, get
    /// [`ParkError::Closed`]. Permits that are out stay good. Closing again does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::ParkError;
    /// use eventlet_green::sync::Semaphore;
    ///
    /// let seats = Semaphore::new(1);
    /// seats.close();
    /// assert!(matches!(seats.acquire(), Err(ParkError::Closed)));
    /// ```
    pub fn close(&self) {
        self.permits.close();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    /// How many permits are free.
    pub fn free(&self) -> usize {
        self.permits.free()
    }

    /// How many permits there are, the free ones and those that are held.
    pub fn total(&self) -> usize {
        self.permits.total()
    }

    /// How many coroutines wait.
    pub fn waiting(&self) -> usize {
        self.permits.waiting()
    }

    fn permit(&self, count: usize) -> Permit {
        Permit {
            permits: Rc::clone(&self.permits),
            count,
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("free", &self.free())
            .field("total", &self.total())
            .field("waiting", &self.waiting())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// The right to be one of so many, or to be several of them. Dropping it gives it to the next.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::{Permit, Semaphore};
///
/// let semaphore = Semaphore::new(3);
/// let permit: Permit = semaphore.acquire_many(2)?;
/// assert_eq!(permit.count(), 2);
/// permit.forget(); // They are used up.
/// assert_eq!((semaphore.free(), semaphore.total()), (1, 1));
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[must_use = "a permit that is not kept is given back at once"]
pub struct Permit {
    permits: Rc<Permits>,
    count: usize,
}

impl Permit {
    /// For how many it stands.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Never gives it back: the semaphore has so many fewer in [total](Semaphore::total).
    pub fn forget(mut self) {
        self.permits.forget(self.count);
        self.count = 0;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.give_back(self.count);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("count", &self.count)
            .finish()
    }
}
