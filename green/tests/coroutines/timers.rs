//! Timers and the loop as coroutines see them: order, cancelling, whose timer it is, and what a
//! failure or an abandoned wait leaves of them.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{in_run, on_each_hub, on_each_hub_jumping, pair, until, until_parked};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::testing::{Watchdog, child_command, is_child};
use eventlet_green::{
    HUB_VARIABLE, Interest, call_after, now, sleep, spawn, spawn_after, stats, timeout, trampoline,
    yield_now,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const TIMERS: usize = 2_000;

#[test]
fn two_thousand_cancelled_ones_are_gone_at_once() {
    on_each_hub_jumping(|_| {
        let timers: Vec<_> = (0..TIMERS).map(|_| call_after(MINUTE, || ())).collect();
        assert_eq!(stats().timers, TIMERS);
        assert!(timers.iter().all(|timer| timer.cancel()));
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn cancelling_some_takes_none_of_the_others() {
    on_each_hub_jumping(|_| {
        let made = Rc::new(Cell::new(0));
        let timers: Vec<_> = (0..TIMERS)
            .map(|_| {
                let made = Rc::clone(&made);
                call_after(MINUTE, move || made.set(made.get() + 1))
            })
            .collect();
        // Fewer than half, scattered.
        let cancelled = timers.iter().step_by(3).filter(|timer| timer.cancel());
        let left = TIMERS - cancelled.count();
        assert_eq!(stats().timers, left);
        sleep(2 * MINUTE);
        assert_eq!(made.get(), left);
    });
}

#[test]
fn equal_delays_in_the_order_they_were_asked_for() {
    on_each_hub_jumping(|_| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let mut handles = Vec::new();
        for n in 0..100 {
            let order = Rc::clone(&order);
            let note = move || order.borrow_mut().push(n);
            match n % 2 {
                0 => {
                    let _ = call_after(SECOND, note);
                }
                _ => handles.push(spawn_after(SECOND, note)),
            }
        }
        sleep(2 * SECOND);
        handles.into_iter().for_each(|one| one.join().unwrap());
        // A delayed call's coroutine is made when its time has come, and gets its turn after those
        // that were made before; each kind keeps its own order.
        let order = order.take();
        for kind in 0..2 {
            let of_kind: Vec<_> = order.iter().filter(|n| **n % 2 == kind).collect();
            assert!(of_kind.is_sorted() && of_kind.len() == 50, "{order:?}");
        }
    });
}

#[test]
fn sleepers_of_equal_length_wake_in_the_order_they_lay_down() {
    on_each_hub_jumping(|_| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let handles: Vec<_> = (0..100)
            .map(|n| {
                let order = Rc::clone(&order);
                spawn(move || {
                    sleep(SECOND);
                    order.borrow_mut().push(n);
                })
            })
            .collect();
        handles.into_iter().for_each(|one| one.join().unwrap());
        assert!(order.borrow().is_sorted());
    });
}

#[test]
fn a_coroutines_own_timers_end_with_it_and_a_delayed_call_does_not() {
    on_each_hub_jumping(|_| {
        let made = Rc::new(Cell::new(false));
        let theirs = Rc::clone(&made);
        let victim = spawn(move || {
            let _ = call_after(MINUTE, move || theirs.set(true));
            let _ = timeout(MINUTE, || sleep(MINUTE));
        });
        until_parked(&victim);
        assert_eq!(stats().timers, 3, "its limit, its sleep, and the call");
        victim.kill().unwrap();
        assert!(victim.join().is_err());
        assert_eq!(stats().timers, 1);
        sleep(2 * MINUTE);
        assert!(made.get());
    });
}

#[test]
fn a_panic_in_between_does_not_disturb_sleeps() {
    on_each_hub_jumping(|_| {
        let start = now();
        for n in 1..10 {
            let _ = call_after(n * SECOND, || resume_unwind(Box::new("on purpose")));
        }
        let sleeper = spawn(move || {
            sleep(5 * SECOND);
            now() - start
        });
        assert_eq!(sleeper.join().unwrap(), 5 * SECOND);
        sleep(5 * SECOND);
        assert_eq!(now() - start, 10 * SECOND);
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn one_who_turned_the_loop_and_gave_up_leaves_the_others_going() {
    // The root stack turns the loop while it waits. Its wait is cut off, again and again; whoever
    // else waits goes on all the same.
    on_each_hub_jumping(|_| {
        let ticks = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&ticks);
        let ticker = spawn(move || {
            for _ in 0..10 {
                sleep(SECOND);
                theirs.set(theirs.get() + 1);
            }
        });
        for n in 1..=5 {
            let half = Duration::from_millis(500);
            assert!(timeout(half, || sleep(MINUTE)).is_err());
            assert!(timeout(half, || sleep(MINUTE)).is_err());
            yield_now();
            assert_eq!(ticks.get(), n);
        }
        ticker.join().unwrap();
        assert_eq!(ticks.get(), 10);
    });
}

#[test]
fn what_cannot_be_waited_for_is_refused_the_same_each_time() {
    on_each_hub(|| {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let ask = || {
            let outcome = trampoline(&file, Interest::READABLE, Some(SECOND));
            outcome.map_err(|error| error.kind())
        };
        assert_eq!(ask(), ask());
        let (near, far) = pair();
        near.close().unwrap();
        drop(far);
        let ask = || (&near).read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(ask(), Err(ErrorKind::NotConnected));
        assert_eq!(ask(), ask());
        assert_eq!(stats().descriptors, 0);
    });
}

#[test]
fn a_child_accepts_on_the_inherited_listener_while_the_parent_connects() {
    const TEST: &str =
        "coroutines::timers::a_child_accepts_on_the_inherited_listener_while_the_parent_connects";
    if is_child() {
        let _watchdog = Watchdog::new("child");
        return in_run(|| {
            let inherited = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
            let listener = TcpListener::from_std(inherited.into()).unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"from the child").unwrap();
        });
    }
    on_each_hub(|| {
        // This loop watches it as well, and has nobody waiting.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut child = child_command(TEST).unwrap();
        child.stdin(Stdio::from(listener.as_fd().try_clone_to_owned().unwrap()));
        child.env(HUB_VARIABLE, stats().hub).stdout(Stdio::null());
        let mut child = child.spawn().unwrap();
        let ticks = spawn(|| (0..3).for_each(|_| yield_now()));
        let mut text = String::new();
        TcpStream::connect(address)
            .and_then(|mut stream| stream.read_to_string(&mut text))
            .unwrap();
        assert_eq!(text, "from the child");
        assert!(child.wait().unwrap().success());
        ticks.join().unwrap();
    });
}

#[test]
fn the_loop_keeps_nothing_of_a_socket_after_a_clean_or_a_timed_out_end() {
    on_each_hub_jumping(|_| {
        for times_out in [false, true] {
            let (near, mut far) = pair();
            let held = Rc::new(());
            let theirs = Rc::clone(&held);
            let reader = spawn(move || {
                let _held = theirs;
                near.set_read_timeout(Some(SECOND)).unwrap();
                (&near).read(&mut [0; 8]).map_err(|error| error.kind())
            });
            until_parked(&reader);
            if !times_out {
                far.write_all(b"x").unwrap();
            }
            until(|| !times_out || stats().timers == 1);
            let expected = if times_out {
                Err(ErrorKind::TimedOut)
            } else {
                Ok(1)
            };
            assert_eq!(reader.join().unwrap(), expected);
            assert_eq!(Rc::strong_count(&held), 1);
            assert_eq!((stats().descriptors, stats().timers), (1, 0));
            // It is closed, not only forgotten.
            assert_eq!(far.read(&mut [0; 8]).unwrap(), 0);
        }
    });
}

#[test]
fn a_call_that_has_started_is_not_cancelled_any_more() {
    on_each_hub_jumping(|_| {
        let ended = Rc::new(Cell::new(false));
        let theirs = Rc::clone(&ended);
        let call = call_after(SECOND, move || {
            sleep(SECOND);
            theirs.set(true);
        });
        sleep(SECOND + Duration::from_millis(1));
        assert_eq!(stats().coroutines, 1, "it is under way");
        assert!(!call.cancel());
        sleep(SECOND);
        assert!(ended.get());
    });
}
