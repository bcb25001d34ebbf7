//! Closing a channel, by a call or by dropping the handles of a side.

use std::rc::Rc;

use crate::support::{Noted, on_each_hub, record, until_parked};
use eventlet_green::channel::{
    Capacity, RecvError, SendError, TryRecvError, TrySendError, bounded, lifo, priority,
    rendezvous, unbounded,
};
use eventlet_green::{JoinHandle, spawn};

#[test]
fn what_is_queued_is_received_and_then_an_error() {
    on_each_hub(|| {
        for (sender, receiver) in [
            bounded(8),
            unbounded(),
            lifo(8),
            priority(Capacity::Unbounded),
        ] {
            (0..3).for_each(|number| sender.send(number).unwrap());
            assert!(sender.close());
            assert!(!receiver.close(), "it is closed");
            assert!(sender.is_closed() && receiver.is_closed());
            assert!(matches!(sender.send(3), Err(SendError::Closed(3))));
            assert!(matches!(sender.try_send(4), Err(TrySendError::Closed(4))));
            let mut got: Vec<_> = receiver.iter().collect();
            got.sort();
            assert_eq!(got, [0, 1, 2]);
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
            let error = receiver.recv().unwrap_err();
            assert!(error.is_closed());
            assert_eq!(error.to_string(), "the channel is closed");
        }
    });
}

#[test]
fn waiting_senders_get_their_values_back() {
    on_each_hub(|| {
        for (capacity, queued) in [(0, 0), (2, 2)] {
            let (sender, receiver) = bounded(capacity);
            (0..queued).for_each(|number| sender.send(number).unwrap());
            let waiting = [10, 11].map(|number| {
                let sender = sender.clone();
                spawn(move || sender.send(number))
            });
            until_parked(&waiting[1]);
            receiver.close();
            for (waiting, number) in waiting.into_iter().zip([10, 11]) {
                let error = waiting.join().unwrap().unwrap_err();
                assert!(error.is_closed());
                assert_eq!(error.into_value(), number);
            }
            assert_eq!(receiver.iter().count(), queued);
        }
    });
}

fn waits<T: 'static>(receiver: &eventlet_green::channel::Receiver<T>) -> JoinHandle<bool> {
    let receiver = receiver.clone();
    let waiting = spawn(move || matches!(receiver.recv(), Err(RecvError::Closed)));
    until_parked(&waiting);
    waiting
}

#[test]
fn waiting_receivers_are_told() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous::<u8>();
        let waiting = [0; 2].map(|_| waits(&receiver));
        sender.close();
        assert_eq!(sender.balance(), 0);
        assert!(waiting.into_iter().all(|waiting| waiting.join().unwrap()));
    });
}

#[test]
fn the_last_sender_is_the_end() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded::<u8>();
        let waiting = waits(&receiver);
        let other = sender.clone();
        drop(sender);
        assert!(!receiver.is_closed());
        drop(other);
        assert!(receiver.is_closed());
        assert!(waiting.join().unwrap());
        let (sender, receiver) = unbounded();
        spawn(move || (0..3).for_each(|number| sender.send(number).unwrap()));
        assert!(receiver.into_iter().eq(0..3));
    });
}

#[test]
fn the_last_receiver_is_the_end_and_drops_what_is_queued() {
    on_each_hub(|| {
        let dropped = record();
        let (sender, receiver) = bounded(1);
        sender
            .send(Noted(Rc::clone(&dropped), "queued"))
            .map_err(drop)
            .unwrap();
        let (other, back) = (sender.clone(), Noted(Rc::clone(&dropped), "back"));
        let waiting = spawn(move || other.send(back));
        until_parked(&waiting);
        let clone = receiver.clone();
        drop(receiver);
        assert!(!sender.is_closed());
        drop(clone);
        assert!(sender.is_closed());
        assert_eq!(*dropped.borrow(), ["queued"]);
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(dropped.borrow().len(), 1);
        drop(error);
        assert_eq!(*dropped.borrow(), ["queued", "back"]);
    });
}

/// A destructor that uses the channel in which its value is dropped.
#[test]
fn a_value_may_use_its_channel_when_it_is_dropped() {
    on_each_hub(|| {
        struct Curious(eventlet_green::channel::Sender<Option<Curious>>);
        impl Drop for Curious {
            fn drop(&mut self) {
                assert!(self.0.is_closed() && self.0.is_empty());
                assert!(self.0.try_send(None).is_err());
            }
        }
        let (sender, receiver) = unbounded();
        for _ in 0..3 {
            let curious = Curious(sender.clone());
            sender.send(Some(curious)).map_err(drop).unwrap();
        }
        drop(receiver);
        assert!(sender.is_closed());
    });
}

#[test]
fn closed_in_the_turn_of_a_hand_over() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let clone = receiver.clone();
        let first = spawn(move || clone.recv().unwrap());
        until_parked(&first);
        let second = waits(&receiver);
        sender.try_send(1).unwrap();
        sender.close();
        assert_eq!(
            first.join().unwrap(),
            1,
            "what was handed over is the first one's"
        );
        assert!(second.join().unwrap());
    });
}
