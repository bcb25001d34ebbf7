//! Nothing is missed between `WouldBlock`, arming and waiting.

use std::io::{Read, Write};
use std::time::Duration;

use eventlet_hub::Interest;

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{drain, fill, readable_pipe, sockets, tcp};

super::cases![
    what_comes_after_a_drain,
    what_comes_between_would_block_and_arming,
    what_comes_between_arming_and_waiting,
    what_is_left_after_a_partial_read,
    what_comes_after_a_partial_read,
    room_after_each_fill,
];

fn what_comes_after_a_drain(subject: &Subject) {
    const ROUNDS: usize = 100;
    let mut watch = Watch::new(subject);
    let (file, mut peer) = readable_pipe();
    let token = watch.add(file);
    for round in 0..ROUNDS {
        peer.write_all(b"xyz").expect("write");
        watch.expect_readable(token);
        let drained = drain(watch.sources.get(token).expect("registered"));
        assert_eq!(drained.bytes, 3, "round {round}");
    }
}

fn what_comes_between_would_block_and_arming(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    assert_eq!(
        drain(watch.sources.get(token).expect("registered")).bytes,
        0
    );
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn what_comes_between_arming_and_waiting(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::READABLE);
    peer.write_all(b"x").expect("write");
    let batch = watch.wait(subject.patience());
    assert!(
        batch
            .iter()
            .any(|(reported, readiness)| *reported == token && readiness.is_readable()),
        "{batch:?}"
    );
}

fn what_is_left_after_a_partial_read(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    peer.write_all(&[0; 100]).expect("write");
    watch.expect_readable(token);
    let mut some = [0; 10];
    let mut file = watch.sources.get(token).expect("registered");
    file.read_exact(&mut some).expect("read");
    if watch.is_level() {
        watch.expect_readable(token);
    }
    // Trying first, as the contract says, finds the rest under every hub.
    let drained = drain(watch.sources.get(token).expect("registered"));
    assert_eq!(drained.bytes, 90);
}

fn what_comes_after_a_partial_read(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = tcp();
    let token = watch.add(file);
    peer.write_all(&[0; 100]).expect("write");
    watch.expect_readable(token);
    let mut some = [0; 10];
    let mut file = watch.sources.get(token).expect("registered");
    file.read_exact(&mut some).expect("read");
    peer.write_all(&[0; 100]).expect("write");
    watch.expect_readable(token);
}

fn room_after_each_fill(subject: &Subject) {
    const ROUNDS: usize = 5;
    let mut watch = Watch::new(subject);
    let (file, peer) = sockets();
    peer.set_nonblocking(true).expect("non-blocking");
    let token = watch.add(file);
    for round in 0..ROUNDS {
        watch.expect_writable(token);
        let written = fill(watch.sources.get(token).expect("registered"));
        assert!(written > 0, "round {round}: writable, but no room");
        watch.wait(Duration::ZERO);
        assert_eq!(drain(&peer).bytes, written, "round {round}");
    }
}
