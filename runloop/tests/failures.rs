//! What goes wrong: panics in callbacks, reporters and destructors, and a hub that fails.

mod support;

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Interest, Readiness};
use eventlet_runloop::{Activities, Culprit, Ended, ObserverLife, Turned};
use support::{Log, OnDrop, any_source, reports, scripted};

const ZERO: Option<Duration> = Some(Duration::ZERO);
const MILLI: Duration = Duration::from_millis(1);

#[test]
fn a_call_that_panics_is_reported_and_the_next_one_runs() {
    let (run_loop, _) = scripted();
    let reports = reports(&run_loop);
    let log = Log::new();
    let into = log.clone();
    run_loop.call_soon(|_| panic!("plain"));
    run_loop.call_soon(|_| panic!("with {}", 1));
    run_loop.call_soon(|_| std::panic::panic_any(17));
    run_loop.call_soon(move |_| into.add("next"));
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Complete);
    log.expect("next");
    let texts: Vec<_> = reports.borrow().iter().cloned().collect();
    assert_eq!(
        texts,
        [
            (Culprit::Call, "plain".to_owned()),
            (Culprit::Call, "with 1".to_owned()),
            (Culprit::Call, "a payload that is no text".to_owned()),
        ]
    );
    assert_eq!(run_loop.counters().panics, 3);
}

#[test]
fn a_timer_that_panics_is_named_and_the_next_one_expires() {
    let (run_loop, _) = scripted();
    let reports = reports(&run_loop);
    let log = Log::new();
    let into = log.clone();
    let bad = run_loop.call_at(run_loop.now(), |_| panic!("late"));
    run_loop.call_at(run_loop.now(), move |_| into.add("next"));
    run_loop.turn(ZERO).unwrap();
    log.expect("next");
    assert_eq!(
        *reports.borrow(),
        [(Culprit::Timer(bad), "late".to_owned())]
    );
}

#[test]
fn a_descriptor_that_panics_is_deregistered_and_the_next_one_is_told() {
    let (run_loop, script) = scripted();
    let reports = reports(&run_loop);
    let log = Log::new();
    let into = log.clone();
    let held = Rc::new(());
    let hold = held.clone();
    let bad = run_loop
        .register(any_source(), move |_, _, _, _| {
            let _ = &hold;
            panic!("broken");
        })
        .unwrap();
    let good = run_loop
        .register(any_source(), move |_, _, _, _| into.add("next"))
        .unwrap();
    let batch = vec![(bad, Readiness::READABLE), (good, Readiness::READABLE)];
    script.batches.borrow_mut().push_back(batch);
    run_loop.turn(None).unwrap();
    log.expect("next");
    assert_eq!(
        *reports.borrow(),
        [(Culprit::Descriptor(bad), "broken".to_owned())]
    );
    assert_eq!(run_loop.descriptor_count(), 1);
    assert_eq!(Rc::strong_count(&held), 1);
    let gone = run_loop.arm(bad, Interest::READABLE).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[test]
fn leaving_and_aborting_count_even_if_the_callback_then_panics() {
    let (run_loop, _) = scripted();
    let _reports = reports(&run_loop);
    run_loop.call_soon(|run_loop| {
        run_loop.leave_turn();
        panic!("left");
    });
    run_loop.call_soon(|run_loop| {
        run_loop.abort();
        panic!("aborted");
    });
    run_loop.call_soon(|_| unreachable!("not in this turn"));
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Left);
    assert_eq!(run_loop.turn(ZERO).unwrap(), Turned::Aborted);
    assert_eq!(run_loop.call_count(), 1);
}

#[test]
fn a_report_says_whose_callback_it_was_and_what_becomes_of_it() {
    let (run_loop, script) = scripted();
    let log = Rc::new(RefCell::new(Vec::new()));
    let into = Rc::clone(&log);
    run_loop.set_panic_reporter(move |report| into.borrow_mut().push(report.to_string()));
    let number = run_loop.call_count();
    run_loop.call_soon(move |_| panic!("call {number}"));
    run_loop.call_at(run_loop.now(), |_| panic!("timer"));
    let token = run_loop
        .register(any_source(), |_, _, _, _| panic!("descriptor"))
        .unwrap();
    run_loop.add_observer(
        Activities::BEFORE_TIMERS,
        ObserverLife::Repeating,
        |_, _| panic!("observer"),
    );
    script.push(token);
    run_loop.turn(ZERO).unwrap();
    assert_eq!(
        *log.borrow(),
        [
            "an observer of BeforeTimers panicked; it is removed: observer".to_owned(),
            "a timer's callback panicked: timer".to_owned(),
            "a ready call panicked: call 0".to_owned(),
            format!("the callback of {token:?} panicked; it is deregistered: descriptor"),
        ]
    );
}

#[test]
fn a_reporter_that_panics_does_not_end_the_loop() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    let into = log.clone();
    run_loop.set_panic_reporter(|_| panic!("the reporter itself"));
    run_loop.call_soon(|_| panic!("call"));
    run_loop.call_soon(move |_| into.add("next"));
    run_loop.turn(ZERO).unwrap();
    log.expect("next");
}

#[test]
fn a_reporter_may_replace_itself() {
    let (run_loop, _) = scripted();
    let run_loop = Rc::new(run_loop);
    let log = Log::new();
    let (weak, into) = (Rc::downgrade(&run_loop), log.clone());
    run_loop.set_panic_reporter(move |report| {
        into.add(report);
        let into = into.clone();
        let run_loop = weak.upgrade().expect("the loop lives");
        run_loop.set_panic_reporter(move |_| into.add("second"));
    });
    for _ in 0..2 {
        run_loop.call_soon(|_| panic!("oh"));
    }
    run_loop.turn(ZERO).unwrap();
    log.expect("a ready call panicked: oh second");
}

#[test]
fn a_payload_that_panics_when_dropped_does_not_end_the_loop() {
    struct Spiteful;
    impl Drop for Spiteful {
        fn drop(&mut self) {
            std::panic::panic_any(Spiteful);
        }
    }
    let (run_loop, _) = scripted();
    let reports = reports(&run_loop);
    run_loop.call_soon(|_| std::panic::panic_any(Spiteful));
    run_loop.turn(ZERO).unwrap();
    assert_eq!(reports.borrow().len(), 1);
}

#[test]
fn a_panicking_destructor_of_a_call_is_reported_as_the_calls() {
    let (run_loop, _) = scripted();
    let reports = reports(&run_loop);
    let guard = OnDrop(|| panic!("in a destructor"));
    run_loop.call_soon(move |_| drop(guard));
    run_loop.turn(ZERO).unwrap();
    assert_eq!(reports.borrow()[0].1, "in a destructor");
}

#[test]
fn a_failed_wait_comes_out_and_the_loop_stays_usable() {
    for kind in [ErrorKind::OutOfMemory, ErrorKind::Unsupported] {
        let (run_loop, script) = scripted();
        let log = Log::new();
        let into = log.clone();
        run_loop.add_observer(
            Activities::ALL,
            ObserverLife::Repeating,
            move |_, activity| {
                into.add(format_args!("{activity:?}"));
            },
        );
        let timer = log.clone();
        run_loop.call_after(MILLI, move |_| timer.add("timer"));
        script.fail_after(1, kind);
        assert_eq!(run_loop.turn(None).unwrap_err().kind(), kind);
        log.expect("BeforeTimers BeforeWaiting AfterWaiting");
        assert!(!run_loop.is_dispatching());
        script.fail_after(1, kind);
        assert_eq!(run_loop.run().unwrap_err().kind(), kind);
        log.expect("Entry BeforeTimers BeforeWaiting AfterWaiting Exit");
        assert_eq!(run_loop.run().unwrap(), Ended::Idle);
        log.expect("Entry BeforeTimers BeforeWaiting AfterWaiting BeforeTimers timer Exit");
    }
}

#[test]
fn a_hub_that_fails_every_time_does_not_hold_up_calls() {
    let (run_loop, script) = scripted();
    let ran = Rc::new(Cell::new(0));
    for _ in 0..600 {
        let ran = ran.clone();
        run_loop.call_soon(move |_| ran.set(ran.get() + 1));
    }
    for expected in [256, 512, 600] {
        script.fail_after(1, ErrorKind::OutOfMemory);
        assert!(run_loop.turn(ZERO).is_err());
        assert_eq!(ran.get(), expected);
    }
}

#[test]
fn a_refused_registration_hands_the_source_back_and_leaves_nothing_behind() {
    let (run_loop, script) = scripted();
    let held = Rc::new(());
    let hold = held.clone();
    script.fail_after(1, ErrorKind::AlreadyExists);
    let source = any_source();
    let name = source.local_addr().unwrap();
    let refused = run_loop
        .register(source, move |_, _, _, _| {
            let _ = &hold;
        })
        .unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::AlreadyExists);
    assert!(refused.source.local_addr().unwrap().is_unnamed() == name.is_unnamed());
    assert_eq!(Rc::strong_count(&held), 1);
    assert_eq!(run_loop.descriptor_count(), 0);
}

#[test]
fn arming_and_deregistering_report_what_the_hub_says() {
    let (run_loop, script) = scripted();
    let token = run_loop.register(any_source(), |_, _, _, _| {}).unwrap();
    script.fail_after(1, ErrorKind::Unsupported);
    let error = run_loop.arm(token, Interest::READABLE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    // Whatever the hub answers to a removal, nothing is registered afterwards.
    script.fail_after(1, ErrorKind::Other);
    run_loop.deregister(token).unwrap();
    assert_eq!(run_loop.descriptor_count(), 0);
    let error = run_loop.deregister_closing(token).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn every_place_of_failure_leaves_a_loop_that_works() {
    // The n-th call of the hub fails, whichever it is; afterwards everything still happens.
    for n in 1..12 {
        let (run_loop, script) = scripted();
        script.fail_after(n, ErrorKind::OutOfMemory);
        let told = Rc::new(RefCell::new(Vec::new()));
        let (mut registered, mut failures) = (Vec::new(), 0);
        for name in 0..3 {
            let told = told.clone();
            let token =
                run_loop.register(any_source(), move |_, _, _, _| told.borrow_mut().push(name));
            match token {
                Ok(token) => {
                    failures += u32::from(run_loop.arm(token, Interest::BOTH).is_err());
                    script.push(token);
                    registered.push((name, token));
                }
                Err(_) => failures += 1,
            }
        }
        for _ in 0..4 {
            failures += u32::from(run_loop.turn(ZERO).is_err());
        }
        let names: Vec<_> = registered.iter().map(|(name, _)| *name).collect();
        assert_eq!(*told.borrow(), names, "call {n}");
        for (_, token) in registered {
            run_loop.deregister(token).unwrap();
        }
        assert!(failures <= 1, "call {n}");
        assert_eq!(run_loop.run().unwrap(), Ended::Idle, "call {n}");
    }
}
