//! Queues with room: their limits and orders, resizing, and who is woken when.

use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until, until_parked};
use eventlet_green::channel::{Capacity, bounded, lifo, priority, unbounded};
use eventlet_green::{call_after, spawn, yield_now};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_full_one_makes_senders_wait_in_order() {
    on_each_hub(|| {
        let (sender, receiver) = bounded(2);
        let sent = Rc::new(RefCell::new(Vec::new()));
        let handles: Vec<_> = (0..6)
            .map(|number| {
                let (sender, sent) = (sender.clone(), Rc::clone(&sent));
                spawn(move || {
                    sender.send(number).unwrap();
                    sent.borrow_mut().push(number);
                })
            })
            .collect();
        until_parked(&handles[5]);
        assert_eq!(*sent.borrow(), [0, 1]);
        assert!(sender.is_full() && !sender.is_empty());
        assert_eq!((sender.len(), sender.waiting_senders()), (2, 4));
        for number in 0..6 {
            assert_eq!(receiver.recv().unwrap(), number);
            // Each that is received lets the next one in.
            yield_now();
            assert_eq!(sent.borrow().len(), (number + 3).min(6));
        }
        assert!(sent.borrow().is_sorted());
        assert!(receiver.is_empty() && !receiver.is_full());
    });
}

#[test]
fn capacity_zero_sending_received_sent() {
    on_each_hub(|| {
        let events = Rc::new(RefCell::new(Vec::new()));
        let (sender, receiver) = bounded(0);
        let log = Rc::clone(&events);
        let receiving = spawn(move || {
            for value in receiver {
                log.borrow_mut().push(value);
            }
        });
        until_parked(&receiving);
        for value in ["received hello", "received world"] {
            events.borrow_mut().push("sending");
            sender.send(value).unwrap();
            events.borrow_mut().push("sent");
        }
        let expected = [
            "sending",
            "received hello",
            "sent",
            "sending",
            "received world",
            "sent",
        ];
        assert_eq!(*events.borrow(), expected);
        drop(sender);
        receiving.join().unwrap();
    });
}

#[test]
fn more_room_lets_senders_in_and_less_drops_nothing() {
    on_each_hub(|| {
        let (sender, receiver) = bounded(0);
        assert_eq!(sender.capacity(), Capacity::AtMost(0));
        let handles: Vec<_> = (0..5)
            .map(|number| {
                let sender = sender.clone();
                spawn(move || sender.send(number).unwrap())
            })
            .collect();
        until_parked(&handles[4]);
        sender.set_capacity(2);
        until(|| handles[1].is_finished());
        assert!(!handles[2].is_finished());
        receiver.set_capacity(Capacity::Unbounded);
        assert_eq!(receiver.capacity(), Capacity::Unbounded);
        until(|| handles[4].is_finished());
        sender.set_capacity(1);
        assert_eq!((sender.len(), sender.is_full()), (5, true));
        assert!(sender.try_send(5).unwrap_err().is_full());
        assert!(receiver.try_iter().eq(0..5));
        sender.try_send(5).unwrap();
        assert!(sender.try_send(6).unwrap_err().is_full());
        for handle in handles {
            handle.join().unwrap();
        }
    });
}

#[test]
fn limits_of_time() {
    on_each_hub_jumping(|_| {
        let (sender, receiver) = bounded(1);
        sender.send(1).unwrap();
        assert!(sender.send_timeout(2, SECOND).unwrap_err().is_timed_out());
        assert!(sender.try_send(3).unwrap_err().is_full());
        assert_eq!(receiver.recv_timeout(SECOND).unwrap(), 1);
        assert!(receiver.recv_timeout(SECOND).unwrap_err().is_timed_out());
        assert!(
            receiver
                .recv_timeout(Duration::ZERO)
                .unwrap_err()
                .is_timed_out()
        );
        let theirs = receiver.clone();
        sender.send(4).unwrap();
        call_after(SECOND, move || assert_eq!(theirs.recv().unwrap(), 4));
        sender.send_timeout(5, 2 * SECOND).unwrap();
        assert_eq!(receiver.recv().unwrap(), 5);
    });
}

#[test]
fn a_getter_that_was_killed_is_skipped_and_senders_do_not_wait_for_it() {
    on_each_hub(|| {
        let (sender, receiver) = bounded(1);
        let getters = [0; 2].map(|_| {
            let receiver = receiver.clone();
            spawn(move || receiver.recv().unwrap())
        });
        until_parked(&getters[1]);
        getters[0].kill().unwrap();
        sender.send('a').unwrap();
        let [killed, live] = getters;
        killed.join().unwrap_err();
        assert_eq!(live.join().unwrap(), 'a');
        assert!(receiver.is_empty());
    });
}

#[test]
fn a_stack_and_its_waiting_senders() {
    on_each_hub(|| {
        let (sender, receiver) = lifo(2);
        let filling = spawn(move || (0..5).for_each(|number| sender.send(number).unwrap()));
        until_parked(&filling);
        // 2 takes the place of 1, and is the last in then; 3 and 4 are sent when all else is gone.
        assert!(receiver.iter().eq([1, 2, 0, 3, 4]));
        filling.join().unwrap();
    });
}

#[test]
fn the_least_comes_first_and_equals_as_they_came() {
    on_each_hub(|| {
        let (sender, receiver) = priority(Capacity::Unbounded);
        for value in [3, 1, 2, 1] {
            sender.send(Reverse(value)).unwrap();
        }
        assert!(
            receiver
                .try_iter()
                .map(|Reverse(value)| value)
                .eq([3, 2, 1, 1])
        );
        let (sender, receiver) = priority(2);
        let filling = spawn(move || {
            for value in [(5, 'a'), (5, 'b'), (1, 'c'), (5, 'd')] {
                sender.send(value).unwrap();
            }
        });
        until_parked(&filling);
        let order: String = receiver.iter().map(|(_, name)| name).collect();
        assert_eq!(order, "acbd");
    });
}

/// Something to be done when it is compared.
struct Touchy(u32, Rc<dyn Fn()>);

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.1)();
        (other.1)();
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Touchy {}

#[test]
fn an_order_that_panics_or_uses_the_queue_panics_its_caller_and_the_queue_works_on() {
    on_each_hub(|| {
        let (sender, receiver) = priority(Capacity::Unbounded);
        let used = sender.clone();
        let troubles: [Rc<dyn Fn()>; 2] = [
            Rc::new(|| panic!("on purpose")),
            Rc::new(move || assert!(!used.is_empty())),
        ];
        let harmless: Rc<dyn Fn()> = Rc::new(|| ());
        sender.send(Touchy(2, Rc::clone(&harmless))).unwrap();
        for trouble in troubles {
            let wrong = Touchy(1, Rc::clone(&trouble));
            catch_unwind(AssertUnwindSafe(|| sender.send(wrong))).unwrap_err();
            assert_eq!(sender.len(), 2);
            let mut numbers: Vec<_> = [receiver.try_recv(), receiver.try_recv()]
                .into_iter()
                .map(|value| value.unwrap().0)
                .collect();
            numbers.sort();
            assert_eq!(numbers, [1, 2], "nothing is lost");
            sender.send(Touchy(2, Rc::clone(&harmless))).unwrap();
        }
        drop(receiver);
    });
}

#[test]
fn what_it_shows_of_itself() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded();
        sender.send('a').unwrap();
        let text = "{ len: 1, closed: false, waiting_senders: 0, waiting_receivers: 0 }";
        assert_eq!(format!("{sender:?}"), format!("Sender {text}"));
        assert_eq!(format!("{receiver:?}"), format!("Receiver {text}"));
    });
}

#[test]
fn a_producer_and_a_consumer_through_little_room() {
    on_each_hub(|| {
        for capacity in [0, 1, 3, 1000] {
            let (sender, receiver) = bounded(capacity);
            let producer =
                spawn(move || (0..5_000).for_each(|number| sender.send(number).unwrap()));
            assert!(receiver.into_iter().eq(0..5_000));
            producer.join().unwrap();
        }
    });
}
