//! A thread that ends unwinds its coroutines: destructors run, in whatever state they are.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{
    Watchdog, assert_success, child_command, in_run, is_child, on_fresh_thread, pair, run_child,
    stderr, until_parked,
};
use eventlet_green::{
    HUB_VARIABLE, ParkError, call_after, hubs, offload, sleep, spawn, spawn_after, use_hub,
    yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Counts its drops from any thread.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs the body on a thread that then ends, under each hub; gives how many values were dropped.
fn on_ending_threads(expected: usize, body: fn(&dyn Fn() -> Counted)) {
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let drops = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&drops);
        on_fresh_thread(|| {
            use_hub(hub).unwrap();
            body(&|| Counted(Arc::clone(&theirs)));
        });
        assert_eq!(drops.load(Ordering::SeqCst), expected, "{hub}");
    }
}

/// What is dropped after the thread's loop, and has a timer of it.
struct Late(eventlet_green::Timer, Arc<AtomicUsize>);

impl Drop for Late {
    fn drop(&mut self) {
        let is_pending = self.0.cancel();
        self.1
            .fetch_add(1 + usize::from(is_pending), Ordering::SeqCst);
    }
}

thread_local! {
    static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "the loop's thread does not end")]
fn a_timer_outlives_the_loop() {
    let _watchdog = Watchdog::new("a timer that outlives its loop");
    let drops = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&drops);
    let ending = thread::spawn(move || {
        // Known before the loop is, and so destroyed after it.
        LATE.with_borrow(|late| assert!(late.is_none()));
        let timer = call_after(HOUR, || unreachable!("it has no loop"));
        LATE.set(Some(Late(timer, theirs)));
    });
    ending.join().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 1, "nothing was pending");
}

#[test]
fn in_every_state() {
    on_ending_threads(7, |counted| {
        let value = counted();
        spawn(move || drop(value)); // never had its turn
        let value = counted();
        spawn_after(HOUR, move || drop(value));
        let value = counted();
        let _ = call_after(HOUR, move || drop(value));
        let value = counted();
        let sleeper = spawn(move || {
            let _value = value;
            sleep(HOUR);
        });
        let value = counted();
        let (near, far) = pair();
        let reader = spawn(move || {
            let _value = value;
            let _far = far;
            (&near).read(&mut [0]).unwrap()
        });
        let value = counted();
        let joiner = spawn(move || {
            let _value = value;
            sleeper.join()
        });
        let value = counted();
        let caller = spawn(move || {
            let _value = value;
            // Ends soon, on its thread, after this one has ended.
            offload(|| thread::sleep(Duration::from_millis(1))).unwrap();
        });
        until_parked(&reader);
        until_parked(&joiner);
        until_parked(&caller);
    });
}

#[test]
fn destructors_cannot_wait_and_cannot_spawn() {
    struct Tries(Counted);
    impl Drop for Tries {
        fn drop(&mut self) {
            sleep(HOUR);
            yield_now();
            let refused = eventlet_green::Builder::new().spawn(|| ()).unwrap_err();
            let inner = refused.get_ref().and_then(|inner| inner.downcast_ref());
            if matches!(inner, Some(ParkError::ThreadEnding)) {
                drop(self.0.clone());
            }
        }
    }
    on_ending_threads(2, |counted| {
        let tries = Tries(counted());
        let victim = spawn(move || {
            let _tries = tries;
            sleep(HOUR);
        });
        until_parked(&victim);
    });
}

#[test]
fn one_that_swallows_a_few_times_is_given_its_time() {
    on_ending_threads(1, |counted| {
        let value = counted();
        let victim = spawn(move || {
            let _value = value;
            for _ in 0..300 {
                let _ = catch_unwind(AssertUnwindSafe(|| sleep(HOUR)));
            }
        });
        until_parked(&victim);
    });
}

#[test]
fn a_stubborn_one_is_given_up_and_named() {
    if is_child() {
        let hub = std::env::var(HUB_VARIABLE).unwrap();
        let _watchdog = Watchdog::new(&hub);
        let others = Arc::new(AtomicUsize::new(0));
        let theirs = Counted(Arc::clone(&others));
        on_fresh_thread(|| {
            let stubborn = eventlet_green::Builder::new().name("the mule");
            let _ = stubborn.spawn(|| {
                loop {
                    let _ = catch_unwind(AssertUnwindSafe(|| sleep(HOUR)));
                }
            });
            let victim = spawn(move || {
                let _theirs = theirs;
                sleep(HOUR);
            });
            until_parked(&victim);
        });
        assert_eq!(others.load(Ordering::SeqCst), 1, "the others are unwound");
        return;
    }
    for hub in hubs() {
        let output = run_child(
            "threads::thread_end::a_stubborn_one_is_given_up_and_named",
            hub,
        );
        assert_success(&output);
        let text = stderr(&output);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains("\"the mule\"") && text.contains("thread_end.rs"),
            "{text}"
        );
    }
}

/// More than a fixed number of rounds of the ending thread's can unwind, as long as there is
/// progress. (Once, for it takes a gigabyte; with few mappings it cannot be done.)
#[test]
#[cfg_attr(feature = "engine-may", ignore = "more mappings than there may be")]
#[cfg(not(eventlet_mprotect_guard))]
fn three_hundred_thousand_of_them() {
    const MANY: usize = 300_000;
    let _watchdog = Watchdog::new("default");
    let drops = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&drops);
    let ending = thread::spawn(move || {
        for _ in 0..MANY {
            let value = Counted(Arc::clone(&theirs));
            drop(spawn(move || drop(value)));
        }
    });
    ending.join().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), MANY);
}

#[test]
fn the_main_thread_ends_likewise() {
    if is_child() {
        return in_run(|| {
            // The harness runs this on a thread of its own, or on the main one: either way it ends.
            let victim = spawn(|| {
                struct Says;
                impl Drop for Says {
                    fn drop(&mut self) {
                        eprintln!("unwound");
                    }
                }
                let _says = Says;
                sleep(HOUR);
            });
            until_parked(&victim);
        });
    }
    for threads in ["1", "2"] {
        let output = child_command("threads::thread_end::the_main_thread_ends_likewise")
            .arg(format!("--test-threads={threads}"))
            .output()
            .unwrap();
        assert_success(&output);
        assert_eq!(stderr(&output), "unwound\n");
    }
}
