//! Workers: a bounded number of coroutines, whose seats are never lost, and results in either order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Noted, on_each_hub, on_each_hub_jumping, record, until, until_parked};
use eventlet_green::pool::{Pile, SpawnError, Workers};
use eventlet_green::{JoinError, ParkError, Wait, sleep, spawn, stats, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Free, running, waiting.
fn numbers(workers: &Workers) -> (usize, usize, usize) {
    (workers.free(), workers.running(), workers.waiting())
}

#[test]
fn a_seat_is_waited_for_first_come_first_served() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(2);
        assert_eq!(numbers(&workers), (2, 0, 0));
        let jobs = [(); 2].map(|()| workers.spawn(|| sleep(SECOND)).unwrap());
        assert_eq!(numbers(&workers), (0, 2, 0));
        let order = Rc::new(RefCell::new(Vec::new()));
        let callers = [1, 2, 3].map(|n| {
            let (workers, order) = (workers.clone(), Rc::clone(&order));
            spawn(move || {
                let job = workers.spawn(move || sleep(SECOND)).unwrap();
                order.borrow_mut().push(n);
                job.join().unwrap();
            })
        });
        callers.iter().for_each(until_parked);
        assert_eq!(callers[0].waits_for(), Wait::Worker);
        assert_eq!(numbers(&workers), (0, 2, 3));
        for handle in jobs.into_iter().chain(callers) {
            handle.join().unwrap();
        }
        assert_eq!(*order.borrow(), [1, 2, 3]);
        assert_eq!(numbers(&workers), (2, 0, 0));
    });
}

#[test]
fn however_one_ends_its_seat_is_free() {
    on_each_hub(|| {
        let workers = Workers::new(1);
        let panics = workers.spawn(|| panic!("on purpose")).unwrap();
        assert_eq!(panics.join().unwrap_err().panic_text(), Some("on purpose"));
        assert_eq!(numbers(&workers), (1, 0, 0));
        let killed = workers.spawn(|| sleep(HOUR)).unwrap();
        until_parked(&killed);
        killed.kill().unwrap();
        killed.join().unwrap_err();
        assert_eq!(numbers(&workers), (1, 0, 0));
        let never_started = workers
            .spawn(|| unreachable!("it was killed before"))
            .unwrap();
        never_started.kill().unwrap();
        assert!(matches!(
            never_started.join(),
            Err::<(), _>(JoinError::Killed)
        ));
        assert_eq!(numbers(&workers), (1, 0, 0));
        assert_eq!(workers.spawn(|| 7).unwrap().join().unwrap(), 7);
    });
}

#[test]
fn a_caller_that_is_killed_or_times_out_loses_no_seat() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(1);
        let busy = workers.spawn(|| sleep(10 * SECOND)).unwrap();
        let [victim, next] = [(); 2].map(|()| {
            let workers = workers.clone();
            spawn(move || workers.spawn(|| 7).unwrap().join().unwrap())
        });
        until_parked(&victim);
        until_parked(&next);
        assert!(timeout(SECOND, || workers.spawn(|| ()).map(drop)).is_err());
        assert_eq!(workers.waiting(), 2);
        // In the same turn: the seat is the victim's, and then it is killed.
        busy.kill().unwrap();
        until(|| busy.is_finished());
        victim.kill().unwrap();
        victim.join().ok();
        assert_eq!(next.join().unwrap(), 7);
        assert_eq!(numbers(&workers), (1, 0, 0));
    });
}

#[test]
fn not_waiting_for_ever() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(1);
        let busy = workers.try_spawn(|| sleep(3 * SECOND)).unwrap();
        let job = || "handed back";
        let Err(SpawnError::NoSeat(job)) = workers.try_spawn(job) else {
            panic!("there is no seat");
        };
        let Err(SpawnError::NoSeat(job)) = workers.spawn_timeout(SECOND, job) else {
            panic!("there is no seat in time");
        };
        let job = workers.spawn_timeout(HOUR, job).unwrap();
        assert!(busy.is_finished());
        assert_eq!(job.join().unwrap(), "handed back");
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn used_by_one_of_its_own_it_runs_inline() {
    on_each_hub(|| {
        let workers = Workers::new(1);
        let own = workers.clone();
        let outer = workers
            .spawn(move || {
                let me = eventlet_green::current_id();
                let inner = own.spawn(eventlet_green::current_id).unwrap();
                assert!(inner.is_finished() && inner.id() != me);
                assert_eq!(numbers(&own), (0, 1, 0));
                let failed = own.spawn(|| panic!("inline")).unwrap();
                assert_eq!(failed.join().unwrap_err().panic_text(), Some("inline"));
                // And deeper.
                let deep = own.clone();
                let deepest = own.spawn(move || deep.spawn(|| 7).unwrap().join().unwrap());
                assert_eq!(deepest.unwrap().join().unwrap(), 7);
                // With a time limit, and all that is made of it.
                assert!(own.spawn_timeout(SECOND, || ()).is_ok());
                assert!(matches!(own.try_spawn(|| ()), Err(SpawnError::NoSeat(_))));
                let sum: u32 = own.imap(1..=4, |n| n).map(Result::unwrap).sum();
                let same: u32 = own.imap_unordered(1..=4, |n| n).map(Result::unwrap).sum();
                assert_eq!((sum, same), (10, 10));
                inner.join().unwrap() == me
            })
            .unwrap();
        assert!(outer.join().unwrap());
        assert_eq!(numbers(&workers), (1, 0, 0));
    });
}

#[test]
fn a_kill_passes_through_what_runs_inline() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(1);
        let own = workers.clone();
        let outer = workers
            .spawn(move || drop(own.spawn(|| sleep(HOUR))))
            .unwrap();
        until_parked(&outer);
        outer.kill().unwrap();
        assert!(matches!(outer.join(), Err(JoinError::Killed)));
        let own = workers.clone();
        let outer =
            workers.spawn(move || timeout(SECOND, || own.spawn(|| sleep(HOUR)).map(drop)).is_err());
        assert!(outer.unwrap().join().unwrap());
        assert_eq!(numbers(&workers), (1, 0, 0));
    });
}

#[test]
fn waiting_for_all() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(3);
        workers.wait_all().unwrap();
        for n in 1..=6 {
            drop(workers.spawn(move || sleep(n * SECOND)).unwrap());
        }
        assert!(!workers.wait_all_timeout(SECOND).unwrap());
        workers.wait_all().unwrap();
        assert_eq!(numbers(&workers), (3, 0, 0));
        assert!(workers.wait_all_timeout(Duration::ZERO).unwrap());
        let own = workers.clone();
        let within = workers.spawn(move || own.wait_all()).unwrap();
        assert!(matches!(within.join().unwrap(), Err(JoinError::Itself)));
    });
}

#[test]
fn killing_all() {
    on_each_hub(|| {
        let workers = Workers::new(2);
        let jobs = [(); 2].map(|()| workers.spawn(|| sleep(HOUR)).unwrap());
        let theirs = workers.clone();
        let waiter = spawn(move || theirs.spawn(|| 7).unwrap().join().unwrap());
        until_parked(&waiter);
        assert_eq!(workers.kill_all().unwrap(), 2);
        assert_eq!(waiter.join().unwrap(), 7, "who waited gets a seat");
        for job in jobs {
            job.join().unwrap_err();
        }
    });
}

#[test]
fn resizing() {
    on_each_hub(|| {
        let workers = Workers::new(1);
        let first = workers.spawn(|| sleep(HOUR)).unwrap();
        let theirs = workers.clone();
        let second = spawn(move || theirs.spawn(|| sleep(HOUR)).unwrap());
        until_parked(&second);
        workers.resize(3);
        let second = second.join().unwrap();
        let third = workers.spawn(|| sleep(HOUR)).unwrap();
        assert_eq!(numbers(&workers), (0, 3, 0));
        workers.resize(1);
        assert_eq!((workers.size(), numbers(&workers)), (1, (0, 3, 0)));
        let theirs = workers.clone();
        let last = spawn(move || theirs.spawn(|| 7).unwrap().join().unwrap());
        until_parked(&last);
        for (running, job) in [(2, first), (1, second)] {
            job.kill().unwrap();
            job.join().unwrap_err();
            yield_now();
            assert_eq!(numbers(&workers), (0, running, 1), "no seat is free yet");
        }
        third.kill().unwrap();
        assert_eq!(last.join().unwrap(), 7);
        third.join().unwrap_err();
        assert_eq!(numbers(&workers), (1, 0, 0));
    });
}

#[test]
fn imap_gives_results_in_order_and_goes_on_after_a_failure() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(2);
        let results: Vec<_> = workers
            .imap([3, 1, 0, 2], |n: u32| {
                assert!(n != 0, "zero");
                sleep(n * SECOND);
                n
            })
            .map(|result| result.map_err(|error| error.panic_text().map(str::to_owned)))
            .collect();
        assert_eq!(results, [Ok(3), Ok(1), Err(Some("zero".into())), Ok(2)]);
        assert_eq!(workers.imap([(); 0], |()| ()).count(), 0);
        assert_eq!(numbers(&workers), (2, 0, 0));
    });
}

#[test]
fn imap_unordered_gives_them_as_they_come() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(3);
        let job = |n: u32| {
            sleep(n * SECOND);
            assert!(n != 2, "two");
            n
        };
        let results: Vec<_> = workers
            .imap_unordered([5, 1, 3, 2], job)
            .map(Result::ok)
            .collect();
        // The fourth starts when the first seat is free, after a second.
        assert_eq!(results, [Some(1), Some(3), None, Some(5)]);
        assert_eq!(workers.imap_unordered([(); 0], |()| ()).count(), 0);
        assert_eq!(numbers(&workers), (3, 0, 0));
    });
}

#[test]
fn imap_keeps_no_more_under_way_than_there_are_seats() {
    on_each_hub(|| {
        const SEATS: usize = 4;
        let workers = Workers::new(SEATS);
        let asked = Rc::new(Cell::new(0));
        let inputs = || {
            let asked = Rc::clone(&asked);
            asked.set(0);
            (0..10_000_usize).inspect(move |_| asked.set(asked.get() + 1))
        };
        for (given, result) in workers.imap(inputs(), |n| n).enumerate() {
            assert_eq!(result.unwrap(), given);
            // One is looked at ahead.
            assert!(asked.get() <= given + SEATS + 1);
        }
        let mut sum = 0;
        for (given, result) in workers.imap_unordered(inputs(), |n| n).enumerate() {
            sum += result.unwrap();
            assert!(asked.get() <= given + SEATS + 1);
        }
        assert_eq!(sum, 10_000 * 9_999 / 2);
    });
}

#[test]
fn imap_shares_its_workers_and_loses_no_input() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(1);
        drop(workers.spawn(|| sleep(10 * SECOND)).unwrap());
        let mut results = workers.imap(0..3, |n| n);
        for _ in 0..3 {
            let late = timeout(SECOND, || results.next());
            assert!(late.is_err(), "somebody else has the seat");
        }
        assert_eq!(results.map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
        // A result whose wait was cut short comes with the next call.
        let mut results = workers.imap([5], |n| {
            sleep(n * SECOND);
            n
        });
        assert!(timeout(SECOND, || results.next()).is_err());
        assert_eq!(results.next().unwrap().unwrap(), 5);
        let mut results = workers.imap_unordered([5], |n| {
            sleep(n * SECOND);
            n
        });
        assert!(timeout(SECOND, || results.next()).is_err());
        assert_eq!(results.next().unwrap().unwrap(), 5);
        assert!(results.next().is_none());
    });
}

#[test]
fn dropping_an_imap_kills_what_is_under_way() {
    on_each_hub(|| {
        let dropped = record();
        let workers = Workers::new(3);
        let job = {
            let dropped = Rc::clone(&dropped);
            move |n: u32| {
                let _noted = Noted(Rc::clone(&dropped), "unwound");
                if n > 0 {
                    sleep(HOUR);
                }
            }
        };
        let mut results = workers.imap(0..9, job.clone());
        results.next().unwrap().unwrap();
        drop(results);
        workers.wait_all().unwrap();
        let mut results = workers.imap_unordered(0..9, job);
        results.next().unwrap().unwrap();
        drop(results);
        workers.wait_all().unwrap();
        assert_eq!(dropped.borrow().len(), 6);
        assert_eq!(numbers(&workers), (3, 0, 0));
    });
}

#[test]
fn two_piles_share_workers() {
    on_each_hub_jumping(|_| {
        let workers = Workers::new(2);
        let [mut one, mut two] = [(); 2].map(|()| Pile::new(&workers));
        for n in 0..4 {
            one.spawn(move || n).unwrap();
            two.spawn(move || {
                sleep(SECOND);
                10 * n
            })
            .unwrap();
        }
        assert_eq!((one.len(), two.is_empty()), (4, false));
        assert_eq!(two.by_ref().map(Result::unwrap).sum::<u32>(), 60);
        assert_eq!(one.map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(two.next().is_none());
    });
}

#[test]
fn a_pile_survives_a_spawn_that_timed_out() {
    on_each_hub_jumping(|_| {
        let mut pile = Pile::new(&Workers::new(1));
        pile.spawn(|| {
            sleep(3 * SECOND);
            1
        })
        .unwrap();
        assert!(timeout(SECOND, || pile.spawn(|| 2)).is_err());
        let late = pile.spawn_timeout(SECOND, || 3);
        assert!(matches!(late, Err(SpawnError::NoSeat(_))));
        pile.spawn(|| panic!("in its place")).unwrap();
        pile.spawn(|| 4).unwrap();
        let results: Vec<_> = pile.map(Result::ok).collect();
        assert_eq!(results, [Some(1), None, Some(4)]);
    });
}

#[test]
fn two_callers_get_seats_fairly() {
    on_each_hub(|| {
        let workers = Workers::new(1);
        let counts = [0; 2].map(|_| Rc::new(Cell::new(0_u32)));
        let callers = counts.clone().map(|count| {
            let workers = workers.clone();
            spawn(move || {
                loop {
                    drop(workers.spawn(yield_now).unwrap());
                    count.set(count.get() + 1);
                }
            })
        });
        until(|| counts[0].get() + counts[1].get() >= 2_000);
        let [one, two] = counts.map(|count| count.get());
        assert!(one.abs_diff(two) * 10 <= one.max(two), "{one} and {two}");
        for caller in callers {
            caller.kill().unwrap();
            caller.join().unwrap_err();
        }
        workers.wait_all().unwrap();
        assert_eq!(numbers(&workers), (1, 0, 0));
    });
}

#[test]
fn a_deadlock_is_told() {
    on_each_hub(|| {
        let workers = Workers::new(0);
        let error = workers.spawn(|| ()).unwrap_err();
        let reason = error.get_ref().unwrap().downcast_ref().unwrap();
        let ParkError::Deadlock(report) = reason else {
            panic!("{reason}");
        };
        assert_eq!(report.root(), Wait::Worker);
        let mut results = workers.imap(0..9, |n| n);
        assert!(matches!(results.next(), Some(Err(JoinError::Refused(_)))));
        assert!(results.next().is_none(), "it does not go round for ever");
        workers.resize(1);
        assert_eq!(workers.spawn(|| 7).unwrap().join().unwrap(), 7);
    });
}
