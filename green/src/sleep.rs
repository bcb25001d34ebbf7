//! Giving the thread away for a while: sleeping, and yielding.

use std::time::Duration;

use crate::coroutine::{Wait, after};
use crate::error::ParkError;
use crate::scheduler;

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
#[inline]
pub fn yield_now() {
    check(scheduler::with(|scheduler| scheduler.yield_now()));
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
    let current = scheduler::with(|scheduler| scheduler.current());
    if let Some(coroutine) = current
        && coroutine.is_interrupted()
        && !coroutine.is_in_hook()
    {
        coroutine.raise();
    }
}
