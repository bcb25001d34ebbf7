//! Models of the channel between threads. Every interleaving is tried; run by `ci/loom.sh`.
#![cfg(loom)]

use eventlet_green::between_threads::Wake;
use eventlet_green::between_threads::bed::Bed;
use eventlet_green::between_threads::queue::{InLine, Queue, Received, Sent};
use loom::sync::Arc;
use loom::thread;

/// How many times a thread is interrupted where it does not wait, in the larger models: the faults of
/// such code show with two; see Musuvathi and Qadeer, PLDI 2007.
const BOUND: usize = 2;

/// A thread that sleeps.
struct Sleeper(Arc<Bed>);

impl Wake for Sleeper {
    fn wake(self) {
        self.0.wake();
    }
}

/// A model with [`BOUND`].
fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(BOUND);
    builder.check(model);
}

type Channel = Arc<Queue<u32, Sleeper>>;

fn channel(capacity: Option<usize>) -> Channel {
    Arc::new(Queue::new(capacity))
}

/// As `Sender::send`.
fn send(queue: &Channel, value: u32) -> Sent<u32> {
    let bed = Arc::new(Bed::new());
    match queue.send_or_wait(value, Sleeper(Arc::clone(&bed))) {
        InLine::No(sent) => sent,
        InLine::Yes(number) => {
            bed.sleep(None);
            queue.withdraw(number)
        }
    }
}

/// As `Receiver::recv`.
fn receive(queue: &Channel) -> Received<u32> {
    let bed = Arc::new(Bed::new());
    match queue.receive_or_wait(Sleeper(Arc::clone(&bed))) {
        InLine::No(received) => received,
        InLine::Yes(number) => {
            bed.sleep(None);
            queue.collect(number)
        }
    }
}

fn values_come_through(capacity: Option<usize>) {
    loom::model(move || {
        let queue = channel(capacity);
        let theirs = Arc::clone(&queue);
        let sender = thread::spawn(move || {
            for value in [1, 2] {
                assert_eq!(send(&theirs, value), Sent::Done);
            }
            theirs.close();
        });
        assert_eq!(receive(&queue), Received::Value(1));
        assert_eq!(receive(&queue), Received::Value(2));
        assert_eq!(receive(&queue), Received::Closed);
        sender.join().unwrap();
    });
}

#[test]
fn values_come_through_hand_to_hand() {
    values_come_through(Some(0));
}

#[test]
fn values_come_through_a_narrow_one() {
    values_come_through(Some(1));
}

#[test]
fn values_come_through_one_without_bounds() {
    values_come_through(None);
}

#[test]
fn two_senders_and_two_receivers() {
    bounded(|| {
        let queue = channel(Some(0));
        let senders = [1, 2].map(|value| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || assert_eq!(send(&queue, value), Sent::Done))
        });
        let theirs = Arc::clone(&queue);
        let other = thread::spawn(move || receive(&theirs));
        let mut got = [receive(&queue), other.join().unwrap()].map(|received| match received {
            Received::Value(value) => value,
            other => panic!("{other:?}"),
        });
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// The receiver goes away (is killed) while a value is handed to it: it is there for the next.
#[test]
fn a_receiver_that_leaves_loses_nothing() {
    loom::model(|| {
        let queue = channel(None);
        let bed = Arc::new(Bed::new());
        let InLine::Yes(number) = queue.receive_or_wait(Sleeper(bed)) else {
            panic!("there is nothing to receive");
        };
        let theirs = Arc::clone(&queue);
        let sender = thread::spawn(move || {
            assert_eq!(theirs.try_send(1), Sent::Done);
            assert_eq!(theirs.try_send(2), Sent::Done);
            theirs.close();
        });
        queue.leave(number);
        assert_eq!(receive(&queue), Received::Value(1));
        assert_eq!(receive(&queue), Received::Value(2));
        assert_eq!(receive(&queue), Received::Closed);
        sender.join().unwrap();
    });
}

/// The same with another one in line behind it, and the close: he is not told of the end before the
/// value that comes back.
#[test]
fn what_comes_back_goes_to_the_next_before_the_end_is_told() {
    loom::model(|| {
        let queue = channel(None);
        let InLine::Yes(first) = queue.receive_or_wait(Sleeper(Arc::new(Bed::new()))) else {
            panic!("there is nothing to receive");
        };
        let theirs = Arc::clone(&queue);
        let second = thread::spawn(move || receive(&theirs));
        let theirs = Arc::clone(&queue);
        let sender = thread::spawn(move || {
            assert_eq!(theirs.try_send(1), Sent::Done);
            theirs.close();
        });
        queue.leave(first);
        assert_eq!(second.join().unwrap(), Received::Value(1));
        sender.join().unwrap();
        assert_eq!(queue.try_receive(), Received::Closed);
    });
}

/// The sender's time is over while a receiver comes: the value is with one of them, not with both.
#[test]
fn a_sender_that_gives_up() {
    loom::model(|| {
        let queue = channel(Some(0));
        let InLine::Yes(number) = queue.send_or_wait(1, Sleeper(Arc::new(Bed::new()))) else {
            panic!("nobody receives");
        };
        let theirs = Arc::clone(&queue);
        let receiver = thread::spawn(move || theirs.try_receive());
        let sent = queue.withdraw(number);
        let received = receiver.join().unwrap();
        match sent {
            Sent::Done => assert_eq!(received, Received::Value(1)),
            Sent::Full(1) => assert_eq!(received, Received::Empty),
            other => panic!("{other:?}"),
        }
    });
}

/// The close and a sender that waits: it has its value back, or it was received.
#[test]
fn a_close_while_a_sender_waits() {
    loom::model(|| {
        let queue = channel(Some(0));
        let theirs = Arc::clone(&queue);
        let sender = thread::spawn(move || send(&theirs, 1));
        let received = queue.try_receive();
        queue.close();
        match (sender.join().unwrap(), received) {
            (Sent::Done, Received::Value(1)) | (Sent::Closed(1), Received::Empty) => {}
            other => panic!("{other:?}"),
        }
    });
}
