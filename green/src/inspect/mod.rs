//! Looking inside: at a thread's loop and its coroutines, while they run. What is found changes
//! nothing of them.
//!
//! * `snapshot`: everything at one moment. `stats`: the counts alone. `current`: who runs.
//! * `run_times`: how long each has had the thread, while somebody wants to know.
//! * `backtrace`: the stack of a coroutine that waits.
//! * `deadlock`: the report for a root stack that nobody can wake.
//! * `pulse`, `watchdog`: a thread that notices when somebody keeps another to himself.

mod backtrace;
mod current;
pub(crate) mod deadlock;
pub(crate) mod pulse;
mod run_times;
mod snapshot;
mod stats;
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod watchdog;

pub(crate) use backtrace::Part;
pub use backtrace::{BacktraceError, StackTrace, backtrace};
pub use current::{Current, current};
pub use deadlock::{Deadlock, DeadlockDetail, Waiter};
pub use run_times::{RunTimes, run_times};
#[cfg(feature = "testing")]
pub(crate) use snapshot::Described;
pub use snapshot::{CoroutineInfo, Snapshot, TimerInfo, snapshot};
pub use stats::{Stats, current_id, stats, trim_stacks, turn_count};
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub use watchdog::{StackFrame, Stall, Watchdog, watchdog, watchdog_with};
