//! A panic ends its coroutine only: whoever joins gets it, and if nobody does it is reported once.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{
    assert_nothing_is_left, assert_success, in_run, is_child, on_each_hub, run_child, stderr,
    until_parked,
};
use eventlet_green::{
    Builder, JoinError, call_after, hubs, offload, sleep, spawn, stats, yield_now,
};

#[test]
fn whoever_joins_gets_the_payload() {
    on_each_hub(|| {
        let text = spawn(|| panic!("number {}", 7));
        assert_eq!(text.join().unwrap_err().panic_text(), Some("number 7"));
        let value = spawn(|| panic::panic_any(42_u8));
        let error = value.join().unwrap_err();
        assert_eq!(error.panic_text(), None);
        let JoinError::Panicked(payload) = error else {
            panic!("it panicked");
        };
        assert_eq!(*payload.downcast::<u8>().unwrap(), 42);
    });
}

#[test]
fn others_go_on() {
    on_each_hub(|| {
        let steps = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&steps);
        let calm = spawn(move || {
            for _ in 0..10 {
                theirs.set(theirs.get() + 1);
                yield_now();
            }
        });
        let broken: Vec<_> = (0..10).map(|_| spawn(|| panic!("one of ten"))).collect();
        calm.join().unwrap();
        assert_eq!(steps.get(), 10);
        assert!(broken.into_iter().all(|handle| handle.join().is_err()));
    });
}

#[test]
fn a_caught_one_is_the_coroutines_own_affair() {
    on_each_hub(|| {
        let handle = spawn(|| {
            let caught = catch_unwind(|| {
                yield_now();
                panic!("caught");
            });
            yield_now();
            caught.is_err()
        });
        assert!(handle.join().unwrap());
    });
}

#[test]
fn one_of_an_offloaded_call_goes_on_in_the_caller() {
    on_each_hub(|| {
        let caller = spawn(|| offload(|| panic!("over there")).unwrap());
        let error = caller.join().unwrap_err();
        assert_eq!(error.panic_text(), Some("over there"));
        // On the root stack as well; and the pool's thread has survived it.
        let caught = catch_unwind(AssertUnwindSafe(|| offload(|| panic!("again"))));
        assert!(caught.is_err());
        assert_eq!(offload(|| 7).unwrap(), 7);
    });
}

#[test]
fn one_of_a_delayed_call_ends_its_coroutine_only() {
    on_each_hub(|| {
        let _ = call_after(Duration::from_nanos(1), || panic!("later"));
        sleep(Duration::from_nanos(2));
        yield_now();
        assert_eq!(stats().coroutines, 0);
    });
}

#[test]
fn one_of_a_dropped_result_is_contained() {
    struct Explosive;
    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    on_each_hub(|| {
        // Nobody has the handle, so the value is dropped by its coroutine.
        drop(spawn(|| Explosive));
        yield_now();
        assert_eq!(stats().coroutines, 0);
        // Here by whoever drops the handle.
        let handle = spawn(|| Explosive);
        yield_now();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_err());
    });
}

/// Prints, in a child, the reports of panics that nobody joins.
#[test]
fn an_unjoined_one_is_reported_once() {
    if is_child() {
        return in_run(|| {
            // The default hook prints as well; here only our own reports are looked at.
            panic::set_hook(Box::new(|_| {}));
            drop(spawn(|| panic!("dropped before")));
            yield_now();
            let handle = spawn(|| panic!("dropped after"));
            yield_now();
            drop(handle);
            let named = Builder::new().name("the named one");
            drop(named.spawn(|| panic::panic_any(7)).unwrap());
            let joined = spawn(|| panic!("joined"));
            assert!(joined.join().is_err());
            let killed = spawn(|| sleep(Duration::from_secs(3600)));
            until_parked(&killed);
            killed.kill().unwrap();
            drop(killed);
            yield_now();
            assert_nothing_is_left();
        });
    }
    for hub in hubs() {
        let output = run_child("coroutines::panics::an_unjoined_one_is_reported_once", hub);
        assert_success(&output);
        let text = stderr(&output);
        let reports: Vec<_> = text
            .lines()
            .filter(|line| line.contains("eventlet"))
            .collect();
        assert_eq!(reports.len(), 3, "{text}");
        for (report, parts) in reports.iter().zip([
            ["#1", "panics.rs", ": dropped before"],
            ["#2", "panics.rs", ": dropped after"],
            ["\"the named one\"", "#3", "no text"],
        ]) {
            for part in parts {
                assert!(report.contains(part), "{report} lacks {part}");
            }
        }
    }
}
