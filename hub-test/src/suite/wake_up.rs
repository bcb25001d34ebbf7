//! Wakers: before, during and after a wait, from threads and from a signal handler.

use std::fs::File;
use std::io::Write;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use eventlet_hub::{Events, Interest};
use nix::sys::pthread::{pthread_kill, pthread_self};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{readable_pipe, sockets};
use crate::sys;

super::cases![
    a_wake_before_a_wait_ends_it,
    a_wake_during_a_wait_ends_it,
    a_wake_ends_one_wait_only,
    many_wakes_end_one_wait,
    none_is_lost_in_ping_pong,
    none_is_lost_from_many_threads,
    a_wake_and_an_event_both_come,
    a_wake_gets_through_full_batches,
    a_clone_wakes_the_same_hub,
    a_wake_after_the_hub_is_gone_does_nothing,
    a_signal_handler_wakes,
    a_waker_outlives_a_change_of_thread,
];

fn a_wake_before_a_wait_ends_it(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    watch.sources.waker().wake();
    // The very next wait, not a later one.
    watch.wait(subject.patience());
    assert!(watch.events.is_woken(), "the wait was not woken");
    assert!(watch.events.is_empty());
}

fn a_wake_during_a_wait_ends_it(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    let waker = watch.sources.waker();
    std::thread::scope(|scope| {
        scope.spawn(move || waker.wake());
        watch.expect_woken();
    });
}

fn a_wake_ends_one_wait_only(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    watch.sources.waker().wake();
    watch.expect_woken();
    for _ in 0..3 {
        watch.wait(Duration::ZERO);
        assert!(!watch.events.is_woken(), "woken twice by one wake");
    }
}

fn many_wakes_end_one_wait(subject: &Subject) {
    const WAKES: usize = 10_000;
    let mut watch = Watch::<File>::new(subject);
    let waker = watch.sources.waker();
    for _ in 0..WAKES {
        waker.wake();
    }
    watch.expect_woken();
    watch.wait(Duration::ZERO);
    assert!(!watch.events.is_woken(), "wake-ups do not add up");
}

fn none_is_lost_in_ping_pong(subject: &Subject) {
    const ROUNDS: usize = 500;
    let mut watch = Watch::<File>::new(subject);
    let waker = watch.sources.waker();
    let (request, requests) = channel::<()>();
    let thread = std::thread::spawn(move || {
        for () in requests {
            waker.wake();
        }
    });
    for _ in 0..ROUNDS {
        request.send(()).expect("the thread lives");
        watch.expect_woken();
    }
    drop(request);
    thread.join().expect("the thread ends");
}

fn none_is_lost_from_many_threads(subject: &Subject) {
    const THREADS: usize = 8;
    const EACH: usize = 500;
    let mut watch = Watch::<File>::new(subject);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let waker = watch.sources.waker();
            let done = &done;
            scope.spawn(move || {
                for _ in 0..EACH {
                    done.fetch_add(1, Ordering::Relaxed);
                    waker.wake();
                }
            });
        }
        // A wake that is lost leaves the count short of the total with nothing left to wake.
        while done.load(Ordering::Relaxed) < THREADS * EACH {
            watch.expect_woken();
        }
    });
}

fn a_wake_and_an_event_both_come(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::READABLE);
    peer.write_all(b"x").expect("write");
    watch.sources.waker().wake();
    let (mut woken, mut reported) = (false, false);
    for _ in 0..2 {
        let batch = watch.wait(subject.patience());
        woken |= watch.events.is_woken();
        reported |= batch.iter().any(|(_, readiness)| readiness.is_readable());
        if woken && reported {
            return;
        }
    }
    panic!("woken: {woken}, reported: {reported}");
}

fn a_wake_gets_through_full_batches(subject: &Subject) {
    const FILES: usize = 8;
    let mut watch = Watch::with_capacity(subject, 1);
    let mut peers = Vec::new();
    for _ in 0..FILES {
        let (file, mut peer) = readable_pipe();
        peer.write_all(b"x").expect("write");
        let token = watch.add(file);
        watch.arm(token, Interest::READABLE);
        peers.push((token, peer));
    }
    watch.sources.waker().wake();
    for _ in 0..=FILES {
        watch.wait(subject.patience());
        if watch.events.is_woken() {
            return;
        }
        for (token, peer) in &mut peers {
            peer.write_all(b"x").expect("write");
            watch.arm(*token, Interest::READABLE);
        }
    }
    panic!("a flood of events kept a wake-up out");
}

fn a_clone_wakes_the_same_hub(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    let waker = watch.sources.waker();
    let clone = waker.clone();
    assert!(clone.will_wake(&watch.sources.waker()));
    assert!(!clone.will_wake(&subject.hub().waker()));
    drop(waker);
    clone.wake();
    watch.expect_woken();
}

fn a_wake_after_the_hub_is_gone_does_nothing(subject: &Subject) {
    let hub = subject.hub();
    let waker = hub.waker();
    drop(hub);
    // Whoever gets the numbers of the hub's descriptors must not be written to.
    let mut watch = Watch::new(subject);
    let (file, _peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::READABLE);
    waker.wake();
    waker.wake();
    assert_eq!(watch.wait(Duration::ZERO), []);
    assert!(!watch.events.is_woken());
}

fn a_signal_handler_wakes(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    sys::handle_wake(watch.sources.waker());
    let waiting = pthread_self();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            pthread_kill(waiting, sys::WAKE).expect("pthread_kill");
        });
        watch.expect_woken();
        thread.join().expect("the thread ends");
    });
    // And before a wait, on the thread itself.
    pthread_kill(pthread_self(), sys::WAKE).expect("pthread_kill");
    watch.expect_woken();
}

fn a_waker_outlives_a_change_of_thread(subject: &Subject) {
    let waker = subject.hub().waker();
    let thread = std::thread::spawn(move || {
        waker.wake();
        waker
    });
    assert_ne!(thread.as_pthread_t(), pthread_self());
    let waker = thread.join().expect("the thread ends");
    waker.wake();
    let mut hub = subject.hub();
    let mut events = Events::new();
    hub.wait(&mut events, Some(Duration::ZERO)).expect("wait");
    assert!(!events.is_woken(), "another hub's waker");
}
