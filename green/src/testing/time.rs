//! Moving a clock by hand, and waiting for something without time.

use std::time::Duration;

use eventlet_runloop::{Clock, ManualClock};

use crate::{JoinHandle, State, scheduler, yield_now};

/// Lets everybody go on who can without time passing: returns when all wait for the clock, for
/// each other, or for something outside.
///
/// Looks at the hub as well, so that what has arrived on a socket is dealt with; but what another
/// thread or process has not done yet is not waited for.
///
/// # Panics
///
/// If not called on the thread's own stack (a test's body runs there); if the hub fails. Somebody
/// who yields for ever keeps it from returning.
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, testing::settle, yield_now};
///
/// let busy = spawn(|| (0..1000).for_each(|_| yield_now()));
/// settle();
/// assert!(busy.is_finished());
/// ```
#[track_caller]
pub fn settle() {
    if let Err(error) = scheduler::with(|scheduler| scheduler.settle()) {
        panic!("the loop cannot be turned here: {error}");
    }
}

/// Moves the clock of this thread's loop forward by `by`. Each timer on the way expires at its own
/// time, and before the clock goes on everybody has done what is to be done at that time
/// ([`settle`]): so a step costs a look at the hub, some microseconds, for each of them.
///
/// # Panics
///
/// As for [`settle`]; and if `clock` is not the one the loop was made with.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::{Harness, step};
/// use eventlet_green::{sleep, spawn};
/// use std::time::Duration;
///
/// Harness::new().stepped().run(|given| {
///     let sleeper = spawn(|| sleep(Duration::from_secs(3600)));
///     step(given.clock(), Duration::from_secs(3599));
///     assert!(!sleeper.is_finished());
///     step(given.clock(), Duration::from_secs(1));
///     assert!(sleeper.is_finished());
/// });
/// ```
#[track_caller]
pub fn step(clock: &ManualClock, by: Duration) {
    settle();
    let end = clock.now() + by;
    while let Some(next) = scheduler::with(|scheduler| scheduler.next_deadline()) {
        if next > end {
            break;
        }
        clock.jump_to(next);
        let is_the_loops = scheduler::with(|scheduler| scheduler.run_loop.now() == clock.now());
        assert!(is_the_loops, "this is not the clock of the thread's loop");
        settle();
    }
    clock.jump_to(end);
    settle();
}

/// Yields until something is so. For tests with a [`Watchdog`](super::Watchdog), which ends what
/// never is.
///
/// # Panics
///
/// When `is_so` does, and as [`yield_now`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, testing::until, yield_now};
///
/// let other = spawn(|| yield_now());
/// until(|| other.is_finished());
/// ```
pub fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        yield_now();
    }
}

/// Yields until a coroutine waits for something. See [`until`].
///
/// # Panics
///
/// As [`yield_now`]. Of one that has ended without waiting there is nothing to wait for: it panics
/// as well.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Wait, sleep, spawn, testing::until_parked};
/// use std::time::Duration;
///
/// let other = spawn(|| sleep(Duration::from_secs(60)));
/// until_parked(&other);
/// assert_eq!(other.waits_for(), Wait::Sleep);
/// ```
#[track_caller]
pub fn until_parked<T>(handle: &JoinHandle<T>) {
    loop {
        match handle.state() {
            State::Parked => return,
            State::Finished => panic!("{handle:?} has ended without waiting"),
            _ => yield_now(),
        }
    }
}
