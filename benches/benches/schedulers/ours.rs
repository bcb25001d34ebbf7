//! Our coroutines.

use std::sync::Arc;
use std::time::Duration;

use eventlet_benches::contest::timed;
use eventlet_green::{run, sleep, spawn, timeout, yield_now};

use super::{Relay, descend, take_part};

pub fn yields(tasks: usize, times: u64) -> Duration {
    run(|| yields_here(tasks, times)).expect("a loop")
}

fn yields_here(tasks: usize, times: u64) -> Duration {
    let relay = Relay::new(tasks, times);
    let handles: Vec<_> = (0..tasks)
        .map(|_| {
            let relay = Arc::clone(&relay);
            spawn(move || take_part!(relay, yield_now()))
        })
        .collect();
    for handle in handles {
        handle.join().expect("the task ends");
    }
    relay.elapsed()
}

pub fn spawn_joins(times: u64) -> Duration {
    in_a_coroutine(move || timed(times, || spawn(|| ()).join().expect("the task ends")))
}

fn in_a_coroutine(work: impl FnOnce() -> Duration + Send + 'static) -> Duration {
    run(|| spawn(work).join().expect("the task ends")).expect("a loop")
}

pub fn deep_spawn_joins(times: u64) -> Duration {
    in_a_coroutine(move || timed(times, || spawn(descend).join().expect("the task ends")))
}

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(3600);

pub fn kills(times: u64) -> Duration {
    in_a_coroutine(move || {
        timed(times, || {
            let victim = spawn(|| sleep(LONG));
            yield_now();
            victim.kill().expect("unwinding is possible");
            assert!(victim.join().is_err(), "it was killed");
        })
    })
}

pub fn timeouts(times: u64) -> Duration {
    in_a_coroutine(move || timed(times, || timeout(LONG, yield_now).expect("in time")))
}
