//! A value that many read at a time, or one changes.
//!
//! The queue is in [`permits`](super::permits): a reader has one of very many permits, a writer all
//! of them. So the line is one, and readers behind a waiting writer wait as well.

use std::cell::{Ref, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::permits::{Grant, Permits, Turn};
use crate::coroutine::{Wait, deadline_in};
use crate::error::ParkError;

/// How many may read at a time, and how many permits a writer takes. More than there can be
/// coroutines, and few enough for the counter of a `RefCell`.
const MOST_READERS: usize = (usize::MAX >> 1) - 1;

/// A value with a lock that many readers or one writer hold, in the shape of `std`'s.
///
/// Fair: readers and writers queue in one line, so a reader that comes after a waiting writer waits
/// for it, and neither kind starves the other. That has one consequence: one who reads already and
/// reads again, while a writer waits in between, waits for itself. Like [`Mutex`](super::Mutex), it
/// is [not poisoned](super#when-the-holder-of-a-lock-panics).
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::RwLock;
///
/// let lock = RwLock::new(vec![1]);
/// {
///     let (one, other) = (lock.read()?, lock.read()?);
///     assert_eq!(*one, *other);
///     assert!(lock.try_write().is_none());
/// }
/// lock.write()?.push(2);
/// assert_eq!(*lock.read()?, [1, 2]);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
///
/// ```
/// use eventlet_green::sync::RwLock;
/// use std::time::Duration;
///
/// let mut lock = RwLock::new(1);
/// let limit = Duration::from_millis(1);
/// let reader = lock.read_timeout(limit)?.expect("nobody writes");
/// assert!(lock.try_read().is_some(), "readers do not keep others out");
/// assert!(lock.readers() == 1 && !lock.is_writing() && lock.waiting() == 0);
/// assert!(lock.write_timeout(limit)?.is_none());
/// drop(reader);
/// *lock.get_mut() += 1; // Nobody else can have it.
/// assert_eq!(lock.into_inner(), 2);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
pub struct RwLock<T: ?Sized> {
    permits: Permits,
    /// Borrowed as the permits that are held say: so it is never found borrowed otherwise.
    value: RefCell<T>,
}

impl<T> RwLock<T> {
    /// An unlocked one.
    pub fn new(value: T) -> Self {
        RwLock {
            permits: Permits::new(MOST_READERS),
            value: RefCell::new(value),
        }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// The value, without locking: whoever has the only access needs no lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Locks for reading, waiting until it is the caller's turn.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn read(&self) -> Result<RwLockReadGuard<'_, T>, ParkError> {
        match self.permits.take(1, Wait::ReadLock, || None)? {
            Grant::Granted => Ok(self.read_guard(self.turn(1))),
            Grant::TimedOut => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// As [`read`](Self::read), waiting at most `limit`; `None` if the caller's turn did not come in
    /// time.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn read_timeout(
        &self,
        limit: Duration,
    ) -> Result<Option<RwLockReadGuard<'_, T>>, ParkError> {
        let outcome = self
            .permits
            .take(1, Wait::ReadLock, || Some(deadline_in(limit)))?;
        Ok(match outcome {
            Grant::Granted => Some(self.read_guard(self.turn(1))),
            Grant::TimedOut => None,
        })
    }

    /// Locks for reading, if nobody writes or waits.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        let granted = self.permits.try_take(1);
        granted.then(|| self.read_guard(self.turn(1)))
    }

    /// Locks for writing, waiting until it is the caller's turn.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn write(&self) -> Result<RwLockWriteGuard<'_, T>, ParkError> {
        match self.permits.take(MOST_READERS, Wait::WriteLock, || None)? {
            Grant::Granted => Ok(self.write_guard()),
            Grant::TimedOut => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// As [`write`](Self::write), waiting at most `limit`; `None` if the caller's turn did not come
    /// in time.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn write_timeout(
        &self,
        limit: Duration,
    ) -> Result<Option<RwLockWriteGuard<'_, T>>, ParkError> {
        let outcome = self
            .permits
            .take(MOST_READERS, Wait::WriteLock, || Some(deadline_in(limit)))?;
        Ok(match outcome {
            Grant::Granted => Some(self.write_guard()),
            Grant::TimedOut => None,
        })
    }

    /// Locks for writing, if nobody reads, writes or waits.
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        let granted = self.permits.try_take(MOST_READERS);
        granted.then(|| self.write_guard())
    }

    /// How many read now.
    pub fn readers(&self) -> usize {
        match MOST_READERS - self.permits.free() {
            MOST_READERS => 0,
            readers => readers,
        }
    }

    /// Whether somebody writes now.
    pub fn is_writing(&self) -> bool {
        self.permits.free() == 0
    }

    /// How many coroutines wait for it, to read or to write.
    pub fn waiting(&self) -> usize {
        self.permits.waiting()
    }

    fn turn(&self, count: usize) -> Turn<'_> {
        Turn {
            permits: &self.permits,
            count,
        }
    }

    fn read_guard<'a>(&'a self, turn: Turn<'a>) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard {
            value: self.value.borrow(),
            _turn: turn,
        }
    }

    fn write_guard(&self) -> RwLockWriteGuard<'_, T> {
        let turn = self.turn(MOST_READERS);
        RwLockWriteGuard {
            value: self.value.borrow_mut(),
            turn,
            lock: self,
        }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.field("waiting", &self.waiting()).finish()
    }
}

/// The value of a [`RwLock`], to be read until this is dropped.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::{RwLock, RwLockReadGuard};
///
/// let lock = RwLock::new(vec![1]);
/// let guard: RwLockReadGuard<'_, Vec<u32>> = lock.read()?;
/// assert_eq!(guard.len(), 1);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[must_use = "a guard that is not kept unlocks at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    // In this order: the value is let go before the turn is passed on.
    value: Ref<'a, T>,
    _turn: Turn<'a>,
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The value of a [`RwLock`], to be changed until this is dropped.
#[must_use = "a guard that is not kept unlocks at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    // In this order: the value is let go before the turn is passed on.
    value: RefMut<'a, T>,
    turn: Turn<'a>,
    lock: &'a RwLock<T>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on as a reader, with nobody writing in between. The readers at the head of the line
    /// come in as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::{RwLock, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new(1);
    /// let mut writer = lock.write()?;
    /// *writer = 2;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!((*reader, *lock.read()?), (2, 2));
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        let RwLockWriteGuard {
            value,
            mut turn,
            lock,
        } = guard;
        drop(value);
        turn.count = 1;
        let reading = lock.read_guard(turn);
        lock.permits.give_back(MOST_READERS - 1);
        reading
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
