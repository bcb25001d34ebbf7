//! Semaphores: first come, first served, however many each wants and however a wait ends.

use std::time::Duration;

use crate::support::waiting::{
    HOUR, Log, SECOND, assert_killed, check_many, check_two_are_served_alike, check_wait, join_all,
    many, panics,
};
use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::sync::Semaphore;
use eventlet_green::{ParkError, Wait, sleep, spawn, timeout, yield_now};
use eventlet_runloop::{Clock, Time};

/// Starts one that takes so many, notes its name when it has them, and gives them back.
fn taker(
    seats: &Semaphore,
    count: usize,
    name: &'static str,
    log: &Log,
) -> eventlet_green::JoinHandle<()> {
    let (seats, log) = (seats.clone(), log.clone());
    let handle = spawn(move || {
        let permit = seats.acquire_many(count).unwrap();
        assert_eq!(permit.count(), count);
        log.note(name);
    });
    until_parked(&handle);
    handle
}

#[test]
fn every_wait_keeps_the_contract() {
    on_each_hub_jumping(|_| {
        for count in [1, 3] {
            let seats = Semaphore::new(2);
            let _held = seats.acquire_many(2).unwrap();
            let theirs = seats.clone();
            check_wait(
                Wait::Permit,
                move || theirs.acquire_many(count),
                || seats.waiting(),
            );
            let theirs = seats.clone();
            check_wait(
                Wait::Permit,
                move || match theirs.acquire_many_timeout(count, 1000 * HOUR)? {
                    Some(permit) => Ok(permit),
                    // On the root stack its timer can wake it, so that is no deadlock.
                    None => theirs.acquire_many(count),
                },
                || seats.waiting(),
            );
        }
    });
}

#[test]
fn killing_very_many_costs_each_the_same() {
    on_each_hub(|| {
        let seats = Semaphore::new(0);
        let theirs = seats.clone();
        check_many(many(), move || theirs.acquire(), || seats.waiting());
    });
}

#[test]
fn first_come_first_served() {
    on_each_hub(|| {
        let (seats, log) = (Semaphore::new(1), Log::default());
        let held = seats.acquire().unwrap();
        let waiters = ["a", "b", "c"].map(|name| taker(&seats, 1, name, &log));
        assert_eq!((seats.free(), seats.waiting()), (0, 3));
        drop(held);
        // It is a's already: nobody who comes in between gets it.
        assert_eq!((seats.free(), seats.waiting()), (0, 2));
        assert!(seats.try_acquire().is_none());
        drop(seats.acquire().unwrap());
        assert_eq!(log.take(), "a b c");
        join_all(waiters);
        assert_eq!(seats.free(), 1);
    });
}

#[test]
fn one_who_gives_back_and_takes_again_starves_nobody() {
    on_each_hub_jumping(|_| {
        let seats = Semaphore::new(1);
        check_two_are_served_alike(move || {
            let _permit = seats.acquire().unwrap();
            sleep(SECOND);
        });
    });
}

#[test]
fn one_who_wants_many_is_not_passed_by() {
    on_each_hub(|| {
        let (seats, log) = (Semaphore::new(3), Log::default());
        let mut held: Vec<_> = (0..3).map(|_| seats.acquire().unwrap()).collect();
        let waiters = [(3, "three"), (1, "one"), (2, "two")]
            .map(|(count, name)| taker(&seats, count, name, &log));
        for free in 1..3 {
            held.pop();
            yield_now();
            assert_eq!(seats.free(), free);
            assert!(seats.try_acquire().is_none(), "others are in line");
        }
        assert_eq!(log.take(), "");
        held.pop();
        join_all(waiters);
        assert_eq!(log.take(), "three one two");
    });
}

#[test]
fn when_the_first_in_line_gives_up_those_behind_get_what_is_free() {
    on_each_hub_jumping(|_| {
        let (seats, log) = (Semaphore::new(2), Log::default());
        let held = seats.acquire().unwrap();
        let killed = taker(&seats, 2, "killed", &log);
        let behind = taker(&seats, 1, "behind a kill", &log);
        killed.kill().unwrap();
        assert_killed(killed);
        behind.join().unwrap();

        let theirs = seats.clone();
        let late = spawn(move || theirs.acquire_many_timeout(2, SECOND).unwrap().is_none());
        until_parked(&late);
        let behind = taker(&seats, 1, "behind a timeout", &log);
        assert!(late.join().unwrap());
        behind.join().unwrap();

        let theirs = seats.clone();
        let limited = spawn(move || timeout(SECOND, || drop(theirs.acquire_many(2))).is_err());
        until_parked(&limited);
        let behind = taker(&seats, 1, "behind a limit", &log);
        assert!(limited.join().unwrap());
        behind.join().unwrap();
        assert_eq!(log.take(), "behind a kill behind a timeout behind a limit");
        drop(held);
        assert_eq!(seats.free(), 2);
    });
}

#[test]
fn what_one_was_given_who_is_killed_in_the_same_turn_goes_to_the_next() {
    on_each_hub(|| {
        for count in [1, 2] {
            let (seats, log) = (Semaphore::new(2), Log::default());
            let held = seats.acquire_many(2).unwrap();
            let victim = taker(&seats, count, "victim", &log);
            let next = taker(&seats, 2, "next", &log);
            drop(held);
            assert_eq!(seats.free(), 2 - count);
            victim.kill().unwrap();
            next.join().unwrap();
            assert_killed(victim);
            assert_eq!(log.take(), "next");
            assert_eq!(seats.free(), 2);
        }
    });
}

#[test]
fn one_that_was_killed_before_is_passed_over() {
    on_each_hub(|| {
        let (seats, log) = (Semaphore::new(1), Log::default());
        let held = seats.acquire().unwrap();
        let victims = ["a", "b"].map(|name| taker(&seats, 1, name, &log));
        let next = taker(&seats, 1, "next", &log);
        for victim in &victims {
            victim.kill().unwrap();
        }
        drop(held);
        assert_eq!(seats.free(), 0, "it is the next one's already");
        next.join().unwrap();
        victims.into_iter().for_each(assert_killed);
        assert_eq!(seats.free(), 1);
    });
}

#[test]
fn one_whose_time_was_over_in_the_same_turn_is_passed_over() {
    on_each_hub_jumping(|_| {
        let (seats, log) = (Semaphore::new(1), Log::default());
        let held = seats.acquire().unwrap();
        // Its timer is the first of two for the same moment.
        let giver = spawn(move || {
            sleep(SECOND);
            drop(held);
        });
        until_parked(&giver);
        let theirs = seats.clone();
        let late = spawn(move || theirs.acquire_timeout(SECOND).unwrap().is_none());
        until_parked(&late);
        let next = taker(&seats, 1, "next", &log);
        assert!(late.join().unwrap());
        next.join().unwrap();
        assert_eq!((seats.free(), seats.waiting()), (1, 0));
        giver.join().unwrap();
    });
}

#[test]
fn in_time_and_not_in_time() {
    on_each_hub_jumping(|clock| {
        let seats = Semaphore::new(1);
        let held = seats.acquire().unwrap();
        assert!(seats.acquire_timeout(SECOND).unwrap().is_none());
        assert_eq!(clock.now() - Time::ORIGIN, SECOND);
        assert!(seats.acquire_timeout(Duration::ZERO).unwrap().is_none());
        let giver = spawn(move || {
            sleep(SECOND);
            drop(held);
        });
        assert!(seats.acquire_timeout(2 * SECOND).unwrap().is_some());
        assert_eq!(clock.now() - Time::ORIGIN, 2 * SECOND);
        giver.join().unwrap();
    });
}

#[test]
fn permits_can_be_added_and_taken_away() {
    on_each_hub(|| {
        let (seats, log) = (Semaphore::new(0), Log::default());
        let waiters = [(2, "a"), (1, "b")].map(|(count, name)| taker(&seats, count, name, &log));
        seats.add_permits(1);
        yield_now();
        assert_eq!(log.take(), "");
        seats.add_permits(2);
        assert_eq!((seats.free(), seats.waiting()), (0, 0));
        join_all(waiters);
        assert_eq!((seats.free(), seats.total()), (3, 3));
        seats.acquire_many(2).unwrap().forget();
        assert_eq!((seats.free(), seats.total()), (1, 1));
        let held = seats.acquire().unwrap();
        assert!(panics(|| seats.add_permits(usize::MAX)));
        drop(held);
        assert_eq!((seats.free(), seats.total()), (1, 1));
        assert_eq!(seats.acquire_many(0).unwrap().count(), 0);
    });
}

#[test]
fn a_closed_one_grants_nothing() {
    on_each_hub_jumping(|_| {
        let seats = Semaphore::new(2);
        let held = seats.acquire_many(2).unwrap();
        let waiters = [1, 2, 3].map(|count| {
            let seats = seats.clone();
            let waiter = spawn(move || seats.acquire_many_timeout(count, HOUR));
            until_parked(&waiter);
            waiter
        });
        let theirs = seats.clone();
        let killed = spawn(move || theirs.acquire());
        until_parked(&killed);
        seats.close();
        seats.close();
        killed.kill().unwrap();
        assert_eq!(seats.waiting(), 0);
        for waiter in waiters {
            assert!(matches!(waiter.join().unwrap(), Err(ParkError::Closed)));
        }
        assert_killed(killed);
        assert!(matches!(seats.acquire(), Err(ParkError::Closed)));
        drop(held);
        // What was out came back, once each; and is not to be had any more.
        assert_eq!((seats.free(), seats.total()), (2, 2));
        assert!(seats.is_closed());
        assert!(seats.try_acquire().is_none());
        let error = std::io::Error::from(seats.acquire().unwrap_err());
        assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
        assert!(error.to_string().starts_with("closed"), "{error}");
    });
}

#[test]
fn a_panic_gives_its_permit_back() {
    on_each_hub_jumping(|_| {
        let (seats, log) = (Semaphore::new(1), Log::default());
        let theirs = seats.clone();
        let holder = spawn(move || {
            let _permit = theirs.acquire().unwrap();
            sleep(SECOND);
            panic!("on purpose");
        });
        until_parked(&holder);
        let next = taker(&seats, 1, "next", &log);
        holder.join().unwrap_err();
        next.join().unwrap();
        assert_eq!(seats.free(), 1);
    });
}
