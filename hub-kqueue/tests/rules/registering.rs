//! What is submitted for a registration, and for its end; what becomes of refusals.

use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use eventlet_hub::{Events, Hub, Readiness, Sources, Token};
use eventlet_hub_kqueue::Kevent;
use eventlet_hub_kqueue::constants::{
    EV_ADD, EV_CLEAR, EV_DELETE, EV_ENABLE, EV_RECEIPT, EVFILT_READ, EVFILT_WRITE,
};

use crate::scripted::{Answer, Call, ScriptedQueue, readable, socket};

/// One call for both directions: with receipts, room for them, and no wait.
fn call(number: i32, flags: u32, udata: usize) -> Call {
    let change = |filter| Kevent::new(number as usize, filter, flags | EV_RECEIPT, udata);
    Call {
        changes: vec![change(EVFILT_READ), change(EVFILT_WRITE)],
        room: 2,
        timeout: Some(Duration::ZERO),
    }
}

#[test]
fn a_registration_is_one_call_with_receipts_and_without_a_wait() {
    let queue = ScriptedQueue::default();
    let mut sources = Sources::new(queue.hub());
    let socket = socket();
    let number = socket.as_raw_fd();
    let token = sources.register(socket).expect("register");
    let flags = EV_ADD | EV_ENABLE | EV_CLEAR;
    assert_eq!(queue.calls(), [call(number, flags, token.to_word())]);
}

#[test]
fn arming_is_free() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    sources
        .arm(token, eventlet_hub::Interest::BOTH)
        .expect("arm");
    assert_eq!(queue.calls(), []);
}

#[test]
fn an_error_in_the_middle_of_the_list_takes_the_rest_back() {
    for errors in [[0, libc::ENOMEM], [libc::ENOMEM, 0]] {
        let queue = ScriptedQueue::default();
        let mut sources = Sources::new(queue.hub());
        queue.plays([Answer::Receipts(errors.to_vec())]);
        let refused = sources.register(socket()).expect_err("no memory");
        assert_eq!(refused.error.raw_os_error(), Some(libc::ENOMEM));
        let number = refused.source.as_raw_fd();
        assert_eq!(queue.calls()[1..], [call(number, EV_DELETE, 0)]);
        // The table has forgotten it as well.
        assert!(sources.is_empty());
        sources.register(refused.source).expect("at the second try");
    }
}

#[test]
fn a_direction_that_does_not_exist_is_no_error() {
    let queue = ScriptedQueue::default();
    let mut sources = Sources::new(queue.hub());
    for errors in [[0, libc::EINVAL], [libc::EINVAL, 0]] {
        queue.plays([Answer::Receipts(errors.to_vec())]);
        sources
            .register(socket())
            .expect("the other one is watched");
    }
    queue.plays([Answer::Receipts(vec![libc::EINVAL; 2])]);
    let refused = sources.register(socket()).expect_err("neither exists");
    assert_eq!(refused.error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn an_interruption_hides_the_receipts_so_the_changes_are_submitted_again() {
    let queue = ScriptedQueue::default();
    let mut sources = Sources::new(queue.hub());
    // Applied, by the manual; but who knows which of them failed?
    queue.plays([
        Answer::Error(libc::EINTR),
        Answer::Error(libc::EINTR),
        Answer::Receipts(vec![0, libc::ENOMEM]),
    ]);
    let refused = sources.register(socket()).expect_err("the third tells");
    assert_eq!(refused.error.raw_os_error(), Some(libc::ENOMEM));
    let calls = queue.calls();
    assert_eq!(calls[0], calls[1]);
    assert_eq!(calls[1], calls[2]);
}

#[test]
fn a_call_that_fails_as_a_whole_registers_nothing() {
    let queue = ScriptedQueue::default();
    let mut sources = Sources::new(queue.hub());
    queue.plays([Answer::Error(libc::EBADF)]);
    let refused = sources.register(socket()).expect_err("a closed queue");
    assert_eq!(refused.error.raw_os_error(), Some(libc::EBADF));
    assert!(sources.is_empty());
}

#[test]
fn receipts_in_another_order_are_told_apart() {
    let queue = ScriptedQueue::default();
    let mut sources = Sources::new(queue.hub());
    let socket = socket();
    let receipt = |filter, error: i32| {
        Kevent::new(
            socket.as_raw_fd() as usize,
            filter,
            eventlet_hub_kqueue::constants::EV_ERROR,
            0,
        )
        .with_data(error.into())
    };
    queue.plays([Answer::Events(vec![
        receipt(EVFILT_WRITE, libc::EPIPE),
        receipt(EVFILT_READ, 0),
    ])]);
    sources.register(socket).expect("EPIPE is no refusal");
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    assert_eq!(events.len(), 1);
}

#[test]
fn a_pipe_that_nobody_reads_is_reported_without_the_queues_help() {
    let queue = ScriptedQueue::default();
    let mut sources = Sources::new(queue.hub());
    let mut events = Events::with_capacity(1);
    let broken: Vec<Token> = (0..3)
        .map(|_| {
            queue.plays([Answer::Receipts(vec![0, libc::EPIPE])]);
            sources.register(socket()).expect("register")
        })
        .collect();
    // One of them leaves before it is told.
    drop(sources.deregister(broken[1]).expect("deregister"));
    for token in [broken[0], broken[2]] {
        // For ever: it is there already.
        sources.wait(&mut events, None).expect("wait");
        let told: Vec<_> = sources.ready(&events).collect();
        let [(told, _, readiness)] = told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(told, token);
        assert_eq!(readiness, Readiness::READABLE | Readiness::WRITABLE);
    }
    sources
        .wait(&mut events, Some(Duration::ZERO))
        .expect("wait");
    assert!(events.is_empty(), "once: {events:?}");
}

#[test]
fn what_is_due_does_not_keep_events_out() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    queue.plays([
        Answer::Receipts(vec![0, libc::EPIPE]),
        Answer::Events(vec![readable(token, 0)]),
    ]);
    sources.register(socket()).expect("register");
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    assert_eq!(events.len(), 2);
    let waits = queue.calls();
    assert_eq!(waits[1].timeout, Some(Duration::ZERO), "only looked");
}

#[test]
fn an_end_is_one_call_and_accepts_that_there_is_nothing_left() {
    for errors in [[0, 0], [libc::ENOENT, libc::ENOENT], [libc::EBADF, 0]] {
        let queue = ScriptedQueue::default();
        let mut hub = queue.hub();
        let (socket, token) = (socket(), Token::new(0, 0));
        // SAFETY: the socket lives until the end of the test, and so does the hub.
        unsafe { hub.register(socket.as_fd(), token) }.expect("register");
        queue.calls();
        queue.plays([Answer::Receipts(errors.to_vec())]);
        hub.deregister(token).expect("it is gone in any case");
        assert_eq!(queue.calls(), [call(socket.as_raw_fd(), EV_DELETE, 0)]);
    }
}

#[test]
fn an_end_that_fails_otherwise_says_so() {
    let queue = ScriptedQueue::default();
    let mut hub = queue.hub();
    let (socket, token) = (socket(), Token::new(0, 0));
    // SAFETY: the socket lives until the end of the test, and so does the hub.
    unsafe { hub.register(socket.as_fd(), token) }.expect("register");
    queue.plays([Answer::Receipts(vec![libc::ENOENT, libc::ENOMEM])]);
    let error = hub
        .deregister(token)
        .expect_err("not of the kind that is fine");
    assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
    // Nothing is registered all the same.
    let error = hub.deregister(token).expect_err("unknown by now");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn an_end_with_the_descriptor_costs_no_call() {
    let queue = ScriptedQueue::default();
    let (mut sources, token) = queue.watching_one();
    drop(sources.deregister_closing(token).expect("deregister"));
    assert_eq!(queue.calls(), []);
}
