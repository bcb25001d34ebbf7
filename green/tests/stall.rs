//! The watchdog names who keeps the thread to himself, with his stack.
//!
//! Nothing here is timed: whoever is stuck stays so until he has been reported, or for good.

mod support;

use std::cell::RefCell;
use std::hint::black_box;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use eventlet_green::{
    Builder, Callback, Stall, Watchdog, current_id, offload, sleep, spawn, watchdog, watchdog_with,
    yield_now,
};
use support::sys::block_signal;
use support::{assert_success, is_child, on_each_hub, run_child, stderr};

/// Long enough for a busy machine to see the pulse of a loop that is not stuck.
const LIMIT: Duration = Duration::from_millis(100);

/// A watchdog that hands its reports over.
fn watched(limit: Duration) -> (Watchdog, Receiver<Stall>) {
    let (tell, told) = channel();
    let watchdog = watchdog_with(limit, move |stall| {
        // Late ones, when nobody listens any more.
        let _ = tell.send(stall.clone());
    });
    (watchdog.unwrap(), told)
}

/// Computes until somebody reports it; `None` if that takes very long, as when it was reported before
/// it came here, on a machine that stood still.
#[inline(never)]
fn computes_and_never_waits(told: &Receiver<Stall>) -> Option<Stall> {
    let began = Instant::now();
    let mut rounds = 0_u64;
    while began.elapsed() < Duration::from_secs(5) {
        for _ in 0..10_000 {
            rounds = black_box(
                rounds
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1),
            );
        }
        if let Ok(stall) = told.try_recv() {
            return Some(stall);
        }
    }
    None
}

/// Is stuck until it is reported where it is stuck.
#[inline(never)]
fn is_stuck(told: &Receiver<Stall>) -> Stall {
    loop {
        let stall = computes_and_never_waits(told);
        let id = current_id();
        if let Some(stall) = stall
            && stall.id() == Some(id)
            && has(&stall, "computes_and_never_waits")
        {
            return stall;
        }
        // Another stall.
        yield_now();
    }
}

fn has(stall: &Stall, function: &str) -> bool {
    let mut frames = stall.frames().iter();
    frames.any(|frame| frame.function().contains(function))
}

#[track_caller]
fn assert_has(stall: &Stall, function: &str) {
    let there = has(stall, function);
    assert!(there, "{stall}\nlacks {function}");
}

/// As the watchdog would be used: a second.
#[test]
fn one_that_computes_for_a_second_is_named_with_its_stack() {
    let _watchdog = support::Watchdog::new("any hub");
    let second = Duration::from_secs(1);
    let (_guard, told) = watched(second);
    let line = line!() + 1;
    let body = move || is_stuck(&told);
    let handle = Builder::new().name("cruncher").spawn(body).unwrap();
    let (id, place) = (handle.id(), handle.spawned_at());
    let stall = handle.join().unwrap();
    assert_eq!(place.line(), line + 1);
    assert_eq!(stall.name(), Some("cruncher"));
    assert_eq!(stall.id(), Some(id));
    assert_eq!(stall.spawned_at(), Some(place));
    assert!(stall.lasted() >= second);
    assert_has(&stall, "computes_and_never_waits");
    // Its caller, too, and nothing below the coroutine's base.
    assert_has(&stall, "is_stuck");
    let text = stall.to_string();
    assert!(text.starts_with(&format!(
        "coroutine \"cruncher\" (#{id}, spawned at {place}) has kept its thread for "
    )));
    for stranger in ["coroutine_func", "RunLoop", "turn_until_due"] {
        assert!(!text.contains(stranger), "{text}\nhas {stranger}");
    }
    // Tests are built with debug information, except in release.
    if cfg!(debug_assertions) {
        let mut frames = stall.frames().iter();
        let there = frames.find(|frame| frame.function().contains("computes_and_never"));
        let there = there.unwrap();
        assert!(there.file().unwrap().ends_with("stall.rs"));
        assert!(there.line().unwrap() < line);
    }
}

#[test]
fn the_root_is_a_coroutine_too() {
    on_each_hub(|| {
        let (_guard, told) = watched(LIMIT);
        let stall = is_stuck(&told);
        assert_eq!(stall.id(), Some(0));
        assert!(stall.to_string().starts_with("the root stack has kept"));
        assert_has(&stall, "computes_and_never_waits");
    });
}

/// Once a stall, and again for the next one.
#[test]
fn each_stall_is_reported_once() {
    on_each_hub(|| {
        let (_guard, told) = watched(LIMIT);
        // Another watchdog of the same loop needs four times as long: when it reports, the first
        // would have had the time for four reports.
        let (_other, late) = watched(LIMIT * 4);
        let mut seen = 0;
        while seen < 2 {
            let first = computes_and_never_waits(&told);
            let last = computes_and_never_waits(&late);
            if first.is_some() && last.is_some() {
                assert!(told.try_recv().is_err(), "reported twice");
                seen += 1;
            }
            yield_now();
        }
    });
}

/// The one that holds the thread is named, not one that had it before or will have it.
#[test]
fn the_right_one_is_named() {
    on_each_hub(|| {
        let (_guard, told) = watched(LIMIT);
        let busy = Rc::new(());
        let others: Vec<_> = (0..10)
            .map(|_| {
                let busy = Rc::downgrade(&busy);
                spawn(move || {
                    while busy.upgrade().is_some() {
                        yield_now();
                    }
                })
            })
            .collect();
        let stuck = spawn(move || {
            for _ in 0..100 {
                yield_now();
            }
            let stall = is_stuck(&told);
            drop(busy);
            stall
        });
        let id = stuck.id();
        assert_eq!(stuck.join().unwrap().id(), Some(id));
        for other in others {
            other.join().unwrap();
        }
    });
}

/// In a call that blocks, which the signal interrupts and the standard library makes again.
#[test]
fn a_blocking_call_is_a_stall_and_goes_on() {
    use std::io::{Read, Write};

    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let (tell, told) = channel();
        let _guard = watchdog_with(LIMIT, move |stall| {
            if tell.send(stall.clone()).is_ok() {
                (&far).write_all(b"x").unwrap();
            }
        })
        .unwrap();

        #[inline(never)]
        fn blocks_the_thread(mut stream: UnixStream) -> u8 {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            byte[0]
        }

        let handle = spawn(move || blocks_the_thread(near));
        let id = handle.id();
        assert_eq!(handle.join().unwrap(), b'x');
        let stall = told.recv().unwrap();
        assert_eq!(stall.id(), Some(id));
        assert_has(&stall, "blocks_the_thread");
    });
}

/// A loop that waits for the hub is not stuck, nor is one that is busy with many.
#[test]
fn who_waits_or_yields_is_not_reported() {
    on_each_hub(|| {
        let reports = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&reports);
        // By real time, so a machine that stands still for so long would be taken for a stall.
        let limit = Duration::from_secs(2);
        let guard = watchdog_with(limit, move |stall| {
            eprintln!("{stall}");
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let guard = guard.unwrap();
        // Waits longer than the limit.
        let (tell, told) = channel::<()>();
        let waits = spawn(move || offload(move || told.recv_timeout(limit + limit / 2)));
        assert!(waits.join().unwrap().unwrap().is_err());
        drop((guard, tell));
        assert_eq!(reports.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn dropping_it_ends_the_watch() {
    on_each_hub(|| {
        let (guard, told) = watched(LIMIT);
        drop(guard);
        // Its thread lets go of the reporter when it ends.
        assert!(told.recv().is_err());
    });
}

/// A guard that is leaked ends with the loop.
#[test]
fn the_watch_ends_with_the_thread() {
    let _watchdog = support::Watchdog::new("any hub");
    let (tell, told) = channel::<Stall>();
    thread::spawn(move || {
        let guard = watchdog_with(LIMIT, move |stall| {
            let _ = tell.send(stall.clone());
        });
        std::mem::forget(guard.unwrap());
        yield_now();
    })
    .join()
    .unwrap();
    // Not stuck, but gone.
    assert!(told.iter().next().is_none());
}

#[test]
fn a_limit_of_nothing_is_refused() {
    let error = watchdog(Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// In a process of its own, whose standard error is read.
#[test]
fn the_default_report_goes_to_standard_error() {
    const TEST: &str = "the_default_report_goes_to_standard_error";
    if !is_child() {
        let output = run_child(TEST, "poll");
        assert_success(&output);
        let text = stderr(&output);
        assert!(
            text.contains("eventlet: coroutine \"loud\" (#1, spawned at "),
            "{text}"
        );
        assert!(text.contains("computes_and_never_waits"), "{text}");
        return;
    }
    let _guard = watchdog(LIMIT).unwrap();
    // Reported later, when the first has long been.
    let (_other, told) = watched(LIMIT * 4);
    let loud = Builder::new().name("loud").spawn(move || is_stuck(&told));
    loud.unwrap().join().unwrap();
    sleep(Duration::from_millis(1));
}

/// A handler that the program has for the signal is still called; in a process of its own.
#[test]
fn the_programs_own_handler_is_called() {
    const TEST: &str = "the_programs_own_handler_is_called";
    if !is_child() {
        return assert_success(&run_child(TEST, "poll"));
    }
    let seen = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGURG, Arc::clone(&seen)).unwrap();
    let (_guard, told) = watched(LIMIT);
    is_stuck(&told);
    assert!(seen.load(Ordering::Relaxed));
}

#[test]
fn a_callback_can_be_stuck() {
    on_each_hub(|| {
        let (_guard, told) = watched(LIMIT);
        let seen = Rc::new(RefCell::new(None));
        let theirs = Rc::clone(&seen);
        let callback =
            Callback::new(move || *theirs.borrow_mut() = computes_and_never_waits(&told));
        loop {
            callback.schedule();
            yield_now();
            yield_now();
            let stall = seen.take();
            if let Some(stall) = stall
                && has(&stall, "computes_and_never_waits")
            {
                assert_eq!(stall.id(), None);
                let text = stall.to_string();
                assert!(
                    text.starts_with("a callback of the run loop has kept"),
                    "{text}"
                );
                return;
            }
        }
    });
}

/// A thread that has the signal blocked is reported without a stack.
#[test]
fn a_thread_that_does_not_answer() {
    let _watchdog = support::Watchdog::new("any hub");
    let body = || {
        block_signal(signal_hook::consts::SIGURG);
        let (_guard, told) = watched(LIMIT);
        let stall = loop {
            if let Some(stall) = computes_and_never_waits(&told) {
                break stall;
            }
            yield_now();
        };
        assert_eq!(stall.id(), None);
        assert!(stall.frames().is_empty());
        assert!(stall.to_string().contains("does not answer"));
    };
    thread::spawn(body).join().unwrap();
}
