//! The emulated queue keeps the rules of kqueue(2) that its documentation states.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use eventlet_hub_kqueue::constants::{
    EV_ADD, EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_ENABLE, EV_EOF, EV_ERROR, EV_ONESHOT,
    EV_RECEIPT, EVFILT_READ, EVFILT_USER, EVFILT_WRITE, NOTE_TRIGGER,
};
use eventlet_hub_kqueue::{EmulatedQueue, Kevent, Queue};

const NOW: Option<Duration> = Some(Duration::ZERO);
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));
const ROOM: usize = 8;

fn queue() -> EmulatedQueue {
    EmulatedQueue::new().expect("queue")
}

/// A socket with something to read, and its peer.
fn readable() -> (UnixStream, UnixStream) {
    let (near, mut far) = UnixStream::pair().expect("pair");
    far.write_all(b"x").expect("write");
    (near, far)
}

fn change(socket: &UnixStream, filter: i32, flags: u32) -> Kevent {
    Kevent::new(socket.as_raw_fd() as usize, filter, flags, 1)
}

fn submit(queue: &EmulatedQueue, change: Kevent) -> Result<(), Option<i32>> {
    match queue.kevent(&[change], &mut [], NOW) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.raw_os_error()),
    }
}

fn look(queue: &EmulatedQueue) -> Vec<Kevent> {
    let mut events = [Kevent::EMPTY; ROOM];
    let count = queue.kevent(&[], &mut events, NOW).expect("kevent");
    events[..count].to_vec()
}

#[test]
fn without_room_the_first_failure_ends_the_list() {
    let queue = queue();
    let (near, _far) = readable();
    let bad = change(&near, EVFILT_WRITE, EV_DELETE);
    let good = change(&near, EVFILT_READ, EV_ADD);
    let error = queue
        .kevent(&[bad, good], &mut [], NOW)
        .expect_err("ENOENT");
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    assert_eq!(look(&queue), [], "the second was not applied");
}

#[test]
fn with_room_a_failure_is_answered_and_the_rest_applied() {
    let queue = queue();
    let (near, _far) = readable();
    let bad = change(&near, EVFILT_WRITE, EV_DELETE);
    let good = change(&near, EVFILT_READ, EV_ADD);
    let mut events = [Kevent::EMPTY; ROOM];
    let count = queue.kevent(&[bad, good], &mut events, None);
    assert_eq!(
        count.expect("kevent"),
        1,
        "the answer, and no event with it"
    );
    assert_eq!(events[0].flags(), EV_ERROR);
    assert_eq!(events[0].data(), libc::ENOENT.into());
    assert_eq!(look(&queue).len(), 1);
}

#[test]
fn receipts_are_given_for_successes_too_and_keep_events_out() {
    let queue = queue();
    let (near, _far) = readable();
    let both = [EVFILT_READ, EVFILT_WRITE]
        .map(|filter| change(&near, filter, EV_ADD | EV_CLEAR | EV_RECEIPT));
    let mut events = [Kevent::EMPTY; ROOM];
    let count = queue.kevent(&both, &mut events, None).expect("kevent");
    assert_eq!(count, 2);
    for receipt in &events[..count] {
        assert_eq!((receipt.flags(), receipt.data()), (EV_ERROR, 0));
    }
    assert_eq!(look(&queue).len(), 2, "the events are still there");
}

#[test]
fn changes_and_events_go_in_one_call() {
    let queue = queue();
    let (near, _far) = readable();
    let add = change(&near, EVFILT_READ, EV_ADD | EV_CLEAR);
    let mut events = [Kevent::EMPTY; ROOM];
    let count = queue.kevent(&[add], &mut events, PATIENCE).expect("kevent");
    assert_eq!(count, 1);
    assert_eq!(events[0].filter(), EVFILT_READ);
    assert_eq!(events[0].ident(), near.as_raw_fd() as usize);
}

#[test]
fn events_come_in_batches() {
    let queue = queue();
    let pairs: Vec<_> = (0..2 * ROOM).map(|_| readable()).collect();
    for (near, _) in &pairs {
        submit(&queue, change(near, EVFILT_READ, EV_ADD | EV_CLEAR)).expect("add");
    }
    let mut seen: Vec<usize> = Vec::new();
    for _ in 0..2 {
        let batch = look(&queue);
        assert_eq!(batch.len(), ROOM);
        seen.extend(batch.iter().map(Kevent::ident));
    }
    let numbers: Vec<usize> = pairs
        .iter()
        .map(|(near, _)| near.as_raw_fd() as usize)
        .collect();
    assert_eq!(seen, numbers, "each once, in the order they came");
}

#[test]
fn a_second_add_changes_udata_and_looks_again() {
    let queue = queue();
    let (near, _far) = readable();
    let add = change(&near, EVFILT_READ, EV_ADD | EV_CLEAR);
    submit(&queue, add).expect("add");
    assert_eq!(look(&queue).len(), 1);
    assert_eq!(look(&queue), [], "an edge is told once");
    let again = Kevent::new(add.ident(), EVFILT_READ, EV_ADD | EV_CLEAR, 2);
    submit(&queue, again).expect("add");
    let events = look(&queue);
    assert_eq!(events.len(), 1, "it is ready still");
    assert_eq!(events[0].udata(), 2);
}

#[test]
fn a_second_add_does_not_change_how_it_is_told() {
    let queue = queue();
    let (near, _far) = readable();
    submit(&queue, change(&near, EVFILT_READ, EV_ADD | EV_CLEAR)).expect("add");
    for flags in [EV_ADD, EV_ADD | EV_ONESHOT, EV_ADD | EV_DISPATCH] {
        submit(&queue, change(&near, EVFILT_READ, flags)).expect("add");
        assert_eq!(look(&queue).len(), 1);
        assert_eq!(look(&queue), [], "still edge-triggered");
    }
    submit(&queue, change(&near, EVFILT_READ, EV_DELETE)).expect("it is there still");
}

#[test]
fn an_add_alone_does_not_enable() {
    let queue = queue();
    let (near, _far) = readable();
    let flags = EV_ADD | EV_CLEAR;
    submit(&queue, change(&near, EVFILT_READ, flags | EV_DISABLE)).expect("add");
    assert_eq!(look(&queue), []);
    submit(&queue, change(&near, EVFILT_READ, flags)).expect("add");
    assert_eq!(look(&queue), [], "still disabled");
    submit(&queue, change(&near, EVFILT_READ, flags | EV_ENABLE)).expect("add");
    assert_eq!(look(&queue).len(), 1);
}

#[test]
fn one_shot_and_dispatch() {
    let queue = queue();
    let (near, _far) = readable();
    submit(&queue, change(&near, EVFILT_READ, EV_ADD | EV_ONESHOT)).expect("add");
    assert_eq!(look(&queue).len(), 1);
    let gone = submit(&queue, change(&near, EVFILT_READ, EV_DELETE));
    assert_eq!(gone, Err(Some(libc::ENOENT)));
    submit(&queue, change(&near, EVFILT_READ, EV_ADD | EV_DISPATCH)).expect("add");
    assert_eq!(look(&queue).len(), 1);
    assert_eq!(look(&queue), [], "disabled by its report");
    submit(&queue, change(&near, EVFILT_READ, EV_ENABLE)).expect("it is there still");
    assert_eq!(look(&queue).len(), 1);
}

#[test]
fn without_clear_it_is_told_as_long_as_it_is_ready() {
    let queue = queue();
    let (mut near, _far) = readable();
    submit(&queue, change(&near, EVFILT_READ, EV_ADD)).expect("add");
    assert_eq!(look(&queue).len(), 1);
    assert_eq!(look(&queue).len(), 1);
    near.read_exact(&mut [0]).expect("read");
    assert_eq!(look(&queue), []);
}

#[test]
fn filters_are_independent() {
    let queue = queue();
    let (near, _far) = readable();
    for filter in [EVFILT_READ, EVFILT_WRITE] {
        submit(&queue, change(&near, filter, EV_ADD | EV_CLEAR)).expect("add");
    }
    submit(&queue, change(&near, EVFILT_READ, EV_DELETE)).expect("delete");
    let events = look(&queue);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].filter(), EVFILT_WRITE);
}

#[test]
fn closing_ends_a_registration_even_if_the_file_lives_on() {
    // Another thread of the tests may have opened the number meanwhile, which nobody can tell apart: then
    // it is tried again.
    let is_shown = (0..1000).any(|_| {
        let queue = queue();
        let (near, mut far) = readable();
        let elsewhere = near.try_clone().expect("dup");
        submit(&queue, change(&near, EVFILT_READ, EV_ADD | EV_CLEAR)).expect("add");
        let gone = change(&near, EVFILT_READ, EV_DELETE);
        let number = near.as_raw_fd();
        drop(near);
        far.write_all(b"y").expect("write");
        let events = look(&queue);
        let outcome = submit(&queue, gone);
        drop(elsewhere);
        if Path::new(&format!("/proc/self/fd/{number}")).exists() {
            return false;
        }
        assert_eq!(events, []);
        let kinds = [Err(Some(libc::EBADF)), Err(Some(libc::ENOENT))];
        assert!(kinds.contains(&outcome), "{outcome:?}");
        true
    });
    assert!(is_shown, "the number was always taken");
}

#[test]
fn an_end_of_one_direction_is_not_one_of_the_other() {
    let queue = queue();
    let (near, far) = readable();
    for filter in [EVFILT_READ, EVFILT_WRITE] {
        submit(&queue, change(&near, filter, EV_ADD | EV_CLEAR)).expect("add");
    }
    look(&queue);
    far.shutdown(std::net::Shutdown::Write).expect("shutdown");
    let ends = |events: Vec<Kevent>| -> Vec<i32> {
        events
            .iter()
            .filter(|event| event.flags() & EV_EOF != 0)
            .map(Kevent::filter)
            .collect()
    };
    assert_eq!(ends(look(&queue)), [EVFILT_READ]);
    drop(far);
    let mut both = ends(look(&queue));
    both.sort();
    assert_eq!(both, [EVFILT_WRITE, EVFILT_READ]);
}

#[test]
fn a_pipe_that_nobody_reads_is_refused() {
    let queue = queue();
    let (reader, writer) = std::io::pipe().expect("pipe");
    drop(reader);
    let add = Kevent::new(writer.as_raw_fd() as usize, EVFILT_WRITE, EV_ADD, 0);
    assert_eq!(submit(&queue, add), Err(Some(libc::EPIPE)));
}

#[test]
fn a_user_event_is_told_once_for_many_triggers() {
    let queue = queue();
    let trigger = Kevent::new(0, EVFILT_USER, 0, 9).with_fflags(NOTE_TRIGGER);
    assert_eq!(submit(&queue, trigger), Err(Some(libc::ENOENT)));
    submit(&queue, Kevent::new(0, EVFILT_USER, EV_ADD | EV_CLEAR, 9)).expect("add");
    assert_eq!(look(&queue), []);
    for _ in 0..3 {
        submit(&queue, trigger).expect("trigger");
    }
    let events = look(&queue);
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].filter(), events[0].udata()), (EVFILT_USER, 9));
    assert_eq!(look(&queue), []);
}

#[test]
fn an_unknown_filter_is_refused() {
    const NONE_SUCH: i32 = -99;
    let queue = EmulatedQueue::without_user_events().expect("queue");
    let (near, _far) = readable();
    for filter in [NONE_SUCH, EVFILT_USER] {
        let outcome = submit(&queue, change(&near, filter, EV_ADD));
        assert_eq!(outcome, Err(Some(libc::EINVAL)));
    }
}

#[test]
fn a_wait_lasts_at_least_its_nanoseconds() {
    let queue = queue();
    let timeout = Duration::from_micros(300);
    let start = Instant::now();
    let mut events = [Kevent::EMPTY; ROOM];
    let count = queue.kevent(&[], &mut events, Some(timeout));
    assert_eq!(count.expect("kevent"), 0);
    assert!(start.elapsed() >= timeout);
}
