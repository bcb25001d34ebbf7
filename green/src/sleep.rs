//! Giving the thread away for a while: sleeping, and yielding.

use std::time::Duration;

use crate::coroutine::{Wait, after};
use crate::error::ParkError;
use crate::scheduler::{self, Scheduler};
use crate::sys::slot;

/// Parks the caller for at least `duration`. Zero is a [`yield_now`].
///
/// Called while a panic or a kill unwinds the stack, in a destructor, it returns at once.
///
/// # Panics
///
/// In a callback of the run loop or a hook of a [context](crate::context), which cannot wait; and if
/// the hub's wait fails.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// eventlet_green::sleep(Duration::from_millis(2));
/// assert!(start.elapsed() >= Duration::from_millis(2));
/// ```
pub fn sleep(duration: Duration) {
    if duration.is_zero() {
        return yield_now();
    }
    check(scheduler::with(|scheduler| {
        let deadline = after(&scheduler.run_loop, duration);
        scheduler.park(Wait::Sleep, Some(deadline)).map(|_| ())
    }));
}

/// Lets everybody who is ready run before the caller goes on. (Timers that are due and descriptors
/// that are ready are looked at every few hundred turns of the ready queue, and whenever it is
/// empty.)
///
/// Called while a panic or a kill unwinds the stack, in a destructor, it returns at once.
///
/// # Panics
///
/// As for [`sleep`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, yield_now};
///
/// let handle = spawn(|| ());
/// yield_now();
/// assert!(handle.is_finished());
/// ```
#[inline(always)]
pub fn yield_now() {
    check(scheduler::yield_now());
}

/// Lets the others go first if the caller has done many operations without waiting, as each operation
/// of this crate's streams does: for streams of one's own that are made of
/// [`try_read`](crate::net::TcpStream::try_read) and the like, which would otherwise keep the thread
/// for as long as there is something to read.
///
/// Where the caller cannot yield (while a panic unwinds, in a callback of the run loop), it returns at
/// once.
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, yield_if_due};
///
/// let other = spawn(|| ());
/// while !other.is_finished() {
///     yield_if_due();
/// }
/// ```
#[inline]
pub fn yield_if_due() {
    slot::with(Scheduler::spend_credit);
}

#[inline]
fn check(outcome: Result<(), ParkError>) {
    match outcome {
        Ok(()) | Err(ParkError::Unwinding) => {}
        Err(error) => refuse(error),
    }
}

#[cold]
fn refuse(error: ParkError) -> ! {
    panic!("{error}");
}

/// Raises a kill, or an expired scope, that is pending for the caller, unless it is unwinding.
pub(crate) fn raise_pending() {
    if std::thread::panicking() {
        return;
    }
    slot::with(Scheduler::raise_pending);
}
