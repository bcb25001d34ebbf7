//! Channels against their peers: a value there and back between two tasks of one thread.
//!
//! One operation is a round trip: a task sends a number, another adds one to it and sends it back on
//! a second channel, and the first, which checks it, is the one that is timed. `rendezvous`,
//! `bounded1` and `unbounded` are the three kinds of ours; each stands beside tokio's nearest on its
//! local tasks (which has no rendezvous, so its `bounded1` stands there, too) and beside the only
//! one of `may`'s (unbounded, with one worker).
//!
//! How noise is held down: see `eventlet_benches::contest`; everybody works on one thread.

#![forbid(unsafe_code)]
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use eventlet_benches::contest::{self, Contest, timed};
use eventlet_benches::cpu::Stopwatch;
use eventlet_benches::tokio_local;
use eventlet_green::{channel, run, spawn};

/// A number that comes back must be this much greater.
const ANSWERED: u64 = 1;

fn ours<C>(times: u64, make: C) -> Duration
where
    C: Fn() -> (channel::Sender<u64>, channel::Receiver<u64>) + Send,
{
    run(|| trips(times, make)).expect("a loop")
}

fn trips<C>(times: u64, make: C) -> Duration
where
    C: Fn() -> (channel::Sender<u64>, channel::Receiver<u64>),
{
    let (there, questions) = make();
    let (answers, back) = make();
    let echo = spawn(move || {
        for number in questions {
            answers.send(number + ANSWERED).expect("somebody asks");
        }
    });
    let asking = spawn(move || {
        let mut number = 0;
        let elapsed = timed(times, || {
            there.send(number).expect("somebody answers");
            number = back.recv().expect("an answer");
        });
        assert_eq!(number, times * ANSWERED);
        elapsed
    });
    let elapsed = asking.join().expect("the task ends");
    echo.join().expect("the task ends");
    elapsed
}

fn may(times: u64) -> Duration {
    use may::{go, sync::mpsc};

    let outer = go!(move || {
        let (there, questions) = mpsc::channel();
        let (answers, back) = mpsc::channel();
        let echo = go!(move || {
            for number in questions.iter() {
                answers.send(number + ANSWERED).expect("somebody asks");
            }
        });
        let mut number = 0;
        let elapsed = timed(times, || {
            there.send(number).expect("somebody answers");
            number = back.recv().expect("an answer");
        });
        assert_eq!(number, times * ANSWERED);
        drop(there);
        echo.join().expect("the task ends");
        elapsed
    });
    outer.join().expect("the task ends")
}

/// tokio's two kinds of channels have handles of different types, and the same methods but for
/// whether a send is awaited.
macro_rules! tokio_trips {
    ($name:ident, $make:expr, $($awaited:tt)*) => {
        fn $name(times: u64) -> Duration {
            use tokio::sync::mpsc;
            use tokio::task::spawn_local;

            tokio_local::block_on(async move {
                let (there, mut questions) = $make;
                let (answers, mut back) = $make;
                let echo = spawn_local(async move {
                    while let Some(number) = questions.recv().await {
                        let sent = answers.send(number + ANSWERED) $($awaited)*;
                        sent.expect("somebody asks");
                    }
                });
                let asking = spawn_local(async move {
                    let mut number = 0;
                    let begun = Stopwatch::start();
                    for _ in 0..times {
                        let sent = there.send(number) $($awaited)*;
                        sent.expect("somebody answers");
                        number = back.recv().await.expect("an answer");
                    }
                    let elapsed = begun.elapsed();
                    assert_eq!(number, times * ANSWERED);
                    elapsed
                });
                let elapsed = asking.await.expect("the task ends");
                echo.await.expect("the task ends");
                elapsed
            })
        }
    };
}

tokio_trips!(tokio_bounded, mpsc::channel(1), .await);
tokio_trips!(tokio_unbounded, mpsc::unbounded_channel(),);

fn round_trips(criterion: &mut Criterion) {
    // Before anything else, and for good: its tasks stay on one thread.
    may::config().set_workers(1);
    let tokio_bounded = || Box::new(tokio_bounded) as contest::Runner;
    let may = || Box::new(may) as contest::Runner;
    Contest::new("channel/rendezvous")
        .ours(contest::OURS, || {
            Box::new(|times| ours(times, channel::rendezvous))
        })
        .peer("tokio-bounded1", tokio_bounded)
        .peer("may-unbounded", may)
        .hold(criterion);
    Contest::new("channel/bounded1")
        .ours(contest::OURS, || {
            Box::new(|times| ours(times, || channel::bounded(1)))
        })
        .peer("tokio-bounded1", tokio_bounded)
        .peer("may-unbounded", may)
        .hold(criterion);
    Contest::new("channel/unbounded")
        .ours(contest::OURS, || {
            Box::new(|times| ours(times, channel::unbounded))
        })
        .peer("tokio-unbounded", || Box::new(tokio_unbounded))
        .peer("may-unbounded", may)
        .hold(criterion);
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = round_trips
}
criterion_main!(benches);
