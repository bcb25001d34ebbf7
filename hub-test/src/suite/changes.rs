//! Registering, arming and deregistering while a batch is handled.

use std::io::Write;
use std::time::Duration;

use eventlet_hub::{Interest, Readiness};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{drain, readable_pipe, sockets};

super::cases![
    a_member_of_the_batch_ends,
    everybody_ends_everybody_else,
    a_slot_of_the_batch_gets_a_new_tenant,
    a_newcomer_is_reported_next,
    others_are_armed_meanwhile,
    a_member_is_registered_anew,
];

fn a_member_of_the_batch_ends(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let mut tokens = Vec::new();
    let mut peers = Vec::new();
    for _ in 0..3 {
        let (file, mut peer) = readable_pipe();
        peer.write_all(b"x").expect("write");
        let token = watch.add(file);
        watch.arm(token, Interest::READABLE);
        tokens.push(token);
        peers.push(peer);
    }
    assert_eq!(watch.wait(subject.patience()).len(), 3);
    let gone = tokens[1];
    watch.sources.deregister(gone).expect("deregister");
    let left: Vec<_> = watch
        .sources
        .ready(&watch.events)
        .map(|(token, _, _)| token)
        .collect();
    assert_eq!(left.len(), 2, "the batch skips who has gone");
    assert!(!left.contains(&gone));
    for token in left {
        watch.arm(token, Interest::READABLE);
    }
    for peer in &mut peers {
        // The second has nobody left to read it, which is an error of the writer's.
        let _ = peer.write_all(b"y");
    }
    let batch = watch.wait(subject.patience());
    assert_eq!(batch.len(), 2, "{batch:?}");
}

fn everybody_ends_everybody_else(subject: &Subject) {
    const FILES: usize = 50;
    let mut watch = Watch::new(subject);
    let mut peers = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..FILES {
        let (file, mut peer) = readable_pipe();
        peer.write_all(b"x").expect("write");
        let token = watch.add(file);
        watch.arm(token, Interest::READABLE);
        tokens.push(token);
        peers.push(peer);
    }
    let survivor = watch.wait(subject.patience())[0].0;
    for token in tokens.into_iter().filter(|token| *token != survivor) {
        drop(watch.sources.deregister_closing(token).expect("deregister"));
    }
    assert_eq!(watch.sources.len(), 1);
    drain(watch.sources.get(survivor).expect("registered"));
    watch.arm(survivor, Interest::READABLE);
    assert_eq!(watch.wait(Duration::ZERO), [], "nobody else is left");
}

fn a_slot_of_the_batch_gets_a_new_tenant(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = readable_pipe();
    peer.write_all(b"x").expect("write");
    let former = watch.add(file);
    watch.arm(former, Interest::READABLE);
    assert_eq!(watch.wait(subject.patience()).len(), 1);
    drop(
        watch
            .sources
            .deregister_closing(former)
            .expect("deregister"),
    );
    let (file, mut peer) = readable_pipe();
    let tenant = watch.add(file);
    assert_eq!(tenant.slot(), former.slot(), "the slot is used again");
    assert_eq!(
        watch.sources.ready(&watch.events).count(),
        0,
        "the old batch says nothing of the new tenant"
    );
    watch.arm(tenant, Interest::READABLE);
    watch.expect_not(tenant, Readiness::READABLE);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(tenant);
}

fn a_newcomer_is_reported_next(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    peer.write_all(b"x").expect("write");
    let first = watch.add(file);
    watch.expect_readable(first);
    let (file, mut peer) = sockets();
    peer.write_all(b"x").expect("write");
    let second = watch.add(file);
    watch.arm(second, Interest::READABLE);
    let batch = watch.wait(subject.patience());
    assert!(
        batch
            .iter()
            .any(|(token, readiness)| *token == second && readiness.is_readable()),
        "{batch:?}"
    );
}

fn others_are_armed_meanwhile(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (one, mut one_peer) = readable_pipe();
    let (other, mut other_peer) = readable_pipe();
    let one = watch.add(one);
    let other = watch.add(other);
    watch.arm(one, Interest::READABLE);
    one_peer.write_all(b"x").expect("write");
    watch.expect_readable(one);
    watch.arm(other, Interest::READABLE);
    other_peer.write_all(b"x").expect("write");
    watch.expect_readable(other);
}

fn a_member_is_registered_anew(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = readable_pipe();
    peer.write_all(b"x").expect("write");
    let former = watch.add(file);
    watch.arm(former, Interest::READABLE);
    assert_eq!(watch.wait(subject.patience()).len(), 1);
    let file = watch.sources.deregister(former).expect("deregister");
    let tenant = watch.add(file);
    assert_ne!(former, tenant);
    // Not drained: it is ready from the start, and the hub must find that out by itself.
    watch.expect_readable(tenant);
}
