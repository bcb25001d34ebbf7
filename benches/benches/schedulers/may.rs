//! `may`, with one worker: its scheduler moves coroutines between threads, which is not what is
//! compared here.

use std::sync::Arc;
use std::time::Duration;

use eventlet_benches::contest::timed;
use may::coroutine::yield_now;
use may::go;

use super::{Relay, descend, take_part};

/// Words of eight bytes: 256 KiB, what ours have, as deep stacks need more than its default.
const STACK_WORDS: usize = 32 * 1024;

/// Before anything else: one worker, and a pool that holds the stacks of the largest bench.
pub fn configure(tasks: usize) {
    may::config()
        .set_workers(1)
        .set_pool_capacity(tasks)
        .set_stack_size(STACK_WORDS);
}

pub fn yields(tasks: usize, times: u64) -> Duration {
    let relay = Relay::new(tasks, times);
    let shared = Arc::clone(&relay);
    // Spawned by a coroutine: what other threads spawn goes into a second queue, which the worker
    // does not look at while those in the first keep it busy by giving way.
    let outer = go!(move || {
        let handles: Vec<_> = (0..tasks)
            .map(|_| {
                let relay = Arc::clone(&shared);
                go!(move || take_part!(relay, yield_now()))
            })
            .collect();
        for handle in handles {
            handle.join().expect("the task ends");
        }
    });
    outer.join().expect("the task ends");
    relay.elapsed()
}

pub fn spawn_joins(times: u64) -> Duration {
    let outer = go!(move || timed(times, || go!(|| ()).join().expect("the task ends")));
    outer.join().expect("the task ends")
}

pub fn deep_spawn_joins(times: u64) -> Duration {
    let outer = go!(move || timed(times, || go!(descend).join().expect("the task ends")));
    outer.join().expect("the task ends")
}
