//! Barriers and wait groups: waiting for each other, and for the end of others.

use std::rc::Rc;

use crate::support::waiting::{
    HOUR, Log, SECOND, assert_killed, check_many, check_wait, join_all, many,
};
use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::sync::{Barrier, WaitGroup};
use eventlet_green::{JoinHandle, Wait, sleep, spawn, timeout, yield_now};
use eventlet_runloop::{Clock, Time};

fn comer(barrier: &Rc<Barrier>, name: &'static str, log: &Log) -> JoinHandle<bool> {
    let (barrier, log) = (Rc::clone(barrier), log.clone());
    spawn(move || {
        let result = barrier.wait().unwrap();
        log.note(name);
        result.is_leader()
    })
}

#[test]
fn every_wait_at_a_barrier_keeps_the_contract() {
    on_each_hub_jumping(|_| {
        let barrier = Rc::new(Barrier::new(2));
        let theirs = Rc::clone(&barrier);
        check_wait(Wait::Barrier, move || theirs.wait(), || barrier.waiting());
    });
}

#[test]
fn killing_very_many_at_a_barrier() {
    on_each_hub(|| {
        let barrier = Rc::new(Barrier::new(many()));
        let theirs = Rc::clone(&barrier);
        check_many(many() / 5, move || theirs.wait(), || barrier.waiting());
    });
}

#[test]
fn a_barrier_opens_with_the_last_to_come_and_again_and_again() {
    on_each_hub(|| {
        let (barrier, log) = (Rc::new(Barrier::new(3)), Log::default());
        for _ in 0..3 {
            let comers = ["a", "b", "c"].map(|name| comer(&barrier, name, &log));
            assert_eq!(join_all(comers), [false, false, true]);
            // The last goes on at once; those who waited in the order they came.
            assert_eq!(log.take(), "c a b");
            assert_eq!(barrier.waiting(), 0);
        }
        for size in [0, 1] {
            let barrier = Barrier::new(size);
            assert!(barrier.wait().unwrap().is_leader());
            assert!(barrier.wait_timeout(SECOND).unwrap().unwrap().is_leader());
        }
    });
}

#[test]
fn one_that_passes_twice_does_not_count_for_two() {
    on_each_hub(|| {
        let barrier = Rc::new(Barrier::new(2));
        let log = Log::default();
        let runners = ["a", "b"].map(|name| {
            let (barrier, log) = (Rc::clone(&barrier), log.clone());
            spawn(move || {
                for round in 0..3 {
                    log.note(format!("{name}{round}"));
                    barrier.wait().unwrap();
                }
            })
        });
        join_all(runners);
        let order = log.take();
        let rounds: Vec<_> = order
            .split(' ')
            .map(|step| step.chars().last().unwrap())
            .collect();
        assert_eq!(rounds, ['0', '0', '1', '1', '2', '2'], "{order}");
    });
}

#[test]
fn one_that_goes_away_takes_its_arrival_back() {
    on_each_hub_jumping(|_| {
        let (barrier, log) = (Rc::new(Barrier::new(3)), Log::default());
        let victim = comer(&barrier, "victim", &log);
        until_parked(&victim);
        victim.kill().unwrap();
        assert_killed(victim);
        assert!(barrier.wait_timeout(SECOND).unwrap().is_none());
        assert!(timeout(SECOND, || drop(barrier.wait())).is_err());
        let comers = ["a", "b"].map(|name| comer(&barrier, name, &log));
        yield_now();
        assert_eq!(log.take(), "", "three must come still");
        assert!(barrier.wait().unwrap().is_leader());
        assert_eq!(join_all(comers), [false, false]);
    });
}

#[test]
fn one_that_was_counted_has_passed_even_if_its_time_is_over() {
    on_each_hub_jumping(|_| {
        let barrier = Rc::new(Barrier::new(2));
        let theirs = Rc::clone(&barrier);
        let last = spawn(move || {
            sleep(SECOND);
            theirs.wait().unwrap().is_leader()
        });
        until_parked(&last);
        // Its timer is the second for the same moment: it was over when the other came.
        let result = barrier.wait_timeout(SECOND).unwrap();
        assert!(!result.expect("it was counted").is_leader());
        assert!(last.join().unwrap());
        assert_eq!(barrier.waiting(), 0);
    });
}

#[test]
fn every_wait_for_a_group_keeps_the_contract() {
    on_each_hub_jumping(|_| {
        let group = WaitGroup::new();
        let _member = group.add();
        let theirs = group.clone();
        check_wait(Wait::WaitGroup, move || theirs.wait(), || group.waiting());
    });
}

#[test]
fn killing_very_many_who_wait_for_a_group() {
    on_each_hub(|| {
        let group = WaitGroup::new();
        let _member = group.add();
        let theirs = group.clone();
        check_many(many() / 5, move || theirs.wait(), || group.waiting());
    });
}

#[test]
fn a_group_is_done_however_its_members_end() {
    on_each_hub_jumping(|clock| {
        let (group, log) = (WaitGroup::new(), Log::default());
        group.wait().unwrap();
        let start = |then: fn()| {
            let member = group.add();
            let handle = spawn(move || {
                let _member = member;
                then();
            });
            until_parked(&handle);
            handle
        };
        let returns = start(|| sleep(SECOND));
        let panicking = start(|| {
            sleep(2 * SECOND);
            panic!("on purpose");
        });
        let killed = start(|| sleep(HOUR));
        let never_run = {
            let member = group.add();
            spawn(move || drop(member))
        };
        never_run.kill().unwrap();
        let waiters = ["a", "b"].map(|name| {
            let (group, log) = (group.clone(), log.clone());
            spawn(move || {
                group.wait().unwrap();
                log.note(name);
            })
        });
        yield_now();
        assert_eq!((group.members(), group.waiting()), (3, 2));
        assert!(group.wait_timeout(3 * SECOND).unwrap().timed_out());
        assert_eq!((group.members(), group.waiting()), (1, 2));
        assert_eq!(log.take(), "");
        killed.kill().unwrap();
        assert!(!group.wait_timeout(HOUR).unwrap().timed_out());
        assert_eq!(clock.now() - Time::ORIGIN, 3 * SECOND);
        join_all(waiters);
        assert_eq!(log.take(), "a b");
        returns.join().unwrap();
        panicking.join().unwrap_err();
        assert_killed(killed);
        assert_killed(never_run);
    });
}

#[test]
fn those_who_waited_go_on_although_there_are_new_members() {
    on_each_hub_jumping(|_| {
        let group = WaitGroup::new();
        let member = group.add();
        let both = member.clone();
        let theirs = group.clone();
        let waiter = spawn(move || theirs.wait());
        until_parked(&waiter);
        drop(member);
        assert_eq!((group.members(), group.waiting()), (1, 1));
        drop(both);
        let _new = group.add();
        waiter.join().unwrap().unwrap();
        assert!(group.wait_timeout(SECOND).unwrap().timed_out());
    });
}

#[test]
fn a_group_that_is_done_in_the_turn_in_which_the_time_is_over_is_done() {
    on_each_hub_jumping(|_| {
        let group = WaitGroup::new();
        let member = group.add();
        let last = spawn(move || {
            sleep(SECOND);
            drop(member);
        });
        until_parked(&last);
        assert!(!group.wait_timeout(SECOND).unwrap().timed_out());
        last.join().unwrap();
    });
}
