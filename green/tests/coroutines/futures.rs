//! Futures: a coroutine that blocks on one is parked; async code awaits coroutines.

use std::cell::Cell;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::support::{Noted, on_each_hub, on_each_hub_jumping, record, until, until_parked};
use eventlet_green::sync::Semaphore;
use eventlet_green::{
    JoinError, ParkError, Wait, block_on, block_on_timeout, sleep, spawn, stats, timeout, yield_now,
};
use futures_lite::{FutureExt, StreamExt, future};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn what_is_ready_needs_no_wait() {
    on_each_hub(|| {
        let turns = stats().turns;
        assert_eq!(block_on(ready(7)).unwrap(), 7);
        assert_eq!(stats().turns, turns);
    });
}

#[test]
fn others_go_on_meanwhile() {
    on_each_hub(|| {
        let (sender, receiver) = async_channel::bounded(1);
        let waits = spawn(move || block_on(receiver.recv()).unwrap().unwrap());
        until_parked(&waits);
        assert_eq!(waits.waits_for(), Wait::Future);
        let counts = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&counts);
        let other = spawn(move || {
            for _ in 0..10 {
                theirs.set(theirs.get() + 1);
                yield_now();
            }
        });
        other.join().unwrap();
        assert_eq!(counts.get(), 10);
        block_on(sender.send("through")).unwrap().unwrap();
        assert_eq!(waits.join().unwrap(), "through");
    });
}

/// A library that knows no runtime: producers and consumers in coroutines, on one thread and between
/// two.
#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn a_channel_of_a_library() {
    on_each_hub(|| {
        let (sender, receiver) = async_channel::bounded(4);
        let theirs = sender.clone();
        let elsewhere = thread::spawn(move || {
            for number in 0..500 {
                block_on(theirs.send(number)).unwrap().unwrap();
            }
        });
        let here = spawn(move || {
            for number in 500..1000 {
                block_on(sender.send(number)).unwrap().unwrap();
            }
        });
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let mut receiver = Box::pin(receiver.clone());
                spawn(move || {
                    let mut got = Vec::new();
                    block_on(async {
                        while let Some(number) = receiver.next().await {
                            got.push(number);
                        }
                    })
                    .unwrap();
                    got
                })
            })
            .collect();
        drop(receiver);
        let mut all: Vec<_> = workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1000));
        here.join().unwrap();
        elsewhere.join().unwrap();
    });
}

/// Gives its waker away at the first poll, and is ready when it is told to be.
fn told(wakers: mpsc::Sender<Waker>, is_ready: Arc<std::sync::atomic::AtomicBool>) -> impl Future {
    poll_fn(move |context| {
        if is_ready.load(std::sync::atomic::Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let _ = wakers.send(context.waker().clone());
        Poll::Pending
    })
}

#[test]
fn woken_from_any_thread_also_after_the_end() {
    on_each_hub(|| {
        let (give, wakers) = mpsc::channel();
        let is_ready = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let waits = told(give, Arc::clone(&is_ready));
        let elsewhere = thread::spawn(move || {
            let waker = wakers.recv().unwrap();
            // For nothing, at first: it is polled again, and waits again.
            waker.wake_by_ref();
            let again = wakers.recv().unwrap();
            assert!(waker.will_wake(&again), "one waker for the whole of it");
            is_ready.store(true, std::sync::atomic::Ordering::SeqCst);
            again.wake();
            waker
        });
        block_on(waits).unwrap();
        let late = elsewhere.join().unwrap();
        // The future is gone; this one waits for something else, and is not disturbed.
        let sleeper = spawn(|| sleep(HOUR));
        until_parked(&sleeper);
        late.wake_by_ref();
        thread::spawn(move || late.wake()).join().unwrap();
        yield_now();
        assert_eq!(sleeper.waits_for(), Wait::Sleep);
        sleeper.kill().unwrap();
        sleeper.join().unwrap_err();
    });
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn a_waker_outlives_its_loop() {
    on_each_hub(|| {
        let hub = stats().hub;
        let (give, wakers) = mpsc::channel();
        let thread = thread::spawn(move || {
            eventlet_green::use_hub(hub).unwrap();
            let is_ready = Arc::default();
            let waits = spawn(move || drop(block_on(told(give, is_ready))));
            until_parked(&waits);
        });
        thread.join().unwrap();
        wakers.recv().unwrap().wake();
    });
}

/// A late wake-up of the future does not end a wait of another kind, of the same coroutine.
#[test]
fn a_late_wake_up_ends_no_other_wait() {
    on_each_hub(|| {
        let (give, wakers) = mpsc::channel();
        let victim = spawn(move || {
            let is_ready = Arc::default();
            let late = timeout(Duration::from_millis(1), || block_on(told(give, is_ready)));
            assert!(late.is_err_and(|error| error.is_elapsed()));
            sleep(HOUR);
        });
        until(|| victim.waits_for() == Wait::Sleep);
        let waker = wakers.recv().unwrap();
        thread::spawn(move || waker.wake()).join().unwrap();
        yield_now();
        assert_eq!(victim.waits_for(), Wait::Sleep);
        victim.kill().unwrap();
        victim.join().unwrap_err();
    });
}

/// As above, while the future itself has the coroutine wait for something else.
#[test]
fn a_wake_up_within_a_poll_ends_no_other_wait() {
    on_each_hub_jumping(|clock| {
        let mut polls = 0;
        let clock = clock.clone();
        block_on(poll_fn(move |context| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(());
            }
            let waker = context.waker().clone();
            spawn(move || waker.wake());
            use eventlet_runloop::Clock;
            let start = clock.now();
            sleep(HOUR);
            assert_eq!(clock.now() - start, HOUR);
            Poll::Pending
        }))
        .unwrap();
    });
}

#[test]
fn one_that_wakes_itself_lets_others_run() {
    on_each_hub(|| {
        let rounds = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&rounds);
        let other = spawn(move || {
            for _ in 0..10 {
                theirs.set(theirs.get() + 1);
                yield_now();
            }
        });
        block_on(async {
            for _ in 0..10 {
                future::yield_now().await;
            }
        })
        .unwrap();
        assert!(rounds.get() >= 9, "{}", rounds.get());
        other.join().unwrap();
    });
}

#[test]
fn nested() {
    on_each_hub(|| {
        let (sender, receiver) = async_channel::bounded(1);
        let other = spawn(move || {
            yield_now();
            block_on(sender.send(20)).unwrap().unwrap();
        });
        let sum = block_on(async {
            let outer = spawn(|| 1).await.unwrap();
            // The inner one parks the same coroutine, within the poll of the outer.
            let inner = block_on(async { receiver.recv().await.unwrap() }).unwrap();
            outer + inner + spawn(|| 300).await.unwrap()
        });
        assert_eq!(sum.unwrap(), 321);
        other.join().unwrap();
    });
}

#[test]
fn a_kill_drops_the_future() {
    on_each_hub(|| {
        let log = record();
        let noted = Noted(Rc::clone(&log), "dropped");
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let victim = spawn(move || {
            block_on(async move {
                let _noted = noted;
                receiver.recv().await
            })
        });
        until_parked(&victim);
        assert_eq!(sender.receiver_count(), 1);
        victim.kill().unwrap();
        assert!(matches!(victim.join(), Err(JoinError::Killed)));
        assert_eq!(*log.borrow(), ["dropped"]);
        assert!(sender.is_closed());
    });
}

#[test]
fn a_panic_in_the_future_is_the_callers() {
    on_each_hub(|| {
        let broken = spawn(|| {
            block_on(async {
                future::yield_now().await;
                panic!("no luck")
            })
        });
        let error = broken.join().unwrap_err();
        assert_eq!(error.panic_text(), Some("no luck"));
    });
}

#[test]
fn a_time_limit() {
    on_each_hub_jumping(|_| {
        let (sender, receiver) = async_channel::bounded::<u8>(1);
        assert_eq!(block_on_timeout(HOUR, receiver.recv()).unwrap(), None);
        assert_eq!(block_on_timeout(HOUR, pending::<()>()).unwrap(), None);
        assert_eq!(block_on_timeout(HOUR, ready(7)).unwrap(), Some(7));
        // One that never sleeps runs out of time all the same.
        let busy = async {
            loop {
                sleep(Duration::from_secs(1));
                future::yield_now().await;
            }
        };
        let late: Option<()> = block_on_timeout(HOUR, busy).unwrap();
        assert_eq!(late, None);
        block_on(sender.send(1)).unwrap().unwrap();
        let in_time = block_on_timeout(HOUR, receiver.recv()).unwrap();
        assert_eq!(in_time, Some(Ok(1)), "nothing was lost");
    });
}

#[test]
fn one_that_nothing_can_wake_is_a_deadlock() {
    on_each_hub(|| {
        let refused = block_on(pending::<()>()).unwrap_err();
        let ParkError::Deadlock(report) = refused else {
            panic!("{refused}");
        };
        assert_eq!(report.root(), Wait::Future);
        // Not if the waker is somewhere: another thread may have it.
        let (sender, receiver) = async_channel::bounded(1);
        let elsewhere = thread::spawn(move || {
            while sender.receiver_count() < 2 {
                thread::yield_now();
            }
            sender.send_blocking(7).unwrap();
        });
        let waits = receiver.clone();
        assert_eq!(block_on(waits.recv()).unwrap(), Ok(7));
        elsewhere.join().unwrap();
    });
}

#[test]
fn coroutines_are_awaited() {
    on_each_hub(|| {
        let log = record();
        let seats = Semaphore::new(1);
        let taken = seats.acquire().unwrap();
        let slow = spawn(move || seats.acquire().map(drop).is_ok());
        let fast = spawn(|| 7);
        let broken = spawn(|| panic!("no luck"));
        let noted = Rc::clone(&log);
        let all = spawn(move || {
            block_on(async {
                assert_eq!(fast.await.unwrap(), 7);
                noted.borrow_mut().push("fast");
                assert_eq!(broken.await.unwrap_err().panic_text(), Some("no luck"));
                noted.borrow_mut().push("broken");
                assert!(slow.await.unwrap());
                noted.borrow_mut().push("slow");
            })
            .unwrap();
        });
        until(|| log.borrow().len() == 2);
        until_parked(&all);
        spawn(|| ()).join().unwrap();
        assert_eq!(*log.borrow(), ["fast", "broken"]);
        drop(taken);
        all.join().unwrap();
        assert_eq!(*log.borrow(), ["fast", "broken", "slow"]);
    });
}

#[test]
fn the_first_of_several_and_a_dropped_one_goes_on() {
    on_each_hub_jumping(|_| {
        let slow = spawn(|| sleep(HOUR));
        let log = record();
        let noted = Noted(Rc::clone(&log), "ended");
        let fast = spawn(move || drop(noted));
        let first = block_on(async {
            let slow = async {
                slow.await.unwrap();
                "slow"
            };
            let fast = async {
                fast.await.unwrap();
                "fast"
            };
            slow.or(fast).await
        });
        assert_eq!(first.unwrap(), "fast");
        // Its handle was dropped with the future; it ends by itself.
        assert_eq!(stats().coroutines, 1);
        sleep(HOUR * 2);
        assert_eq!(stats().coroutines, 0);
    });
}

#[test]
fn ones_own_end() {
    on_each_hub(|| {
        let place = Rc::new(Cell::new(None));
        let theirs = Rc::clone(&place);
        let own = spawn(move || {
            let own: eventlet_green::JoinHandle<()> = theirs.take().unwrap();
            assert!(matches!(block_on(own).unwrap(), Err(JoinError::Itself)));
        });
        place.set(Some(own));
        until(|| stats().coroutines == 0);
    });
}

/// In a destructor that runs while a panic unwinds, what is ready is had, and nothing is waited for.
#[test]
fn while_unwinding_only_what_is_ready() {
    struct Tries(Rc<Cell<bool>>);
    impl Drop for Tries {
        fn drop(&mut self) {
            let had = block_on(ready(7)).unwrap() == 7;
            let mut never = pin!(pending::<()>());
            let refused = matches!(block_on(never.as_mut()), Err(ParkError::Unwinding));
            self.0.set(had && refused);
        }
    }
    on_each_hub(|| {
        let is_so = Rc::new(Cell::new(false));
        let tries = Tries(Rc::clone(&is_so));
        let victim = spawn(move || {
            let _tries = tries;
            sleep(HOUR);
        });
        until_parked(&victim);
        victim.kill().unwrap();
        victim.join().unwrap_err();
        assert!(is_so.get());
    });
}
