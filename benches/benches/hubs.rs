//! Hubs against each other and against their peers: 10 to 20,000 pipes in a ring, of which 1 to 1,000 are
//! ready at a time (see `eventlet_benches::ring`); the same with socket pairs; and what else a hub does.
//!
//! In `hubs/…` and `hubs-sockets/…` one operation is one hop of one token: a read, a write, and its share of a wait. The peers are a
//! bare edge-triggered epoll loop, `mio`, and `polling`, edge-triggered and in its default mode.
//! Everybody waits for batches of the same size, registers before the clock starts, and goes round
//! the same pipes. How noise is held down: see `eventlet_benches::contest`; one thread does all, so
//! no other core takes part.
//!
//! `hubs-churn/N`: a descriptor taken in and out again beside N others. `hubs-wake`: two threads wake
//! each other, there and back, by the time that passes. `hubs-lateness`: not what a wait of 300 µs takes,
//! but how much too late it ends; bare epoll and `mio` count in milliseconds.
//!
//! `select` takes part where descriptor numbers stay below its limit of 1024.

#![deny(unsafe_code)]
// Not `forbid`: one peer's registration is `unsafe`, see `watchers::polling` and `facilities::polling`.
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

mod facilities;
mod watchers;

use std::io;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use eventlet_benches::contest::{self, Contest, Runner};
use eventlet_benches::open_files;
use eventlet_benches::ring::{Ring, Watcher};
use eventlet_hub_epoll::EpollHub;
use eventlet_hub_poll::PollHub;
use eventlet_hub_polling::PollingHub;
use eventlet_hub_select::SelectHub;
use facilities::{churn, lateness, wake_ups};
use polling::PollMode;
use watchers::{bare::Bare, mio::Mio, ours::Ours, polling::Polling};

/// Sizes of the ring.
const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 20_000];

/// The largest ring of a brief run.
const SMOKE_SIZE: usize = 1_000;

/// How many tokens go round at once.
const ACTIVE: [usize; 4] = [1, 10, 100, 1_000];

/// The ring of socket pairs, each of which takes two descriptors; the tokens on it.
const SOCKETS: (usize, usize) = (1_000, 10);

/// Descriptors that are watched while others come and go.
const CHURN: usize = 1_000;

/// The largest ring `select` is asked to watch; the rest of its 1024 is for the process itself.
const SELECT_SIZE: usize = 1_000;

fn hubs(criterion: &mut Criterion) {
    open_files::allow_many();
    let most = if contest::is_smoke() {
        SMOKE_SIZE
    } else {
        usize::MAX
    };
    for size in SIZES.into_iter().filter(|size| *size <= most) {
        if let Err(line) = open_files::suffice(size) {
            println!("SKIPPED: hubs with {size} descriptors: {line}");
            continue;
        }
        let ring = match Ring::new(size) {
            Ok(ring) => ring,
            Err(error) => {
                println!("SKIPPED: hubs with {size} descriptors: {error} (see `ulimit -n`)");
                continue;
            }
        };
        for active in ACTIVE.into_iter().filter(|active| *active <= size) {
            compare(criterion, &format!("hubs/{size}x{active}"), &ring, active);
        }
    }
    let (size, active) = SOCKETS;
    let ring = Ring::of_sockets(size).expect("socket pairs");
    compare(
        criterion,
        &format!("hubs-sockets/{size}x{active}"),
        &ring,
        active,
    );
}

/// What else a hub does.
fn duties(criterion: &mut Criterion) {
    use facilities::{bare::Bare, mio::Mio, ours::Ours, polling::Polling};

    let ring = Ring::new(CHURN + 1).expect("pipes");
    let churning = |churn: fn(&Ring, u64) -> Duration| -> Runner<'_> {
        let ring = &ring;
        Box::new(move |times| churn(ring, times))
    };
    Contest::new(format!("hubs-churn/{CHURN}"))
        .ours("epoll", || churning(churn::<Ours<EpollHub>>))
        .ours("poll", || churning(churn::<Ours<PollHub>>))
        .ours("polling", || churning(churn::<Ours<PollingHub>>))
        .peer("bare-epoll", || churning(churn::<Bare>))
        .peer("mio", || churning(churn::<Mio>))
        .peer("polling-edge", || churning(churn::<Polling>))
        .hold(criterion);
    Contest::new("hubs-wake")
        .ours("epoll", || Box::new(wake_ups::<Ours<EpollHub>>))
        .ours("poll", || Box::new(wake_ups::<Ours<PollHub>>))
        .ours("select", || Box::new(wake_ups::<Ours<SelectHub>>))
        .ours("polling", || Box::new(wake_ups::<Ours<PollingHub>>))
        .peer("bare-epoll", || Box::new(wake_ups::<Bare>))
        .peer("mio", || Box::new(wake_ups::<Mio>))
        .peer("polling-edge", || Box::new(wake_ups::<Polling>))
        .hold(criterion);
    Contest::new("hubs-lateness")
        .ours("epoll", || Box::new(lateness::<Ours<EpollHub>>))
        .ours("poll", || Box::new(lateness::<Ours<PollHub>>))
        .ours("select", || Box::new(lateness::<Ours<SelectHub>>))
        .ours("polling", || Box::new(lateness::<Ours<PollingHub>>))
        .peer("bare-epoll", || Box::new(lateness::<Bare>))
        .peer("mio", || Box::new(lateness::<Mio>))
        .peer("polling-edge", || Box::new(lateness::<Polling>))
        .hold(criterion);
}

fn compare(criterion: &mut Criterion, name: &str, ring: &Ring, active: usize) {
    let on = |ring| Course { ring, active };
    let size = ring.pipes().len();
    let mut contest = Contest::new(name)
        .ours("epoll", || {
            on(ring).runner(Ours::new(ring, EpollHub::new()))
        })
        .ours("poll", || on(ring).runner(Ours::new(ring, PollHub::new())))
        .ours("polling", || {
            on(ring).runner(Ours::new(ring, PollingHub::new()))
        });
    // Socket pairs take twice the numbers.
    if size <= SELECT_SIZE && !ring.is_of_sockets() {
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
    targets = hubs, duties
}
criterion_main!(benches);
