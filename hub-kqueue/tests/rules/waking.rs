//! The user event: registered once, then only triggered; and what takes its place.

use std::time::Duration;

use eventlet_hub::{Events, Hub, Token};
use eventlet_hub_kqueue::KqueueHub;
use eventlet_hub_kqueue::constants::{
    EV_ADD, EV_CLEAR, EV_ENABLE, EV_RECEIPT, EVFILT_READ, EVFILT_USER, NOTE_TRIGGER,
};

use crate::scripted::{Answer, ScriptedQueue, event, rung};

#[test]
fn the_user_event_is_registered_once_and_then_triggered() {
    let queue = ScriptedQueue::default();
    let mut hub = KqueueHub::over(queue.clone()).expect("hub");
    let first = queue.calls();
    assert_eq!(first.len(), 1);
    let [change] = first[0].changes[..] else {
        panic!("one change: {first:?}");
    };
    assert_eq!(change.filter(), EVFILT_USER);
    assert_eq!(change.flags(), EV_ADD | EV_ENABLE | EV_CLEAR | EV_RECEIPT);

    let waker = hub.waker();
    for _ in 0..3 {
        waker.wake();
        waker.wake();
        let calls = queue.calls();
        assert_eq!(calls.len(), 1, "wake-ups coalesce");
        let [trigger] = calls[0].changes[..] else {
            panic!("one change: {calls:?}");
        };
        assert_eq!(trigger.fflags(), NOTE_TRIGGER);
        assert_eq!(trigger.flags(), 0, "it is there already");
        // Every change sets it anew.
        assert_eq!(trigger.udata(), Token::WAKER.to_word());
        assert_eq!(calls[0].room, 0, "and so there is no wait");

        queue.plays([Answer::Events(vec![rung()])]);
        let mut events = Events::new();
        hub.wait(&mut events, None).expect("wait");
        assert!(events.is_woken() && events.is_empty());
        queue.calls();
    }
}

#[test]
fn a_trigger_without_a_wake_ends_nothing() {
    let queue = ScriptedQueue::default();
    let mut hub = queue.hub();
    queue.plays([Answer::Events(vec![rung()])]);
    let mut events = Events::new();
    hub.wait(&mut events, Some(Duration::ZERO)).expect("wait");
    assert!(!events.is_woken());
}

#[test]
fn a_descriptor_where_the_system_has_no_user_events() {
    let queue = ScriptedQueue::new([Answer::Receipts(vec![libc::EINVAL])]);
    let mut hub = KqueueHub::over(queue.clone()).expect("hub");
    let calls = queue.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].changes.len(), 1);
    assert_eq!(calls[1].changes[0].filter(), EVFILT_READ);
    hub.waker().wake();
    assert_eq!(queue.calls(), [], "the queue has no part in it");
    queue.plays([Answer::Events(vec![event(Token::WAKER, EVFILT_READ, 0)])]);
    let mut events = Events::new();
    hub.wait(&mut events, None).expect("wait");
    assert!(events.is_woken());
}

#[test]
fn no_hub_without_a_waker() {
    for answers in [
        vec![Answer::Receipts(vec![libc::ENOMEM])],
        vec![
            Answer::Receipts(vec![libc::EINVAL]),
            Answer::Receipts(vec![libc::ENOMEM]),
        ],
        vec![Answer::Error(libc::ENOMEM)],
    ] {
        let error = KqueueHub::over(ScriptedQueue::new(answers)).expect_err("no memory");
        assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
    }
}

#[test]
fn a_failing_trigger_is_nobodys_business() {
    let queue = ScriptedQueue::default();
    let hub = queue.hub();
    queue.plays([Answer::Error(libc::EBADF)]);
    hub.waker().wake();
    assert_eq!(queue.calls().len(), 1);
}

#[test]
fn a_waker_keeps_the_queue() {
    let queue = ScriptedQueue::default();
    let hub = queue.hub();
    let waker = hub.waker();
    drop(hub);
    waker.wake();
    assert_eq!(queue.calls().len(), 1, "to nobody's harm");
}
