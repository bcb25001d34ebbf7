//! What becomes of the queue's answers to a wait.

use std::time::Duration;

use eventlet_hub::{Events, Readiness, Token};
use eventlet_hub_kqueue::constants::EV_EOF;

use crate::scripted::{Answer, ScriptedQueue, readable, socket, writable};

const SOME_BYTES: i64 = 10;

fn told(events: &Events) -> Vec<(Token, Readiness)> {
    events
        .iter()
        .map(|event| (event.token, event.readiness))
        .collect()
}

#[test]
fn a_wait_submits_nothing_and_has_room_for_a_batch() {
    let queue = ScriptedQueue::default();
    let (mut sources, _) = queue.watching_one();
    for capacity in [1, 7, 3] {
        let mut events = Events::with_capacity(capacity);
        sources
            .wait(&mut events, Some(Duration::ZERO))
            .expect("wait");
        let calls = queue.calls();
        assert_eq!(calls.len(), 1);
        assert!(calls[0].changes.is_empty());
        assert_eq!(calls[0].room, capacity);
    }
}

#[test]
fn the_timeout_is_handed_on_to_the_nanosecond() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    let mut events = Events::new();
    for timeout in [None, Some(Duration::new(3, 1))] {
        queue.plays([Answer::Events(vec![readable(token, 0)])]);
        sources.wait(&mut events, timeout).expect("wait");
        assert_eq!(queue.calls()[0].timeout, timeout);
    }
}

#[test]
fn an_interruption_does_not_end_a_wait() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    queue.plays([
        Answer::Error(libc::EINTR),
        Answer::Error(libc::EINTR),
        Answer::Events(vec![readable(token, 0)]),
    ]);
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    assert_eq!(told(&events), [(token, Readiness::READABLE)]);
    assert_eq!(queue.calls().len(), 3);
}

#[test]
fn another_error_ends_a_wait() {
    let queue = ScriptedQueue::default();
    let (mut sources, _) = queue.watching_one();
    queue.plays([Answer::Error(libc::ENOMEM)]);
    let error = sources
        .wait(&mut Events::new(), None)
        .expect_err("no memory");
    assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
}

#[test]
fn the_two_filters_of_a_descriptor_are_one_event() {
    let queue = ScriptedQueue::default();
    let (mut sources, first) = queue.watching_one();
    let second = sources.register(socket()).expect("register");
    queue.plays([Answer::Events(vec![
        writable(first, 0),
        readable(second, 0),
        readable(first, 0),
        writable(second, 0),
    ])]);
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    let both = Readiness::READABLE | Readiness::WRITABLE;
    assert_eq!(told(&events), [(first, both), (second, both)]);
}

#[test]
fn the_end_of_a_stream_may_come_with_data_left() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    queue.plays([Answer::Events(vec![
        readable(token, EV_EOF).with_data(SOME_BYTES),
    ])]);
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    // Readable, so that whoever waits reads what is left; a half-close, and nothing more.
    assert_eq!(told(&events), [(token, Readiness::READ_CLOSED)]);
}

#[test]
fn both_ends_are_a_hang_up_in_one_batch_or_in_two() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    let (read, write) = (readable(token, EV_EOF), writable(token, EV_EOF));
    queue.plays([Answer::Events(vec![write, read])]);
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    assert_eq!(told(&events), [(token, Readiness::HANG_UP)]);

    let other = sources.register(socket()).expect("register");
    for (event, meaning) in [
        (writable(other, EV_EOF), Readiness::WRITABLE),
        (readable(other, EV_EOF), Readiness::HANG_UP),
    ] {
        queue.plays([Answer::Events(vec![event])]);
        sources.wait(&mut events, None).expect("wait");
        assert_eq!(told(&events), [(other, meaning)]);
    }
}

#[test]
fn the_next_tenant_of_a_slot_has_not_ended() {
    let queue = ScriptedQueue::default();
    let (mut sources, former) = queue.watching_one();
    let mut events = Events::new();
    queue.plays([Answer::Events(vec![writable(former, EV_EOF)])]);
    sources.wait(&mut events, None).expect("wait");
    drop(sources.deregister_closing(former).expect("deregister"));
    let tenant = sources.register(socket()).expect("register");
    assert_eq!(tenant.slot(), former.slot());
    queue.plays([Answer::Events(vec![readable(tenant, EV_EOF)])]);
    sources.wait(&mut events, None).expect("wait");
    assert_eq!(told(&events), [(tenant, Readiness::READ_CLOSED)]);
}

#[test]
fn fflags_carry_the_sockets_error() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    let reset = writable(token, EV_EOF).with_fflags(libc::ECONNRESET as u32);
    queue.plays([Answer::Events(vec![reset])]);
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    assert_eq!(told(&events), [(token, Readiness::ERROR)]);
}

#[test]
fn a_stale_event_reaches_nobody() {
    let queue = ScriptedQueue::default();
    let (mut sources, former) = queue.watching_one();
    drop(sources.deregister_closing(former).expect("deregister"));
    let tenant = sources.register(socket()).expect("register");
    queue.plays([Answer::Events(vec![
        readable(former, 0),
        readable(former, EV_EOF),
        readable(tenant, 0),
    ])]);
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    let alive: Vec<_> = sources.ready(&events).map(|(token, ..)| token).collect();
    assert_eq!(alive, [tenant]);
}
