//! A value that one coroutine at a time has.
//!
//! Within a thread, a `RefCell` keeps two from changing a value at once, but only by refusing. This
//! is for those who hold on to a value while they wait for something else, and for the others to
//! queue meanwhile. The queue is in [`permits`](super::permits): the lock is its one permit.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

use super::permits::{Grant, Permits, Turn};
use crate::coroutine::{Wait, deadline_in};
use crate::error::ParkError;

/// A value with a lock, in the shape of `std`'s.
///
/// The lock is handed on to whoever has waited longest: one who unlocks and locks again at once
/// comes after all who wait. It is [not poisoned](super#when-the-holder-of-a-lock-panics) by a
/// panic. Nor does it know its holder: one who locks again what it holds waits for itself (and is
/// told so by a deadlock's report, if it is the root stack and nobody else can go on).
///
/// Put it into an `Rc` to share it. Where nobody waits while holding the value, a `RefCell` does.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::Mutex;
/// use eventlet_green::{spawn, yield_now};
/// use std::rc::Rc;
///
/// let total = Rc::new(Mutex::new(0));
/// let adders: Vec<_> = (1..=3)
///     .map(|number| {
///         let total = Rc::clone(&total);
///         spawn(move || {
///             let mut total = total.lock()?;
///             let before = *total;
///             yield_now(); // Nobody else gets in between.
///             *total = before + number;
///             Ok::<(), eventlet_green::ParkError>(())
///         })
///     })
///     .collect();
/// for adder in adders {
///     adder.join().unwrap()?;
/// }
/// assert_eq!(*total.lock()?, 6);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
///
/// ```
/// use eventlet_green::sync::Mutex;
///
/// let mut mutex = Mutex::new(1);
/// let guard = mutex.lock()?;
/// assert!(mutex.is_locked() && mutex.waiting() == 0);
/// drop(guard);
/// *mutex.get_mut() += 1; // Nobody else can have it.
/// assert_eq!(mutex.into_inner(), 2);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
pub struct Mutex<T: ?Sized> {
    /// One of them. A condition variable keeps a share in them.
    permits: Rc<Permits>,
    /// Borrowed by whoever has the permit, and by nobody else: so it is never found borrowed.
    value: RefCell<T>,
}

impl<T> Mutex<T> {
    /// An unlocked one.
    pub fn new(value: T) -> Self {
        Mutex {
            permits: Rc::new(Permits::new(1)),
            value: RefCell::new(value),
        }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// The value, without locking: whoever has the only access needs no lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Locks, waiting until it is the caller's turn. Dropping the guard unlocks.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, ParkError> {
        match self.permits.take(1, Wait::Mutex, || None)? {
            Grant::Granted => Ok(self.guard()),
            Grant::TimedOut => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// Locks, waiting at most `limit`; `None` if the caller's turn did not come in time.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Mutex;
    /// use std::time::Duration;
    ///
    /// let mutex = Mutex::new("value");
    /// let held = mutex.lock()?;
    /// assert!(mutex.lock_timeout(Duration::from_millis(1))?.is_none());
    /// drop(held);
    /// assert!(mutex.try_lock().is_some());
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn lock_timeout(&self, limit: Duration) -> Result<Option<MutexGuard<'_, T>>, ParkError> {
        let outcome = self
            .permits
            .take(1, Wait::Mutex, || Some(deadline_in(limit)))?;
        Ok(match outcome {
            Grant::Granted => Some(self.guard()),
            Grant::TimedOut => None,
        })
    }

    /// Locks, if it is unlocked and nobody waits for it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.permits.try_take(1).then(|| self.guard())
    }

    /// Whether somebody holds it.
    pub fn is_locked(&self) -> bool {
        self.permits.free() == 0
    }

    /// How many coroutines wait for it.
    pub fn waiting(&self) -> usize {
        self.permits.waiting()
    }

    pub(crate) fn permits(&self) -> &Rc<Permits> {
        &self.permits
    }

    /// For the caller, who has the permit.
    pub(crate) fn guard(&self) -> MutexGuard<'_, T> {
        let turn = Turn {
            permits: &self.permits,
            count: 1,
        };
        MutexGuard {
            value: self.value.borrow_mut(),
            _turn: turn,
            mutex: self,
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Mutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mutex");
        match self.try_lock() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.field("waiting", &self.waiting()).finish()
    }
}

/// The value of a [`Mutex`], locked until this is dropped. Can be handed to another coroutine, but
/// not to another thread:
///
/// ```compile_fail
/// fn send<T: Send>(_: T) {}
/// let mutex = eventlet_green::sync::Mutex::new(());
/// send(mutex.lock().unwrap());
/// ```
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::{Mutex, MutexGuard};
///
/// let mutex = Mutex::new(vec![1]);
/// let mut guard: MutexGuard<'_, Vec<u32>> = mutex.lock()?;
/// guard.push(2);
/// assert!(mutex.try_lock().is_none());
/// drop(guard);
/// assert_eq!(mutex.lock()?.len(), 2);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[must_use = "a guard that is not kept unlocks at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    // In this order: the value is let go before the turn is passed on.
    value: RefMut<'a, T>,
    _turn: Turn<'a>,
    mutex: &'a Mutex<T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    pub(crate) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
