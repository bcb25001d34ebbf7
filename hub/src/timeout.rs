//! A timeout as each system call wants it: milliseconds, `timespec`, `timeval`.
//!
//! Always rounded *up*, so that no wait ends early, and clamped to what the call can express, which
//! ends a very long wait early after all: [`persist`](crate::retry::persist) then waits again.
//! Waiting for ever is `None` throughout (−1 in milliseconds), and zero stays zero.

use std::time::Duration;

use libc::{c_int, suseconds_t, time_t, timespec, timeval};

/// The longest `timespec` or `timeval` these conversions give: 31 days, which is what POSIX obliges
/// every system to accept (`select`, DESCRIPTION: "All implementations shall support a maximum
/// timeout interval of at least 31 days"); several refuse more with `EINVAL`.
pub const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

const NANOS_PER_MILLI: u128 = 1_000_000;
const NANOS_PER_MICRO: u32 = 1_000;
const MICROS_PER_SEC: u32 = 1_000_000;

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

/// Seconds and nanoseconds for `ppoll`, `epoll_pwait2`, `kevent`: exact; at most [`LONGEST`].
///
/// # Examples
///
/// ```
/// use eventlet_hub::timeout::to_timespec;
/// use std::time::Duration;
///
/// let spec = to_timespec(Duration::from_nanos(1_000_000_002));
/// assert_eq!((spec.tv_sec, spec.tv_nsec), (1, 2));
/// ```
pub fn to_timespec(timeout: Duration) -> timespec {
    let timeout = timeout.min(LONGEST);
    crate::sys::timespec(timeout.as_secs(), timeout.subsec_nanos())
}

/// Seconds and microseconds for `select`: rounded up; at most [`LONGEST`].
///
/// # Examples
///
/// ```
/// use eventlet_hub::timeout::to_timeval;
/// use std::time::Duration;
///
/// let val = to_timeval(Duration::from_nanos(999_999_001));
/// assert_eq!((val.tv_sec, val.tv_usec), (1, 0));
/// ```
pub fn to_timeval(timeout: Duration) -> timeval {
    let timeout = timeout.min(LONGEST);
    let micros = timeout.subsec_nanos().div_ceil(NANOS_PER_MICRO);
    timeval {
        tv_sec: (timeout.as_secs() + u64::from(micros / MICROS_PER_SEC)) as time_t,
        tv_usec: (micros % MICROS_PER_SEC) as suseconds_t,
    }
}
