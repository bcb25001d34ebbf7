//! A coroutine that recurses without end names itself and aborts; no other fault is taken for that.

mod support;

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use eventlet_green::{Builder, hubs, spawn};
use support::{in_run, is_child, run_child, stderr, sys};

#[expect(unconditional_recursion, reason = "what the test is about")]
fn recurse(depth: usize) -> usize {
    let frame = black_box([depth; 32]);
    recurse(black_box(depth + 1)) + frame[0]
}

#[track_caller]
fn assert_reported(output: &Output, parts: &[&str]) {
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let text = stderr(output);
    let report = text.lines().find(|line| line.contains("overflowed"));
    let report = report.unwrap_or_else(|| panic!("no report: {text}"));
    for part in parts {
        assert!(report.contains(part), "{report} lacks {part}");
    }
}

#[test]
fn it_names_itself() {
    if is_child() {
        return in_run(|| {
            spawn(|| ()).join().unwrap();
            let deep = Builder::new().name("deep one").spawn(|| recurse(0));
            deep.unwrap().join().unwrap();
        });
    }
    for hub in hubs() {
        let output = run_child("it_names_itself", hub);
        assert_reported(&output, &["\"deep one\"", "#2", "overflow.rs:", "256 KiB"]);
    }
}

#[test]
fn with_the_size_it_asked_for() {
    if is_child() {
        return in_run(|| {
            let small = Builder::new().stack_size(64 * 1024);
            small.spawn(|| recurse(0)).unwrap().join().unwrap();
        });
    }
    let output = run_child("with_the_size_it_asked_for", "poll");
    assert_reported(&output, &["#1", "overflow.rs:", "64 KiB"]);
}

#[test]
fn on_a_thread_of_another_makers() {
    if is_child() {
        // Not started by the standard library, so without an alternate signal stack of its own.
        sys::on_foreign_thread(|| {
            in_run(|| {
                let deep = Builder::new().name("abroad").spawn(|| recurse(0));
                deep.unwrap().join().unwrap();
            });
        });
        return;
    }
    let output = run_child("on_a_thread_of_another_makers", "poll");
    assert_reported(&output, &["\"abroad\""]);
}

#[test]
fn after_others_have_come_and_gone_on_the_stack() {
    if is_child() {
        return in_run(|| {
            for _ in 0..1000 {
                spawn(|| black_box([0_u8; 10_000])[0]).join().unwrap();
            }
            eventlet_green::trim_stacks();
            spawn(|| recurse(0)).join().unwrap();
        });
    }
    let output = run_child("after_others_have_come_and_gone_on_the_stack", "poll");
    assert_reported(&output, &["#1001"]);
}

#[test]
fn a_wild_pointer_is_not_called_an_overflow() {
    if is_child() {
        return in_run(|| {
            spawn(sys::fault_elsewhere).join().unwrap();
        });
    }
    let output = run_child("a_wild_pointer_is_not_called_an_overflow", "poll");
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{output:?}");
    assert!(!stderr(&output).contains("overflowed"));
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "the root is a coroutine of may's")]
fn the_threads_own_stack_is_reported_by_the_standard_library() {
    if is_child() {
        spawn(|| ()).join().unwrap();
        recurse(0);
        return;
    }
    let output = run_child(
        "the_threads_own_stack_is_reported_by_the_standard_library",
        "poll",
    );
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let text = stderr(&output);
    assert!(
        text.contains("has overflowed its stack") && !text.contains("eventlet:"),
        "{text}"
    );
}
