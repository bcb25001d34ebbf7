//! Never early; zero looks; for ever is for ever. Real time, so only lower bounds are exact.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use eventlet_hub::{Events, Interest, Readiness};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::sockets;

super::cases![
    zero_looks_and_returns,
    zero_finds_what_is_ready,
    no_wait_ends_early,
    a_wait_ends_when_its_time_is_over,
    an_event_ends_a_wait,
    a_very_long_wait_can_be_ended,
    none_waits_until_something_comes,
    a_short_wait_that_finds_nothing_loses_nothing,
];

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
    let mut watch = Watch::<std::fs::File>::new(subject);
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
