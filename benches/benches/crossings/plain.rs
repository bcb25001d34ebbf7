//! Plain threads, which block: `crossbeam-channel`.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use eventlet_benches::contest::timed_by;
use eventlet_benches::cpu::{Clock, Stopwatch};

use super::sum_below;

pub fn trips(clock: Clock, times: u64) -> Duration {
    let (there, questions) = bounded(1);
    let (answers, back) = bounded(1);
    let echo = thread::spawn(move || {
        for number in questions {
            answers.send(number + 1).expect("somebody asks");
        }
    });
    let mut number = 0;
    let elapsed = timed_by(clock, times, || {
        there.send(number).expect("somebody answers");
        number = back.recv().expect("an answer");
    });
    assert_eq!(number, times);
    drop(there);
    echo.join().expect("the thread ends");
    elapsed
}

pub fn stream(clock: Clock, times: u64, places: usize) -> Duration {
    let (numbers, arriving) = bounded(places);
    let (ready, started) = mpsc::channel();
    let summing = thread::spawn(move || {
        ready.send(()).expect("somebody waits");
        arriving.iter().sum::<u64>()
    });
    started.recv().expect("the thread starts");
    let begun = Stopwatch::start_by(clock);
    for number in 0..times {
        numbers.send(number).expect("somebody takes it");
    }
    drop(numbers);
    let sum = summing.join().expect("the thread ends");
    let elapsed = begun.elapsed();
    assert_eq!(sum, sum_below(times));
    elapsed
}
