//! Our coroutines.

use std::sync::Arc;
use std::time::Duration;

use eventlet_benches::contest::timed;
use eventlet_green::{run, spawn, yield_now};

use super::{Relay, take_part};

pub fn yields(tasks: usize, times: u64) -> Duration {
    run(|| yields_here(tasks, times)).expect("a loop")
}

fn yields_here(tasks: usize, times: u64) -> Duration {
    let relay = Relay::new(tasks, times);
    let handles: Vec<_> = (0..tasks)
        .map(|_| {
            let relay = Arc::clone(&relay);
            spawn(move || take_part(&relay, yield_now))
        })
        .collect();
    for handle in handles {
        handle.join().expect("the task ends");
    }
    relay.elapsed()
}

pub fn spawn_joins(times: u64) -> Duration {
    run(|| {
        let outer = spawn(move || timed(times, || spawn(|| ()).join().expect("the task ends")));
        outer.join().expect("the task ends")
    })
    .expect("a loop")
}
