//! tokio: a single-threaded runtime on each thread.

use std::sync::mpsc as plain;
use std::thread;
use std::time::Duration;

use eventlet_benches::cpu::{Clock, Stopwatch};
use eventlet_benches::tokio_local::block_on;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::{bursts, sum_below};

pub fn offloads(clock: Clock, times: u64) -> Duration {
    block_on(async move {
        let mut number = 0;
        let begun = Stopwatch::start_by(clock);
        for _ in 0..times {
            let call = spawn_blocking(move || number + 1);
            number = call.await.expect("a thread");
        }
        let elapsed = begun.elapsed();
        assert_eq!(number, times);
        elapsed
    })
}

pub fn remote_spawns(clock: Clock, times: u64, size: u64) -> Duration {
    let (tell, told) = plain::channel();
    let (stay, stop) = oneshot::channel::<()>();
    let other = thread::spawn(move || {
        block_on(async move {
            tell.send(Handle::current()).expect("somebody listens");
            assert!(stop.await.is_err(), "closed at the end");
        });
    });
    let there = told.recv().expect("a way to the runtime");
    let asking = thread::spawn(move || {
        bursts(clock, times, size, |first, count| {
            let handles: Vec<_> = (first..first + count)
                .map(|number| there.spawn(async move { number + 1 }))
                .collect();
            let numbers = handles.into_iter().map(|handle| there.block_on(handle));
            numbers.map(|number| number.expect("the task ends")).sum()
        })
    });
    let elapsed = asking.join().expect("the thread ends");
    drop(stay);
    other.join().expect("the thread ends");
    elapsed
}

pub fn trips(clock: Clock, times: u64) -> Duration {
    let (there, mut questions) = mpsc::channel(1);
    let (answers, mut back) = mpsc::channel(1);
    let echo = thread::spawn(move || {
        block_on(async move {
            while let Some(number) = questions.recv().await {
                answers.send(number + 1).await.expect("somebody asks");
            }
        });
    });
    let elapsed = block_on(async move {
        let mut number = 0;
        let begun = Stopwatch::start_by(clock);
        for _ in 0..times {
            there.send(number).await.expect("somebody answers");
            number = back.recv().await.expect("an answer");
        }
        let elapsed = begun.elapsed();
        assert_eq!(number, times);
        elapsed
    });
    echo.join().expect("the thread ends");
    elapsed
}

pub fn stream(clock: Clock, times: u64, places: usize) -> Duration {
    let (numbers, mut arriving) = mpsc::channel(places);
    let (ready, started) = plain::channel();
    let summing = thread::spawn(move || {
        block_on(async move {
            ready.send(()).expect("somebody waits");
            let mut sum = 0;
            while let Some(number) = arriving.recv().await {
                sum += number;
            }
            sum
        })
    });
    started.recv().expect("the thread starts");
    block_on(async move {
        let begun = Stopwatch::start_by(clock);
        for number in 0..times {
            numbers.send(number).await.expect("somebody takes it");
        }
        drop(numbers);
        let sum = summing.join().expect("the thread ends");
        let elapsed = begun.elapsed();
        assert_eq!(sum, sum_below(times));
        elapsed
    })
}
