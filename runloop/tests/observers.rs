//! Observers: which activities, how often, in which order, and what they may do while called.

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::{Activities, Activity, Culprit, Ended, ObserverId, ObserverLife};
use support::{Log, Loop, OnDrop, reports, scripted};

const ZERO: Option<Duration> = Some(Duration::ZERO);
const MILLI: Option<Duration> = Some(Duration::from_millis(1));

fn observe(run_loop: &Loop, log: &Log, name: &'static str, activities: Activities) -> ObserverId {
    let log = log.clone();
    run_loop.add_observer(activities, ObserverLife::Repeating, move |_, _| {
        log.add(name)
    })
}

#[test]
fn an_observer_is_told_of_the_activities_it_picked() {
    for (picked, expected) in [
        (Activities::ENTRY, "Entry"),
        (Activities::BEFORE_TIMERS, "BeforeTimers"),
        (Activities::BEFORE_WAITING, "BeforeWaiting"),
        (Activities::AFTER_WAITING, "AfterWaiting"),
        (Activities::EXIT, "Exit"),
        (Activities::ENTRY | Activities::EXIT, "Entry Exit"),
    ] {
        let (run_loop, _) = scripted();
        let log = Log::new();
        let into = log.clone();
        run_loop.add_observer(picked, ObserverLife::Repeating, move |_, activity| {
            assert!(picked.contains(activity));
            into.add(format_args!("{activity:?}"));
        });
        run_loop.waker().wake();
        let guard = Cell::new(Some(run_loop.keep_alive()));
        run_loop.add_observer(
            Activities::AFTER_WAITING,
            ObserverLife::Once,
            move |run_loop, _| {
                run_loop.abort();
                drop(guard.take());
            },
        );
        assert_eq!(run_loop.run().unwrap(), Ended::Aborted);
        log.expect(expected);
    }
}

#[test]
fn one_that_lives_once_is_called_once_and_a_repeating_one_each_time() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    observe(&run_loop, &log, "again", Activities::BEFORE_TIMERS);
    let into = log.clone();
    let once = run_loop.add_observer(Activities::ALL, ObserverLife::Once, move |_, _| {
        into.add("once");
    });
    run_loop.turn(ZERO).unwrap();
    run_loop.turn(ZERO).unwrap();
    log.expect("again once again");
    assert!(!run_loop.remove_observer(once));
}

#[test]
fn observers_are_called_in_the_order_they_were_added() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    for name in ["a", "b", "c"] {
        observe(&run_loop, &log, name, Activities::BEFORE_TIMERS);
    }
    run_loop.turn(ZERO).unwrap();
    log.expect("a b c");
}

#[test]
fn an_observer_may_remove_itself() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    let own: Rc<Cell<Option<ObserverId>>> = Rc::default();
    let (into, id) = (log.clone(), own.clone());
    own.set(Some(run_loop.add_observer(
        Activities::BEFORE_TIMERS,
        ObserverLife::Repeating,
        move |run_loop, _| {
            into.add("self");
            assert!(run_loop.remove_observer(id.get().unwrap()));
            // What it captured is still there.
            into.add("removed");
        },
    )));
    observe(&run_loop, &log, "next", Activities::BEFORE_TIMERS);
    run_loop.turn(ZERO).unwrap();
    run_loop.turn(ZERO).unwrap();
    log.expect("self removed next next");
}

#[test]
fn one_removed_before_its_turn_is_not_called() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    let victims: Rc<RefCell<Vec<ObserverId>>> = Rc::default();
    let before = observe(&run_loop, &log, "before", Activities::BEFORE_TIMERS);
    let doomed = victims.clone();
    run_loop.add_observer(
        Activities::BEFORE_TIMERS,
        ObserverLife::Once,
        move |run_loop, _| {
            for id in doomed.borrow().iter() {
                assert!(run_loop.remove_observer(*id));
            }
        },
    );
    let after = observe(&run_loop, &log, "after", Activities::BEFORE_TIMERS);
    observe(&run_loop, &log, "last", Activities::BEFORE_TIMERS);
    victims.borrow_mut().extend([before, after]);
    run_loop.turn(ZERO).unwrap();
    log.expect("before last");
    run_loop.turn(ZERO).unwrap();
    log.expect("last");
}

#[test]
fn one_added_while_observers_are_called_waits_for_the_next_firing() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    let into = log.clone();
    run_loop.add_observer(
        Activities::BEFORE_TIMERS,
        ObserverLife::Once,
        move |run_loop, _| {
            observe(
                run_loop,
                &into,
                "new",
                Activities::BEFORE_TIMERS | Activities::BEFORE_WAITING,
            );
        },
    );
    run_loop.turn(ZERO).unwrap();
    log.expect("");
    run_loop.turn(MILLI).unwrap();
    log.expect("new new");
}

#[test]
fn one_that_panics_is_reported_and_removed_and_the_loop_goes_on() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    let reports = reports(&run_loop);
    let bad = run_loop.add_observer(
        Activities::BEFORE_TIMERS,
        ObserverLife::Repeating,
        |_, _| panic!("observer {}", 7),
    );
    observe(&run_loop, &log, "next", Activities::BEFORE_TIMERS);
    run_loop.turn(ZERO).unwrap();
    run_loop.turn(ZERO).unwrap();
    log.expect("next next");
    let culprit = Culprit::Observer(bad, Activity::BeforeTimers);
    assert_eq!(*reports.borrow(), [(culprit, "observer 7".to_owned())]);
    assert!(!run_loop.remove_observer(bad));
}

#[test]
fn an_observers_destructor_may_use_the_observers() {
    let (run_loop, _) = scripted();
    let run_loop = Rc::new(run_loop);
    let weak = Rc::downgrade(&run_loop);
    let log = Log::new();
    let other = observe(&run_loop, &log, "other", Activities::ALL);
    let guard = OnDrop(move || {
        let run_loop = weak.upgrade().expect("the loop lives");
        assert!(run_loop.remove_observer(other));
        run_loop.add_observer(Activities::ALL, ObserverLife::Once, |_, _| {});
    });
    let id = run_loop.add_observer(Activities::ALL, ObserverLife::Repeating, move |_, _| {
        let _ = &guard;
    });
    assert!(run_loop.remove_observer(id));
    run_loop.turn(ZERO).unwrap();
    log.expect("");
}
