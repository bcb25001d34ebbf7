//! Killing a coroutine, in each state it can be in: destructors run, nothing is left behind.

use std::cell::Cell;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{
    Noted, flood, on_each_hub, on_each_hub_jumping, pair, record, until, until_parked,
};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{
    Interest, JoinError, JoinHandle, State, Wait, offload, sleep, spawn, spawn_after, stats,
    timeout, trampoline, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);

#[track_caller]
fn assert_killed<T: std::fmt::Debug>(handle: JoinHandle<T>) {
    assert!(matches!(handle.join(), Err(JoinError::Killed)));
}

/// Starts `wait`, lets it park for what `parked_on` says, kills it, and checks the contract.
#[track_caller]
fn kill_parked(wait: impl FnOnce() + 'static, parked_on: impl Fn(Wait) -> bool) {
    kill_parked_leaving(0, wait, parked_on);
}

/// As [`kill_parked`]; so many timers may be left: a socket with a time limit keeps one.
#[track_caller]
fn kill_parked_leaving(
    timers: usize,
    wait: impl FnOnce() + 'static,
    parked_on: impl Fn(Wait) -> bool,
) {
    let before = stats();
    let dropped = record();
    let note = Rc::clone(&dropped);
    let victim = spawn(move || {
        let _noted = Noted(note, "unwound");
        wait();
        unreachable!("it was killed while it waited");
    });
    until_parked(&victim);
    assert!(parked_on(victim.waits_for()), "{:?}", victim.waits_for());
    assert!(victim.kill().unwrap());
    assert!(dropped.borrow().is_empty(), "it unwinds in its own turn");
    assert_eq!(victim.state(), State::Ready);
    assert!(victim.kill().unwrap(), "it is alive still");
    assert_killed(victim);
    assert_eq!(*dropped.borrow(), ["unwound"]);
    let after = stats();
    assert_eq!(after.coroutines, before.coroutines);
    assert!(after.timers <= before.timers + timers);
    assert_eq!(after.descriptors, before.descriptors);
}

#[test]
fn before_it_started() {
    on_each_hub(|| {
        let dropped = record();
        let captured = Noted(Rc::clone(&dropped), "captured");
        let victim = spawn(move || {
            let _captured = captured;
            unreachable!("it was killed before");
        });
        assert!(victim.kill().unwrap());
        assert_killed(victim);
        assert_eq!(*dropped.borrow(), ["captured"]);
    });
}

#[test]
fn before_its_delayed_start() {
    on_each_hub_jumping(|_| {
        let victim = spawn_after(HOUR, || unreachable!("it was killed before"));
        assert!(victim.kill().unwrap());
        assert_eq!(stats().timers, 0, "its start is cancelled");
        assert_killed::<()>(victim);
    });
}

#[test]
fn while_it_is_ready() {
    on_each_hub(|| {
        let victim = spawn(|| {
            yield_now();
            unreachable!("it was killed while it was queued");
        });
        yield_now();
        assert_eq!(victim.state(), State::Ready);
        assert!(victim.kill().unwrap());
        assert_killed::<()>(victim);
    });
}

#[test]
fn while_it_sleeps() {
    on_each_hub(|| kill_parked(|| sleep(HOUR), |wait| wait == Wait::Sleep));
}

#[test]
fn while_it_reads() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let near = Rc::new(near);
        for limit in [None, Some(HOUR)] {
            near.set_read_timeout(limit).unwrap();
            let theirs = Rc::clone(&near);
            kill_parked_leaving(
                usize::from(limit.is_some()),
                move || drop((&*theirs).read(&mut [0])),
                |wait| matches!(wait, Wait::Read(_)),
            );
        }
        // The seat is free, and nothing was lost.
        far.write_all(b"x").unwrap();
        assert_eq!((&*near).read(&mut [0]).unwrap(), 1);
    });
}

#[test]
fn while_it_writes() {
    on_each_hub(|| {
        let (near, far) = pair();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        kill_parked(
            move || (&*theirs).write_all(&flood()).unwrap(),
            |wait| matches!(wait, Wait::Write(_)),
        );
        // The seat is free, and what was sent before is there.
        let reader = spawn(move || {
            let mut got = Vec::new();
            (&far).read_to_end(&mut got).unwrap();
            got
        });
        (&*near).write_all(b"the rest").unwrap();
        drop(near);
        assert!(reader.join().unwrap().ends_with(b".the rest"));
    });
}

#[test]
fn while_it_accepts() {
    on_each_hub(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let theirs = Rc::clone(&listener);
        kill_parked(
            move || drop(theirs.accept()),
            |wait| matches!(wait, Wait::Accept(_)),
        );
        let address = listener.local_addr().unwrap();
        let client = spawn(move || TcpStream::connect(address).unwrap());
        listener.accept().unwrap();
        client.join().unwrap();
    });
}

#[test]
fn while_it_connects() {
    on_each_hub(|| {
        // A listener whose queue is full answers no further connection.
        let listener = TcpListener::bind_with_backlog("127.0.0.1:0", 0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        let stuck = loop {
            let client = spawn(move || TcpStream::connect(address));
            // A connection over the loopback is there at once, or not at all for a second.
            until_parked_or_finished(&client);
            for _ in 0..100 {
                yield_now();
            }
            if !client.is_finished() {
                break client;
            }
            held.push(client.join().unwrap().unwrap());
        };
        assert!(matches!(stuck.waits_for(), Wait::Connect(_)));
        let before = stats().descriptors;
        assert!(stuck.kill().unwrap());
        assert!(matches!(stuck.join(), Err(JoinError::Killed)));
        assert_eq!(stats().descriptors, before - 1);
    });
}

fn until_parked_or_finished<T>(handle: &JoinHandle<T>) {
    until(|| handle.is_finished() || handle.state() == State::Parked);
}

#[test]
fn while_it_joins() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let joined = spawn(move || (&near).read_exact(&mut [0]).unwrap());
        let id = joined.id();
        kill_parked(
            move || joined.join().unwrap(),
            move |wait| wait == Wait::Join(id),
        );
        // Whom it joined goes on by itself.
        assert_eq!(stats().coroutines, 1);
        far.write_all(b"x").unwrap();
        until(|| stats().coroutines == 0);
    });
}

#[test]
fn while_it_waits_for_another_thread() {
    on_each_hub(|| {
        let (go_on, told) = mpsc::channel::<()>();
        kill_parked(
            move || drop(offload(move || told.recv())),
            |wait| wait == Wait::Offload,
        );
        // The call goes on, and its late answer wakes nobody out of something else.
        let other = spawn(|| sleep(HOUR));
        until_parked(&other);
        go_on.send(()).unwrap();
        for _ in 0..3 {
            offload(|| ()).unwrap();
        }
        assert_eq!(other.waits_for(), Wait::Sleep);
        other.kill().unwrap();
        assert_killed(other);
    });
}

#[test]
fn while_it_waits_for_a_foreign_descriptor() {
    on_each_hub(|| {
        let (reader, _writer) = std::io::pipe().unwrap();
        kill_parked(
            move || drop(trampoline(&reader, Interest::READABLE, Some(HOUR))),
            |wait| matches!(wait, Wait::Read(_)),
        );
    });
}

#[test]
fn a_finished_one() {
    on_each_hub(|| {
        let victim = spawn(|| 7);
        yield_now();
        assert!(!victim.kill().unwrap());
        assert_eq!(victim.join().unwrap(), 7, "its result stands");
    });
}

#[test]
fn itself() {
    on_each_hub(|| {
        let dropped = record();
        let note = Rc::clone(&dropped);
        let slot: Rc<Cell<Option<JoinHandle<()>>>> = Rc::default();
        let (own, back) = (Rc::clone(&slot), Rc::clone(&slot));
        slot.set(Some(spawn(move || {
            let _noted = Noted(note, "unwound");
            let me = own.take().unwrap();
            let outcome = catch_unwind(AssertUnwindSafe(|| me.kill()));
            assert!(outcome.is_err(), "it unwinds at once");
            back.set(Some(me));
            yield_now();
            unreachable!("a kill is sticky");
        })));
        yield_now();
        assert_killed(slot.take().unwrap());
        assert_eq!(*dropped.borrow(), ["unwound"]);
    });
}

#[test]
fn whoever_joins_later_is_told() {
    on_each_hub(|| {
        let victim = spawn(|| sleep(HOUR));
        until_parked(&victim);
        victim.kill().unwrap();
        let joiner = spawn(move || assert_killed(victim));
        joiner.join().unwrap();
    });
}

#[test]
fn a_swallowed_kill_is_raised_again() {
    on_each_hub(|| {
        let raised = Rc::new(Cell::new(0));
        let count = Rc::clone(&raised);
        let victim = spawn(move || {
            for _ in 0..3 {
                if catch_unwind(AssertUnwindSafe(|| sleep(HOUR))).is_err() {
                    count.set(count.get() + 1);
                }
            }
            "out of reach of further kills"
        });
        until_parked(&victim);
        victim.kill().unwrap();
        // It swallowed them all and returned: that is its result.
        assert_eq!(victim.join().unwrap(), "out of reach of further kills");
        assert_eq!(raised.get(), 3);
    });
}

#[test]
fn one_that_swallows_for_ever_does_not_hang_the_others() {
    on_each_hub(|| {
        let over = Rc::new(Cell::new(false));
        let is_over = Rc::clone(&over);
        let stubborn = spawn(move || {
            while !is_over.get() {
                let _ = catch_unwind(AssertUnwindSafe(|| sleep(HOUR)));
            }
        });
        until_parked(&stubborn);
        stubborn.kill().unwrap();
        let (near, mut far) = pair();
        let other = spawn(move || {
            let mut byte = [0];
            (&near).read_exact(&mut byte).unwrap();
            sleep(Duration::from_millis(1));
            byte[0]
        });
        far.write_all(b"x").unwrap();
        assert_eq!(other.join().unwrap(), b'x');
        over.set(true);
        stubborn.join().unwrap();
    });
}

#[test]
fn a_kill_goes_through_time_limits() {
    on_each_hub(|| {
        let victim = spawn(|| timeout(HOUR, || timeout(2 * HOUR, || sleep(HOUR))));
        until_parked(&victim);
        assert_eq!(stats().timers, 3);
        victim.kill().unwrap();
        assert!(matches!(victim.join(), Err(JoinError::Killed)));
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn a_kill_wins_against_what_came_at_the_same_time() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let victim = spawn(move || {
            (&near).read_exact(&mut [0]).unwrap();
            unreachable!("it was killed after the data had come, and before its turn");
        });
        until_parked(&victim);
        far.write_all(b"x").unwrap();
        until(|| victim.state() == State::Ready || victim.is_finished());
        victim.kill().unwrap();
        assert_killed::<()>(victim);
    });
}
