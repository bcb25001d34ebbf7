//! Pools of items: who gets one and when, and that no place is ever lost.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until, until_parked};
use eventlet_green::pool::{Order, Pool, PoolError, Settings, TokenPool, Unwound};
use eventlet_green::{
    JoinError, JoinHandle, ParkError, Wait, sleep, spawn, stats, timeout, yield_now,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A function that makes numbered items.
fn numbers() -> impl Fn() -> Result<u32, Infallible> {
    let next = Cell::new(0);
    move || Ok(next.replace(next.get() + 1))
}

/// Who takes an item, keeps it until told, and gives its number.
fn taker(pool: &Pool<u32, Infallible>) -> JoinHandle<Result<u32, PoolError<Infallible>>> {
    let pool = pool.clone();
    spawn(move || pool.acquire().map(|item| *item))
}

#[test]
fn sizes() {
    on_each_hub(|| {
        let pool = Settings::new().min_size(2).max_size(5).build(numbers());
        let pool = pool.unwrap();
        assert_eq!((pool.free(), pool.idle(), pool.in_use()), (5, 2, 0));
        let items = [(); 3].map(|()| pool.acquire().unwrap());
        assert_eq!(items.each_ref().map(|item| **item), [0, 1, 2]);
        assert_eq!((pool.free(), pool.idle(), pool.in_use()), (2, 0, 3));
        drop(items);
        assert_eq!((pool.free(), pool.idle(), pool.max_size()), (5, 3, 5));
        let lazy = Settings::new().build(numbers()).unwrap();
        assert_eq!(
            (lazy.free(), lazy.idle()),
            (4, 0),
            "as many as the original's"
        );
        let backwards = Settings::new().min_size(2).max_size(1);
        assert!(catch_unwind(|| backwards.build(numbers()).map(drop)).is_err());
        let failing = Settings::new().min_size(1);
        assert!(failing.build(|| Err::<(), _>("no")).is_err());
    });
}

#[test]
fn when_all_are_in_use_the_first_waiter_gets_the_item() {
    on_each_hub(|| {
        let pool = Pool::new(1, numbers());
        let item = pool.acquire().unwrap();
        let waiters: Vec<_> = (0..3).map(|_| taker(&pool)).collect();
        waiters.iter().for_each(until_parked);
        assert_eq!(waiters[0].waits_for(), Wait::Item);
        assert_eq!((pool.waiting(), pool.free()), (3, 0));
        assert!(pool.try_acquire().unwrap().is_none());
        drop(item);
        assert!(
            pool.try_acquire().unwrap().is_none(),
            "it is the first waiter's already"
        );
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap().unwrap(), 0);
        }
        assert_eq!(*pool.try_acquire().unwrap().unwrap(), 0);
    });
}

#[test]
fn in_turn_or_as_a_stack() {
    on_each_hub(|| {
        for (order, expected) in [(Order::Fifo, [0, 1, 2, 0]), (Order::Stack, [2, 2, 2, 2])] {
            let pool = Settings::new().min_size(3).order(order).build(numbers());
            let pool = pool.unwrap();
            assert_eq!([(); 4].map(|()| *pool.acquire().unwrap()), expected);
        }
    });
}

#[test]
fn one_that_cannot_be_made_loses_no_place() {
    on_each_hub(|| {
        let luck = Rc::new(Cell::new(false));
        let ours = Rc::clone(&luck);
        let pool = Pool::new(1, move || if ours.get() { Ok(7) } else { Err("no luck") });
        for _ in 0..3 {
            assert!(matches!(pool.acquire(), Err(PoolError::Create("no luck"))));
            assert_eq!((pool.free(), pool.in_use()), (1, 0));
        }
        luck.set(true);
        assert_eq!(*pool.acquire().unwrap(), 7);
        // A waiter gets its try, when the one before it fails.
        pool.acquire().unwrap().discard();
        luck.set(false);
        let slow = pool.clone();
        let first = pool.try_acquire();
        assert!(first.is_err());
        let again = spawn(move || slow.acquire().is_err());
        assert!(again.join().unwrap());
    });
}

#[test]
fn a_failure_to_make_one_wakes_the_next_waiter() {
    on_each_hub_jumping(|_| {
        let tries = Rc::new(Cell::new(0));
        let count = Rc::clone(&tries);
        // Making one takes its time, and fails the first time.
        let pool = Pool::new(1, move || {
            let number = count.replace(count.get() + 1);
            sleep(SECOND);
            if number == 0 {
                Err("no luck")
            } else {
                Ok(number)
            }
        });
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let pool = pool.clone();
                spawn(move || pool.acquire().map(|item| *item).ok())
            })
            .collect();
        let got: Vec<_> = takers
            .into_iter()
            .map(|taker| taker.join().unwrap())
            .collect();
        assert_eq!(got, [None, Some(1), Some(1)]);
        assert_eq!(tries.get(), 2);
    });
}

#[test]
fn no_more_are_made_than_there_may_be() {
    on_each_hub_jumping(|_| {
        let made = Rc::new(Cell::new(0));
        let count = Rc::clone(&made);
        let pool = Pool::new(3, move || {
            count.set(count.get() + 1);
            sleep(SECOND);
            Ok::<_, Infallible>(())
        });
        let users: Vec<_> = (0..20)
            .map(|_| {
                let pool = pool.clone();
                spawn(move || {
                    let _item = pool.acquire().unwrap();
                    sleep(SECOND);
                })
            })
            .collect();
        for user in users {
            user.join().unwrap();
        }
        assert_eq!(made.get(), 3);
    });
}

#[test]
fn a_panic_or_a_kill_while_one_is_made_loses_no_place() {
    on_each_hub(|| {
        let mode = Rc::new(Cell::new("panics"));
        let ours = Rc::clone(&mode);
        let pool = Pool::new(1, move || match ours.get() {
            "panics" => panic!("on purpose"),
            "waits" => {
                sleep(HOUR);
                Ok::<_, Infallible>(())
            }
            _ => Ok(()),
        });
        let get = |pool: &Pool<(), Infallible>| {
            let pool = pool.clone();
            spawn(move || pool.acquire().map(drop))
        };
        assert!(matches!(get(&pool).join(), Err(JoinError::Panicked(_))));
        mode.set("waits");
        let victim = get(&pool);
        until_parked(&victim);
        let waiter = get(&pool);
        until_parked(&waiter);
        mode.set("works");
        victim.kill().unwrap();
        victim.join().unwrap_err();
        waiter.join().unwrap().unwrap();
        assert_eq!((pool.free(), pool.in_use()), (1, 0));
    });
}

#[test]
fn a_killed_waiter_leaves_the_line_and_one_that_was_chosen_passes_it_on() {
    on_each_hub(|| {
        let pool = Pool::new(1, numbers());
        let item = pool.acquire().unwrap();
        let [first, second, third] = [(); 3].map(|()| taker(&pool));
        for waiter in [&first, &second, &third] {
            until_parked(waiter);
        }
        first.kill().unwrap();
        assert!(matches!(first.join(), Err(JoinError::Killed)));
        assert_eq!(pool.waiting(), 2);
        // In the same turn: the item is the second's, and then it is killed.
        drop(item);
        second.kill().unwrap();
        assert!(matches!(second.join(), Err(JoinError::Killed)));
        assert_eq!(third.join().unwrap().unwrap(), 0);
        assert_eq!((pool.free(), pool.idle(), pool.waiting()), (1, 1, 0));
    });
}

#[test]
fn time_limits() {
    on_each_hub_jumping(|_| {
        let pool = Pool::new(1, numbers());
        let item = pool.acquire().unwrap();
        assert!(matches!(
            pool.acquire_timeout(SECOND),
            Err(PoolError::Elapsed)
        ));
        assert!(timeout(SECOND, || pool.acquire().map(drop)).is_err());
        assert_eq!(pool.waiting(), 0);
        // Giving it back when all waiters have given up waits for nobody.
        let switches = stats().switches;
        drop(item);
        assert_eq!(stats().switches, switches);
        assert_eq!(*pool.acquire_timeout(SECOND).unwrap(), 0);
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn discarded_and_detached_ones_make_room() {
    on_each_hub(|| {
        let pool = Pool::new(1, numbers());
        let item = pool.acquire().unwrap();
        let waiter = taker(&pool);
        until_parked(&waiter);
        item.discard();
        assert_eq!(waiter.join().unwrap().unwrap(), 1, "a new one");
        let mine = pool.acquire().unwrap().detach();
        assert_eq!(mine, 1);
        assert_eq!((pool.free(), pool.idle(), pool.in_use()), (1, 0, 0));
        assert_eq!(*pool.acquire().unwrap(), 2);
    });
}

#[test]
fn one_whose_user_is_unwound_is_not_used_again_unless_asked_for() {
    on_each_hub(|| {
        for (unwound, expected) in [(Unwound::Discard, 1), (Unwound::Keep, 0)] {
            let pool = Settings::new()
                .max_size(1)
                .on_unwind(unwound)
                .build(numbers());
            let pool = pool.unwrap();
            let theirs = pool.clone();
            let victim = spawn(move || {
                let _item = theirs.acquire().unwrap();
                sleep(HOUR);
            });
            until_parked(&victim);
            victim.kill().unwrap();
            victim.join().unwrap_err();
            assert_eq!(*pool.acquire().unwrap(), expected);
        }
    });
}

#[test]
fn resizing() {
    on_each_hub(|| {
        let pool = Pool::new(2, numbers());
        let mut items: Vec<_> = (0..2).map(|_| pool.acquire().unwrap()).collect();
        let waiter = taker(&pool);
        until_parked(&waiter);
        pool.resize(3);
        assert_eq!(waiter.join().unwrap().unwrap(), 2, "up wakes waiters");
        assert_eq!((pool.idle(), pool.in_use()), (1, 2));
        pool.resize(1);
        assert_eq!((pool.idle(), pool.free()), (0, 0), "idle ones go at once");
        let waiter = taker(&pool);
        until_parked(&waiter);
        drop(items.pop());
        yield_now();
        assert!(!waiter.is_finished(), "there is one too many still");
        assert_eq!(pool.idle(), 0);
        drop(items.pop());
        assert_eq!(waiter.join().unwrap().unwrap(), 0);
        assert_eq!((pool.max_size(), pool.free(), pool.idle()), (1, 1, 1));
        pool.resize(0);
        assert!(matches!(pool.try_acquire(), Ok(None)));
        pool.clear();
        pool.resize(2);
        assert_eq!((pool.free(), pool.idle()), (2, 0));
    });
}

#[test]
fn closing() {
    on_each_hub(|| {
        let pool = Settings::new()
            .min_size(2)
            .max_size(2)
            .build(numbers())
            .unwrap();
        let [one, two] = [(); 2].map(|()| pool.acquire().unwrap());
        let waiters = [taker(&pool), taker(&pool)];
        waiters.iter().for_each(until_parked);
        drop(one);
        pool.close();
        pool.close();
        for waiter in waiters {
            assert!(matches!(waiter.join().unwrap(), Err(PoolError::Closed)));
        }
        assert!(pool.is_closed());
        assert!(matches!(pool.acquire(), Err(PoolError::Closed)));
        assert!(matches!(pool.try_acquire(), Err(PoolError::Closed)));
        drop(two);
        assert_eq!((pool.idle(), pool.in_use(), pool.free()), (0, 0, 0));
    });
}

#[test]
fn items_outlive_the_pool_and_go_with_it() {
    on_each_hub(|| {
        let dropped = Rc::new(());
        let theirs = Rc::clone(&dropped);
        let pool = Pool::new(2, move || Ok::<_, Infallible>(Rc::clone(&theirs)));
        let item = pool.acquire().unwrap();
        drop(pool.acquire().unwrap());
        drop(pool);
        assert_eq!(Rc::strong_count(&dropped), 2, "the pool's are gone");
        drop(item);
        assert_eq!(Rc::strong_count(&dropped), 1);
    });
}

#[test]
fn two_users_share_one_item_fairly() {
    on_each_hub(|| {
        let pool = Pool::new(1, numbers());
        let counts = [0; 2].map(|_| Rc::new(Cell::new(0_u32)));
        let users = counts.clone().map(|count| {
            let pool = pool.clone();
            spawn(move || {
                loop {
                    let _item = pool.acquire().unwrap();
                    count.set(count.get() + 1);
                    yield_now();
                }
            })
        });
        until(|| counts[0].get() + counts[1].get() >= 2_000);
        let [one, two] = counts.map(|count| count.get());
        assert!(one.abs_diff(two) * 10 <= one.max(two), "{one} and {two}");
        for user in users {
            user.kill().unwrap();
            user.join().unwrap_err();
        }
        assert_eq!((pool.free(), pool.waiting()), (1, 0));
    });
}

#[test]
fn a_deadlock_and_a_destructor_are_told() {
    on_each_hub(|| {
        let pool = Pool::new(1, numbers());
        let item = pool.acquire().unwrap();
        match pool.acquire() {
            Err(PoolError::Refused(ParkError::Deadlock(report))) => {
                assert_eq!(report.root(), Wait::Item);
            }
            other => panic!("{other:?}"),
        }
        drop(item);
        assert_eq!((pool.free(), pool.waiting()), (1, 0));
    });
}

#[test]
fn an_item_that_uses_its_pool_when_it_is_dropped() {
    struct Nosy(Rc<RefCell<Option<Pool<Nosy, Infallible>>>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            if let Some(pool) = &*self.0.borrow() {
                assert!(pool.idle() + pool.in_use() <= pool.max_size());
                assert!(pool.try_acquire().is_ok() || pool.is_closed());
            }
        }
    }
    on_each_hub(|| {
        let own = Rc::default();
        let theirs = Rc::clone(&own);
        let made = Cell::new(0);
        let pool = Pool::new(2, move || {
            // Each one that is dropped asks for another; it ends.
            made.set(made.get() + 1);
            assert!(made.get() < 100);
            Ok::<_, Infallible>(Nosy(Rc::clone(&theirs)))
        });
        own.replace(Some(pool.clone()));
        drop([(); 2].map(|()| pool.acquire().unwrap()));
        pool.resize(1);
        pool.clear();
        pool.acquire().unwrap().discard();
        pool.close();
        own.take();
    });
}

#[test]
fn tokens() {
    on_each_hub(|| {
        let pool = TokenPool::new(2);
        let tokens = [(); 2].map(|()| pool.acquire().unwrap());
        assert_eq!((pool.free(), pool.waiting()), (0, 0));
        pool.remove_permits(1);
        let theirs = pool.clone();
        let waiter = spawn(move || theirs.acquire().is_ok());
        until_parked(&waiter);
        let [one, two] = tokens;
        drop(one);
        yield_now();
        assert!(!waiter.is_finished());
        drop(two);
        assert!(waiter.join().unwrap());
        pool.add_permits(4);
        assert_eq!((pool.free(), pool.total()), (5, 5));
        // Taken away while they are held, forgotten, given back, added again.
        let all = pool.acquire_many(5).unwrap();
        pool.remove_permits(4);
        assert_eq!((pool.free(), pool.total()), (0, 1));
        all.forget();
        assert_eq!((pool.free(), pool.total()), (0, 0));
        pool.add_permits(3);
        let two = pool.acquire_many(2).unwrap();
        pool.remove_permits(3);
        pool.add_permits(1);
        assert_eq!((pool.free(), pool.total()), (0, 1));
        drop(two);
        assert_eq!((pool.free(), pool.total()), (1, 1));
        assert!(catch_unwind(AssertUnwindSafe(|| pool.remove_permits(2))).is_err());
    });
}
