//! What is particular to epoll: nesting, the coarser clock, directories, buffers of many sizes.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use eventlet_hub::{Events, Hub, Interest, Sources, Token};
use eventlet_hub_epoll::EpollHub;
use eventlet_hub_test::{Area, Subject, check};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

#[test]
fn the_millisecond_fall_back_keeps_the_contract() {
    let subject = Subject::new(EpollHub::with_millisecond_timeouts);
    for area in [Area::Timeouts, Area::Signals, Area::WakeUp, Area::Random] {
        check(area, &subject);
    }
}

#[test]
fn nanosecond_timeouts_are_not_rounded_to_milliseconds() {
    // The best of many: a busy machine may be late, but not always.
    let mut hub = EpollHub::new().expect("hub");
    let mut events = Events::new();
    let best = (0..100)
        .map(|_| {
            let start = Instant::now();
            hub.wait(&mut events, Some(Duration::from_micros(50)))
                .expect("wait");
            start.elapsed()
        })
        .min();
    let best = best.expect("a hundred of them");
    assert!(best >= Duration::from_micros(50));
    if best >= Duration::from_millis(1) {
        let line = "SKIPPED: this kernel has no epoll_pwait2, so timeouts are in milliseconds\n";
        std::io::stderr()
            .write_all(line.as_bytes())
            .expect("say so");
    }
}

#[test]
fn a_directory_is_refused() {
    let mut sources = Sources::new(EpollHub::new().expect("hub"));
    let refused = sources
        .register(File::open("/").expect("the root directory"))
        .expect_err("a directory");
    assert_eq!(refused.error.kind(), ErrorKind::InvalidInput);
    assert!(sources.is_empty());
}

#[test]
fn one_hub_watches_another() {
    let mut inner = Sources::new(EpollHub::new().expect("hub"));
    let (near, mut far) = UnixStream::pair().expect("pair");
    let token = inner.register(near).expect("register");
    // Writable from the start; take that out of the way.
    let mut events = Events::new();
    inner.wait(&mut events, PATIENCE).expect("wait");
    assert_eq!(events.len(), 1);

    let hub = EpollHub::new().expect("hub");
    let seen_from_outside: OwnedFd = hub.as_fd().try_clone_to_owned().expect("dup");
    let mut inner_hub = hub;
    let waker = inner_hub.waker();
    let mut outer = Sources::new(EpollHub::new().expect("hub"));
    let nested = outer.register(seen_from_outside).expect("nested");
    waker.wake();
    outer.arm(nested, Interest::READABLE).expect("arm");
    outer.wait(&mut events, PATIENCE).expect("wait");
    assert!(events.iter().any(|event| event.token == nested));
    inner_hub.wait(&mut events, PATIENCE).expect("wait");
    assert!(events.is_woken());

    far.write_all(b"x").expect("write");
    inner.wait(&mut events, PATIENCE).expect("wait");
    assert!(events.iter().any(|event| event.token == token));
}

#[test]
fn a_buffer_may_grow_and_shrink_between_waits() {
    let mut sources = Sources::new(EpollHub::new().expect("hub"));
    let mut peers = Vec::new();
    for _ in 0..20 {
        let (near, far) = UnixStream::pair().expect("pair");
        sources.register(near).expect("register");
        peers.push(far);
    }
    let mut seen = 0;
    for capacity in [1, 7, 2, 100] {
        let mut events = Events::with_capacity(capacity);
        sources.wait(&mut events, PATIENCE).expect("wait");
        assert!(events.len() <= capacity);
        seen += events.len();
    }
    assert_eq!(seen, 20, "each is writable, once");
}

#[test]
fn registering_twice_under_other_tokens_is_noticed_in_user_space() {
    let mut sources = Sources::new(EpollHub::new().expect("hub"));
    let (near, _far) = UnixStream::pair().expect("pair");
    let near = std::rc::Rc::new(near);
    let token = sources.register(near.clone()).expect("register");
    assert_eq!(token, Token::new(0, 0));
    let refused = sources.register(near).expect_err("twice");
    assert_eq!(refused.error.kind(), ErrorKind::AlreadyExists);
    // The refusal took no slot: the next one gets the next.
    let (other, _far) = UnixStream::pair().expect("pair");
    let other = sources.register(std::rc::Rc::new(other)).expect("register");
    assert_eq!(other, Token::new(1, 0));
}

#[test]
fn a_time_that_was_waited_for_is_seen_from_outside_when_it_comes() {
    let mut inner = EpollHub::new().expect("hub");
    let mut events = Events::new();
    // Far enough away for an alarm; the wake-up ends the wait before.
    let deadline = Instant::now() + Duration::from_millis(150);
    inner.waker().wake();
    inner.wait_until(&mut events, deadline).expect("wait");
    let seen_from_outside: OwnedFd = inner.as_fd().try_clone_to_owned().expect("dup");
    let mut outer = Sources::new(EpollHub::new().expect("hub"));
    let nested = outer.register(seen_from_outside).expect("nested");
    loop {
        outer.arm(nested, Interest::READABLE).expect("arm");
        outer.wait(&mut events, PATIENCE).expect("wait");
        assert!(events.iter().any(|event| event.token == nested), "never");
        // It may have been writable, so to say, before.
        if events.iter().any(|event| event.readiness.is_readable()) {
            break;
        }
    }
    assert!(Instant::now() >= deadline);
    inner.wait_until(&mut events, deadline).expect("wait");
    assert!(events.is_empty() && !events.is_woken());
}
