//! Threads of the system: the ceiling of what a task may cost.

use std::thread::spawn;
use std::time::Duration;

use eventlet_benches::contest::timed_by;
use eventlet_benches::cpu::Clock;

use super::descend;

/// By the CPU time of all threads, as the others' work is all on one.
pub fn spawn_joins(times: u64) -> Duration {
    timed_by(Clock::Process, times, || {
        spawn(|| ()).join().expect("the thread ends")
    })
}

pub fn deep_spawn_joins(times: u64) -> Duration {
    timed_by(Clock::Process, times, || {
        spawn(descend).join().expect("the thread ends")
    })
}
