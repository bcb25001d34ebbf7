//! `may`, with two workers. Its channel is unbounded; it has no pool for blocking calls.

use std::time::Duration;

use eventlet_benches::contest::timed_by;
use eventlet_benches::cpu::{Clock, Stopwatch};
use may::go;
use may::sync::mpsc;

use super::{bursts, sum_below};

/// Before anything else.
pub fn configure() {
    may::config().set_workers(2);
}

/// From the bench's own thread, which is none of the workers.
pub fn remote_spawns(clock: Clock, times: u64, size: u64) -> Duration {
    bursts(clock, times, size, |first, count| {
        let handles: Vec<_> = (first..first + count)
            .map(|number| go!(move || number + 1))
            .collect();
        let numbers = handles.into_iter().map(|handle| handle.join());
        numbers.map(|number| number.expect("the task ends")).sum()
    })
}

pub fn trips(clock: Clock, times: u64) -> Duration {
    let (there, questions) = mpsc::channel();
    let (answers, back) = mpsc::channel();
    let echo = go!(move || {
        for number in questions.iter() {
            answers.send(number + 1).expect("somebody asks");
        }
    });
    let asking = go!(move || {
        let mut number = 0;
        let elapsed = timed_by(clock, times, || {
            there.send(number).expect("somebody answers");
            number = back.recv().expect("an answer");
        });
        assert_eq!(number, times);
        elapsed
    });
    let elapsed = asking.join().expect("the task ends");
    echo.join().expect("the task ends");
    elapsed
}

pub fn stream(clock: Clock, times: u64) -> Duration {
    let (numbers, arriving) = mpsc::channel();
    let summing = go!(move || arriving.iter().sum::<u64>());
    let sending = go!(move || {
        let begun = Stopwatch::start_by(clock);
        for number in 0..times {
            numbers.send(number).expect("somebody takes it");
        }
        drop(numbers);
        let sum = summing.join().expect("the task ends");
        let elapsed = begun.elapsed();
        assert_eq!(sum, sum_below(times));
        elapsed
    });
    sending.join().expect("the task ends")
}
