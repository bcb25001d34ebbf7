//! Pools of processes: used again, replaced when they have died, for one user at a time, and not
//! started again and again without a pause.

use std::cell::Cell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::testing::{until, until_parked};
use eventlet_green::{now, spawn};
use eventlet_protocols::process::{FIRST_BACKOFF, LAST_BACKOFF, ProcessPool, SIGKILL, STEADY};

use crate::support::{each_way, each_way_jumping, settled, state};

#[test]
fn a_live_one_is_used_again_and_a_dead_one_is_not() {
    each_way(|way| {
        let pool = ProcessPool::new(1, way.program("yes"));
        let first = pool.acquire().unwrap().id();
        let mut again = pool.acquire().unwrap();
        assert_eq!(again.id(), first);
        assert_eq!(again.read_line().unwrap(), b"y\n");
        again.kill(SIGKILL).unwrap();
        again.handle().wait().unwrap();
        drop(again);
        assert_eq!((pool.idle(), pool.in_use(), pool.free()), (0, 0, 1));
        assert_ne!(pool.acquire().unwrap().id(), first);
        drop(pool);
        settled();
    });
}

#[test]
fn one_that_dies_while_it_is_idle_is_replaced() {
    each_way(|way| {
        let pool = ProcessPool::new(1, way.program("cat"));
        let (first, handle) = {
            let cat = pool.acquire().unwrap();
            (cat.id(), cat.handle())
        };
        handle.kill(SIGKILL).unwrap();
        handle.wait().unwrap();
        let mut second = pool.acquire().unwrap();
        assert_ne!(second.id(), first);
        second.write(b"alive\n").unwrap();
        assert_eq!(second.read_line().unwrap(), b"alive\n");
        assert_eq!((pool.idle(), pool.in_use()), (0, 1));
    });
}

#[test]
fn each_is_one_users_at_a_time() {
    each_way(|way| {
        let pool = ProcessPool::new(2, way.program("cat"));
        let held = [pool.acquire().unwrap(), pool.acquire().unwrap()];
        assert_ne!(held[0].id(), held[1].id());
        let theirs = pool.clone();
        let waits = spawn(move || theirs.acquire().unwrap().id());
        until_parked(&waits);
        assert_eq!((pool.waiting(), pool.free()), (1, 0));
        let error = pool.acquire_timeout(Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let [one, _other] = held;
        let id = one.id();
        drop(one);
        assert_eq!(waits.join().unwrap(), id);
    });
}

#[test]
fn many_users_share_few_processes() {
    each_way(|way| {
        let pool = ProcessPool::new(3, way.program("cat"));
        let users: Vec<_> = (0..50)
            .map(|number| {
                let pool = pool.clone();
                spawn(move || {
                    let mut cat = pool.acquire().unwrap();
                    let word = format!("{number}\n");
                    cat.write(word.as_bytes()).unwrap();
                    assert_eq!(cat.read_line().unwrap(), word.as_bytes());
                    cat.id()
                })
            })
            .collect();
        let mut ids: Vec<_> = users.into_iter().map(|user| user.join().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert!(ids.len() <= 3, "{ids:?}");
        assert_eq!(pool.idle(), ids.len());
    });
}

#[test]
fn one_whose_user_is_killed_in_the_middle_is_not_given_to_others() {
    each_way(|way| {
        let pool = ProcessPool::new(1, way.program("cat"));
        let id = Rc::new(Cell::new(0));
        let (theirs, same) = (Rc::clone(&id), pool.clone());
        let user = spawn(move || {
            let mut cat = same.acquire().unwrap();
            theirs.set(cat.id());
            cat.write(b"half an").unwrap();
            cat.read_line().unwrap();
        });
        until(|| id.get() != 0);
        until_parked(&user);
        user.kill().unwrap();
        assert!(user.join().is_err());
        until(|| state(id.get()).is_none());
        let mut next = pool.acquire().unwrap();
        next.write(b"whole\n").unwrap();
        assert_eq!(next.read_line().unwrap(), b"whole\n");
        next.discard();
        assert_eq!(pool.free(), 1);
    });
}

#[test]
fn one_that_fails_at_once_is_started_again_with_growing_pauses() {
    each_way_jumping(|way| {
        let pool = ProcessPool::new(1, way.sh("exit 1"));
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let begun = now();
            let process = pool.acquire().unwrap();
            pauses.push(now() - begun);
            // By a process, which takes no time by this clock.
            process.handle().wait().unwrap();
        }
        assert_eq!(pauses[0], Duration::ZERO);
        let mut pause = FIRST_BACKOFF;
        for &was in &pauses[1..] {
            assert_eq!(was, pause);
            pause = (pause * 2).min(LAST_BACKOFF);
        }
        assert_eq!(pauses[9], LAST_BACKOFF);
    });
}

#[test]
fn one_that_cannot_be_started_is_an_error_each_time() {
    each_way_jumping(|way| {
        let pool = ProcessPool::new(1, way.program("no-such-program-here"));
        for pause in [Duration::ZERO, FIRST_BACKOFF, FIRST_BACKOFF * 2] {
            let begun = now();
            let error = pool.acquire().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(
                error.to_string().contains("no-such-program-here"),
                "{error}"
            );
            assert_eq!((now() - begun, pool.free()), (pause, 1));
        }
    });
}

#[test]
fn one_that_ends_well_or_late_is_replaced_at_once() {
    each_way_jumping(|way| {
        let begun = now();
        let pool = ProcessPool::new(1, way.program("true"));
        for _ in 0..3 {
            pool.acquire().unwrap().handle().wait().unwrap();
        }
        assert_eq!(now(), begun);
        let pool = ProcessPool::new(1, way.program("cat"));
        for _ in 0..3 {
            let cat = pool.acquire().unwrap();
            eventlet_green::sleep(STEADY);
            cat.kill(SIGKILL).unwrap();
            cat.handle().wait().unwrap();
        }
        assert_eq!(now() - begun, STEADY * 3);
    });
}

#[test]
fn a_pool_that_is_dropped_or_cleared_kills_its_own() {
    each_way(|way| {
        // They would not end by the end of their input.
        let mut command = way.program("sleep");
        command.arg("1000");
        let pool = ProcessPool::new(2, command);
        let ids = [pool.acquire().unwrap(), pool.acquire().unwrap()].map(|process| process.id());
        pool.resize(1);
        assert_eq!(pool.max_size(), 1);
        until(|| state(ids[0]).is_none());
        pool.clear();
        until(|| state(ids[1]).is_none());
        let id = pool.acquire().unwrap().id();
        drop(pool);
        until(|| state(id).is_none());
    });
}
