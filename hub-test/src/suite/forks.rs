//! A forked child does not disturb its parent; nothing of a hub survives an `exec`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::RawFd;
use std::time::Duration;

use eventlet_hub::{Interest, Readiness, Trigger};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::sockets;
use crate::sys::{in_forked_child, registered};

super::cases![
    every_call_fails_in_a_child,
    a_child_that_drops_a_hub_leaves_the_parents_alone,
    a_child_that_deregisters_leaves_the_parents_alone,
    a_childs_wake_stays_with_the_child,
    a_child_can_make_its_own,
    everything_is_close_on_exec,
];

fn every_call_fails_in_a_child(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let (other, _other_peer) = sockets();
    let token = watch.add(file);
    let status = in_forked_child(|| {
        let unsupported = |kind| kind == Err(ErrorKind::Unsupported);
        let register = watch.sources.register(other).map(drop);
        if !unsupported(register.map_err(|refused| refused.error.kind())) {
            return 1;
        }
        let arm = watch.sources.arm(token, Interest::READABLE);
        let trigger = watch.capabilities().trigger;
        if trigger != Trigger::Edge && !unsupported(arm.map_err(|error| error.kind())) {
            return 2;
        }
        let wait = watch.sources.wait(&mut watch.events, Some(Duration::ZERO));
        if !unsupported(wait.map_err(|error| error.kind())) {
            return 3;
        }
        // The table lets go of the source whatever the hub answers.
        if watch.sources.deregister(token).is_err() {
            return 4;
        }
        0
    });
    assert_eq!(
        status, 0,
        "1 register, 2 arm, 3 wait, 4 deregister, 101 a panic"
    );
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn a_child_that_drops_a_hub_leaves_the_parents_alone(subject: &Subject) {
    let mut watch = Some(Watch::new(subject));
    let (file, mut peer) = sockets();
    let token = watch.as_mut().expect("kept").add(file);
    let status = in_forked_child(|| {
        drop(watch.take());
        0
    });
    assert_eq!(status, 0);
    let mut watch = watch.expect("the parent's copy");
    watch.arm(token, Interest::READABLE);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn a_child_that_deregisters_leaves_the_parents_alone(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::READABLE);
    let status = in_forked_child(|| match watch.sources.deregister(token) {
        Ok(_) => 0,
        Err(_) => 1,
    });
    assert_eq!(status, 0);
    peer.write_all(b"x").expect("write");
    let batch = watch.wait(subject.patience());
    assert!(
        batch
            .iter()
            .any(|(reported, readiness)| *reported == token
                && readiness.contains(Readiness::READABLE)),
        "{batch:?}"
    );
}

fn a_childs_wake_stays_with_the_child(subject: &Subject) {
    let mut watch = Watch::<File>::new(subject);
    let waker = watch.sources.waker();
    let status = in_forked_child(|| {
        waker.wake();
        0
    });
    assert_eq!(status, 0);
    watch.wait(Duration::ZERO);
    assert!(!watch.events.is_woken(), "the child woke its parent");
}

fn a_child_can_make_its_own(subject: &Subject) {
    let _parents = subject.hub();
    let status = in_forked_child(|| {
        let mut watch = Watch::new(subject);
        let (file, mut peer) = sockets();
        let token = watch.add(file);
        peer.write_all(b"x").expect("write");
        watch.expect_readable(token);
        0
    });
    assert_eq!(status, 0);
}

fn everything_is_close_on_exec(subject: &Subject) {
    let before = open_descriptors();
    let mut watch = Watch::new(subject);
    let (file, _peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.settle();
    let new: Vec<RawFd> = open_descriptors().difference(&before).copied().collect();
    assert!(new.len() > 2, "the hub and the socket pair: {new:?}");
    for fd in new {
        // A descriptor of another thread may be gone again.
        if let Ok(flags) = fcntl(registered(&fd), FcntlArg::F_GETFD) {
            assert!(
                FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC),
                "descriptor {fd} would survive an exec"
            );
        }
    }
}

fn open_descriptors() -> BTreeSet<RawFd> {
    const LIMIT: RawFd = 4096;
    (0..LIMIT)
        .filter(|fd| fcntl(registered(fd), FcntlArg::F_GETFD).is_ok())
        .collect()
}
