//! How long each coroutine has the thread: measured only while somebody wants to know, since it takes
//! two looks at the clock a switch. How often it gets the thread is counted always.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::scheduler;
use crate::sys::slot;

/// Has the time measured that each coroutine of this thread runs, for as long as what it gives lives;
/// [`CoroutineInfo::ran`](crate::CoroutineInfo::ran) then tells it. Several may ask for it at a time.
///
/// By the loop's clock, which with a clock of the tests stands still while somebody runs.
///
/// # Panics
///
/// If no run loop can be made; see [`init`](crate::init).
///
/// # Examples
///
/// ```
/// use eventlet_green::{run_times, snapshot, spawn, yield_now};
///
/// let _measured = run_times();
/// let worker = spawn(|| {
///     let sum: u64 = (0..10_000).map(std::hint::black_box).sum();
///     yield_now();
///     sum
/// });
/// yield_now();
/// let seen = snapshot();
/// let seen = seen.coroutine(worker.id()).unwrap();
/// assert_eq!(seen.resumed(), 1);
/// assert!(!seen.ran().is_zero());
/// worker.join().unwrap();
/// ```
#[must_use = "nothing is measured any more when it is dropped"]
pub fn run_times() -> RunTimes {
    scheduler::with(|scheduler| scheduler.run_times.set(scheduler.run_times.get() + 1));
    RunTimes {
        _of_this_thread: PhantomData,
    }
}

/// While it lives, the time that each coroutine runs is measured; see [`run_times`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{RunTimes, run_times, snapshot, spawn, yield_now};
/// use std::time::Duration;
///
/// let measuring: RunTimes = run_times();
/// let busy = spawn(|| loop { yield_now() });
/// yield_now();
/// let ran = snapshot().coroutine(busy.id()).map(|info| info.ran());
/// assert!(ran > Some(Duration::ZERO));
/// drop(measuring);
/// # busy.kill().unwrap();
/// ```
pub struct RunTimes {
    /// The count is a thread's.
    _of_this_thread: PhantomData<Rc<()>>,
}

impl Drop for RunTimes {
    fn drop(&mut self) {
        // Without a scheduler, the thread is ending.
        slot::with(|scheduler| scheduler.run_times.set(scheduler.run_times.get() - 1));
    }
}

impl fmt::Debug for RunTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunTimes").finish_non_exhaustive()
    }
}
