//! Time limits over pieces of code: whose deadline it is, and that nothing of it stays behind.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Noted, on_each_hub, on_each_hub_jumping, pair, record, until_parked};
use eventlet_green::net::TcpListener;
use eventlet_green::{TimeoutError, sleep, spawn, stats, timeout, yield_now};
use eventlet_runloop::{Clock, ManualClock, Time};

const SECOND: Duration = Duration::from_secs(1);
const ELAPSED: Result<(), TimeoutError> = Err(TimeoutError::Elapsed);

fn seconds(clock: &ManualClock) -> u64 {
    (clock.now() - Time::ORIGIN).as_secs()
}

#[test]
fn its_own_deadline() {
    on_each_hub_jumping(|clock| {
        let dropped = record();
        let outcome = timeout(SECOND, || {
            let _noted = Noted(Rc::clone(&dropped), "unwound");
            sleep(10 * SECOND);
        });
        assert_eq!(outcome, ELAPSED);
        assert_eq!(*dropped.borrow(), ["unwound"]);
        assert_eq!(seconds(clock), 1);
        assert_eq!(stats().timers, 0, "the sleep's timer is gone too");
    });
}

#[test]
fn in_a_coroutine_as_on_the_root_stack() {
    on_each_hub_jumping(|clock| {
        let limited = spawn(|| timeout(SECOND, || sleep(10 * SECOND)));
        assert_eq!(limited.join().unwrap(), ELAPSED);
        assert_eq!(seconds(clock), 1);
    });
}

#[test]
fn in_time() {
    on_each_hub_jumping(|clock| {
        let outcome = timeout(10 * SECOND, || {
            sleep(SECOND);
            "value"
        });
        assert_eq!(outcome.unwrap(), "value");
        assert_eq!(stats().timers, 0, "its timer is really gone");
        sleep(20 * SECOND);
        assert_eq!(seconds(clock), 21, "nothing is raised later");
    });
}

#[test]
fn the_inner_one_first() {
    on_each_hub_jumping(|clock| {
        let outer = timeout(5 * SECOND, || {
            let inner = timeout(SECOND, || sleep(10 * SECOND));
            assert_eq!(inner, ELAPSED);
            assert_eq!(seconds(clock), 1);
            assert_eq!(stats().timers, 1, "the outer one is pending still");
            sleep(10 * SECOND);
        });
        assert_eq!(outer, ELAPSED);
        assert_eq!(seconds(clock), 5);
    });
}

#[test]
fn the_outer_one_passes_through_the_inner_one() {
    on_each_hub_jumping(|clock| {
        let reached = Cell::new(false);
        let outer = timeout(SECOND, || {
            let _ = timeout(5 * SECOND, || sleep(10 * SECOND));
            reached.set(true);
        });
        assert_eq!(outer, ELAPSED);
        assert!(!reached.get());
        assert_eq!(seconds(clock), 1);
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn both_at_once_is_the_outer_one() {
    on_each_hub_jumping(|_| {
        let outer = timeout(SECOND, || timeout(SECOND, || sleep(10 * SECOND)));
        assert_eq!(outer, Err(TimeoutError::Elapsed));
    });
}

#[test]
fn deep_nesting_unwinds_to_the_right_one() {
    fn nest(depth: u32) -> u32 {
        // The limits grow inwards; the fifth, counted from within, is the shortest.
        let limit = if depth == 5 { 1 } else { 100 - depth };
        match timeout(SECOND * limit, || {
            if depth == 0 {
                sleep(1000 * SECOND);
                0
            } else {
                nest(depth - 1)
            }
        }) {
            Ok(caught_at) => caught_at,
            Err(_) => depth,
        }
    }
    on_each_hub_jumping(|_| assert_eq!(nest(20), 5));
}

#[test]
fn what_was_swallowed_is_raised_again() {
    on_each_hub_jumping(|clock| {
        let raised = Cell::new(0);
        let outcome = timeout(SECOND, || {
            for _ in 0..3 {
                let swallowed = catch_unwind(AssertUnwindSafe(|| sleep(10 * SECOND)));
                raised.set(raised.get() + u32::from(swallowed.is_err()));
            }
        });
        // It did come to its end.
        assert_eq!(outcome, Ok(()));
        assert_eq!(raised.get(), 3);
        assert_eq!(seconds(clock), 1);
        sleep(SECOND);
        assert_eq!(seconds(clock), 2, "left, it is raised no more");
    });
}

#[test]
fn finished_late_without_waiting_is_finished() {
    on_each_hub_jumping(|clock| {
        let outcome = timeout(SECOND, || {
            clock.advance(10 * SECOND);
            7
        });
        assert_eq!(outcome, Ok(7));
        yield_now();
        sleep(SECOND);
        assert_eq!(seconds(clock), 11);
    });
}

#[test]
fn a_limit_of_zero() {
    on_each_hub_jumping(|clock| {
        assert_eq!(timeout(Duration::ZERO, || 7), Ok(7), "it does not wait");
        assert_eq!(timeout(Duration::ZERO, || sleep(SECOND)), ELAPSED);
        assert_eq!(seconds(clock), 0);
    });
}

#[test]
fn the_longest_limit_there_is() {
    on_each_hub_jumping(|clock| {
        assert_eq!(timeout(Duration::MAX, || sleep(SECOND)), Ok(()));
        assert_eq!(seconds(clock), 1);
    });
}

#[test]
fn around_a_read() {
    on_each_hub_jumping(|_| {
        let (near, mut far) = pair();
        for _ in 0..2 {
            let outcome = timeout(SECOND, || (&near).read(&mut [0]).map(drop).unwrap());
            assert_eq!(outcome, ELAPSED);
        }
        far.write_all(b"x").unwrap();
        let read = timeout(SECOND, || (&near).read(&mut [0]).unwrap());
        assert_eq!(read, Ok(1), "the socket works further");
    });
}

#[test]
fn around_an_accept() {
    on_each_hub_jumping(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let outcome = timeout(SECOND, || listener.accept().map(drop).unwrap());
        assert_eq!(outcome, ELAPSED);
    });
}

#[test]
fn around_a_join() {
    on_each_hub_jumping(|clock| {
        let slow = spawn(|| sleep(3 * SECOND));
        let outcome = timeout(SECOND, || slow.join().unwrap());
        assert_eq!(outcome, ELAPSED);
        // It was joined no further, and goes on by itself.
        assert_eq!(stats().coroutines, 1);
        sleep(10 * SECOND);
        assert_eq!(stats().coroutines, 0);
        assert_eq!(seconds(clock), 11);
    });
}

#[test]
fn a_panic_goes_through() {
    on_each_hub_jumping(|_| {
        let broken = spawn(|| timeout(SECOND, || panic!("not about time")));
        let error = broken.join().map(drop).unwrap_err();
        assert_eq!(error.panic_text(), Some("not about time"));
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn each_coroutine_has_its_own() {
    on_each_hub_jumping(|clock| {
        let handles: Vec<_> = (1..=100_u32)
            .map(|number| {
                let clock = clock.clone();
                spawn(move || {
                    let outcome = timeout(number * SECOND, || sleep((101 - number) * SECOND));
                    (outcome, seconds(&clock))
                })
            })
            .collect();
        for (handle, number) in handles.into_iter().zip(1_u32..) {
            let (outcome, at) = handle.join().unwrap();
            let (limit, length) = (number, 101 - number);
            assert_eq!(
                outcome.is_err(),
                limit < length,
                "limit {limit}, length {length}"
            );
            assert_eq!(at, u64::from(limit.min(length)));
        }
    });
}

#[test]
fn an_expired_one_does_not_touch_what_is_spawned_within() {
    on_each_hub_jumping(|_| {
        let inner = Rc::new(Cell::new(None));
        let theirs = Rc::clone(&inner);
        let outcome = timeout(SECOND, || {
            let handle = spawn(|| sleep(5 * SECOND));
            until_parked(&handle);
            theirs.set(Some(handle));
            sleep(10 * SECOND);
        });
        assert_eq!(outcome, ELAPSED);
        inner.take().unwrap().join().unwrap();
    });
}

#[test]
fn thousands_of_cancelled_ones_leave_no_timer() {
    on_each_hub(|| {
        for _ in 0..10_000 {
            timeout(60 * SECOND, yield_now).unwrap();
        }
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn nothing_of_what_was_cut_off_is_kept() {
    on_each_hub_jumping(|_| {
        let held = Rc::new(());
        let theirs = Rc::clone(&held);
        let outcome = timeout(SECOND, move || {
            let _theirs = theirs;
            sleep(2 * SECOND);
        });
        assert_eq!(Rc::strong_count(&held), 1, "while the error is still there");
        assert!(outcome.unwrap_err().is_elapsed());
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn it_becomes_an_error_of_the_callers_own_or_is_ignored() {
    on_each_hub_jumping(|_| {
        let work = || -> io::Result<()> {
            timeout(SECOND, || sleep(2 * SECOND)).map_err(|_| io::Error::other("too slow"))
        };
        assert_eq!(work().unwrap_err().to_string(), "too slow");
        // Ignored, it just ends the stretch.
        timeout(SECOND, || sleep(2 * SECOND)).ok();
    });
}

#[test]
fn what_follows_it_has_no_limit() {
    on_each_hub_jumping(|clock| {
        let result = timeout(SECOND, || 7);
        sleep(60 * SECOND);
        assert_eq!(result.unwrap(), 7);
        assert_eq!(seconds(clock), 60);
    });
}
