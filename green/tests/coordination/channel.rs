//! The rendezvous channel: who meets whom, in which order they go on, and what can end a wait.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until, until_parked};
use eventlet_green::channel::{
    RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError, bounded, rendezvous,
    unbounded,
};
use eventlet_green::{JoinError, ParkError, Wait, call_after, spawn, timeout, yield_now};
use eventlet_runloop::{Clock, Time};

const SECOND: Duration = Duration::from_secs(1);

type Events = Rc<RefCell<Vec<String>>>;

fn note(events: &Events, text: impl Into<String>) {
    events.borrow_mut().push(text.into());
}

/// Sends and receives, each noting before and after, in the order in which they are spawned.
#[track_caller]
fn meeting(first_sends: bool, expected: [&str; 4]) {
    let events = Events::default();
    let (sender, receiver) = rendezvous();
    let mut parties: Vec<Box<dyn FnOnce()>> = Vec::new();
    let log = Rc::clone(&events);
    let balance = sender.clone();
    parties.push(Box::new(move || {
        note(&log, "sending");
        sender.send(1).unwrap();
        note(&log, format!("sent, {}", balance.balance()));
    }));
    let log = Rc::clone(&events);
    parties.push(Box::new(move || {
        note(&log, "receiving");
        let value = receiver.recv().unwrap();
        note(&log, format!("received {value}, {}", receiver.balance()));
    }));
    if !first_sends {
        parties.reverse();
    }
    let handles: Vec<_> = parties.into_iter().map(spawn).collect();
    for handle in handles {
        handle.join().unwrap();
    }
    assert_eq!(*events.borrow(), expected);
}

#[test]
fn whoever_waited_goes_on_first_then_the_one_who_came() {
    on_each_hub(|| {
        meeting(false, ["receiving", "sending", "received 1, 0", "sent, 0"]);
        meeting(true, ["sending", "receiving", "sent, 0", "received 1, 0"]);
    });
}

#[test]
fn neither_side_goes_on_alone() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let other = sender.clone();
        let sending = spawn(move || other.send('a').unwrap());
        until_parked(&sending);
        assert_eq!(sending.waits_for(), Wait::Send);
        assert_eq!((sender.balance(), sender.waiting_senders()), (1, 1));
        assert!(sender.is_empty() && sender.is_full());
        assert_eq!(receiver.recv().unwrap(), 'a');
        sending.join().unwrap();
        assert_eq!(sender.balance(), 0);

        let receiving = spawn(move || receiver.recv().unwrap());
        until_parked(&receiving);
        assert_eq!(receiving.waits_for(), Wait::Receive);
        assert_eq!((sender.balance(), sender.waiting_receivers()), (-1, 1));
        sender.send('b').unwrap();
        assert!(receiving.is_finished(), "it went on first");
        assert_eq!(receiving.join().unwrap(), 'b');
    });
}

#[test]
fn the_kth_sender_meets_the_kth_receiver() {
    on_each_hub(|| {
        for senders_first in [true, false] {
            let (sender, receiver) = rendezvous();
            let send = |number: usize| {
                let sender = sender.clone();
                spawn(move || sender.send(number).unwrap())
            };
            let receive = |number: usize| {
                let receiver = receiver.clone();
                spawn(move || assert_eq!(receiver.recv().unwrap(), number))
            };
            let mut handles: Vec<_> = if senders_first {
                (0..5).map(send).collect()
            } else {
                (0..5).map(receive).collect()
            };
            until_parked(&handles[4]);
            assert_eq!(sender.balance(), if senders_first { 5 } else { -5 });
            if senders_first {
                handles.extend((0..5).map(receive));
            } else {
                handles.extend((0..5).map(send));
            }
            for handle in handles {
                handle.join().unwrap();
            }
            assert_eq!(sender.balance(), 0);
        }
    });
}

#[test]
fn an_error_in_place_of_a_value() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous::<Result<u32, &str>>();
        let receiving = spawn(move || [receiver.recv().unwrap(), receiver.recv().unwrap()]);
        sender.send_error("broken").unwrap();
        sender.send(Ok(1)).unwrap();
        assert_eq!(receiving.join().unwrap(), [Err("broken"), Ok(1)]);
    });
}

#[test]
fn limits_of_time() {
    on_each_hub_jumping(|clock| {
        let (sender, receiver) = rendezvous();
        let error = sender.send_timeout("back", SECOND).unwrap_err();
        assert!(error.is_timed_out() && !error.is_closed());
        assert_eq!(error.to_string(), "nobody took the value in time");
        assert_eq!(error.into_value(), "back");
        let error = receiver.recv_timeout(SECOND).unwrap_err();
        assert!(matches!(error, RecvTimeoutError::TimedOut) && error.is_timed_out());
        assert_eq!(clock.now() - Time::ORIGIN, 2 * SECOND);
        assert_eq!(sender.balance(), 0, "nobody is left in line");

        // In time.
        let other = sender.clone();
        call_after(SECOND, move || other.send("late").unwrap());
        assert_eq!(receiver.recv_timeout(2 * SECOND).unwrap(), "late");
        let other = receiver.clone();
        call_after(SECOND, move || assert_eq!(other.recv().unwrap(), "x"));
        sender.send_timeout("x", 2 * SECOND).unwrap();

        timeout(SECOND, || receiver.recv()).unwrap_err();
        timeout(SECOND, || sender.send("lost with its sender")).unwrap_err();
        assert_eq!(sender.balance(), 0);
    });
}

#[test]
fn without_waiting() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        assert!(matches!(sender.try_send(1), Err(TrySendError::Full(1))));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let other = receiver.clone();
        let receiving = spawn(move || other.recv().unwrap());
        until_parked(&receiving);
        sender.try_send(2).unwrap();
        assert!(!receiving.is_finished(), "it does not give the thread away");
        assert_eq!(receiving.join().unwrap(), 2);
        let other = sender.clone();
        let sending = spawn(move || other.send(3));
        until_parked(&sending);
        assert_eq!(receiver.try_recv(), Ok(3));
        assert!(!sending.is_finished());
        sending.join().unwrap().unwrap();
    });
}

#[test]
fn a_panic_at_the_wait_leaves_no_waiter() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous::<u8>();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            struct Sends<'a>(&'a dyn Fn());
            impl Drop for Sends<'_> {
                fn drop(&mut self) {
                    (self.0)();
                }
            }
            let _refused = Sends(&|| {
                let error = sender.send(1).unwrap_err();
                assert!(matches!(error, SendError::Refused(1, ParkError::Unwinding)));
                let error = receiver.recv().unwrap_err();
                assert!(matches!(error, RecvError::Refused(ParkError::Unwinding)));
                assert_eq!(receiver.iter().next(), None);
            });
            panic!("on purpose");
        }));
        outcome.unwrap_err();
        assert_eq!(sender.balance(), 0);
    });
}

#[test]
fn what_nobody_can_end_is_reported_and_the_value_comes_back() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let error = sender.send("back").unwrap_err();
        assert!(!error.is_closed());
        let text = error.to_string();
        assert!(
            text.contains("the root stack waits for room in a channel"),
            "{text}"
        );
        assert_eq!(error.into_value(), "back");
        let RecvError::Refused(ParkError::Deadlock(report)) = receiver.recv().unwrap_err() else {
            panic!("no deadlock");
        };
        assert_eq!(report.root(), Wait::Receive);
        catch_unwind(AssertUnwindSafe(|| receiver.iter().next())).unwrap_err();
        assert_eq!(sender.balance(), 0);
    });
}

/// One that is running may take all that is there; that they let others go between two values is
/// what makes them equals. At a rendezvous they always do.
fn between(capacity: usize) {
    if capacity > 0 {
        yield_now();
    }
}

#[test]
fn two_workers_are_served_alike() {
    on_each_hub(|| {
        for capacity in [0, 1, 7] {
            let (sender, receiver) = bounded(capacity);
            let counts = [0; 2].map(|_| Rc::new(Cell::new(0_u32)));
            let workers = counts.clone().map(|count| {
                let receiver = receiver.clone();
                spawn(move || {
                    for () in receiver {
                        count.set(count.get() + 1);
                        between(capacity);
                    }
                })
            });
            (0..10_000).for_each(|_| sender.send(()).unwrap());
            drop(sender);
            for worker in workers {
                worker.join().unwrap();
            }
            let [first, second] = counts.map(|count| count.get());
            assert_eq!(first + second, 10_000);
            assert!(first.abs_diff(second) <= 500, "{first}, {second}");
        }
    });
}

#[test]
fn two_senders_are_served_alike() {
    on_each_hub(|| {
        for capacity in [0, 1, 7] {
            let (sender, receiver) = bounded(capacity);
            let senders = [0, 1].map(|name: usize| {
                let sender = sender.clone();
                spawn(move || {
                    while sender.send(name).is_ok() {
                        between(capacity);
                    }
                })
            });
            let mut counts = [0_u32; 2];
            for name in receiver.iter().take(10_000) {
                counts[name] += 1;
            }
            receiver.close();
            for sender in senders {
                sender.join().unwrap();
            }
            assert!(counts[0].abs_diff(counts[1]) <= 500, "{counts:?}");
        }
    });
}

#[test]
fn a_line_of_waiters_can_be_killed_in_any_order() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded::<u32>();
        let waiters: Vec<_> = (0..5_000)
            .map(|_| {
                let receiver = receiver.clone();
                spawn(move || receiver.recv().unwrap())
            })
            .collect();
        until(|| sender.waiting_receivers() == 5_000);
        for waiter in waiters.iter().rev().skip(1) {
            waiter.kill().unwrap();
        }
        sender.send(7).unwrap();
        let mut outcomes = waiters.into_iter().map(|waiter| waiter.join());
        assert_eq!(outcomes.next_back().unwrap().unwrap(), 7);
        assert!(outcomes.all(|outcome| matches!(outcome, Err(JoinError::Killed))));
        assert_eq!(sender.balance(), 0);
    });
}
