//! Never early; zero looks; for ever is for ever. Real time, so only lower bounds are exact.

use std::fs::File;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use eventlet_hub::{Events, Interest, Readiness, Token};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{drain, sockets};

super::cases![
    zero_looks_and_returns,
    zero_finds_what_is_ready,
    no_wait_ends_early,
    a_wait_ends_when_its_time_is_over,
    an_event_ends_a_wait,
    a_very_long_wait_can_be_ended,
    none_waits_until_something_comes,
    a_short_wait_that_finds_nothing_loses_nothing,
    a_deadline_that_has_passed_only_looks,
    a_wait_until_ends_when_its_time_has_come,
    an_event_ends_a_wait_until,
    a_wake_up_ends_a_wait_until,
    each_wait_until_has_its_own_deadline,
    a_deadline_ends_no_other_wait,
];

/// Longer than what a hub may take for near.
const FAR: Duration = Duration::from_millis(110);

fn zero_looks_and_returns(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, _peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.settle();
    let start = Instant::now();
    assert_eq!(watch.wait(Duration::ZERO), []);
    assert!(start.elapsed() < subject.patience());
}

fn zero_finds_what_is_ready(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::READABLE);
    peer.write_all(b"x").expect("write");
    let batch = watch.wait(Duration::ZERO);
    assert!(batch.iter().any(|(_, readiness)| readiness.is_readable()));
}

fn no_wait_ends_early(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, _peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.settle();
    let nanos = [
        1, 999, 1_000, 1_001, 500_000, 999_999, 1_000_000, 1_000_001, 1_500_000, 2_999_999,
        10_000_000, 20_000_001,
    ];
    for nanos in nanos {
        let timeout = Duration::from_nanos(nanos);
        // Several times, since a wait that is rounded down is late by chance now and then.
        for _ in 0..5 {
            let start = Instant::now();
            let batch = watch.wait(timeout);
            let elapsed = start.elapsed();
            assert_eq!(batch, []);
            assert!(elapsed >= timeout, "{timeout:?} ended after {elapsed:?}");
        }
    }
}

fn a_wait_ends_when_its_time_is_over(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    watch.wait(timeout);
    let elapsed = start.elapsed();
    assert!(elapsed < timeout + subject.patience(), "took {elapsed:?}");
}

fn an_event_ends_a_wait(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.settle();
    peer.write_all(b"x").expect("write");
    let start = Instant::now();
    watch.wait(subject.patience() * 2);
    assert!(start.elapsed() < subject.patience());
}

fn a_very_long_wait_can_be_ended(subject: &Subject) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    // Beyond milliseconds in 31 bits, beyond what select takes, beyond every clock.
    for timeout in [DAY * 25, DAY * 1_000, DAY * 100_000_000, Duration::MAX] {
        let mut watch = Watch::new(subject);
        let (file, mut peer) = sockets();
        let token = watch.add(file);
        watch.arm(token, Interest::READABLE);
        watch.settle();
        watch.arm(token, Interest::READABLE);
        peer.write_all(b"x").expect("write");
        let batch = watch.wait(timeout);
        assert_eq!(batch.len(), 1, "{timeout:?}: {batch:?}");
    }
}

fn none_waits_until_something_comes(subject: &Subject) {
    let mut sources = subject.sources();
    let (file, mut peer) = sockets();
    let token = sources.register(file).expect("register");
    let waker = sources.waker();
    let (done, is_done) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            peer.write_all(b"x").expect("write");
            // A hub that never reports it is woken, so that the test fails rather than hangs.
            if is_done.recv_timeout(subject.patience()) == Err(RecvTimeoutError::Timeout) {
                waker.wake();
            }
            peer
        });
        let _done = done;
        let mut events = Events::new();
        for interest in [Interest::WRITABLE, Interest::READABLE] {
            loop {
                sources.arm(token, interest).expect("arm");
                sources.wait(&mut events, None).expect("wait");
                assert!(!events.is_woken(), "never reported {interest:?}");
                assert!(!events.is_empty(), "ended without an event");
                let is_ready = |readiness: Readiness| match interest {
                    Interest::WRITABLE => readiness.is_writable(),
                    _ => readiness.is_readable(),
                };
                if events.iter().any(|event| is_ready(event.readiness)) {
                    break;
                }
            }
            // Whoever is written to at the right moment has reported both at once.
            if events.iter().any(|event| event.readiness.is_readable()) {
                break;
            }
        }
    });
}

fn a_short_wait_that_finds_nothing_loses_nothing(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::READABLE);
    for _ in 0..3 {
        assert_eq!(watch.wait(Duration::from_micros(100)), []);
    }
    peer.write_all(b"x").expect("write");
    let batch = watch.wait(subject.patience());
    assert!(
        batch
            .iter()
            .any(|(_, readiness)| readiness.contains(Readiness::READABLE)),
        "still armed after waits that found nothing: {batch:?}"
    );
}

fn a_deadline_that_has_passed_only_looks(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.settle();
    let start = Instant::now();
    assert_eq!(watch.wait_until(start), []);
    watch.arm(token, Interest::READABLE);
    peer.write_all(b"x").expect("write");
    let batch = watch.wait_until(start);
    assert!(batch.iter().any(|(_, readiness)| readiness.is_readable()));
    assert!(start.elapsed() < subject.patience());
}

/// Waits until then, for nothing.
#[track_caller]
fn wait_in_vain(watch: &mut Watch, deadline: Instant, patience: Duration) {
    assert_eq!(watch.wait_until(deadline), []);
    let now = Instant::now();
    let early = deadline.saturating_duration_since(now);
    assert!(early.is_zero(), "ended {early:?} early");
    let late = now.saturating_duration_since(deadline);
    assert!(late < patience, "ended {late:?} late");
}

fn a_wait_until_ends_when_its_time_has_come(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, _peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.settle();
    for left in [Duration::from_nanos(1), Duration::from_micros(1500), FAR] {
        wait_in_vain(&mut watch, Instant::now() + left, subject.patience());
    }
}

/// Waits until then, and is ended by an event.
#[track_caller]
fn wait_for_an_event(watch: &mut Watch, token: Token, mut peer: &UnixStream, deadline: Instant) {
    watch.arm(token, Interest::READABLE);
    peer.write_all(b"x").expect("write");
    loop {
        let batch = watch.wait_until(deadline);
        assert!(Instant::now() < deadline, "the event did not end it");
        if batch.iter().any(|(_, readiness)| readiness.is_readable()) {
            break;
        }
    }
    drain(watch.sources.get(token).expect("registered"));
}

fn an_event_ends_a_wait_until(subject: &Subject) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let mut watch = Watch::new(subject);
    let (file, peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    let begin = Instant::now();
    // The same one again and again, and others; some so far away that no kernel is told of all of it.
    let longest = begin.checked_add(DAY * 100_000).unwrap_or(begin + DAY);
    let deadlines = [
        begin + DAY,
        begin + DAY,
        longest,
        begin + DAY / 2,
        begin + DAY,
    ];
    for deadline in deadlines {
        wait_for_an_event(&mut watch, token, &peer, deadline);
    }
    assert!(begin.elapsed() < subject.patience());
}

fn a_wake_up_ends_a_wait_until(subject: &Subject) {
    let mut sources = subject.sources::<File>();
    let waker = sources.waker();
    let begin = Instant::now();
    let deadline = begin + subject.patience();
    let mut events = Events::new();
    for _ in 0..3 {
        std::thread::scope(|scope| {
            scope.spawn(|| waker.wake());
            sources.wait_until(&mut events, deadline).expect("wait");
        });
        assert!(events.is_woken(), "the time was over");
    }
}

fn each_wait_until_has_its_own_deadline(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    let patience = subject.patience();
    let long = Instant::now() + FAR + patience;
    wait_for_an_event(&mut watch, token, &peer, long);
    // Earlier than the one before, then later.
    wait_in_vain(&mut watch, Instant::now() + FAR, patience);
    let next = Instant::now() + FAR;
    wait_for_an_event(&mut watch, token, &peer, next);
    wait_in_vain(&mut watch, next + FAR, patience);
}

fn a_deadline_ends_no_other_wait(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    let deadline = Instant::now() + FAR;
    wait_for_an_event(&mut watch, token, &peer, deadline);
    let (start, timeout) = (Instant::now(), FAR + FAR / 4);
    assert_eq!(watch.wait(timeout), []);
    let elapsed = start.elapsed();
    assert!(elapsed >= timeout, "{timeout:?} ended after {elapsed:?}");
}
