//! Hubs against each other and against their peers: 10, 1,000 and 10,000 pipes in a ring, of which 1,
//! 10 or 100 are ready at a time (see `eventlet_benches::ring`).
//!
//! One operation is one hop of one token: a read, a write, and its share of a wait. The peers are a
//! bare edge-triggered epoll loop, `mio`, and `polling`, edge-triggered and in its default mode.
//! Everybody waits for batches of the same size, registers before the clock starts, and goes round
//! the same pipes. How noise is held down: see `eventlet_benches::contest`; one thread does all, so
//! no other core takes part.
//!
//! `select` takes part where descriptor numbers stay below its limit of 1024.

#![deny(unsafe_code)] // Not `forbid`: one peer's registration is `unsafe`, see `watchers::polling`.
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

mod watchers;

use std::io;

use criterion::{Criterion, criterion_group, criterion_main};
use eventlet_benches::contest::{self, Contest, Runner};
use eventlet_benches::ring::{Ring, Watcher};
use eventlet_hub_epoll::EpollHub;
use eventlet_hub_poll::PollHub;
use eventlet_hub_polling::PollingHub;
use eventlet_hub_select::SelectHub;
use polling::PollMode;
use watchers::{bare::Bare, mio::Mio, ours::Ours, polling::Polling};

/// Sizes of the ring.
const SIZES: [usize; 3] = [10, 1_000, 10_000];

/// How many tokens go round at once.
const ACTIVE: [usize; 3] = [1, 10, 100];

/// The largest ring `select` is asked to watch; the rest of its 1024 is for the process itself.
const SELECT_SIZE: usize = 1_000;

fn hubs(criterion: &mut Criterion) {
    for size in SIZES {
        let ring = match Ring::new(size) {
            Ok(ring) => ring,
            Err(error) => {
                println!("SKIPPED: hubs with {size} descriptors: {error} (see `ulimit -n`)");
                continue;
            }
        };
        for active in ACTIVE.into_iter().filter(|active| *active <= size) {
            compare(criterion, &ring, size, active);
        }
    }
}

fn compare(criterion: &mut Criterion, ring: &Ring, size: usize, active: usize) {
    let on = |ring| Course { ring, active };
    let mut contest = Contest::new(format!("hubs/{size}x{active}"))
        .ours("epoll", || {
            on(ring).runner(Ours::new(ring, EpollHub::new()))
        })
        .ours("poll", || on(ring).runner(Ours::new(ring, PollHub::new())))
        .ours("polling", || {
            on(ring).runner(Ours::new(ring, PollingHub::new()))
        });
    if size <= SELECT_SIZE {
        contest = contest.ours("select", || {
            on(ring).runner(Ours::new(ring, SelectHub::new()))
        });
    }
    contest
        .peer("bare-epoll", || on(ring).runner(Bare::new(ring)))
        .peer("mio", || on(ring).runner(Mio::new(ring)))
        .peer("polling-edge", || {
            on(ring).runner(Polling::new(ring, PollMode::Edge))
        })
        .peer("polling-oneshot", || {
            on(ring).runner(Polling::new(ring, PollMode::Oneshot))
        })
        .hold(criterion);
}

/// A ring and how many tokens go round on it.
struct Course<'r> {
    ring: &'r Ring,
    active: usize,
}

impl<'r> Course<'r> {
    fn runner(self, watcher: io::Result<impl Watcher + 'r>) -> Runner<'r> {
        let mut watcher = watcher.expect("registering the ring");
        self.ring.settle(&mut watcher);
        Box::new(move |hops| self.ring.run(&mut watcher, self.active, hops))
    }
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = hubs
}
criterion_main!(benches);
