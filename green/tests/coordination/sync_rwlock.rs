//! Read-write locks: many readers or one writer, in one fair line.

use std::cell::Cell;
use std::rc::Rc;

use crate::support::waiting::{
    HOUR, Log, SECOND, assert_killed, check_many, check_two_are_served_alike, check_wait, join_all,
    many,
};
use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::sync::{RwLock, RwLockWriteGuard};
use eventlet_green::{JoinHandle, Wait, sleep, spawn, yield_now};

fn reader(lock: &Rc<RwLock<u32>>, name: &str, log: &Log) -> JoinHandle<()> {
    let (lock, name, log) = (Rc::clone(lock), name.to_owned(), log.clone());
    spawn(move || {
        let value = lock.read().unwrap();
        log.note(format!("{name}({})", *value));
        sleep(SECOND);
        log.note(format!("/{name}"));
    })
}

fn writer(lock: &Rc<RwLock<u32>>, name: &str, log: &Log) -> JoinHandle<()> {
    let (lock, name, log) = (Rc::clone(lock), name.to_owned(), log.clone());
    spawn(move || {
        let mut value = lock.write().unwrap();
        *value += 1;
        log.note(format!("{name}[{}]", *value));
        sleep(SECOND);
        log.note(format!("/{name}"));
    })
}

#[test]
fn every_wait_keeps_the_contract() {
    on_each_hub_jumping(|_| {
        let lock = Rc::new(RwLock::new(0));
        let read = Rc::clone(&lock);
        let write = Rc::clone(&lock);
        let held = lock.read().unwrap();
        let waiting = || lock.waiting();
        check_wait(
            Wait::WriteLock,
            move || write.write().map(|value| *value),
            waiting,
        );
        drop(held);
        let _held = lock.write().unwrap();
        check_wait(
            Wait::ReadLock,
            move || read.read().map(|value| *value),
            waiting,
        );
    });
}

#[test]
fn killing_very_many_costs_each_the_same() {
    on_each_hub(|| {
        let lock = Rc::new(RwLock::new(0));
        let _held = lock.read().unwrap();
        let theirs = Rc::clone(&lock);
        check_many(
            many() / 5,
            move || theirs.write().map(|value| *value),
            || lock.waiting(),
        );
        assert_eq!(lock.readers(), 1);
    });
}

#[test]
fn one_line_for_readers_and_writers() {
    on_each_hub_jumping(|_| {
        let (lock, log) = (Rc::new(RwLock::new(0)), Log::default());
        let all = [
            reader(&lock, "a", &log),
            reader(&lock, "b", &log),
            writer(&lock, "C", &log),
            reader(&lock, "d", &log),
            writer(&lock, "E", &log),
            writer(&lock, "F", &log),
            reader(&lock, "g", &log),
            reader(&lock, "h", &log),
        ];
        yield_now();
        assert_eq!(lock.readers(), 2);
        assert!(lock.try_read().is_none(), "others are in line");
        assert_eq!(lock.waiting(), 6);
        join_all(all);
        assert_eq!(
            log.take(),
            "a(0) b(0) /a /b C[1] /C d(1) /d E[2] /E F[3] /F g(3) h(3) /g /h"
        );
    });
}

#[test]
fn a_stream_of_readers_starves_no_writer() {
    on_each_hub_jumping(|_| {
        let lock = Rc::new(RwLock::new(0));
        let is_over = Rc::new(Cell::new(false));
        // There is always a reader: they overlap.
        let readers: Vec<_> = (0..2)
            .map(|number| {
                let (lock, is_over) = (Rc::clone(&lock), Rc::clone(&is_over));
                spawn(move || {
                    sleep(number * SECOND);
                    while !is_over.get() {
                        let _value = lock.read().unwrap();
                        sleep(2 * SECOND);
                    }
                })
            })
            .collect();
        sleep(10 * SECOND);
        assert!(lock.try_write().is_none());
        *lock.write_timeout(2 * SECOND).unwrap().expect("in time") += 1;
        is_over.set(true);
        join_all(readers);
        assert_eq!(Rc::into_inner(lock).unwrap().into_inner(), 1);
    });
}

#[test]
fn writers_starve_neither_readers_nor_each_other() {
    on_each_hub_jumping(|_| {
        let lock = Rc::new(RwLock::new(()));
        let theirs = Rc::clone(&lock);
        check_two_are_served_alike(move || {
            let _held = theirs.write().unwrap();
            sleep(SECOND);
        });
        let reads = Cell::new(true);
        check_two_are_served_alike(move || {
            // One turn reads and the next writes, whosesoever it is.
            if reads.replace(!reads.get()) {
                let _held = lock.read().unwrap();
                sleep(SECOND);
            } else {
                let _held = lock.write().unwrap();
                sleep(SECOND);
            }
        });
    });
}

#[test]
fn readers_come_in_when_the_writer_before_them_gives_up() {
    on_each_hub_jumping(|_| {
        let (lock, log) = (Rc::new(RwLock::new(0)), Log::default());
        let held = lock.read().unwrap();
        let victim = writer(&lock, "K", &log);
        let behind = [reader(&lock, "a", &log), reader(&lock, "b", &log)];
        yield_now();
        assert_eq!((lock.readers(), lock.waiting()), (1, 3));
        victim.kill().unwrap();
        yield_now();
        assert_eq!((lock.readers(), lock.waiting()), (3, 0));
        join_all(behind);
        assert_killed(victim);

        let theirs = Rc::clone(&lock);
        let late = spawn(move || theirs.write_timeout(SECOND).unwrap().is_none());
        until_parked(&late);
        let behind = reader(&lock, "c", &log);
        assert!(late.join().unwrap());
        behind.join().unwrap();
        assert_eq!(log.take(), "a(0) b(0) /a /b c(0) /c");
        assert_eq!(lock.readers(), 1);
        drop(held);
    });
}

#[test]
fn a_killed_one_that_was_just_let_in_makes_room() {
    on_each_hub_jumping(|_| {
        let (lock, log) = (Rc::new(RwLock::new(0)), Log::default());
        let held = lock.write().unwrap();
        let victims = [reader(&lock, "k", &log), writer(&lock, "K", &log)];
        let last = writer(&lock, "L", &log);
        until_parked(&last);
        drop(held);
        assert_eq!(lock.readers(), 1);
        for victim in &victims {
            victim.kill().unwrap();
        }
        last.join().unwrap();
        victims.into_iter().for_each(assert_killed);
        assert_eq!(log.take(), "L[1] /L");
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn in_time_and_not_in_time() {
    on_each_hub_jumping(|_| {
        let lock = RwLock::new(0);
        let held = lock.write().unwrap();
        assert!(lock.is_writing());
        assert_eq!(lock.readers(), 0);
        assert!(lock.read_timeout(SECOND).unwrap().is_none());
        assert!(lock.write_timeout(SECOND).unwrap().is_none());
        assert!(lock.try_read().is_none() && lock.try_write().is_none());
        drop(held);
        assert!(!lock.is_writing());
        let reading = lock.read_timeout(SECOND).unwrap().unwrap();
        assert!(lock.write_timeout(SECOND).unwrap().is_none());
        assert_eq!(lock.try_read().map(|value| *value), Some(0));
        assert_eq!(*reading, 0);
        drop(reading);
        assert!(lock.write_timeout(SECOND).unwrap().is_some());
        assert_eq!(lock.waiting(), 0);
    });
}

#[test]
fn a_writer_can_go_on_as_a_reader() {
    on_each_hub_jumping(|_| {
        let (lock, log) = (Rc::new(RwLock::new(0)), Log::default());
        let mut writing = lock.write().unwrap();
        let all = [
            reader(&lock, "a", &log),
            writer(&lock, "B", &log),
            reader(&lock, "c", &log),
        ];
        yield_now();
        *writing = 10;
        let reading = RwLockWriteGuard::downgrade(writing);
        assert_eq!((lock.readers(), lock.waiting()), (2, 2));
        sleep(10 * SECOND);
        assert_eq!(*reading, 10, "nobody wrote");
        assert_eq!(log.take(), "a(10) /a");
        drop(reading);
        join_all(all);
        assert_eq!(log.take(), "B[11] /B c(11) /c");
    });
}

#[test]
fn free_again_however_the_holder_ends() {
    on_each_hub_jumping(|_| {
        let (lock, log) = (Rc::new(RwLock::new(0)), Log::default());
        let theirs = Rc::clone(&lock);
        let panicking = spawn(move || {
            *theirs.write().unwrap() = 5;
            let _held = theirs.write().unwrap();
            sleep(SECOND);
            panic!("on purpose");
        });
        let theirs = Rc::clone(&lock);
        let killed = spawn(move || {
            let _held = theirs.read().unwrap();
            sleep(HOUR);
        });
        until_parked(&killed);
        let last = writer(&lock, "L", &log);
        panicking.join().unwrap_err();
        yield_now();
        assert_eq!(lock.readers(), 1);
        killed.kill().unwrap();
        last.join().unwrap();
        assert_killed(killed);
        assert_eq!(log.take(), "L[6] /L");
    });
}

#[test]
fn shown_without_waiting() {
    on_each_hub(|| {
        let mut lock = RwLock::from(1);
        *lock.get_mut() += 1;
        assert_eq!(format!("{lock:?}"), "RwLock { value: 2, waiting: 0 }");
        let reading = lock.read().unwrap();
        assert_eq!(format!("{lock:?}"), "RwLock { value: 2, waiting: 0 }");
        assert_eq!(format!("{reading} {reading:?}"), "2 2");
        drop(reading);
        let _held = lock.write().unwrap();
        assert_eq!(
            format!("{lock:?}"),
            "RwLock { value: <locked>, waiting: 0 }"
        );
    });
}
