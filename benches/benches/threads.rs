//! From thread to thread, against the peers: blocking calls, spawning from elsewhere, channels.
//!
//! | bench | one operation |
//! |---|---|
//! | `offload` | a task hands a call to the pool for blocking ones and waits for its result |
//! | `remote-spawn` | a thread has a task started on another thread's loop and waits for its result |
//! | `remote-burst` | the same, [`BURST`] at a time before the first is waited for |
//! | `cross-trip` | a value there and back between tasks on two threads, by channels of one place |
//! | `cross-stream` | one value of a stream, by a channel of [`STREAM_PLACES`] places |
//!
//! Each is held twice: `elapsed` is the time that passes, `cpu` the CPU time that all threads of the
//! process take for it. Who spins before it sleeps gains in the first and pays in the second. What
//! is counted on arrives: every number is checked, or the sum of all.
//!
//! The peers: tokio, a single-threaded runtime on each thread; `may`, which has two workers here and
//! moves its tasks between them as it sees fit, in the end often onto one, and has no pool for
//! blocking calls; `crossbeam-channel` between plain threads, for the channels. On a machine that is
//! busy with something else, the time that passes says little.

#![forbid(unsafe_code)]
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

mod crossings;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use crossings::{may, ours, plain, tokio};
use eventlet_benches::contest::{self, Contest};
use eventlet_benches::cpu::Clock;

/// How many tasks are started before the first is waited for.
const BURST: u64 = 100;

/// How many values of a stream may be on their way.
const STREAM_PLACES: usize = 64;

/// Both ways to measure, with their names.
const CLOCKS: [(Clock, &str); 2] = [(Clock::Elapsed, "elapsed"), (Clock::Process, "cpu")];

/// Does the work so many times, by a clock.
type Work = fn(Clock, u64) -> Duration;

/// Holds a contest by each clock.
fn hold(criterion: &mut Criterion, bench: &str, ours: Work, peers: &[(&str, Work)]) {
    for (clock, name) in CLOCKS {
        let mut contest = Contest::new(format!("{bench}/{name}")).ours("eventlet", move || {
            Box::new(move |times| ours(clock, times))
        });
        for &(peer, work) in peers {
            contest = contest.peer(peer, move || Box::new(move |times| work(clock, times)));
        }
        contest.hold(criterion);
    }
}

fn crossings(criterion: &mut Criterion) {
    may::configure();
    hold(
        criterion,
        "offload",
        ours::offloads,
        &[("tokio-spawn_blocking", tokio::offloads)],
    );
    hold(
        criterion,
        "remote-spawn",
        |clock, times| ours::remote_spawns(clock, times, 1),
        &[
            ("tokio", |clock, times| {
                tokio::remote_spawns(clock, times, 1)
            }),
            ("may", |clock, times| may::remote_spawns(clock, times, 1)),
        ],
    );
    hold(
        criterion,
        "remote-burst",
        |clock, times| ours::remote_spawns(clock, times, BURST),
        &[
            ("tokio", |clock, times| {
                tokio::remote_spawns(clock, times, BURST)
            }),
            ("may", |clock, times| {
                may::remote_spawns(clock, times, BURST)
            }),
        ],
    );
    hold(
        criterion,
        "cross-trip",
        ours::trips,
        &[
            ("tokio", tokio::trips),
            ("may-unbounded", may::trips),
            ("crossbeam", plain::trips),
        ],
    );
    hold(
        criterion,
        "cross-stream",
        |clock, times| ours::stream(clock, times, STREAM_PLACES),
        &[
            ("tokio", |clock, times| {
                tokio::stream(clock, times, STREAM_PLACES)
            }),
            ("may-unbounded", may::stream),
            ("crossbeam", |clock, times| {
                plain::stream(clock, times, STREAM_PLACES)
            }),
        ],
    );
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = crossings
}
criterion_main!(benches);
