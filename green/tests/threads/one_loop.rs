//! The engine `may`: one run loop in a process, entered by `run`; all else is refused, by name.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Output;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::{
    in_run, is_child, on_each_hub, on_fresh_thread, run_child, stderr, sys, text, until_parked,
};
use eventlet_green::cores::Builder as Cores;
use eventlet_green::{
    Builder, SetupError, engine, init, offload, remote, run, sleep, spawn, stats, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);

#[track_caller]
fn assert_refused(error: SetupError, part: &str) {
    assert!(matches!(error, SetupError::Refused { engine: "may", .. }));
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(text.contains("engine may") && text.contains(part), "{text}");
}

#[test]
fn a_thread_of_its_own_gets_no_loop() {
    assert_eq!(engine(), "may");
    assert_refused(init().unwrap_err(), "`run`");
    let error = Builder::new().spawn(|| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let panic = catch_unwind(stats).unwrap_err();
    assert!(text(&*panic).contains("`run`"));
}

#[test]
fn a_second_one_meanwhile_is_refused() {
    on_fresh_thread(|| {
        let other = thread::spawn(|| run(|| ()));
        assert_refused(other.join().unwrap().unwrap_err(), "at a time");
    });
}

#[test]
fn within_itself_it_calls_in_place() {
    on_fresh_thread(|| {
        let here = thread::current().id();
        assert_eq!(run(|| thread::current().id()).unwrap(), here);
        let inside = spawn(|| run(|| (eventlet_green::current_id(), thread::current().id())));
        let (id, there) = inside.join().unwrap().unwrap();
        assert_eq!((id, there), (1, here));
    });
}

#[test]
fn what_is_left_is_unwound_and_the_next_begins_anew() {
    for _ in 0..3 {
        let (tell, told) = mpsc::channel::<()>();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            on_fresh_thread(|| {
                assert_eq!((stats().turns, stats().spawned), (0, 0));
                let left = spawn(move || {
                    let _held = tell;
                    sleep(HOUR);
                });
                until_parked(&left);
                panic!("of the root");
            })
        }));
        assert_eq!(text(&*outcome.unwrap_err()), "of the root");
        assert!(told.recv().is_err(), "it was dropped, and nothing was sent");
    }
}

#[test]
fn loops_of_their_own_are_refused() {
    on_fresh_thread(|| {
        let error = Cores::new().threads(2).start(|_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("engine may"), "{error}");
    });
}

#[test]
fn another_thread_reaches_it() {
    on_each_hub(|| {
        let home = remote();
        let other = thread::spawn(move || home.spawn(stats).unwrap().join().unwrap().spawned);
        assert!(offload(|| other.join().unwrap()).unwrap() > 0);
    });
}

#[test]
fn more_workers_are_refused() {
    if is_child() {
        may::config().set_workers(2);
        may::go!(|| ()).join().unwrap();
        return assert_refused(run(|| ()).unwrap_err(), "one worker");
    }
    let output = run_child("threads::one_loop::more_workers_are_refused", "poll");
    assert!(output.status.success(), "{}", stderr(&output));
}

/// What ends the process does so with a word of why.
#[track_caller]
fn assert_ended(output: &Output, part: &str) {
    assert!(!output.status.success(), "{output:?}");
    assert!(stderr(output).contains(part), "{output:?}");
}

#[test]
fn a_coroutine_that_waited_by_means_of_may_ends_the_process() {
    const TEST: &str =
        "threads::one_loop::a_coroutine_that_waited_by_means_of_may_ends_the_process";
    if is_child() {
        let strays = || may::coroutine::sleep(Duration::from_millis(1));
        return in_run(|| spawn(strays).join().unwrap());
    }
    assert_ended(&run_child(TEST, "poll"), "resumed in another thread");
}

#[test]
fn one_of_mays_own_that_waits_by_means_of_ours_ends_the_process() {
    const TEST: &str =
        "threads::one_loop::one_of_mays_own_that_waits_by_means_of_ours_ends_the_process";
    if is_child() {
        let calls = || sys::in_a_coroutine_of_may(yield_now);
        return in_run(|| spawn(calls).join().unwrap());
    }
    assert_ended(&run_child(TEST, "poll"), "asked for directly");
}

#[test]
fn an_overflow_of_the_root_ends_the_process() {
    #[expect(unconditional_recursion, reason = "what the test is about")]
    fn recurse(depth: usize) -> usize {
        let frame = std::hint::black_box([depth; 32]);
        recurse(std::hint::black_box(depth + 1)) + frame[0]
    }
    if is_child() {
        return in_run(|| assert_ne!(std::hint::black_box(recurse(0)), 0));
    }
    let output = run_child(
        "threads::one_loop::an_overflow_of_the_root_ends_the_process",
        "poll",
    );
    assert_ended(&output, "overflow");
}

#[test]
fn without_memory_a_spawn_says_so() {
    if is_child() {
        return in_run(|| {
            // More address space than a process has.
            let many = (0..1 << 20).map(|_| Builder::new().stack_size(1 << 30).spawn(|| ()));
            let error = many.filter_map(Result::err).next().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
            assert!(error.to_string().contains("max_map_count"), "{error}");
        });
    }
    let output = run_child("threads::one_loop::without_memory_a_spawn_says_so", "poll");
    assert!(output.status.success(), "{}", stderr(&output));
}
