//! Channels between threads, when somebody is killed, unwinds or panics: nothing is lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::support::{crowd, on_each_hub, until, until_parked};
use eventlet_green::cross::{self, RecvError, SendError};
use eventlet_green::{JoinError, ParkError, sleep, spawn};

const HOUR: Duration = Duration::from_secs(3600);

fn is_closed<T>(received: &Result<T, RecvError>) -> bool {
    matches!(received, Err(RecvError::Closed))
}

/// A value that was meant for one that is killed in the same turn goes to the next in line, or back
/// to its place.
#[test]
fn a_killed_receiver_loses_nothing() {
    on_each_hub(|| {
        let (sender, receiver) = cross::unbounded();
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let receiver = receiver.clone();
                let handle = spawn(move || receiver.recv().unwrap());
                until_parked(&handle);
                handle
            })
            .collect();
        sender.send(1).unwrap();
        receivers[0].kill().unwrap();
        receivers[1].kill().unwrap();
        let mut receivers = receivers.into_iter();
        for _ in 0..2 {
            let killed = receivers.next().unwrap().join();
            assert!(matches!(killed, Err(JoinError::Killed)));
        }
        assert_eq!(receivers.next().unwrap().join().unwrap(), 1);
        // Several of them, and values behind: the order stays.
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let receiver = receiver.clone();
                let handle = spawn(move || receiver.recv().unwrap());
                until_parked(&handle);
                handle
            })
            .collect();
        for number in 2..7 {
            sender.send(number).unwrap();
        }
        for receiver in receivers.iter().rev() {
            receiver.kill().unwrap();
        }
        for receiver in receivers {
            assert!(receiver.join().is_err());
        }
        drop(sender);
        assert!(receiver.iter().eq(2..7));
    });
}

/// The end is not told as long as a value may yet come back.
#[test]
fn a_value_that_comes_back_after_the_close_is_received() {
    on_each_hub(|| {
        let (sender, receiver) = cross::unbounded();
        let [first, second] = [0; 2].map(|_| {
            let receiver = receiver.clone();
            let handle = spawn(move || receiver.recv());
            until_parked(&handle);
            handle
        });
        sender.send(7).unwrap();
        drop(sender);
        first.kill().unwrap();
        assert!(first.join().is_err());
        assert_eq!(second.join().unwrap().unwrap(), 7);
        assert!(is_closed(&receiver.recv()));
    });
}

#[test]
fn a_killed_sender_takes_its_value_along() {
    on_each_hub(|| {
        let (sender, receiver) = cross::bounded(0);
        let alive = Arc::new(());
        let [victim, other] = [1, 2].map(|number| {
            let (sender, alive) = (sender.clone(), Arc::clone(&alive));
            let handle = spawn(move || sender.send((number, alive)).map_err(drop));
            until_parked(&handle);
            handle
        });
        victim.kill().unwrap();
        assert!(matches!(victim.join(), Err(JoinError::Killed)));
        assert_eq!(receiver.recv().unwrap().0, 2);
        other.join().unwrap().unwrap();
        assert_eq!(Arc::strong_count(&alive), 1);
        // One whose value was taken in the same turn: it is killed all the same, and sent it is.
        let theirs = sender.clone();
        let late = spawn(move || theirs.send((3, Arc::default())).map_err(drop));
        until_parked(&late);
        assert_eq!(receiver.recv().unwrap().0, 3);
        late.kill().unwrap();
        assert!(late.join().is_err());
        assert_eq!(sender.waiting(), 0);
    });
}

#[test]
fn while_unwinding_only_what_needs_no_wait() {
    struct Tries {
        sender: cross::Sender<u8>,
        receiver: cross::Receiver<u8>,
        outcome: mpsc::Sender<bool>,
    }
    impl Drop for Tries {
        fn drop(&mut self) {
            let sent = self.sender.send(1).is_ok();
            let full = self.sender.send(2);
            let full = matches!(full, Err(SendError::Refused(2, ParkError::Unwinding)));
            let received = matches!(self.receiver.recv(), Ok(1));
            let empty = self.receiver.recv();
            let empty = matches!(empty, Err(RecvError::Refused(ParkError::Unwinding)));
            let _ = self.outcome.send(sent && full && received && empty);
        }
    }
    on_each_hub(|| {
        let (sender, receiver) = cross::bounded(1);
        let (outcome, told) = mpsc::channel();
        let tries = Tries {
            sender,
            receiver,
            outcome,
        };
        let victim = spawn(move || {
            let _tries = tries;
            sleep(HOUR);
        });
        until_parked(&victim);
        victim.kill().unwrap();
        victim.join().unwrap_err();
        assert!(told.recv().unwrap());
    });
}

/// Values run code of the program's as they are dropped: it may use the channel.
#[test]
fn a_value_uses_the_channel_as_it_is_dropped() {
    struct Meddler(cross::Sender<Option<Meddler>>);
    impl Drop for Meddler {
        fn drop(&mut self) {
            let _ = self.0.try_send(None);
            let _ = self.0.len();
            self.0.close();
        }
    }
    on_each_hub(|| {
        let (sender, receiver) = cross::unbounded();
        sender.send(Some(Meddler(sender.clone()))).unwrap();
        drop(receiver);
        assert!(sender.is_closed());
        // A panic of one leaves the channel as it should be.
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("dropped badly");
            }
        }
        let (sender, receiver) = cross::unbounded();
        sender.send(Panics).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| drop(receiver)));
        assert!(outcome.is_err());
        std::mem::forget(sender.send(Panics).unwrap_err());
    });
}

#[test]
fn killing_many_waiters_costs_what_each_costs() {
    on_each_hub(|| {
        let many = crowd(20_000);
        let (sender, receiver) = cross::bounded::<usize>(0);
        let waiters: Vec<_> = (0..many)
            .map(|_| {
                let receiver = receiver.clone();
                spawn(move || receiver.recv())
            })
            .collect();
        until(|| receiver.waiting() == many);
        for waiter in &waiters[1..] {
            waiter.kill().unwrap();
        }
        let mut waiters = waiters.into_iter();
        let last = waiters.next().unwrap();
        for waiter in waiters {
            assert!(matches!(waiter.join(), Err(JoinError::Killed)));
        }
        assert_eq!(receiver.waiting(), 1);
        sender.send(7).unwrap();
        assert_eq!(last.join().unwrap().unwrap(), 7);
    });
}
