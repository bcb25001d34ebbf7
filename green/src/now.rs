//! The time as this thread's loop sees it, for deadlines that span several waits.
//!
//! Where the loop's clock comes from is [`Setup::clock`](crate::Setup::clock)'s business.

use eventlet_runloop::Time;

use crate::scheduler;

/// The time on this thread's clock, read now: what [`sleep`](crate::sleep()) and the time limits of
/// sockets go by. With a manual clock in a test, it is that clock's.
///
/// # Panics
///
/// If no run loop can be made; see [`init`](crate::init).
///
/// # Examples
///
/// ```
/// use eventlet_green::{now, sleep};
/// use std::time::Duration;
///
/// let start = now();
/// sleep(Duration::from_millis(2));
/// assert!(now() - start >= Duration::from_millis(2));
/// ```
pub fn now() -> Time {
    scheduler::with(|scheduler| scheduler.run_loop.now())
}

/// The time of the current turn of this thread's run loop, as [`RunLoop::turn_time`] gives it: cheap,
/// since the clock is read but once for all who run in the turn, and too early by as long as they have
/// run. For what need not be exact: the text of a date, whether something has waited for long.
///
/// [`RunLoop::turn_time`]: eventlet_runloop::RunLoop::turn_time
///
/// # Panics
///
/// As for [`now`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{now, sleep, turn_time};
/// use std::time::Duration;
///
/// let start = now();
/// sleep(Duration::from_millis(2));
/// assert!(turn_time() > start && turn_time() <= now());
/// ```
#[inline]
pub fn turn_time() -> Time {
    scheduler::with(|scheduler| scheduler.run_loop.turn_time())
}
