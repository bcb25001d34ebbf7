//! Ours: loops on two threads, [`offload`], [`Remote`](eventlet_green::Remote) and the channels of
//! [`cross`].

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use eventlet_benches::contest::timed_by;
use eventlet_benches::cpu::{Clock, Stopwatch};
use eventlet_green::{cross, offload, remote, spawn};

use super::{bursts, sum_below};

pub fn offloads(clock: Clock, times: u64) -> Duration {
    on_a_loop(move || {
        let mut number = 0;
        let elapsed = timed_by(clock, times, || {
            number = offload(move || number + 1).expect("a thread");
        });
        assert_eq!(number, times);
        elapsed
    })
}

pub fn remote_spawns(clock: Clock, times: u64, size: u64) -> Duration {
    let (tell, told) = mpsc::channel();
    let (stay, stop) = cross::bounded::<()>(0);
    let other = thread::spawn(move || {
        tell.send(remote()).expect("somebody listens");
        assert!(stop.recv().is_err(), "closed at the end");
    });
    let there = told.recv().expect("a way to the loop");
    // From a thread that has no loop.
    let asking = thread::spawn(move || {
        bursts(clock, times, size, |first, count| {
            let handles: Vec<_> = (first..first + count)
                .map(|number| there.spawn(move || number + 1).expect("the loop is there"))
                .collect();
            let numbers = handles.into_iter().map(|handle| handle.join());
            numbers.map(|number| number.expect("the task ends")).sum()
        })
    });
    let elapsed = asking.join().expect("the thread ends");
    drop(stay);
    other.join().expect("the thread ends");
    elapsed
}

pub fn trips(clock: Clock, times: u64) -> Duration {
    let (there, questions) = cross::bounded(1);
    let (answers, back) = cross::bounded(1);
    let echo = thread::spawn(move || {
        on_a_loop(move || {
            for number in questions {
                answers.send(number + 1).expect("somebody asks");
            }
        })
    });
    let elapsed = on_a_loop(move || {
        let mut number = 0;
        let elapsed = timed_by(clock, times, || {
            there.send(number).expect("somebody answers");
            number = back.recv().expect("an answer");
        });
        assert_eq!(number, times);
        elapsed
    });
    echo.join().expect("the thread ends");
    elapsed
}

pub fn stream(clock: Clock, times: u64, places: usize) -> Duration {
    let (numbers, arriving) = cross::bounded(places);
    let (ready, started) = mpsc::channel();
    let summing = thread::spawn(move || {
        on_a_loop(move || {
            ready.send(()).expect("somebody waits");
            arriving.iter().sum::<u64>()
        })
    });
    started.recv().expect("the thread starts");
    on_a_loop(move || {
        let begun = Stopwatch::start_by(clock);
        for number in 0..times {
            numbers.send(number).expect("somebody takes it");
        }
        drop(numbers);
        let sum = summing.join().expect("the thread ends");
        let elapsed = begun.elapsed();
        assert_eq!(sum, sum_below(times));
        elapsed
    })
}

/// In a coroutine of this thread.
fn on_a_loop<T: 'static>(work: impl FnOnce() -> T + 'static) -> T {
    spawn(work).join().expect("the task ends")
}
