//! The kit runs tests as it says, and catches the faults it is there for: what is left behind is
//! named with its place, and a test that hangs is ended.

use std::cell::RefCell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::stderr;
use eventlet_green::net::TcpListener;
use eventlet_green::testing::{
    Duplex, Given, HUBS_VARIABLE, Harness, Leftovers, OpenFiles, child_command, duplex,
    in_children, is_child, run, settle, step,
};
use eventlet_green::{
    Builder, HUB_VARIABLE, Watcher, call_after, hubs, now, sleep, spawn, stats, yield_now,
};
use eventlet_runloop::{Clock, ManualClock, Time};

const HOUR: Duration = Duration::from_secs(3600);

/// What a harness says of a body that is to fail.
fn failure(harness: &Harness, body: impl Fn(&Given) + Sync) -> String {
    let outcome = catch_unwind(AssertUnwindSafe(|| harness.run(body)));
    let payload = outcome.expect_err("the fault was not caught");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn each_hub_in_a_fresh_loop_on_a_thread_of_its_own() {
    let seen = Mutex::new(Vec::new());
    Harness::new().run(|given| {
        assert_eq!(stats().hub, given.hub());
        assert_eq!(stats().switches, 0, "the loop is fresh");
        seen.lock().unwrap().push(given.hub().to_owned());
    });
    let wanted = std::env::var(HUBS_VARIABLE).unwrap_or_default();
    let expected =
        hubs().filter(|hub| wanted.is_empty() || wanted.split(',').any(|one| one == *hub));
    assert!(seen.into_inner().unwrap().into_iter().eq(expected));
}

#[test]
fn each_hub_of_those_that_the_environment_names() {
    let test = "kit::kit_harness::each_hub_of_those_that_the_environment_names";
    if is_child() {
        Harness::new().run(|given| eprintln!("under {}", given.hub()));
        return;
    }
    let last = hubs().last().unwrap();
    let wanted = format!("{last}, {}", hubs().next().unwrap());
    let told = |wanted: &str| {
        let mut command = child_command(test).unwrap();
        stderr(&command.env(HUBS_VARIABLE, wanted).output().unwrap())
    };
    let under = |told: &str| told.matches("under ").count();
    let few = told(&wanted);
    assert_eq!(under(&few), 2, "{few}");
    assert!(few.contains(&format!("under {last}")), "{few}");
    let none = told("epol");
    assert!(
        none.contains("there is no hub \"epol\" in this program"),
        "{none}"
    );
    assert_eq!(under(&none), 0, "{none}");
    assert_eq!(under(&told("")), hubs().count());
}

#[test]
fn one_hub_by_name_or_the_default_one() {
    let last = hubs().last().unwrap();
    let seen = Mutex::new(Vec::new());
    let note = |given: &Given| seen.lock().unwrap().push(given.hub().to_owned());
    Harness::new().hub(last).run(note);
    Harness::new().default_hub().run(note);
    let default = match std::env::var(HUB_VARIABLE) {
        Ok(name) if !name.is_empty() => name,
        _ => hubs().next().unwrap().to_owned(),
    };
    assert_eq!(*seen.lock().unwrap(), [last.to_owned(), default]);
    let text = failure(&Harness::new().hub("none"), |_| ());
    assert!(text.contains("there is no hub \"none\""), "{text}");
}

#[test]
fn a_failure_and_an_error_of_the_body_are_the_tests() {
    let text = failure(&Harness::new(), |given| panic!("on {}", given.hub()));
    assert_eq!(text, format!("on {}", hubs().next().unwrap()));
    let outcome = catch_unwind(|| run(|| File::open("/nowhere/at/all").map(drop)));
    assert!(outcome.is_err());
    run(|| File::open("/dev/null").map(drop));
}

#[test]
fn a_coroutine_that_is_left_is_named_with_its_place() {
    let line = line!() + 2;
    let text = failure(&Harness::new().jumping(), |_| {
        let left = Builder::new().name("left").spawn(|| sleep(HOUR));
        yield_now();
        drop(left);
    });
    let place = format!("kit_harness.rs:{line}:");
    let coroutine = "coroutine \"left\" (#1, spawned at ";
    for part in [
        "left behind",
        coroutine,
        &place,
        "waits for the end of a sleep",
        "due in 3600s",
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    let text = failure(&Harness::new(), |_| drop(spawn(|| ())));
    assert!(text.contains("has not run yet"), "{text}");
}

#[test]
fn a_timer_that_is_left_is_named_with_its_place() {
    let line = line!() + 2;
    let text = failure(&Harness::new(), |_| {
        let _not_cancelled = call_after(HOUR, || ());
    });
    let place = format!("kit_harness.rs:{line}:");
    for part in [
        "left behind",
        "timer, due in 3",
        "a call put off at ",
        &place,
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    assert!(!text.contains("coroutine"), "{text}");
}

#[test]
fn a_registered_descriptor_that_is_left_is_named() {
    let text = failure(&Harness::new(), |_| {
        std::mem::forget(TcpListener::bind("127.0.0.1:0").unwrap());
    });
    assert!(text.contains("left behind:\n  descriptor "), "{text}");
    #[cfg(target_os = "linux")]
    assert!(text.contains(": socket:["), "{text}");
}

#[test]
fn a_watcher_that_is_left_is_named_with_its_place() {
    struct Never(Duplex);
    impl Watcher for Never {
        fn came(self: Rc<Self>, _: std::io::Result<()>) {}
    }
    let text = failure(&Harness::new(), |_| {
        let (near, far) = duplex(1);
        let never = Rc::new(Never(near));
        never.0.watch_readable(never.clone()).unwrap();
        std::mem::forget(far);
    });
    assert!(text.contains("a watcher, since "), "{text}");
    assert!(text.contains("kit_harness.rs:"), "{text}");
}

#[test]
fn an_open_file_that_is_left_is_named() {
    const TEST: &str = "kit::kit_harness::an_open_file_that_is_left_is_named";
    const FAULTY: &str = "KIT_FAULTY";
    if !is_child() {
        // Open ones are looked at where a test is alone in its process.
        for (faulty, expected) in [("0", true), ("1", false)] {
            let mut command = child_command(TEST).unwrap();
            let output = command.env(FAULTY, faulty).output().unwrap();
            assert_eq!(output.status.success(), expected, "{}", stderr(&output));
            if !expected {
                let text = stderr(&output);
                assert!(text.contains("left behind: 1 open descriptors:"), "{text}");
                assert!(text.contains("/null"), "{text}");
            }
        }
        return;
    }
    run(|| {
        let file = File::open("/dev/null").unwrap();
        let (near, _far) = crate::support::pair();
        // Keeps a file of its own open from now on, which is no leak.
        near.close().unwrap();
        if std::env::var(FAULTY).unwrap() == "1" {
            std::mem::forget(file);
        }
    });
}

#[test]
fn new_open_files_are_told_from_old_ones() {
    in_children(
        "kit::kit_harness::new_open_files_are_told_from_old_ones",
        || {
            let before = OpenFiles::now().unwrap();
            assert_eq!(
                OpenFiles::now().unwrap(),
                before,
                "the list's own is not in it"
            );
            let file = File::open("/dev/null").unwrap();
            let new = OpenFiles::now().unwrap().since(&before);
            assert_eq!(new.len(), 1);
            assert!(new.to_string().contains("/null"), "{new}");
            drop(file);
            assert!(OpenFiles::now().unwrap().since(&before).is_empty());
        },
    );
}

#[test]
fn a_test_that_hangs_is_ended_and_named() {
    const TEST: &str = "kit::kit_harness::a_test_that_hangs_is_ended_and_named";
    if is_child() {
        let harness = Harness::new().patience(Duration::from_millis(50));
        harness.default_hub().run(|_| {
            loop {
                yield_now();
            }
        })
    }
    let output = child_command(TEST).unwrap().output().unwrap();
    assert!(!output.status.success());
    let text = stderr(&output);
    assert!(
        text.contains(TEST) && text.contains("hangs: no end after 50ms"),
        "{text}"
    );
}

#[test]
fn a_body_that_waits_for_nobody_fails_by_itself() {
    // No watchdog is needed for that: everybody waits, and the root is told.
    let text = failure(&Harness::new(), |_| {
        let (bell, _held) = locked();
        bell.acquire().map(drop).unwrap();
    });
    assert!(text.contains("Deadlock"), "{text}");
}

fn locked() -> (
    eventlet_green::sync::Semaphore,
    eventlet_green::sync::Permit,
) {
    let bell = eventlet_green::sync::Semaphore::new(1);
    let held = bell.acquire().unwrap();
    (bell, held)
}

#[test]
fn a_long_list_is_cut() {
    run(|| {
        let all: Vec<_> = (0..25).map(|_| spawn(|| ())).collect();
        let left = Leftovers::now();
        assert_eq!(left.coroutines().len(), 25);
        assert!(
            left.to_string().ends_with("\n  and 5 more of these"),
            "{left}"
        );
        all.into_iter().for_each(|one| one.join().unwrap());
        assert_eq!(Leftovers::now(), Leftovers::default());
        assert_eq!(Leftovers::now().to_string(), "nothing is left behind");
    });
}

#[test]
fn a_clock_that_is_stepped_stands_still_in_between() {
    Harness::new().stepped().run(|given| {
        let sleeper = spawn(|| sleep(HOUR));
        given.step(HOUR - Duration::from_nanos(1));
        assert!(!sleeper.is_finished());
        given.step(Duration::from_nanos(1));
        assert!(sleeper.is_finished());
        assert_eq!(given.clock().now() - Time::ORIGIN, HOUR);
        assert_eq!(given.clock().now(), now());
    });
}

#[test]
fn each_timer_on_the_way_of_a_step_expires_at_its_own_time() {
    thread_local!(static SEEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) });
    Harness::new().stepped().run(|given| {
        SEEN.take();
        let ticker = spawn(|| {
            loop {
                sleep(Duration::from_secs(600));
                // What is done at that time is done before the clock goes on.
                yield_now();
                SEEN.with_borrow_mut(|seen| seen.push((now() - Time::ORIGIN).as_secs()));
            }
        });
        given.step(HOUR);
        assert_eq!(SEEN.take(), [600, 1200, 1800, 2400, 3000, 3600]);
        ticker.kill().unwrap();
        assert!(ticker.join().is_err());
    });
}

#[test]
fn settling_deals_with_what_has_arrived_and_lets_no_time_pass() {
    Harness::new().jumping().run(|_| {
        let (near, far) = crate::support::pair();
        let reader = spawn(move || std::io::Read::read(&mut &far, &mut [0; 8]).unwrap());
        let sleeper = spawn(|| sleep(HOUR));
        settle();
        assert!(!reader.is_finished());
        std::io::Write::write_all(&mut &near, b"x").unwrap();
        settle();
        assert!(reader.is_finished());
        assert!(!sleeper.is_finished());
        assert_eq!(now(), Time::ORIGIN);
        sleeper.join().unwrap();
    });
}

#[test]
fn only_the_threads_own_stack_steps_and_only_its_own_clock() {
    Harness::new().stepped().run(|given| {
        let error = spawn(settle).join().unwrap_err();
        assert!(
            error
                .panic_text()
                .unwrap()
                .contains("cannot be turned here")
        );
        let foreign = ManualClock::new();
        let sleeper = spawn(|| sleep(HOUR));
        let outcome = catch_unwind(AssertUnwindSafe(|| step(&foreign, HOUR)));
        let text = *outcome.unwrap_err().downcast::<&str>().unwrap();
        assert!(text.contains("not the clock"), "{text}");
        given.step(HOUR);
        sleeper.join().unwrap();
    });
}
