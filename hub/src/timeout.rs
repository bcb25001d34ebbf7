//! A timeout as each system call wants it: milliseconds, `timespec`, `timeval`.
//!
//! Always rounded *up*, so that no wait ends early, and clamped to what the call can express, which
//! ends a very long wait early after all: [`persist`](crate::retry::persist) then waits again.
//! Waiting for ever is `None` throughout (−1 in milliseconds), and zero stays zero.

use std::ffi::c_int;
use std::time::Duration;

#[cfg(unix)]
pub use crate::sys::{to_timespec, to_timeval};

/// The longest `timespec` or `timeval` these conversions give: 31 days, which is what POSIX obliges
/// every system to accept (`select`, DESCRIPTION: "All implementations shall support a maximum
/// timeout interval of at least 31 days"); several refuse more with `EINVAL`.
pub const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

const NANOS_PER_MILLI: u128 = 1_000_000;

/// Milliseconds for `poll` and `epoll_wait`: −1 is for ever; at most `c_int::MAX` (24.8 days).
///
/// # Examples
///
/// ```
/// use eventlet_hub::timeout::to_millis;
/// use std::time::Duration;
///
/// assert_eq!(to_millis(Some(Duration::from_nanos(1))), 1);
/// assert_eq!(to_millis(None), -1);
/// ```
pub fn to_millis(timeout: Option<Duration>) -> c_int {
    match timeout {
        None => -1,
        Some(timeout) => {
            c_int::try_from(timeout.as_nanos().div_ceil(NANOS_PER_MILLI)).unwrap_or(c_int::MAX)
        }
    }
}
