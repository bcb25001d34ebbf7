//! Counts of what the thread's run loop has and has done: cheap, taken on demand.

use crate::scheduler;

/// What [`stats`] found. The counters grow from the run loop's beginning.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Stats, spawn, stats};
///
/// let before: Stats = stats();
/// spawn(|| ()).join().unwrap();
/// assert!(stats().switches > before.switches);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The hub's name.
    pub hub: &'static str,
    /// Coroutines that have not finished; the root is not counted.
    pub coroutines: usize,
    /// Timers that are set: sleeps, time limits, delayed calls.
    pub timers: usize,
    /// Descriptors that are registered.
    pub descriptors: usize,
    /// Turns of the run loop.
    pub turns: u64,
    /// Times the hub was asked with leave to wait.
    pub waits: u64,
    /// Times the hub was asked for a quick look.
    pub polls: u64,
    /// Events that the hub has reported.
    pub events: u64,
    /// Times a coroutine was resumed.
    pub switches: u64,
    /// Coroutines that were made.
    pub spawned: u64,
    /// Timers that have expired.
    pub expired: u64,
    /// Times another thread ended a wait or a quick look.
    pub wake_ups: u64,
}

/// What this thread's run loop has and has done.
///
/// # Panics
///
/// If no run loop can be made; see [`init`](crate::init).
///
/// # Examples
///
/// ```
/// let before = eventlet_green::stats();
/// eventlet_green::spawn(|| ()).join().unwrap();
/// let after = eventlet_green::stats();
/// assert_eq!(after.coroutines, before.coroutines);
/// assert_eq!(after.switches, before.switches + 1);
/// ```
pub fn stats() -> Stats {
    scheduler::with(|scheduler| {
        let run_loop = &scheduler.run_loop;
        let counters = run_loop.counters();
        Stats {
            hub: run_loop.hub_name(),
            coroutines: scheduler.live_count(),
            timers: run_loop.timer_count(),
            descriptors: run_loop.descriptor_count(),
            turns: counters.turns,
            waits: counters.waits,
            polls: counters.polls,
            events: counters.events,
            switches: scheduler.switch_count(),
            spawned: scheduler.spawn_count(),
            expired: counters.timers,
            wake_ups: counters.wake_ups,
        }
    })
}

/// Which turn of the run loop this is: for what is worth making once a turn. Its time is
/// [`turn_time`](crate::turn_time).
///
/// # Panics
///
/// As for [`stats`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{turn_count, yield_now};
///
/// let before = turn_count();
/// yield_now();
/// assert!(turn_count() > before);
/// ```
#[inline]
pub fn turn_count() -> u64 {
    scheduler::with(|scheduler| scheduler.run_loop.counters().turns)
}

/// Gives the memory pages of pooled stacks that nobody uses back to the system; says how many
/// stacks had any. The pool keeps the pages of at most 512 by itself.
///
/// # Panics
///
/// As for [`stats`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, stats, trim_stacks};
///
/// spawn(|| ()).join().unwrap(); // Its stack is kept for the next one.
/// trim_stacks();
/// spawn(|| ()).join().unwrap();
/// # let _ = stats();
/// ```
pub fn trim_stacks() -> usize {
    scheduler::with(|scheduler| scheduler.trim_stacks())
}

/// The number of the coroutine that calls; 0 on the root stack.
///
/// # Panics
///
/// In a callback of the run loop, which is no coroutine; and as for [`stats`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{current_id, spawn};
///
/// let job = spawn(current_id);
/// let number = job.id();
/// assert_eq!(job.join().unwrap(), number);
/// assert_eq!(current_id(), 0, "the root stack");
/// ```
pub fn current_id() -> u64 {
    scheduler::with(|scheduler| match scheduler.current() {
        Some(coroutine) => coroutine.id,
        None => panic!("a callback of the run loop is no coroutine"),
    })
}
