//! Channels between loops and threads.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{
    Watchdog, assert_nothing_is_left, on_each_hub, on_each_hub_jumping, until, until_parked,
};
use eventlet_green::cross::{
    self, RecvError, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError,
};
use eventlet_green::{Wait, hubs, spawn, stats, timeout, use_hub, yield_now};

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(1);

fn is_closed<T>(received: &Result<T, RecvError>) -> bool {
    matches!(received, Err(RecvError::Closed))
}

fn is_late<T>(received: &Result<T, RecvTimeoutError>) -> bool {
    matches!(received, Err(RecvTimeoutError::TimedOut))
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn a_thread_without_a_loop_feeds_coroutines_and_is_fed() {
    on_each_hub(|| {
        let (to_loop, from_thread) = cross::bounded(2);
        let (to_thread, from_loop) = cross::unbounded();
        let plain = thread::spawn(move || {
            for number in 0..1000 {
                to_loop.send(number).unwrap();
            }
            drop(to_loop);
            let sum: u32 = from_loop.iter().sum();
            // It has got no loop by that.
            eventlet_green::Setup::new().install().unwrap();
            sum
        });
        let others = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&others);
        let background = spawn(move || {
            loop {
                theirs.set(theirs.get() + 1);
                yield_now();
            }
        });
        let doubles = spawn(move || {
            for number in &from_thread {
                to_thread.send(number * 2).unwrap();
            }
        });
        doubles.join().unwrap();
        assert!(others.get() > 0, "others go on");
        background.kill().unwrap();
        background.join().map(drop).unwrap_err();
        assert_eq!(plain.join().unwrap(), 999_000);
    });
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn loops_of_every_kind_share_work() {
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let (tasks, queue) = cross::bounded::<u64>(8);
        let (results, sums) = cross::unbounded();
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let (queue, results) = (queue.clone(), results.clone());
                thread::spawn(move || {
                    use_hub(hub).unwrap();
                    let coroutines: Vec<_> = (0..4)
                        .map(|_| {
                            let (queue, results) = (queue.clone(), results.clone());
                            spawn(move || {
                                for task in &queue {
                                    results.send(task * task).unwrap();
                                }
                            })
                        })
                        .collect();
                    for coroutine in coroutines {
                        coroutine.join().unwrap();
                    }
                    assert_nothing_is_left();
                })
            })
            .collect();
        drop((queue, results));
        for task in 0..2000 {
            tasks.send(task).unwrap();
        }
        drop(tasks);
        assert_eq!(sums.iter().sum::<u64>(), (0..2000).map(|n| n * n).sum());
        for worker in workers {
            worker.join().unwrap();
        }
    }
}

#[test]
fn rendezvous_in_order() {
    on_each_hub(|| {
        let (sender, receiver) = cross::bounded(0);
        assert!(matches!(sender.try_send(0), Err(TrySendError::Full(0))));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let order = Rc::new(RefCell::new(Vec::new()));
        let noted = Rc::clone(&order);
        let sends = spawn(move || {
            noted.borrow_mut().push("sending");
            sender.send(1).unwrap();
            noted.borrow_mut().push("sent");
        });
        until_parked(&sends);
        assert_eq!(sends.waits_for(), Wait::CrossSend);
        assert_eq!(receiver.recv().unwrap(), 1);
        order.borrow_mut().push("received");
        sends.join().unwrap();
        assert_eq!(*order.borrow(), ["sending", "received", "sent"]);
        assert!(is_closed(&receiver.recv()));
        // A receiver that waits is handed its value without one.
        let (sender, receiver) = cross::bounded(0);
        let gets = spawn(move || receiver.recv());
        until_parked(&gets);
        assert_eq!(gets.waits_for(), Wait::CrossReceive);
        sender.try_send(2).unwrap();
        assert_eq!(gets.join().unwrap().unwrap(), 2);
    });
}

#[test]
fn a_full_one_holds_senders_up_in_order() {
    on_each_hub(|| {
        let (sender, receiver) = cross::bounded(2);
        assert_eq!((sender.capacity(), receiver.len()), (Some(2), 0));
        let senders: Vec<_> = (0..5)
            .map(|number| {
                let sender = sender.clone();
                spawn(move || sender.send(number).unwrap())
            })
            .collect();
        until(|| sender.waiting() == 3);
        assert_eq!(receiver.len(), 2);
        // Nobody overtakes those who wait.
        assert!(matches!(sender.try_send(9), Err(TrySendError::Full(9))));
        drop(sender);
        assert!(receiver.iter().eq(0..5));
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

#[test]
fn receivers_are_served_in_order() {
    on_each_hub(|| {
        let (sender, receiver) = cross::unbounded();
        let receivers: Vec<_> = (0..10)
            .map(|_| {
                let receiver = receiver.clone();
                let handle = spawn(move || receiver.recv().unwrap());
                until_parked(&handle);
                handle
            })
            .collect();
        assert_eq!(receiver.waiting(), 10);
        for number in 0..12 {
            sender.send(number).unwrap();
        }
        // What is left is for who comes later, and those before are not overtaken.
        assert_eq!(receiver.try_recv(), Ok(10));
        for (receiver, number) in receivers.into_iter().zip(0..) {
            assert_eq!(receiver.join().unwrap(), number);
        }
        assert_eq!(receiver.recv().unwrap(), 11);
    });
}

#[test]
fn two_workers_share_alike() {
    on_each_hub(|| {
        const VALUES: usize = 1000;
        let (sender, receiver) = cross::bounded(0);
        let counts = [0; 2].map(|_| {
            let receiver = receiver.clone();
            spawn(move || {
                receiver
                    .iter()
                    .inspect(|_| yield_now()) // what a worker does with it has waits in it
                    .count()
            })
        });
        drop(receiver);
        let feeder = thread::spawn(move || {
            for number in 0..VALUES {
                sender.send(number).unwrap();
            }
        });
        let counts = counts.map(|worker| worker.join().unwrap());
        feeder.join().unwrap();
        assert_eq!(counts.iter().sum::<usize>(), VALUES);
        let even = VALUES / 2;
        assert!(counts[0].abs_diff(even) <= VALUES / 20, "{counts:?}");
    });
}

#[test]
fn closing_tells_everybody_and_gives_values_back() {
    on_each_hub(|| {
        let (sender, receiver) = cross::bounded(1);
        sender.send(String::from("in")).unwrap();
        let theirs = sender.clone();
        let waits = spawn(move || theirs.send("waits".into()).unwrap_err());
        until_parked(&waits);
        assert!(receiver.close());
        assert!(!sender.close(), "it is closed already");
        let refused = waits.join().unwrap();
        assert!(refused.is_closed());
        assert_eq!(refused.into_value(), "waits");
        assert!(sender.is_closed() && receiver.is_closed());
        assert!(sender.try_send("late".into()).unwrap_err().is_closed());
        assert_eq!(receiver.recv().unwrap(), "in", "what is in it can be had");
        assert!(is_closed(&receiver.recv()));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        // Whoever waits to receive: on a loop and on a plain thread.
        let (sender, receiver) = cross::unbounded::<u8>();
        let theirs = receiver.clone();
        let parked = spawn(move || theirs.recv());
        until_parked(&parked);
        let theirs = receiver.clone();
        let blocked = thread::spawn(move || theirs.recv());
        until(|| receiver.waiting() == 2);
        drop(sender);
        assert!(is_closed(&parked.join().unwrap()));
        assert!(is_closed(&blocked.join().unwrap()));
    });
}

#[test]
fn the_last_end_closes() {
    on_each_hub(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let (sender, receiver) = cross::unbounded();
        let other = receiver.clone();
        for _ in 0..3 {
            sender.send(Counted(Arc::clone(&dropped))).unwrap();
        }
        drop(receiver);
        assert!(!sender.is_closed());
        drop(other);
        assert!(sender.is_closed());
        assert_eq!(dropped.load(Ordering::SeqCst), 3, "nobody can have them");
        assert!(sender.send(Counted(Arc::clone(&dropped))).is_err());
        assert_eq!(dropped.load(Ordering::SeqCst), 4);
        // Senders that wait are told.
        let (sender, receiver) = cross::bounded(0);
        let waits = spawn(move || sender.send(1));
        until_parked(&waits);
        drop(receiver);
        assert!(waits.join().unwrap().unwrap_err().is_closed());
    });
}

/// A value with an end of its own channel in it keeps nothing alive.
#[test]
fn a_channel_that_holds_itself() {
    on_each_hub(|| {
        struct Knot {
            _own: cross::Sender<Knot>,
            _alive: Rc<()>,
        }
        let alive = Rc::new(());
        let (sender, receiver) = cross::unbounded();
        let knot = Knot {
            _own: sender.clone(),
            _alive: Rc::clone(&alive),
        };
        sender.send(knot).map_err(drop).unwrap();
        drop((sender, receiver));
        assert_eq!(Rc::strong_count(&alive), 1);
    });
}

#[test]
fn time_limits() {
    on_each_hub_jumping(|_| {
        let (sender, receiver) = cross::bounded(1);
        assert!(is_late(&receiver.recv_timeout(HOUR)));
        sender.send_timeout(1, HOUR).unwrap();
        let late = sender.send_timeout(2, HOUR).unwrap_err();
        assert!(matches!(late, SendTimeoutError::TimedOut(2)));
        assert_eq!(sender.waiting(), 0);
        assert_eq!(receiver.recv_timeout(Duration::ZERO).unwrap(), 1);
        assert!(is_late(&receiver.recv_timeout(Duration::ZERO)));
        assert_eq!(receiver.waiting(), 0);
        let late = timeout(HOUR, || receiver.recv());
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!(receiver.waiting(), 0);
        sender.send(3).unwrap();
        let late = timeout(HOUR, || sender.send(4));
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!((sender.waiting(), receiver.len()), (0, 1));
        assert_eq!(receiver.recv().unwrap(), 3);
        drop(sender);
        assert!(receiver.recv_timeout(HOUR).unwrap_err().is_closed());
    });
}

#[test]
fn time_limits_of_a_thread_without_a_loop() {
    let _watchdog = Watchdog::new("none");
    let (sender, receiver) = cross::bounded(1);
    assert!(is_late(&receiver.recv_timeout(MOMENT)));
    sender.send(1).unwrap();
    assert!(matches!(
        sender.send_timeout(2, MOMENT),
        Err(SendTimeoutError::TimedOut(2))
    ));
    assert_eq!(receiver.recv_timeout(Duration::MAX).unwrap(), 1);
    let elsewhere = thread::spawn(move || receiver.recv_timeout(HOUR));
    sender.send_timeout(3, HOUR).unwrap();
    assert_eq!(elsewhere.join().unwrap().unwrap(), 3);
}

/// A loop that is sent much in a burst is woken little.
#[test]
fn wake_ups_coalesce() {
    on_each_hub(|| {
        const VALUES: usize = 10_000;
        let (sender, receiver) = cross::unbounded();
        let gets = spawn(move || receiver.iter().count());
        until_parked(&gets);
        let waits = stats().waits;
        let theirs = sender.clone();
        // All of it is there before this loop looks again.
        let burst = thread::spawn(move || {
            for number in 0..VALUES {
                theirs.send(number).unwrap();
            }
        });
        burst.join().unwrap();
        drop(sender);
        assert_eq!(gets.join().unwrap(), VALUES);
        assert!(stats().waits - waits <= 2, "{}", stats().waits - waits);
    });
}

/// One that always finds something to receive lets the others of its thread run.
#[test]
fn a_busy_receiver_starves_nobody() {
    on_each_hub(|| {
        let (sender, receiver) = cross::unbounded();
        let turns = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&turns);
        let other = spawn(move || {
            loop {
                theirs.set(theirs.get() + 1);
                yield_now();
            }
        });
        let busy = spawn(move || {
            for number in 0..10_000 {
                sender.send(number).unwrap();
                receiver.recv().unwrap();
            }
        });
        busy.join().unwrap();
        assert!(turns.get() > 50, "{}", turns.get());
        other.kill().unwrap();
        other.join().map(drop).unwrap_err();
    });
}

#[test]
fn a_receiver_is_gone_through_in_each_form() {
    on_each_hub(|| {
        let (sender, receiver) = cross::bounded(8);
        for n in 0..6 {
            sender.send(n).unwrap();
        }
        sender.close();
        assert_eq!(receiver.iter().take(2).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((&receiver).into_iter().take(2).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [4, 5]);
    });
}
