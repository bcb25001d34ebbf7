//! Fanning out: results in the order of the inputs, some-failed and all-failed told apart.

use std::cell::Cell;
use std::convert::Infallible;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until};
use eventlet_green::pool::{FanError, FanFailure, Pool, PoolError, fan};
use eventlet_green::sync::Semaphore;
use eventlet_green::{JoinError, ParkError, Wait, sleep, spawn, stats, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn sleep_long() -> Result<(), Infallible> {
    sleep(HOUR);
    Ok(())
}

/// A pool of numbered items.
fn numbered(max_size: usize) -> Pool<u32, Infallible> {
    let next = Cell::new(0);
    Pool::new(max_size, move || Ok(next.replace(next.get() + 1)))
}

#[test]
fn in_the_order_of_the_inputs() {
    on_each_hub_jumping(|clock| {
        let before = eventlet_runloop::Clock::now(clock);
        let seconds = [3, 1, 2, 1];
        let results = fan(4, &seconds, |n| {
            sleep(*n * SECOND);
            Ok::<_, Infallible>(n * 10)
        });
        assert_eq!(results.unwrap(), [30, 10, 20, 10]);
        assert_eq!(eventlet_runloop::Clock::now(clock) - before, 3 * SECOND);
        let none = fan(1, [(); 0], Ok::<(), Infallible>);
        assert_eq!(none.unwrap(), []);
    });
}

#[test]
fn no_more_at_a_time_than_allowed() {
    on_each_hub(|| {
        let (now, most) = (Cell::new(0), Cell::new(0));
        let results = fan(3, 0..20, |n| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            yield_now();
            now.set(now.get() - 1);
            Ok::<_, Infallible>(n)
        });
        assert_eq!(results.unwrap(), (0..20).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
        assert!(catch_unwind(|| fan(0, [1], Ok::<_, Infallible>)).is_err());
    });
}

#[test]
fn each_item_of_a_pool_for_one_call_at_a_time() {
    on_each_hub(|| {
        let pool = numbered(2);
        let taken = [const { Cell::new(false) }; 2];
        let results = pool.fan(0..10, |item, input| {
            let place = &taken[*item as usize];
            assert!(!place.replace(true));
            yield_now();
            place.set(false);
            Ok::<_, Infallible>(input)
        });
        assert_eq!(results.unwrap(), (0..10).collect::<Vec<_>>());
        assert_eq!((pool.free(), pool.idle(), pool.waiting()), (2, 2, 0));
    });
}

#[test]
fn some_failed() {
    on_each_hub(|| {
        let pool = numbered(2);
        let outcome = pool.fan(0..4, |item, input| match input {
            1 => Err("returned"),
            2 => panic!("panicked"),
            3 => {
                item.discard();
                Ok(input)
            }
            _ => Ok(input),
        });
        let Err(FanError::SomeFailed(results)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(matches!(
            results[..],
            [
                Ok(0),
                Err(FanFailure::Returned("returned")),
                Err(FanFailure::Ended(JoinError::Panicked(_))),
                Ok(3)
            ]
        ));
        assert_eq!((pool.free(), pool.in_use()), (2, 0), "no place is lost");
    });
}

#[test]
fn all_failed() {
    on_each_hub(|| {
        let outcome = fan(2, 0..3, Err::<(), _>);
        assert_eq!(
            outcome.as_ref().unwrap_err().to_string(),
            "all 3 calls failed"
        );
        let Err(FanError::AllFailed(failures)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(matches!(
            failures[..],
            [
                FanFailure::Returned(0),
                FanFailure::Returned(1),
                FanFailure::Returned(2)
            ]
        ));
    });
}

#[test]
fn an_input_without_an_item_has_failed() {
    on_each_hub(|| {
        let made = Cell::new(0);
        let pool = Pool::new(1, move || match made.replace(made.get() + 1) {
            0 => Err("not yet"),
            n => Ok(n),
        });
        let outcome = pool.fan(["a", "b"], |item, input| {
            Ok::<_, Infallible>((*item, input))
        });
        let Err(FanError::SomeFailed(results)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(matches!(
            results[..],
            [
                Err(FanFailure::NoItem(PoolError::Create("not yet"))),
                Ok((1, "b"))
            ]
        ));
    });
}

#[test]
fn a_kill_and_a_time_limit_end_the_calls() {
    on_each_hub_jumping(|_| {
        let pool = numbered(2);
        let theirs = pool.clone();
        let caller = spawn(move || {
            let _ = theirs.fan(0..2, |_item, _| sleep_long());
        });
        until(|| pool.in_use() == 2 && matches!(caller.waits_for(), Wait::Join(_)));
        caller.kill().unwrap();
        assert!(matches!(caller.join(), Err(JoinError::Killed)));
        assert_eq!((stats().coroutines, pool.free()), (0, 2));
        // While it waits for an item.
        let late = timeout(SECOND, || pool.fan(0..5, |_item, _| sleep_long()));
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!((stats().coroutines, pool.free(), pool.waiting()), (0, 2, 0));
    });
}

#[test]
fn a_deadlock_is_told_in_the_results() {
    on_each_hub(|| {
        let never = Rc::new(Semaphore::new(0));
        let outcome = fan(2, 0..2, |_| never.acquire());
        let Err(FanError::AllFailed(failures)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(matches!(
            failures[0],
            FanFailure::Ended(JoinError::Refused(ParkError::Deadlock(_)))
        ));
        assert_eq!(stats().coroutines, 0);
    });
}
