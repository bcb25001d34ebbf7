//! The order of a turn, what frames a run, and how leaving, aborting and waking end them.

mod support;

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Readiness;
use eventlet_runloop::{Activities, Budget, Ended, ObserverLife, Turned};
use support::{Log, Loop, any_source, scripted};

const ZERO: Option<Duration> = Some(Duration::ZERO);
const MILLI: Duration = Duration::from_millis(1);

fn watch(run_loop: &Loop, log: &Log) {
    let log = log.clone();
    run_loop.add_observer(
        Activities::ALL,
        ObserverLife::Repeating,
        move |_, activity| {
            log.add(format_args!("{activity:?}"));
        },
    );
}

#[test]
fn a_turn_does_timers_then_calls_then_waits_then_dispatches() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    watch(&run_loop, &log);
    let (timer, call, event) = (log.clone(), log.clone(), log.clone());
    let token = run_loop
        .register(any_source(), move |_, _, _, _| event.add("event"))
        .unwrap();
    script.push(token);
    run_loop.call_soon(move |_| call.add("call"));
    run_loop.call_at(run_loop.now(), move |_| timer.add("timer"));
    assert_eq!(run_loop.turn(None).unwrap(), Turned::Complete);
    log.expect("BeforeTimers timer call BeforeWaiting AfterWaiting event");
}

#[test]
fn a_run_is_framed_by_entry_and_exit() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    watch(&run_loop, &log);
    let end = log.clone();
    run_loop.call_after(MILLI, move |_| end.add("timer"));
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    log.expect("Entry BeforeTimers BeforeWaiting AfterWaiting BeforeTimers timer Exit");
    // The second is the look with which a run that finds nothing left makes sure.
    assert_eq!(*script.waits.borrow(), [Some(MILLI), ZERO]);
}

#[test]
fn a_run_with_nothing_to_do_ends_at_once() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    watch(&run_loop, &log);
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    log.expect("Entry Exit");
}

#[test]
fn with_calls_left_the_hub_is_looked_at_without_waiting_and_without_observers() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    watch(&run_loop, &log);
    run_loop.set_budget(Budget::new().with_calls(2));
    for n in 0..3 {
        let log = log.clone();
        run_loop.call_soon(move |_| log.add(n));
    }
    run_loop.turn(None).unwrap();
    log.expect("BeforeTimers 0 1");
    assert_eq!(*script.waits.borrow(), [ZERO]);
    run_loop.turn(ZERO).unwrap();
    log.expect("BeforeTimers 2");
    assert_eq!(run_loop.counters().polls, 2);
    assert_eq!(run_loop.counters().waits, 0);
}

#[test]
fn calls_are_made_in_the_order_they_were_queued() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    for n in 0..3 {
        let log = log.clone();
        run_loop.call_soon(move |run_loop| {
            log.add(n);
            run_loop.call_soon(move |_| log.add(n + 10));
        });
    }
    run_loop.turn(ZERO).unwrap();
    log.expect("0 1 2 10 11 12");
}

#[test]
fn patience_bounds_the_wait_and_a_nearer_timer_bounds_it_further() {
    let (run_loop, script) = scripted();
    run_loop.turn(Some(MILLI)).unwrap();
    run_loop.call_after(MILLI / 2, |_| {});
    run_loop.turn(Some(MILLI)).unwrap();
    run_loop.call_after(MILLI * 2, |_| {});
    run_loop.turn(Some(MILLI)).unwrap();
    assert_eq!(
        *script.waits.borrow(),
        [Some(MILLI), Some(MILLI / 2), Some(MILLI)]
    );
}

#[test]
fn what_an_observer_queues_before_waiting_makes_the_wait_a_look() {
    let (run_loop, script) = scripted();
    run_loop.add_observer(
        Activities::BEFORE_WAITING,
        ObserverLife::Once,
        |run_loop, _| {
            run_loop.call_soon(|_| {});
        },
    );
    run_loop.turn(None).unwrap();
    assert_eq!(*script.waits.borrow(), [ZERO]);
}

#[test]
fn leaving_keeps_the_queue_in_order_and_does_not_look_at_the_hub() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    for n in 0..4 {
        let log = log.clone();
        run_loop.call_soon(move |run_loop| {
            log.add(n);
            if n < 2 {
                run_loop.leave_turn();
            }
        });
    }
    assert_eq!(run_loop.turn(None).unwrap(), Turned::Left);
    log.expect("0");
    assert_eq!(run_loop.turn(None).unwrap(), Turned::Left);
    log.expect("1");
    assert!(script.waits.borrow().is_empty());
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Complete);
    log.expect("2 3");
    assert_eq!(run_loop.counters().turns, 1);
}

#[test]
fn leaving_among_timers_keeps_the_others_due() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    for n in 0..3 {
        let log = log.clone();
        run_loop.call_at(run_loop.now(), move |run_loop| {
            log.add(n);
            run_loop.leave_turn();
        });
    }
    for n in 0..3 {
        assert_eq!(run_loop.timer_count(), 3 - n);
        assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Left);
        log.expect(&n.to_string());
    }
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Complete);
}

#[test]
fn leaving_among_events_loses_none() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    let tokens: Vec<_> = (0..3)
        .map(|n| {
            let log = log.clone();
            let leave = move |run_loop: &Loop, _, _: &_, _| {
                log.add(n);
                run_loop.leave_turn();
            };
            (
                run_loop.register(any_source(), leave).unwrap(),
                Readiness::READABLE,
            )
        })
        .collect();
    script.batches.borrow_mut().push_back(tokens);
    for n in 0..3 {
        assert_eq!(run_loop.turn(None).unwrap(), Turned::Left);
        log.expect(&n.to_string());
    }
    assert_eq!(script.waits.borrow().len(), 1);
}

#[test]
fn leaving_from_an_observer_ends_the_turn_after_all_were_told() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    run_loop.add_observer(
        Activities::BEFORE_TIMERS | Activities::BEFORE_WAITING,
        ObserverLife::Repeating,
        |run_loop, _| run_loop.leave_turn(),
    );
    watch(&run_loop, &log);
    assert_eq!(run_loop.turn(None).unwrap(), Turned::Left);
    log.expect("BeforeTimers");
    // Not a wait, but a look: the turn is to end without waiting.
    assert_eq!(run_loop.turn(None).unwrap(), Turned::Left);
    log.expect("BeforeWaiting AfterWaiting");
    assert_eq!(*script.waits.borrow(), [ZERO]);
}

#[test]
fn an_abort_ends_the_run_after_the_callback_and_loses_nothing() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    watch(&run_loop, &log);
    let (first, second) = (log.clone(), log.clone());
    run_loop.call_soon(move |run_loop| {
        run_loop.abort();
        first.add("first");
    });
    run_loop.call_soon(move |_| second.add("second"));
    assert_eq!(run_loop.run().unwrap(), Ended::Aborted);
    log.expect("Entry BeforeTimers first Exit");
    assert!(script.waits.borrow().is_empty());
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    log.expect("Entry second Exit");
}

#[test]
fn an_abort_outside_of_a_run_does_nothing() {
    let (run_loop, _) = scripted();
    run_loop.abort();
    run_loop.leave_turn();
    let ran = Rc::new(Cell::new(false));
    let flag = ran.clone();
    run_loop.call_soon(move |_| flag.set(true));
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert!(ran.get());
}

#[test]
fn an_abort_from_entry_ends_the_run_before_its_first_turn() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    run_loop.add_observer(Activities::ENTRY, ObserverLife::Once, |run_loop, _| {
        run_loop.abort()
    });
    watch(&run_loop, &log);
    run_loop.call_soon(|_| unreachable!("the run was aborted"));
    assert_eq!(run_loop.run().unwrap(), Ended::Aborted);
    log.expect("Entry Exit");
    assert_eq!(run_loop.call_count(), 1);
}

#[test]
fn an_abort_within_a_single_turn_is_told() {
    let (run_loop, _) = scripted();
    run_loop.call_soon(|run_loop| {
        run_loop.abort();
        run_loop.leave_turn();
    });
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Aborted);
}

#[test]
fn an_abort_from_exit_does_not_reach_the_next_run() {
    let (run_loop, _) = scripted();
    run_loop.add_observer(Activities::EXIT, ObserverLife::Once, |run_loop, _| {
        run_loop.abort()
    });
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
}

#[test]
fn turning_from_within_a_callback_is_refused() {
    let (run_loop, _) = scripted();
    let kinds = Rc::new(RefCell::new(Vec::new()));
    let seen = kinds.clone();
    assert!(!run_loop.is_dispatching());
    run_loop.call_soon(move |run_loop| {
        assert!(run_loop.is_dispatching());
        let refused = run_loop.turn(ZERO).unwrap_err();
        assert!(refused.to_string().contains("turning already"));
        let errors = [refused.kind(), run_loop.run().unwrap_err().kind()];
        seen.borrow_mut().extend(errors);
    });
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Complete);
    assert_eq!(*kinds.borrow(), [ErrorKind::ResourceBusy; 2]);
    assert!(!run_loop.is_dispatching());
}

#[test]
fn a_wake_up_ends_the_wait_and_the_turn() {
    let (run_loop, script) = scripted();
    run_loop.waker().wake();
    run_loop.waker().wake();
    assert_eq!(run_loop.turn(None).unwrap(), Turned::Complete);
    assert_eq!(run_loop.counters().wake_ups, 1);
    assert_eq!(*script.waits.borrow(), [None]);
}

#[test]
fn a_guard_keeps_a_run_going_and_wakes_it_when_it_goes() {
    let (run_loop, _) = scripted();
    let guard = run_loop.keep_alive();
    assert!(!run_loop.is_idle());
    let second = guard.clone();
    assert_eq!(run_loop.keep_alive_count(), 2);
    let waker = run_loop.waker();
    run_loop.call_soon(move |_| {
        drop(guard);
        waker.wake();
    });
    let holder = Cell::new(Some(second));
    // The first wait is ended by hand; the second by the guard's end, after which nothing is left.
    run_loop.add_observer(
        Activities::AFTER_WAITING,
        ObserverLife::Once,
        move |_, _| {
            drop(holder.take());
        },
    );
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert_eq!(run_loop.keep_alive_count(), 0);
    assert_eq!(run_loop.counters().waits, 1);
}

#[test]
fn the_loop_may_be_let_go_of_within_a_callback() {
    let (run_loop, _) = scripted();
    let run_loop = Rc::new(run_loop);
    let other = Cell::new(Some(run_loop.clone()));
    run_loop.call_soon(move |_| drop(other.take()));
    let last = run_loop.clone();
    drop(run_loop);
    last.turn(ZERO).unwrap();
    assert_eq!(Rc::strong_count(&last), 1);
}

#[test]
fn a_hopeless_wait_is_left_after_everything_else_was_done() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    watch(&run_loop, &log);
    let (call, asked) = (log.clone(), log.clone());
    run_loop.call_soon(move |_| call.add("call"));
    let is_hopeless = move || {
        asked.add("asked");
        true
    };
    assert_eq!(run_loop.turn_unless(&is_hopeless).unwrap(), Turned::Left);
    log.expect("BeforeTimers call BeforeWaiting asked AfterWaiting");
    // Not a wait, but a look.
    assert_eq!(*script.waits.borrow(), [ZERO]);
    // Its turn was not at its end, and is taken up there.
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Complete);
    log.expect("");
}

#[test]
fn a_wait_that_something_will_end_is_not_left() {
    let (run_loop, script) = scripted();
    let asked = Cell::new(0);
    let is_hopeless = |answer| {
        let asked = &asked;
        move || {
            asked.set(asked.get() + 1);
            answer
        }
    };
    let timer = run_loop.call_after(MILLI, |_| {});
    run_loop.turn_unless(&is_hopeless(true)).unwrap();
    assert_eq!(asked.get(), 0, "a timer will end it");
    run_loop.cancel_timer(timer);
    run_loop.turn_unless(&is_hopeless(true)).unwrap();
    assert_eq!(asked.get(), 1, "it has been cancelled");
    run_loop.turn(ZERO).unwrap();
    script.waits.borrow_mut().clear();
    run_loop.waker().wake();
    assert_eq!(
        run_loop.turn_unless(&is_hopeless(false)).unwrap(),
        Turned::Complete
    );
    assert_eq!(*script.waits.borrow(), [None], "there is hope");
    run_loop.call_soon(|run_loop| {
        run_loop.call_soon(|_| {});
        run_loop.leave_turn();
    });
    assert_eq!(
        run_loop.turn_unless(&is_hopeless(true)).unwrap(),
        Turned::Left
    );
    assert_eq!(asked.get(), 2, "it did not come to a wait");
}
