//! Condition variables: no notification is lost, the longest waiter first, one switch each.

use std::rc::Rc;

use crate::support::waiting::{
    HOUR, Log, SECOND, assert_killed, check_many, check_wait, join_all, many, panics,
};
use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::sync::{Condvar, Mutex, MutexGuard};
use eventlet_green::{JoinHandle, ParkError, Wait, sleep, spawn, stats, yield_now};
use eventlet_runloop::{Clock, Time};

#[derive(Default)]
struct Shared {
    mutex: Mutex<u32>,
    changed: Condvar,
}

impl Shared {
    fn wait(&self) -> Result<MutexGuard<'_, u32>, ParkError> {
        self.changed.wait(self.mutex.lock()?)
    }
}

/// Starts one that waits for a notification, and notes its name while it has the lock.
fn waiter(shared: &Rc<Shared>, name: &'static str, log: &Log) -> JoinHandle<()> {
    let (shared, log) = (Rc::clone(shared), log.clone());
    let handle = spawn(move || {
        let mut value = shared.wait().unwrap();
        *value += 1;
        log.note(name);
    });
    until_parked(&handle);
    handle
}

#[test]
fn every_wait_keeps_the_contract() {
    on_each_hub_jumping(|_| {
        let shared = Rc::new(Shared::default());
        let theirs = Rc::clone(&shared);
        check_wait(
            Wait::Notification,
            move || theirs.wait().map(|value| *value),
            || shared.changed.waiting(),
        );
        assert!(!shared.mutex.is_locked(), "it is given up with an error");
    });
}

#[test]
fn killing_very_many_costs_each_the_same() {
    on_each_hub(|| {
        let shared = Rc::new(Shared::default());
        let theirs = Rc::clone(&shared);
        check_many(
            many() / 5,
            move || theirs.wait().map(|value| *value),
            || shared.changed.waiting(),
        );
        // The same once they have been notified, and wait for the lock.
        let theirs = Rc::clone(&shared);
        let victims: Vec<_> = (0..many() / 5)
            .map(|_| {
                let shared = Rc::clone(&theirs);
                spawn(move || drop(shared.wait()))
            })
            .collect();
        yield_now();
        let held = shared.mutex.lock().unwrap();
        shared.changed.notify_all();
        assert_eq!(shared.mutex.waiting(), many() / 5);
        for victim in victims.iter().rev() {
            victim.kill().unwrap();
        }
        victims.into_iter().for_each(assert_killed);
        assert_eq!(shared.mutex.waiting(), 0);
        drop(held);
        assert!(!shared.mutex.is_locked());
    });
}

#[test]
fn the_longest_waiter_is_notified_first() {
    on_each_hub(|| {
        let (shared, log) = (Rc::new(Shared::default()), Log::default());
        let waiters = ["a", "b", "c", "d"].map(|name| waiter(&shared, name, &log));
        assert_eq!(shared.changed.waiting(), 4);
        shared.changed.notify_one();
        yield_now();
        assert_eq!(log.take(), "a");
        shared.changed.notify_one();
        shared.changed.notify_one();
        // Each has it in a turn of its own, before whoever asks now.
        drop(shared.mutex.lock().unwrap());
        assert_eq!(log.take(), "b c");
        shared.changed.notify_all();
        join_all(waiters);
        assert_eq!(log.take(), "d");
        assert_eq!(*shared.mutex.lock().unwrap(), 4);
    });
}

#[test]
fn one_that_nobody_waits_for_is_lost() {
    on_each_hub(|| {
        let (shared, log) = (Rc::new(Shared::default()), Log::default());
        shared.changed.notify_one();
        shared.changed.notify_all();
        let late = waiter(&shared, "late", &log);
        yield_now();
        assert_eq!(log.take(), "");
        shared.changed.notify_one();
        late.join().unwrap();
    });
}

#[test]
fn the_notified_come_before_those_who_ask_for_the_lock_later() {
    on_each_hub(|| {
        let (shared, log) = (Rc::new(Shared::default()), Log::default());
        let waiters = ["a", "b"].map(|name| waiter(&shared, name, &log));
        let held = shared.mutex.lock().unwrap();
        shared.changed.notify_all();
        assert_eq!((shared.changed.waiting(), shared.mutex.waiting()), (0, 2));
        // They wait for the lock now, and say so.
        for waiter in &waiters {
            assert_eq!(waiter.waits_for(), Wait::Mutex);
        }
        drop(held);
        assert!(shared.mutex.try_lock().is_none());
        let after = shared.mutex.lock().unwrap();
        assert_eq!(*after, 2);
        drop(after);
        assert_eq!(log.take(), "a b");
        join_all(waiters);
    });
}

#[test]
fn each_of_many_notified_at_once_runs_once() {
    on_each_hub(|| {
        let shared = Rc::new(Shared::default());
        let waiters: Vec<_> = (0..100)
            .map(|_| {
                let shared = Rc::clone(&shared);
                spawn(move || *shared.wait().unwrap() += 1)
            })
            .collect();
        yield_now();
        let held = shared.mutex.lock().unwrap();
        shared.changed.notify_all();
        let before = stats().switches;
        yield_now();
        assert_eq!(stats().switches, before, "nobody woke to find it locked");
        drop(held);
        join_all(waiters);
        assert_eq!(stats().switches, before + 100);
        assert_eq!(*shared.mutex.lock().unwrap(), 100);
    });
}

#[test]
fn a_notification_of_one_that_is_killed_goes_to_the_next() {
    on_each_hub(|| {
        let (shared, log) = (Rc::new(Shared::default()), Log::default());
        // Killed before: it is passed over.
        let victim = waiter(&shared, "victim", &log);
        let next = waiter(&shared, "1", &log);
        victim.kill().unwrap();
        shared.changed.notify_one();
        next.join().unwrap();
        assert_killed(victim);
        // Killed when it has the lock already, but has not run.
        let victim = waiter(&shared, "victim", &log);
        let next = waiter(&shared, "2", &log);
        shared.changed.notify_one();
        assert!(shared.mutex.is_locked());
        victim.kill().unwrap();
        next.join().unwrap();
        assert_killed(victim);
        // Killed while it waits for the lock.
        let victim = waiter(&shared, "victim", &log);
        let next = waiter(&shared, "3", &log);
        let held = shared.mutex.lock().unwrap();
        shared.changed.notify_one();
        yield_now();
        victim.kill().unwrap();
        yield_now();
        assert_eq!((shared.changed.waiting(), shared.mutex.waiting()), (0, 1));
        drop(held);
        next.join().unwrap();
        assert_killed(victim);
        assert_eq!(log.take(), "1 2 3");
        assert!(!shared.mutex.is_locked());
        // And there was one each, no more.
        let last = waiter(&shared, "last", &log);
        yield_now();
        assert_eq!(shared.changed.waiting(), 1);
        shared.changed.notify_one();
        last.join().unwrap();
    });
}

#[test]
fn in_time_and_not_in_time() {
    on_each_hub_jumping(|clock| {
        let shared = Rc::new(Shared::default());
        let guard = shared.mutex.lock().unwrap();
        let (guard, result) = shared.changed.wait_timeout(guard, SECOND).unwrap();
        assert!(result.timed_out());
        assert_eq!(clock.now() - Time::ORIGIN, SECOND);
        assert!(shared.mutex.is_locked());
        assert_eq!(shared.changed.waiting(), 0);
        let theirs = Rc::clone(&shared);
        let notifier = spawn(move || {
            sleep(SECOND);
            let _held = theirs.mutex.lock().unwrap();
            theirs.changed.notify_one();
            // Longer than the waiter has time: but it was notified in time.
            sleep(HOUR);
        });
        let (guard, result) = shared.changed.wait_timeout(guard, 2 * SECOND).unwrap();
        assert!(!result.timed_out());
        assert_eq!(clock.now() - Time::ORIGIN, HOUR + 2 * SECOND);
        drop(guard);
        notifier.join().unwrap();
    });
}

#[test]
fn one_whose_time_was_over_in_the_same_turn_takes_no_notification() {
    on_each_hub_jumping(|_| {
        let (shared, log) = (Rc::new(Shared::default()), Log::default());
        let theirs = Rc::clone(&shared);
        let notifier = spawn(move || {
            sleep(SECOND);
            theirs.changed.notify_one();
        });
        until_parked(&notifier);
        let theirs = Rc::clone(&shared);
        let late = spawn(move || {
            let guard = theirs.mutex.lock().unwrap();
            let (_guard, result) = theirs.changed.wait_timeout(guard, SECOND).unwrap();
            result.timed_out()
        });
        until_parked(&late);
        let next = waiter(&shared, "next", &log);
        let last = waiter(&shared, "last", &log);
        assert!(late.join().unwrap());
        next.join().unwrap();
        yield_now();
        assert_eq!(log.take(), "next");
        shared.changed.notify_one();
        last.join().unwrap();
        notifier.join().unwrap();
    });
}

#[test]
fn waiting_while_a_condition_is_so() {
    on_each_hub_jumping(|clock| {
        let shared = Rc::new(Shared::default());
        let theirs = Rc::clone(&shared);
        let counter = spawn(move || {
            for _ in 0..5 {
                sleep(SECOND);
                *theirs.mutex.lock().unwrap() += 1;
                theirs.changed.notify_all();
            }
        });
        let guard = shared.mutex.lock().unwrap();
        let guard = shared.changed.wait_while(guard, |value| *value < 3);
        assert_eq!(*guard.unwrap(), 3);
        assert_eq!(clock.now() - Time::ORIGIN, 3 * SECOND);
        let guard = shared.mutex.lock().unwrap();
        let (guard, result) = shared
            .changed
            .wait_timeout_while(guard, HOUR, |value| *value < 5)
            .unwrap();
        assert!(!result.timed_out());
        // It has ended, so nobody notifies any more; the limit is one for all rounds together.
        let (guard, result) = shared
            .changed
            .wait_timeout_while(guard, HOUR, |value| *value < 6)
            .unwrap();
        assert!(result.timed_out());
        assert_eq!(*guard, 5);
        drop(guard);
        assert_eq!(clock.now() - Time::ORIGIN, HOUR + 5 * SECOND);
        counter.join().unwrap();
    });
}

#[test]
fn a_panic_of_the_condition_frees_the_lock() {
    on_each_hub(|| {
        let shared = Shared::default();
        assert!(panics(|| {
            let guard = shared.mutex.lock().unwrap();
            let _ = shared.changed.wait_while(guard, |_| panic!("on purpose"));
        }));
        assert!(!shared.mutex.is_locked());
        assert_eq!(shared.changed.waiting(), 0);
    });
}

#[test]
fn one_mutex_at_a_time() {
    on_each_hub(|| {
        let (shared, log) = (Rc::new(Shared::default()), Log::default());
        let other = Mutex::new(0);
        let first = waiter(&shared, "first", &log);
        assert!(panics(|| {
            let _ = shared.changed.wait(other.lock().unwrap());
        }));
        assert!(!other.is_locked());
        shared.changed.notify_all();
        first.join().unwrap();
        // With nobody left, it can serve another.
        let (_guard, result) = shared
            .changed
            .wait_timeout(other.lock().unwrap(), std::time::Duration::from_millis(1))
            .unwrap();
        assert!(result.timed_out());
    });
}
