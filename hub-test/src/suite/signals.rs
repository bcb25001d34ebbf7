//! Interruptions (`EINTR`) neither end a wait nor prolong it, and hide nothing.

use std::fs::File;
use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use eventlet_hub::{Interest, Readiness};
use nix::sys::pthread::{pthread_kill, pthread_self};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::sockets;
use crate::sys;

super::cases![
    a_storm_does_not_end_a_wait,
    a_storm_does_not_prolong_a_wait,
    a_storm_neither_ends_nor_prolongs_a_wait_until,
    a_storm_hides_no_event,
    a_storm_hides_no_wake,
];

/// How far apart the signals are: far more of them than the waits below are long.
const INTERVAL: Duration = Duration::from_micros(300);

/// Runs `body` while another thread interrupts this one again and again; but no longer than the
/// subject's patience, so that a hub whose waits the storm prolongs is found out rather than hangs.
fn in_a_storm<T>(subject: &Subject, body: impl FnOnce() -> T) -> T {
    sys::handle_interrupt();
    let target = pthread_self();
    let end = Instant::now() + subject.patience();
    let (stop, stopped) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // The channel only paces the signals; nobody waits for any particular one.
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout)
                && Instant::now() < end
            {
                pthread_kill(target, sys::INTERRUPT).expect("pthread_kill");
            }
        });
        // Dropped when the body is done or panics: that ends the storm, and so the scope.
        let _stop = stop;
        body()
    })
}

fn a_storm_does_not_end_a_wait(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    let timeout = Duration::from_millis(60);
    let elapsed = in_a_storm(subject, || {
        let start = Instant::now();
        assert_eq!(watch.wait(timeout), []);
        start.elapsed()
    });
    assert!(elapsed >= timeout, "ended after {elapsed:?}");
}

fn a_storm_does_not_prolong_a_wait(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    let timeout = Duration::from_millis(60);
    let elapsed = in_a_storm(subject, || {
        let start = Instant::now();
        assert_eq!(watch.wait(timeout), []);
        start.elapsed()
    });
    assert!(
        elapsed < timeout + subject.patience() / 2,
        "took {elapsed:?}"
    );
}

fn a_storm_neither_ends_nor_prolongs_a_wait_until(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    for left in [60, 110].map(Duration::from_millis) {
        let (begin, end) = in_a_storm(subject, || {
            let begin = Instant::now();
            assert_eq!(watch.wait_until(begin + left), []);
            (begin, Instant::now())
        });
        let elapsed = end - begin;
        // How exact it is, is the business of other tests.
        assert!(elapsed + INTERVAL * 4 >= left, "ended after {elapsed:?}");
        assert!(elapsed < left + subject.patience() / 2, "took {elapsed:?}");
    }
}

fn a_storm_hides_no_event(subject: &Subject) {
    const ROUNDS: usize = 50;
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    in_a_storm(subject, || {
        for _ in 0..ROUNDS {
            watch.arm(token, Interest::READABLE);
            peer.write_all(b"x").expect("write");
            let batch = watch.wait(subject.patience());
            assert!(
                batch
                    .iter()
                    .any(|(_, readiness)| readiness.contains(Readiness::READABLE)),
                "{batch:?}"
            );
            crate::fixture::drain(watch.sources.get(token).expect("registered"));
        }
    });
}

fn a_storm_hides_no_wake(subject: &Subject) {
    const ROUNDS: usize = 50;
    let mut watch = Watch::<File>::new(subject);
    let waker = watch.sources.waker();
    in_a_storm(subject, || {
        for _ in 0..ROUNDS {
            waker.wake();
            watch.wait(subject.patience());
            assert!(watch.events.is_woken());
        }
    });
}
