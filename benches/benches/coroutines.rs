//! Coroutines against their peers: giving way among 2, 100 and 10,000, and spawning and joining one.
//!
//! The peers are `may` (one worker), tokio's local tasks, and `corosensei` with nothing but a queue,
//! which ours are built on: the lower bound. One operation is one task giving way to the next, or
//! one spawn with its join from within a task. Stacks are pooled by everybody who has any. The clock
//! starts when all tasks are alive and have run once. How noise is held down: see
//! `eventlet_benches::contest`; whoever runs tasks runs them on one thread (`may` on its worker, the
//! others on the bench's own).
//!
//! With `--features engine-may` ours run on `may` as well: what is then between the two is our
//! scheduler, and what is between ours and ours is the engine.

#![forbid(unsafe_code)]
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

mod schedulers;

use criterion::{Criterion, criterion_group, criterion_main};
use eventlet_benches::contest::{self, Contest};
use schedulers::corosensei::Pool;
use schedulers::{may, ours, tokio};

/// How many tasks give way to each other.
const TASKS: [usize; 3] = [2, 100, 10_000];

/// Ours, by the name of the engine if it is not the default one.
const OURS: &str = if cfg!(feature = "engine-may") {
    "eventlet-on-may"
} else {
    "eventlet"
};

fn yields(criterion: &mut Criterion) {
    may::configure(TASKS[TASKS.len() - 1]);
    for tasks in TASKS {
        Contest::new(format!("yield/{tasks}"))
            .ours(OURS, || Box::new(move |times| ours::yields(tasks, times)))
            .peer("may", || Box::new(move |times| may::yields(tasks, times)))
            .peer("tokio-local", || {
                Box::new(move |times| tokio::yields(tasks, times))
            })
            .peer("corosensei", || {
                let mut pool = Pool::default();
                Box::new(move |times| pool.yields(tasks, times))
            })
            .hold(criterion);
    }
}

fn spawns(criterion: &mut Criterion) {
    Contest::new("spawn+join")
        .ours(OURS, || Box::new(ours::spawn_joins))
        .peer("may", || Box::new(may::spawn_joins))
        .peer("tokio-local", || Box::new(tokio::spawn_joins))
        .peer("corosensei", || {
            let mut pool = Pool::default();
            Box::new(move |times| pool.spawn_joins(times))
        })
        .hold(criterion);
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = yields, spawns
}
criterion_main!(benches);
