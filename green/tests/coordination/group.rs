//! Groups: joined together, killed together, and killed with their owner.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Noted, crowd, on_each_hub, on_each_hub_jumping, record, until, until_parked};
use eventlet_green::pool::Group;
use eventlet_green::sync::Semaphore;
use eventlet_green::{
    Builder, JoinError, ParkError, State, Wait, sleep, spawn, stats, timeout, yield_now,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn joining_waits_for_all() {
    on_each_hub_jumping(|_| {
        let group = Group::new();
        group.join_all().unwrap();
        let ended = Rc::new(Cell::new(0));
        for n in 0..5 {
            let ended = Rc::clone(&ended);
            group.spawn(move || {
                sleep(n * SECOND);
                ended.set(ended.get() + 1);
            });
        }
        let elsewhere = spawn(|| sleep(9 * SECOND));
        group.add(&elsewhere);
        group.add(&elsewhere);
        assert_eq!(group.running(), 6);
        assert!(!group.join_all_timeout(3 * SECOND).unwrap());
        assert!(timeout(SECOND, || group.join_all()).is_err());
        assert!(group.join_all_timeout(HOUR).unwrap());
        assert!(group.is_empty() && elsewhere.is_finished());
        assert_eq!(ended.get(), 5);
        group.add(&elsewhere);
        assert!(group.is_empty(), "one that has ended does not come in");
    });
}

#[test]
fn failures_leave_it_like_successes() {
    on_each_hub(|| {
        let group = Group::new();
        let panics = group.spawn(|| panic!("on purpose"));
        let killed = group.spawn(|| sleep(HOUR));
        let named = Builder::new().name("named");
        let named = group.spawn_with(named, || 7).unwrap();
        until_parked(&killed);
        killed.kill().unwrap();
        group.join_all().unwrap();
        assert_eq!(panics.join().unwrap_err().panic_text(), Some("on purpose"));
        assert_eq!(named.name(), Some("named"));
        assert_eq!(named.join().unwrap(), 7);
    });
}

#[test]
fn several_may_join() {
    on_each_hub_jumping(|_| {
        let group = Rc::new(Group::new());
        group.spawn(|| sleep(SECOND));
        let joiners = [(); 3].map(|()| {
            let group = Rc::clone(&group);
            spawn(move || group.join_all().is_ok())
        });
        for joiner in &joiners {
            until_parked(joiner);
            assert_eq!(joiner.waits_for(), Wait::Group);
        }
        joiners[0].kill().unwrap();
        let [killed, others @ ..] = joiners;
        assert!(matches!(killed.join(), Err(JoinError::Killed)));
        for joiner in others {
            assert!(joiner.join().unwrap());
        }
    });
}

#[test]
fn joining_from_within_is_an_error() {
    on_each_hub(|| {
        let group = Rc::new(Group::new());
        let own = Rc::clone(&group);
        let member = group.spawn(move || own.join_all());
        assert!(matches!(member.join().unwrap(), Err(JoinError::Itself)));
    });
}

#[test]
fn killing_all() {
    on_each_hub(|| {
        let group = Group::new();
        let order = Rc::new(RefCell::new(Vec::new()));
        for name in ["first", "second", "third"] {
            let noted = Noted(Rc::clone(&order), name);
            group.spawn(move || {
                let _noted = noted;
                sleep(HOUR);
            });
        }
        yield_now();
        let never_started = group.spawn(|| unreachable!("it was killed before"));
        assert_eq!(group.kill_all().unwrap(), 4);
        assert!(order.borrow().is_empty(), "they unwind in their own turns");
        group.join_all().unwrap();
        assert_eq!(*order.borrow(), ["first", "second", "third"]);
        assert!(matches!(
            never_started.join(),
            Err::<(), _>(JoinError::Killed)
        ));
        assert_eq!(group.kill_all().unwrap(), 0);
    });
}

#[test]
fn killing_all_from_within() {
    on_each_hub(|| {
        let group = Rc::new(Group::new());
        let sleeper = group.spawn(|| sleep(HOUR));
        until_parked(&sleeper);
        let own = Rc::clone(&group);
        let member = group.spawn(move || {
            let _ = own.kill_all();
            unreachable!("it is one of them");
        });
        assert!(matches!(member.join(), Err::<(), _>(JoinError::Killed)));
        assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
    });
}

#[test]
fn dropping_it_kills_those_that_are_left() {
    on_each_hub(|| {
        let dropped = record();
        let noted = Noted(Rc::clone(&dropped), "unwound");
        let group = Group::new();
        let member = group.spawn(move || {
            let _noted = noted;
            sleep(HOUR);
        });
        until_parked(&member);
        drop(group);
        assert_eq!(member.state(), State::Ready);
        member.join().unwrap_err();
        assert_eq!(*dropped.borrow(), ["unwound"]);
        // With its owner, who is killed.
        let owner = spawn(|| {
            let group = Group::new();
            group.spawn(|| sleep(HOUR));
            group.join_all().unwrap();
        });
        until(|| owner.waits_for() == Wait::Group);
        owner.kill().unwrap();
        owner.join().unwrap_err();
        yield_now();
        assert_eq!(stats().coroutines, 0);
    });
}

#[test]
fn detached_ones_go_on() {
    on_each_hub_jumping(|_| {
        let mut group = Group::new();
        let member = group.spawn(|| sleep(SECOND));
        group.detach();
        assert!(group.is_empty());
        drop(group);
        member.join().unwrap();
    });
}

#[test]
fn a_deadlock_is_told() {
    on_each_hub(|| {
        let group = Group::new();
        let never = Semaphore::new(0);
        let member = group.spawn(move || drop(never.acquire()));
        match group.join_all() {
            Err(JoinError::Refused(ParkError::Deadlock(report))) => {
                assert_eq!(report.root(), Wait::Group);
            }
            other => panic!("{other:?}"),
        }
        drop(group);
        member.join().unwrap_err();
    });
}

#[test]
fn a_hundred_thousand_are_killed_at_little_cost() {
    on_each_hub(|| {
        let group = Group::new();
        for _ in 0..crowd(if cfg!(debug_assertions) {
            20_000
        } else {
            100_000
        }) {
            group.spawn(|| sleep(HOUR));
        }
        yield_now();
        group.kill_all().unwrap();
        group.join_all().unwrap();
        assert_eq!(stats().coroutines, 0);
    });
}
