//! Waiting again after signals, clamped timeouts and false alarms: until the time is really over,
//! and no longer. Real time, in milliseconds, so only lower bounds are exact.

use std::io::{Error, ErrorKind};
use std::time::{Duration, Instant};

use eventlet_hub::retry::{Attempt, persist};

fn interrupted() -> Error {
    Error::from(ErrorKind::Interrupted)
}

#[test]
fn the_first_fruit_ends_it() {
    let mut calls = Vec::new();
    let timeout = Some(Duration::from_secs(60));
    persist(timeout, |timeout| {
        calls.push(timeout);
        Ok(Attempt::Fruitful)
    })
    .expect("no error");
    assert_eq!(calls, [timeout], "the first attempt has the whole timeout");
}

#[test]
fn zero_looks_once() {
    let mut calls = 0;
    persist(Some(Duration::ZERO), |timeout| {
        assert_eq!(timeout, Some(Duration::ZERO));
        calls += 1;
        Ok(Attempt::Fruitless)
    })
    .expect("no error");
    assert_eq!(calls, 1);
}

#[test]
fn zero_looks_again_after_an_interruption() {
    let mut calls = 0;
    persist(Some(Duration::ZERO), |_| {
        calls += 1;
        if calls < 3 {
            Err(interrupted())
        } else {
            Ok(Attempt::Fruitless)
        }
    })
    .expect("no error");
    assert_eq!(calls, 3);
}

#[test]
fn for_ever_stays_for_ever() {
    let mut calls = 0;
    persist(None, |timeout| {
        assert_eq!(timeout, None);
        calls += 1;
        match calls {
            1..5 => Ok(Attempt::Fruitless),
            5..10 => Err(interrupted()),
            _ => Ok(Attempt::Fruitful),
        }
    })
    .expect("no error");
    assert_eq!(calls, 10);
}

#[test]
fn a_kernel_that_ends_early_is_asked_again() {
    // As if every timeout were clamped to nothing.
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    let mut before = timeout;
    let mut calls = 0_u64;
    persist(Some(timeout), |left| {
        let left = left.expect("never for ever");
        assert!(left <= before, "what is left only shrinks");
        before = left;
        calls += 1;
        Ok(Attempt::Fruitless)
    })
    .expect("no error");
    assert!(start.elapsed() >= timeout);
    assert!(calls > 1);
}

#[test]
fn interruptions_neither_end_nor_prolong_it() {
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    persist(Some(timeout), |left| {
        if left == Some(Duration::ZERO) {
            return Ok(Attempt::Fruitless);
        }
        Err(interrupted())
    })
    .expect("interruptions are no error");
    let elapsed = start.elapsed();
    assert!(elapsed >= timeout);
    assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
}

#[test]
fn a_timeout_beyond_the_clock_is_for_ever() {
    let mut calls = 0;
    persist(Some(Duration::MAX), |timeout| {
        calls += 1;
        // A hub clamps it; what matters is that the end is never reached.
        assert!(timeout.is_some());
        Ok(if calls < 5 {
            Attempt::Fruitless
        } else {
            Attempt::Fruitful
        })
    })
    .expect("no error");
    assert_eq!(calls, 5);
}

#[test]
fn other_errors_end_it() {
    let outcome = persist(None, |_| Err(Error::from(ErrorKind::OutOfMemory)));
    assert_eq!(
        outcome.map_err(|error| error.kind()),
        Err(ErrorKind::OutOfMemory)
    );
}
