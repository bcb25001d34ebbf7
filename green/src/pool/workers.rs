//! So many coroutines at a time: whoever wants to start one more waits for a seat.
//!
//! A seat is a permit that the coroutine's body owns, so however it ends the seat is free. The
//! coroutines themselves are ordinary ones, each with a stack of its own from the thread's pool; there
//! is nothing to be gained by keeping idle ones. Collecting results is in [`pile`](super::Pile) and
//! [`imap`](super::Imap).

use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use super::error::SpawnError;
use super::group::{join_members, kill_members};
use crate::coroutine::Wait;
use crate::ends::members::Members;
use crate::error::{NeedsUnwinding, ParkError};
use crate::join::{Failure, JoinError, JoinHandle, catch_panic};
use crate::spawn::Builder;
use crate::sync::{Permit, Semaphore};

/// A bounded number of coroutines at a time; shared by its clones.
///
/// When all seats are taken, [`spawn`](Self::spawn) waits for one; first come, first served. Called by
/// one of the workers itself it would wait for a seat that the caller keeps taken, so there it runs the
/// closure at once, inline, on the caller's stack: nested use cannot lock up. (A coroutine that a
/// worker spawns by other means is none of them; if the worker waits for it, and it for a seat, both
/// wait.)
///
/// Dropping the last clone changes nothing for those that run. To have them end with their owner, use
/// [`kill_all`](Self::kill_all), or a [`Group`](super::Group).
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::Workers;
///
/// let workers = Workers::new(2);
/// let jobs: Vec<_> = (0..5)
///     .map(|n| workers.spawn(move || n * n))
///     .collect::<Result<_, _>>()?;
/// assert!(workers.running() <= 2);
/// let squares: Vec<_> = jobs.into_iter().map(|job| job.join().unwrap()).collect();
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::pool::Workers;
/// use eventlet_green::sleep;
/// use std::time::Duration;
///
/// let workers = Workers::new(1);
/// let long = workers.try_spawn(|| sleep(Duration::from_secs(60)));
/// assert!(long.is_ok() && workers.try_spawn(|| ()).is_err());
/// assert!(workers.spawn_timeout(Duration::from_millis(1), || ()).is_err());
/// assert_eq!((workers.size(), workers.free(), workers.waiting()), (1, 0, 0));
/// workers.resize(2);
/// assert_eq!(workers.free(), 1);
/// assert!(!workers.wait_all_timeout(Duration::from_millis(1)).unwrap(), "it sleeps");
/// assert_eq!(workers.kill_all()?, 1);
/// workers.wait_all().unwrap();
/// # Ok::<(), eventlet_green::NeedsUnwinding>(())
/// ```
#[derive(Clone)]
pub struct Workers {
    shared: Rc<Shared>,
}

struct Shared {
    seats: Semaphore,
    size: Cell<usize>,
    members: Rc<Members>,
}

impl Workers {
    /// So many seats. With none, everybody waits until [`resize`](Self::resize) gives some.
    pub fn new(size: usize) -> Self {
        let shared = Shared {
            seats: Semaphore::new(size),
            size: Cell::new(size),
            members: Rc::default(),
        };
        Workers {
            shared: Rc::new(shared),
        }
    }

    /// Starts a coroutine, waiting for a seat if there is none; runs it inline if the caller is one
    /// of the workers and there is none.
    ///
    /// # Errors
    ///
    /// * Why the caller could not wait: see [`ParkError`].
    /// * As for [`Builder::spawn`]; the seat is free again.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let spawned_at = Location::caller();
        match self.seat_or_inline(None)? {
            Seat::Taken(seat) => self.start(spawned_at, seat, f),
            Seat::Inline => Ok(run_inline(spawned_at, f)),
            Seat::NoneInTime => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// Starts a coroutine, waiting for a seat at most for `limit`; inline like
    /// [`spawn`](Self::spawn).
    ///
    /// # Errors
    ///
    /// * [`SpawnError::NoSeat`]: with the closure, for another try.
    /// * [`SpawnError::Failed`]: as for [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_timeout<F, T>(&self, limit: Duration, f: F) -> Result<JoinHandle<T>, SpawnError<F>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let spawned_at = Location::caller();
        let seat = self.seat_or_inline(Some(limit));
        match seat.map_err(|refused| SpawnError::Failed(refused.into()))? {
            Seat::Taken(seat) => self.start(spawned_at, seat, f).map_err(SpawnError::Failed),
            Seat::Inline => Ok(run_inline(spawned_at, f)),
            Seat::NoneInTime => Err(SpawnError::NoSeat(f)),
        }
    }

    /// Starts a coroutine if there is a seat. Never waits, and never runs anything inline.
    ///
    /// # Errors
    ///
    /// As for [`spawn_timeout`](Self::spawn_timeout).
    #[track_caller]
    pub fn try_spawn<F, T>(&self, f: F) -> Result<JoinHandle<T>, SpawnError<F>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let spawned_at = Location::caller();
        match self.shared.seats.try_acquire() {
            Some(seat) => self.start(spawned_at, seat, f).map_err(SpawnError::Failed),
            None => Err(SpawnError::NoSeat(f)),
        }
    }

    pub(super) fn seat_or_inline(&self, limit: Option<Duration>) -> Result<Seat, ParkError> {
        let shared = &self.shared;
        if let Some(seat) = shared.seats.try_acquire() {
            return Ok(Seat::Taken(seat));
        }
        if shared.members.has_caller() {
            return Ok(Seat::Inline);
        }
        let seat = shared.seats.acquire_for(Wait::Worker, limit)?;
        Ok(seat.map_or(Seat::NoneInTime, Seat::Taken))
    }

    pub(super) fn start<F, T>(
        &self,
        spawned_at: &'static Location<'static>,
        seat: Permit,
        f: F,
    ) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let body = move || {
            let _seat = seat;
            f()
        };
        let handle = Builder::new().spawn_located(spawned_at, body)?;
        self.shared.members.add(handle.coroutine());
        Ok(handle)
    }

    /// Waits until all have ended, also those that are started meanwhile.
    ///
    /// # Errors
    ///
    /// * [`JoinError::Itself`]: the caller is one of them, and would wait for itself.
    /// * [`JoinError::Refused`]: the caller could not wait.
    pub fn wait_all(&self) -> Result<(), JoinError> {
        join_members(&self.shared.members, None).map(|_| ())
    }

    /// Waits until all have ended, at most for `limit`; says whether they have.
    ///
    /// # Errors
    ///
    /// As for [`wait_all`](Self::wait_all).
    pub fn wait_all_timeout(&self, limit: Duration) -> Result<bool, JoinError> {
        join_members(&self.shared.members, Some(limit))
    }

    /// Kills all that run, in the order in which they were started; says how many there were. Whoever
    /// waits for a seat gets one. If the caller is one of them it unwinds now.
    ///
    /// # Errors
    ///
    /// [`NeedsUnwinding`] in a program built with `panic = "abort"`.
    pub fn kill_all(&self) -> Result<usize, NeedsUnwinding> {
        kill_members(&self.shared.members)
    }

    /// Changes the number of seats. With more, waiters get theirs; with fewer, those that run go on,
    /// and nobody gets a seat until there are fewer than that.
    pub fn resize(&self, size: usize) {
        let before = self.shared.size.replace(size);
        if size >= before {
            self.shared.seats.add_permits(size - before);
        } else {
            self.shared.seats.remove_permits(before - size);
        }
    }

    /// How many seats there are.
    pub fn size(&self) -> usize {
        self.shared.size.get()
    }

    /// How many run. After a [`resize`](Self::resize) this can be more than the [`size`](Self::size).
    pub fn running(&self) -> usize {
        self.shared.members.len()
    }

    /// How many could be started without waiting.
    pub fn free(&self) -> usize {
        self.shared.seats.free()
    }

    /// How many coroutines wait for a seat.
    pub fn waiting(&self) -> usize {
        self.shared.seats.waiting()
    }
}

/// What somebody gets who asks for a seat.
pub(super) enum Seat {
    Taken(Permit),
    /// The caller sits on one itself.
    Inline,
    NoneInTime,
}

/// Runs a closure now, as if it were a coroutine that has ended since. A kill of the caller, and its
/// time limits, pass through.
pub(super) fn run_inline<T>(
    spawned_at: &'static Location<'static>,
    f: impl FnOnce() -> T,
) -> JoinHandle<T> {
    let outcome = catch_panic(f).map_err(Failure::Panicked);
    JoinHandle::of_finished(spawned_at, outcome)
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("size", &self.size())
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish()
    }
}
