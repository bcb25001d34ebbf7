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
