//! Coroutines against their peers: giving way among 2 to 100,000, spawning and joining one on a shallow
//! and on a deep stack, killing one, and a scope with a deadline.
//!
//! The peers are `may` (one worker), tokio's local tasks, and `corosensei` with nothing but a queue,
//! which ours are built on: the lower bound. One operation is one task giving way to the next, or
//! one spawn with its join from within a task (`spawn+join-deep`: which uses 32 KiB of its stack), one
//! task that waits killed and joined (`kill`, spawning included), or one scope with a deadline around a
//! task giving way (`timeout-scope`). `std::thread` stands beside them as the ceiling of cost. Stacks are pooled by everybody who has any. The clock
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
use schedulers::{may, ours, thread, tokio};

/// How many tasks give way to each other.
const TASKS: [usize; 4] = [2, 100, 10_000, 100_000];

/// The most that a brief run has.
const SMOKE_TASKS: usize = 100;

/// The most stacks with guard pages of their own, two mappings each, that the usual limit on mappings
/// (65,530) lets a process have: `may` and `corosensei` stop there.
const MAPPED_TASKS: usize = 10_000;

fn yields(criterion: &mut Criterion) {
    may::configure(MAPPED_TASKS);
    let most = match () {
        () if contest::is_smoke() => SMOKE_TASKS,
        () if cfg!(feature = "engine-may") => MAPPED_TASKS,
        () => usize::MAX,
    };
    for tasks in TASKS.into_iter().filter(|tasks| *tasks <= most) {
        let mut contest = Contest::new(format!("yield/{tasks}"))
            .ours(contest::OURS, || {
                Box::new(move |times| ours::yields(tasks, times))
            })
            .peer("tokio-local", || {
                Box::new(move |times| tokio::yields(tasks, times))
            });
        if tasks <= MAPPED_TASKS {
            contest = contest
                .peer("may", || Box::new(move |times| may::yields(tasks, times)))
                .peer("corosensei", || {
                    let mut pool = Pool::default();
                    Box::new(move |times| pool.yields(tasks, times))
                });
        }
        contest.hold(criterion);
    }
}

fn spawns(criterion: &mut Criterion) {
    Contest::new("spawn+join")
        .ours(contest::OURS, || Box::new(ours::spawn_joins))
        .peer("may", || Box::new(may::spawn_joins))
        .peer("tokio-local", || Box::new(tokio::spawn_joins))
        .peer("corosensei", || {
            let mut pool = Pool::default();
            Box::new(move |times| pool.spawn_joins(times))
        })
        .peer("thread", || Box::new(thread::spawn_joins))
        .hold(criterion);
    Contest::new("spawn+join-deep")
        .ours(contest::OURS, || Box::new(ours::deep_spawn_joins))
        .peer("may", || Box::new(may::deep_spawn_joins))
        .peer("thread", || Box::new(thread::deep_spawn_joins))
        .hold(criterion);
}

fn endings(criterion: &mut Criterion) {
    Contest::new("kill")
        .ours(contest::OURS, || Box::new(ours::kills))
        .peer("tokio-local", || Box::new(tokio::kills))
        .hold(criterion);
    Contest::new("timeout-scope")
        .ours(contest::OURS, || Box::new(ours::timeouts))
        .peer("tokio-local", || Box::new(tokio::timeouts))
        .hold(criterion);
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = yields, spawns, endings
}
criterion_main!(benches);
