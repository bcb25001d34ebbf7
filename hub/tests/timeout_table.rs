//! Every conversion of a timeout, at its edges: rounded up, clamped, zero, for ever.

use std::time::Duration;

use eventlet_hub::timeout::{LONGEST, to_millis, to_timespec, to_timeval};

const MAX_MILLIS: u64 = libc::c_int::MAX as u64;

fn secs_and(seconds: u64, nanos: u32) -> Duration {
    Duration::new(seconds, nanos)
}

#[test]
fn milliseconds() {
    let table = [
        (None, -1),
        (Some(Duration::ZERO), 0),
        (Some(Duration::from_nanos(1)), 1),
        (Some(Duration::from_nanos(999_999)), 1),
        (Some(Duration::from_nanos(1_000_000)), 1),
        (Some(Duration::from_nanos(1_000_001)), 2),
        (Some(secs_and(1, 0)), 1000),
        (Some(secs_and(1, 1)), 1001),
        (Some(secs_and(0, 999_999_999)), 1000),
        (
            Some(Duration::from_millis(MAX_MILLIS - 1)),
            libc::c_int::MAX - 1,
        ),
        (Some(Duration::from_millis(MAX_MILLIS)), libc::c_int::MAX),
        (
            Some(Duration::from_millis(MAX_MILLIS + 1)),
            libc::c_int::MAX,
        ),
        (Some(Duration::from_secs(u64::MAX)), libc::c_int::MAX),
        (Some(Duration::MAX), libc::c_int::MAX),
    ];
    for (timeout, millis) in table {
        assert_eq!(to_millis(timeout), millis, "{timeout:?}");
    }
}

#[test]
fn seconds_and_nanoseconds() {
    let longest = LONGEST.as_secs();
    let table = [
        (Duration::ZERO, 0, 0),
        (Duration::from_nanos(1), 0, 1),
        (secs_and(0, 999_999_999), 0, 999_999_999),
        (secs_and(7, 5), 7, 5),
        (LONGEST - Duration::from_nanos(1), longest - 1, 999_999_999),
        (LONGEST, longest, 0),
        (LONGEST + Duration::from_nanos(1), longest, 0),
        (Duration::MAX, longest, 0),
    ];
    for (timeout, seconds, nanos) in table {
        let spec = to_timespec(timeout);
        assert_eq!(u64::try_from(spec.tv_sec), Ok(seconds), "{timeout:?}");
        assert_eq!(u64::try_from(spec.tv_nsec), Ok(nanos), "{timeout:?}");
    }
}

#[test]
fn seconds_and_microseconds() {
    let longest = LONGEST.as_secs();
    let table = [
        (Duration::ZERO, 0, 0),
        (Duration::from_nanos(1), 0, 1),
        (Duration::from_nanos(999), 0, 1),
        (Duration::from_nanos(1_000), 0, 1),
        (Duration::from_nanos(1_001), 0, 2),
        (secs_and(0, 999_999_000), 0, 999_999),
        // The carry: a microsecond count of a million is not a legal `timeval`.
        (secs_and(0, 999_999_001), 1, 0),
        (secs_and(3, 999_999_999), 4, 0),
        (LONGEST - Duration::from_nanos(1), longest, 0),
        (LONGEST, longest, 0),
        (Duration::MAX, longest, 0),
    ];
    for (timeout, seconds, micros) in table {
        let val = to_timeval(timeout);
        assert_eq!(u64::try_from(val.tv_sec), Ok(seconds), "{timeout:?}");
        assert_eq!(u64::try_from(val.tv_usec), Ok(micros), "{timeout:?}");
    }
}

#[test]
fn what_is_not_clamped_is_never_shorter() {
    // All around each power of two of nanoseconds.
    for shift in 0..50 {
        for offset in -2_i64..=2 {
            let Ok(nanos) = u64::try_from((1_i64 << shift) + offset) else {
                continue;
            };
            let timeout = Duration::from_nanos(nanos);
            let millis = Duration::from_millis(to_millis(Some(timeout)) as u64);
            let val = to_timeval(timeout);
            let val = secs_and(val.tv_sec as u64, val.tv_usec as u32 * 1000);
            assert!(millis >= timeout && millis < timeout + Duration::from_millis(1));
            assert!(val >= timeout && val < timeout + Duration::from_micros(1));
        }
    }
}
