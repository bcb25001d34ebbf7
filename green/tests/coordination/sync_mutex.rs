//! Mutexes: one at a time, handed on in order, and free again however the holder ends.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::support::waiting::{
    HOUR, Log, SECOND, assert_killed, check_many, check_two_are_served_alike, check_wait, join_all,
    many,
};
use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::sync::Mutex;
use eventlet_green::{JoinHandle, Wait, sleep, spawn, timeout, yield_now};

fn locker(mutex: &Rc<Mutex<u32>>, name: &'static str, log: &Log) -> JoinHandle<()> {
    let (mutex, log) = (Rc::clone(mutex), log.clone());
    let handle = spawn(move || {
        *mutex.lock().unwrap() += 1;
        log.note(name);
    });
    until_parked(&handle);
    handle
}

#[test]
fn every_wait_keeps_the_contract() {
    on_each_hub_jumping(|_| {
        let mutex = Rc::new(Mutex::new(0));
        let _held = mutex.lock().unwrap();
        let theirs = Rc::clone(&mutex);
        check_wait(
            Wait::Mutex,
            move || theirs.lock().map(|value| *value),
            || mutex.waiting(),
        );
    });
}

#[test]
fn killing_very_many_costs_each_the_same() {
    on_each_hub(|| {
        let mutex = Rc::new(Mutex::new(0));
        let _held = mutex.lock().unwrap();
        let theirs = Rc::clone(&mutex);
        check_many(
            many() / 5,
            move || theirs.lock().map(|value| *value),
            || mutex.waiting(),
        );
    });
}

#[test]
fn one_at_a_time() {
    on_each_hub(|| {
        let mutex = Rc::new(Mutex::new(0));
        let inside = Rc::new(Cell::new(0));
        let workers: Vec<_> = (0..10)
            .map(|_| {
                let (mutex, inside) = (Rc::clone(&mutex), Rc::clone(&inside));
                spawn(move || {
                    for _ in 0..100 {
                        let mut value = mutex.lock().unwrap();
                        assert_eq!(inside.replace(1), 0);
                        let before = *value;
                        yield_now();
                        *value = before + 1;
                        inside.set(0);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(*mutex.lock().unwrap(), 1000);
    });
}

#[test]
fn handed_on_in_order() {
    on_each_hub(|| {
        let (mutex, log) = (Rc::new(Mutex::new(0)), Log::default());
        let held = mutex.lock().unwrap();
        let waiters = ["a", "b", "c"].map(|name| locker(&mutex, name, &log));
        drop(held);
        assert!(mutex.is_locked(), "it is a's already");
        assert!(mutex.try_lock().is_none());
        drop(mutex.lock().unwrap());
        assert_eq!(log.take(), "a b c");
        join_all(waiters);
        assert!(!mutex.is_locked());
    });
}

#[test]
fn one_who_unlocks_and_locks_again_starves_nobody() {
    on_each_hub_jumping(|_| {
        let mutex = Mutex::new(());
        check_two_are_served_alike(move || {
            let _held = mutex.lock().unwrap();
            sleep(SECOND);
        });
    });
}

#[test]
fn in_time_and_not_in_time() {
    on_each_hub_jumping(|_| {
        let mutex = Rc::new(Mutex::new(7));
        let held = mutex.lock().unwrap();
        assert!(mutex.lock_timeout(SECOND).unwrap().is_none());
        assert!(mutex.lock_timeout(Duration::ZERO).unwrap().is_none());
        assert_eq!(mutex.waiting(), 0);
        drop(held);
        assert_eq!(*mutex.lock_timeout(SECOND).unwrap().unwrap(), 7);
        let theirs = Rc::clone(&mutex);
        let holder = spawn(move || {
            let mut value = theirs.lock().unwrap();
            sleep(SECOND);
            *value = 8;
        });
        until_parked(&holder);
        assert_eq!(*mutex.lock_timeout(HOUR).unwrap().unwrap(), 8);
        holder.join().unwrap();
    });
}

/// Not poisoned: half of what the holder meant to do is seen, and the lock works on.
#[test]
fn free_again_however_the_holder_ends() {
    on_each_hub_jumping(|_| {
        let (mutex, log) = (Rc::new(Mutex::new(0)), Log::default());
        let half_done = |then: fn()| {
            let mutex = Rc::clone(&mutex);
            let holder = spawn(move || {
                let mut value = mutex.lock().unwrap();
                *value += 10;
                then();
                *value += 100;
            });
            until_parked(&holder);
            holder
        };
        let panicking = half_done(|| {
            sleep(SECOND);
            panic!("on purpose");
        });
        let next = locker(&mutex, "after a panic", &log);
        panicking.join().unwrap_err();
        next.join().unwrap();

        let killed = half_done(|| sleep(HOUR));
        let next = locker(&mutex, "after a kill", &log);
        killed.kill().unwrap();
        next.join().unwrap();
        assert_killed(killed);

        let limited = timeout(SECOND, || {
            let mut value = mutex.lock().unwrap();
            *value += 10;
            sleep(HOUR);
        });
        assert!(limited.is_err());
        assert_eq!(log.take(), "after a panic after a kill");
        assert_eq!(*mutex.lock().unwrap(), 32);
    });
}

#[test]
fn one_that_is_killed_when_it_was_just_given_the_lock_passes_it_on() {
    on_each_hub(|| {
        let (mutex, log) = (Rc::new(Mutex::new(0)), Log::default());
        let held = mutex.lock().unwrap();
        let victim = locker(&mutex, "victim", &log);
        let next = locker(&mutex, "next", &log);
        drop(held);
        victim.kill().unwrap();
        next.join().unwrap();
        assert_killed(victim);
        assert_eq!(log.take(), "next");
        assert_eq!(*mutex.lock().unwrap(), 1);
    });
}

#[test]
fn a_guard_can_be_given_to_another() {
    on_each_hub(|| {
        let mutex: &'static Mutex<u32> = Box::leak(Box::new(Mutex::new(0)));
        let mut held = mutex.lock().unwrap();
        let other = spawn(move || {
            *held += 1;
            yield_now();
            *held += 1;
        });
        assert_eq!(*mutex.lock().unwrap(), 2);
        other.join().unwrap();
    });
}

#[test]
fn shown_without_waiting() {
    struct Shows<'a>(&'a Cell<Option<Rc<Mutex<u8>>>>);
    impl std::fmt::Debug for Shows<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            // Whoever is being shown may use locks, even this one's.
            let other = self.0.take().unwrap();
            *other.lock().unwrap() += 1;
            write!(f, "{other:?}")
        }
    }
    on_each_hub(|| {
        let slot = Cell::new(Some(Rc::new(Mutex::new(1))));
        let mut mutex = Mutex::new(Shows(&slot));
        let text = format!("{mutex:?}");
        assert!(text.contains("value: 2, waiting: 0"), "{text}");
        let held = mutex.lock().unwrap();
        let text = format!("{mutex:?}");
        assert_eq!(text, "Mutex { value: <locked>, waiting: 0 }");
        drop(held);
        mutex.get_mut().0.set(None);
        assert!(mutex.into_inner().0.take().is_none());
        let unsized_one: Box<Mutex<[u8]>> = Box::new(Mutex::new([1, 2, 3]));
        assert_eq!(unsized_one.lock().unwrap().len(), 3);
    });
}
