//! The same work from thread to thread: [`ours`], [`tokio`], [`may`], and [`plain`] threads with
//! `crossbeam-channel`.
//!
//! `offloads`: a blocking call and its result. `remote_spawns`: tasks started from another thread, so
//! many before the first is waited for. `trips`: a number there and back. `stream`: numbers there.
//! Threads are started, and loops made, before the clock starts.

pub mod may;
pub mod ours;
pub mod plain;
pub mod tokio;

use std::time::Duration;

use eventlet_benches::cpu::{Clock, Stopwatch};

/// What a stream of `times` numbers adds up to, if it is `0, 1, 2, …`.
pub fn sum_below(times: u64) -> u64 {
    (0..times).sum()
}

/// Times bursts: `burst` is told the first number of each and how many it has, starts a task for each
/// number which gives the next one, and says what they gave together.
pub fn bursts(
    clock: Clock,
    times: u64,
    size: u64,
    mut burst: impl FnMut(u64, u64) -> u64,
) -> Duration {
    let mut sum = 0;
    let mut next = 0;
    let begun = Stopwatch::start_by(clock);
    while next < times {
        let count = size.min(times - next);
        sum += burst(next, count);
        next += count;
    }
    let elapsed = begun.elapsed();
    assert_eq!(sum, sum_below(times) + times);
    elapsed
}
