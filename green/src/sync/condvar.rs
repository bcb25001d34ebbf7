//! Waiting until what a mutex guards has changed.
//!
//! A notification does not wake: it moves the longest waiter, parked as it is, over into the
//! mutex's own line. It is woken when it has the lock. So `notify_all` costs one switch a waiter
//! however long the lock is held, and whoever asks for the lock after the notification comes after
//! those who were notified.
//!
//! ```text
//!                       notify                         its turn
//!   parked in ours ───────────────► parked in the ───────────────► woken,
//!     │        │                    mutex's line                   has the lock
//!     │ limit  │ kill                    │ kill                        │ kill in the same turn
//!     ▼        ▼                         ▼                             ▼
//!   locks    leaves           the next one is notified       gives the lock back; the next one
//!   again    the line         in its stead                   is notified in its stead
//! ```

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::Time;

use super::mutex::{Mutex, MutexGuard};
use super::permits::Permits;
use super::waiters::{Outcome, Place, Waiters, park_until_chosen};
use crate::coroutine::{Wait, deadline_in};
use crate::error::ParkError;
use crate::scheduler;

/// A condition that coroutines wait for, in the shape of `std`'s.
///
/// Notifications go to whoever has waited longest. One that nobody waits for is lost. One that was
/// given to a waiter which is killed before it goes on goes to the next, so a waiter may find that
/// nothing has changed: ask again, as [`wait_while`](Self::wait_while) does.
///
/// # Examples
///
/// ```
/// use eventlet_green::spawn;
/// use eventlet_green::sync::{Condvar, Mutex};
/// use std::rc::Rc;
///
/// let shared = Rc::new((Mutex::new(Vec::new()), Condvar::new()));
/// let theirs = Rc::clone(&shared);
/// let consumer = spawn(move || {
///     let (items, filled) = &*theirs;
///     let mut items = filled.wait_while(items.lock()?, |items| items.is_empty())?;
///     Ok::<_, eventlet_green::ParkError>(items.pop())
/// });
/// let (items, filled) = &*shared;
/// items.lock()?.push("item");
/// filled.notify_one();
/// assert_eq!(consumer.join().unwrap()?, Some("item"));
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
///
/// ```
/// use eventlet_green::sync::{Condvar, Mutex};
/// use eventlet_green::{spawn, yield_now};
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// let shared = Rc::new((Mutex::new(false), Condvar::new()));
/// let other = Rc::clone(&shared);
/// let waiting = spawn(move || {
///     let (is_open, opened) = &*other;
///     let mut guard = is_open.lock().unwrap();
///     while !*guard {
///         guard = opened.wait(guard).unwrap();
///     }
/// });
/// yield_now();
/// let (is_open, opened) = &*shared;
/// assert_eq!(opened.waiting(), 1);
/// *is_open.lock()? = true;
/// opened.notify_all();
/// waiting.join().unwrap();
///
/// let limit = Duration::from_millis(1);
/// let (_guard, result) = opened.wait_timeout_while(is_open.lock()?, limit, |is_open| *is_open)?;
/// assert!(result.timed_out(), "nobody has closed it");
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[derive(Default)]
pub struct Condvar {
    /// Each with its place in the mutex's line, once it was notified.
    waiters: Waiters<Option<Place>>,
    /// The lock of those who wait; left standing when there are none.
    mutex: RefCell<Option<Rc<Permits>>>,
}

impl Condvar {
    /// One that nobody waits for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Unlocks, waits for a notification, and locks again.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait. The lock is then given up.
    ///
    /// # Panics
    ///
    /// If somebody waits with another mutex.
    pub fn wait<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> Result<MutexGuard<'a, T>, ParkError> {
        Ok(self.wait_until(guard, None)?.0)
    }

    /// Waits for as long as the condition is so. It is asked with the lock held: at first, and after
    /// each notification.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As for [`wait`](Self::wait), and when the condition does.
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'a, T>, ParkError> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait`](Self::wait), at most for `limit`. Locking again takes what it takes.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (mutex, changed) = (Mutex::new(0), Condvar::new());
    /// let (value, result) = changed.wait_timeout(mutex.lock()?, Duration::from_millis(1))?;
    /// assert!(result.timed_out());
    /// assert_eq!(*value, 0);
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), ParkError> {
        self.wait_until(guard, Some(deadline_in(limit)))
    }

    /// As [`wait_while`](Self::wait_while), at most for `limit` altogether. If the time is over, the
    /// condition is still so.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As for [`wait_while`](Self::wait_while).
    pub fn wait_timeout_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), ParkError> {
        let deadline = Some(deadline_in(limit));
        let mut result = WaitTimeoutResult::IN_TIME;
        while condition(&mut guard) {
            if result.timed_out() {
                return Ok((guard, result));
            }
            (guard, result) = self.wait_until(guard, deadline)?;
        }
        Ok((guard, WaitTimeoutResult::IN_TIME))
    }

    /// Has the longest waiter go on, as soon as it has the lock. With nobody waiting, nothing.
    pub fn notify_one(&self) {
        if let Some(permits) = self.settled_on() {
            self.notify_first(&permits);
            permits.serve();
        }
    }

    /// Has all who wait go on, one after the other as each has the lock, the longest waiter first.
    pub fn notify_all(&self) {
        if let Some(permits) = self.settled_on() {
            while self.notify_first(&permits) == Notified::One {}
            permits.serve();
        }
    }

    /// How many coroutines wait for a notification.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    fn settled_on(&self) -> Option<Rc<Permits>> {
        self.mutex.borrow().clone()
    }

    fn notify_first(&self, permits: &Permits) -> Notified {
        let moved = self.waiters.move_first_with(|coroutine, place| {
            *place = Some(permits.enter_parked(coroutine, Wait::Mutex));
        });
        match moved {
            Some(()) => Notified::One,
            None => Notified::Nobody,
        }
    }

    fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Time>,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), ParkError> {
        let mutex = guard.mutex();
        let outcome = scheduler::with(|scheduler| {
            let coroutine = scheduler.about_to_park()?;
            self.settle_on(mutex);
            let seat = Seat {
                condvar: self,
                permits: mutex.permits(),
                place: Some(self.waiters.enter(coroutine, None)),
            };
            drop(guard);
            let has_lock = || seat.has_lock();
            let outcome = park_until_chosen(scheduler, Wait::Notification, deadline, has_lock)?;
            if outcome == Outcome::Chosen {
                seat.keep();
            }
            Ok::<_, ParkError>(outcome)
        })?;
        match outcome {
            Outcome::Chosen => Ok((mutex.guard(), WaitTimeoutResult::IN_TIME)),
            Outcome::TimedOut => Ok((mutex.lock()?, WaitTimeoutResult::TIMED_OUT)),
        }
    }

    fn settle_on<T: ?Sized>(&self, mutex: &Mutex<T>) {
        let permits = mutex.permits();
        let mut ours = self.mutex.borrow_mut();
        match &*ours {
            Some(settled) if Rc::ptr_eq(settled, permits) => {}
            Some(_) if self.waiters.len() > 0 => {
                drop(ours);
                panic!("this condition variable is waited on with another mutex");
            }
            _ => *ours = Some(Rc::clone(permits)),
        }
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar")
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// Whether a wait with a time limit ended because the time was over.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::{Condvar, Mutex};
/// use std::time::Duration;
///
/// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
/// let (_guard, result) = condvar.wait_timeout(mutex.lock()?, Duration::from_millis(1))?;
/// assert!(result.timed_out());
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult {
    timed_out: bool,
}

impl WaitTimeoutResult {
    pub(crate) const IN_TIME: Self = WaitTimeoutResult { timed_out: false };
    pub(crate) const TIMED_OUT: Self = WaitTimeoutResult { timed_out: true };

    /// Whether the time was over.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }
}

/// Whether there was somebody to be notified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notified {
    One,
    Nobody,
}

/// A place in our line and, after a notification, in the mutex's; given up on every way out.
struct Seat<'a> {
    condvar: &'a Condvar,
    permits: &'a Permits,
    place: Option<Place>,
}

impl Seat<'_> {
    /// Whether it was notified and its turn has come.
    fn has_lock(&self) -> bool {
        let is_granted = |moved: &Option<Place>| {
            let moved = moved.as_ref();
            moved.is_some_and(|place| self.permits.is_granted(place))
        };
        let place = self.place.as_ref();
        place.is_some_and(|place| self.condvar.waiters.held_with(place, is_granted))
    }

    /// The wait has ended by itself: the lock is the caller's.
    fn keep(mut self) {
        if let Some(moved) = self.leave() {
            self.permits.leave(moved);
        }
    }

    /// Leaves our line; gives the place in the mutex's.
    fn leave(&mut self) -> Option<Place> {
        let place = self.place.take()?;
        self.condvar.waiters.leave(place).1
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        // One that was notified and does not go on has had somebody else's notification.
        if let Some(moved) = self.leave() {
            self.permits.give_up(moved);
            self.condvar.notify_one();
        }
    }
}
