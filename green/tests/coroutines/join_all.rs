//! Waiting for several coroutines: for all of them, for the first, and what becomes of the others.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Noted, on_each_hub, on_each_hub_jumping, record, until};
use eventlet_green::sync::Semaphore;
use eventlet_green::{
    FirstError, JoinError, JoinHandle, JoinTimeoutError, ParkError, Wait, first_of,
    first_of_timeout, join_all, join_all_timeout, race, race_timeout, sleep, spawn, stats, timeout,
    yield_now,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Coroutines that sleep for so many seconds, and give that number.
fn sleepers<const N: usize>(seconds: [u32; N]) -> Vec<JoinHandle<u32>> {
    let sleeper = |n: u32| {
        spawn(move || {
            sleep(n * SECOND);
            n
        })
    };
    seconds.map(sleeper).into()
}

fn kill_all<T>(handles: Vec<JoinHandle<T>>) {
    for handle in handles {
        handle.kill().unwrap();
        assert!(matches!(handle.join(), Err(JoinError::Killed)));
    }
}

#[test]
fn all_in_the_order_of_the_handles() {
    on_each_hub_jumping(|_| {
        let results = join_all(sleepers([3, 1, 2]));
        let results: Vec<_> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(results, [3, 1, 2]);
        assert!(join_all(Vec::<JoinHandle<()>>::new()).is_empty());
    });
}

#[test]
fn a_failure_stands_in_its_place() {
    on_each_hub(|| {
        let victim = spawn(|| sleep(HOUR));
        victim.kill().unwrap();
        let results = join_all([
            spawn(|| ()),
            spawn(|| panic!("broken")),
            victim,
            spawn(|| ()),
        ]);
        assert!(matches!(
            results[..],
            [
                Ok(()),
                Err(JoinError::Panicked(_)),
                Err(JoinError::Killed),
                Ok(())
            ]
        ));
    });
}

#[test]
fn all_within_one_time_limit() {
    on_each_hub_jumping(|clock| {
        let before = eventlet_runloop::Clock::now(clock);
        let mut results = join_all_timeout(3 * SECOND, sleepers([2, 5, 1, 4]));
        let passed = eventlet_runloop::Clock::now(clock) - before;
        assert_eq!(passed, 3 * SECOND, "one limit, not one for each");
        assert!(matches!(results[0], Ok(2)));
        assert!(matches!(results[2], Ok(1)));
        for (place, expected) in [(3, 4), (1, 5)] {
            match results.remove(place) {
                Err(JoinTimeoutError::Elapsed(handle)) => {
                    assert_eq!(handle.join().unwrap(), expected);
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn those_that_were_not_joined_go_on_when_the_joiner_is_killed() {
    on_each_hub_jumping(|_| {
        let log = record();
        let started: Vec<_> = ["one", "two"]
            .map(|name| {
                let noted = Noted(Rc::clone(&log), name);
                spawn(move || {
                    sleep(SECOND);
                    drop(noted);
                })
            })
            .into();
        let joiner = spawn(move || drop(join_all(started)));
        until(|| matches!(joiner.waits_for(), Wait::Join(_)));
        joiner.kill().unwrap();
        joiner.join().unwrap_err();
        assert!(log.borrow().is_empty());
        sleep(2 * SECOND);
        assert_eq!(*log.borrow(), ["one", "two"]);
    });
}

#[test]
fn the_first_and_then_the_next() {
    on_each_hub_jumping(|_| {
        let mut handles = sleepers([3, 1, 2]);
        let (index, result) = first_of(&mut handles).unwrap();
        assert_eq!((index, result.unwrap()), (1, 1));
        let (index, result) = first_of(&mut handles).unwrap();
        assert_eq!((index, result.unwrap()), (1, 2), "of those that are left");
        let (index, result) = first_of(&mut handles).unwrap();
        assert_eq!((index, result.unwrap()), (0, 3));
        assert!(matches!(first_of(&mut handles), Err(FirstError::Empty)));
    });
}

#[test]
fn of_several_that_have_ended_the_lowest_index() {
    on_each_hub(|| {
        let mut handles: Vec<_> = (0..3).map(|n| spawn(move || n)).collect();
        handles.swap(0, 2);
        until(|| handles.iter().all(JoinHandle::is_finished));
        let (index, result) = first_of(&mut handles).unwrap();
        assert_eq!((index, result.unwrap()), (0, 2));
    });
}

#[test]
fn the_first_may_have_failed() {
    on_each_hub(|| {
        let mut handles = vec![spawn(|| sleep(HOUR)), spawn(|| panic!("first"))];
        let (index, result) = first_of(&mut handles).unwrap();
        assert_eq!(index, 1);
        assert_eq!(result.unwrap_err().panic_text(), Some("first"));
        kill_all(handles);
    });
}

#[test]
fn none_in_time() {
    on_each_hub_jumping(|_| {
        let mut handles = sleepers([5, 6]);
        let late = first_of_timeout(SECOND, &mut handles);
        assert!(matches!(late, Err(FirstError::Elapsed)));
        assert_eq!(handles.len(), 2);
        // A limit around it.
        assert!(timeout(SECOND, || first_of(&mut handles).map(drop)).is_err());
        assert_eq!(handles.len(), 2);
        let (index, _) = first_of_timeout(HOUR, &mut handles).unwrap();
        assert_eq!(index, 0);
        kill_all(handles);
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn a_kill_of_who_waits_for_the_first_loses_nothing() {
    on_each_hub_jumping(|_| {
        let handles = Rc::new(RefCell::new(Some(sleepers([2, 1]))));
        let theirs = Rc::clone(&handles);
        let waiter = spawn(move || {
            let mut mine = GiveBack(theirs.take().unwrap(), theirs);
            let _ = first_of(&mut mine.0);
        });
        until(|| waiter.waits_for() == Wait::AnyOf);
        waiter.kill().unwrap();
        waiter.join().unwrap_err();
        let mut handles = handles.take().unwrap();
        let (index, result) = first_of(&mut handles).unwrap();
        assert_eq!((index, result.unwrap()), (1, 1));
        kill_all(handles);
    });
}

/// Puts what it has back where it was, on every way out.
struct GiveBack(
    Vec<JoinHandle<u32>>,
    Rc<RefCell<Option<Vec<JoinHandle<u32>>>>>,
);

impl Drop for GiveBack {
    fn drop(&mut self) {
        self.1.replace(Some(std::mem::take(&mut self.0)));
    }
}

#[test]
fn a_race_kills_the_losers() {
    on_each_hub_jumping(|_| {
        let log = record();
        let loser = Noted(Rc::clone(&log), "unwound");
        let slow = spawn(move || {
            let _loser = loser;
            sleep(HOUR);
            0
        });
        let fast = spawn(|| {
            sleep(SECOND);
            1
        });
        let (index, result) = race([slow, fast]).unwrap();
        assert_eq!((index, result.unwrap()), (1, 1));
        yield_now();
        assert_eq!(*log.borrow(), ["unwound"]);
        let none: [JoinHandle<()>; 0] = [];
        assert!(matches!(race(none), Err(FirstError::Empty)));
    });
}

#[test]
fn a_race_without_a_winner_kills_all() {
    on_each_hub_jumping(|_| {
        let late = race_timeout(SECOND, sleepers([60, 70]));
        assert!(matches!(late, Err(FirstError::Elapsed)));
        yield_now();
        assert_eq!(stats().coroutines, 0);
        // And when who waits is killed.
        let racers = sleepers([60, 70]);
        let waiter = spawn(move || drop(race(racers)));
        until(|| waiter.waits_for() == Wait::AnyOf);
        waiter.kill().unwrap();
        waiter.join().unwrap_err();
        yield_now();
        assert_eq!(stats().coroutines, 0);
    });
}

#[test]
fn a_deadlock_is_told() {
    on_each_hub(|| {
        let never = Semaphore::new(0);
        let theirs = never.clone();
        let mut handles = vec![spawn(move || drop(theirs.acquire()))];
        match first_of(&mut handles) {
            Err(FirstError::Refused(ParkError::Deadlock(report))) => {
                assert_eq!(report.root(), Wait::AnyOf);
            }
            other => panic!("{other:?}"),
        }
        kill_all(handles);
    });
}

#[test]
fn the_first_of_many_again_and_again() {
    on_each_hub(|| {
        let mut handles: Vec<_> = (0..300).map(|n| spawn(move || n)).collect();
        let mut seen = Vec::new();
        while !handles.is_empty() {
            seen.push(first_of(&mut handles).unwrap().1.unwrap());
        }
        assert_eq!(seen, (0..300).collect::<Vec<_>>());
    });
}
