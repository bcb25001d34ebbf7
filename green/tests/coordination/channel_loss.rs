//! A value that was handed to a receiver that ends in the same turn is not lost, and keeps its place.

use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::channel::{
    Capacity, Receiver, Sender, bounded, lifo, priority, rendezvous, unbounded,
};
use eventlet_green::{JoinHandle, State, call_after, sleep, spawn, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);

fn kinds() -> [(Sender<u32>, Receiver<u32>); 5] {
    [
        rendezvous(),
        bounded(4),
        unbounded(),
        lifo(4),
        priority(Capacity::Unbounded),
    ]
}

fn receives(receiver: &Receiver<u32>) -> JoinHandle<u32> {
    let receiver = receiver.clone();
    let receiving = spawn(move || receiver.recv().unwrap());
    until_parked(&receiving);
    receiving
}

#[test]
fn it_goes_to_the_next_who_waits() {
    on_each_hub(|| {
        for (sender, receiver) in kinds() {
            let [first, second] = [0; 2].map(|_| receives(&receiver));
            sender.try_send(7).unwrap();
            first.kill().unwrap();
            first.join().unwrap_err();
            assert_eq!(second.join().unwrap(), 7);
            assert_eq!((sender.balance(), sender.len()), (0, 0));
        }
    });
}

#[test]
fn those_behind_move_up_so_that_the_order_holds() {
    on_each_hub(|| {
        for (sender, receiver) in kinds() {
            let waiting = [0; 4].map(|_| receives(&receiver));
            (1..=3).for_each(|number| sender.try_send(number).unwrap());
            waiting[0].kill().unwrap();
            let [first, others @ ..] = waiting;
            first.join().unwrap_err();
            assert_eq!(others.map(|other| other.join().unwrap()), [1, 2, 3]);
            assert_eq!((sender.balance(), sender.len()), (0, 0));
        }
    });
}

#[test]
fn it_goes_back_to_the_front_if_nobody_waits() {
    on_each_hub(|| {
        for (sender, receiver) in kinds() {
            let waiting = [0; 2].map(|_| receives(&receiver));
            sender.try_send(5).unwrap();
            sender.try_send(6).unwrap();
            // Queued behind them, where there is room.
            let queued = sender.try_send(4).is_ok();
            for waiting in &waiting {
                waiting.kill().unwrap();
            }
            for waiting in waiting {
                waiting.join().unwrap_err();
            }
            assert_eq!(sender.len(), 2 + usize::from(queued));
            let first: Vec<_> = receiver.try_iter().take(2).collect();
            assert_eq!(first, [5, 6]);
            assert_eq!(receiver.try_iter().count(), usize::from(queued));
        }
    });
}

#[test]
fn one_that_came_back_can_be_received_from_a_closed_channel() {
    on_each_hub(|| {
        for (sender, receiver) in kinds() {
            let waiting = receives(&receiver);
            sender.try_send(1).unwrap();
            sender.close();
            waiting.kill().unwrap();
            waiting.join().unwrap_err();
            assert_eq!(receiver.iter().collect::<Vec<_>>(), [1]);
        }
    });
}

#[test]
fn a_receiver_that_yields_to_the_sender_it_met_may_be_killed() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let sending = spawn(move || sender.send(9).unwrap());
        until_parked(&sending);
        let clone = receiver.clone();
        let receiving = spawn(move || clone.recv().unwrap());
        // The value is taken from the sender, which is to go on first.
        yield_now();
        assert_eq!(sending.state(), State::Ready);
        assert_eq!(receiving.state(), State::Ready);
        receiving.kill().unwrap();
        sending.join().unwrap();
        receiving.join().unwrap_err();
        assert_eq!((receiver.len(), receiver.recv().unwrap()), (1, 9));
    });
}

#[test]
fn one_whose_time_is_over_is_passed_over() {
    on_each_hub_jumping(|_| {
        for (sender, receiver) in kinds() {
            let hurried = receiver.clone();
            let by_scope = spawn(move || timeout(SECOND, || hurried.recv()).is_err());
            let hurried = receiver.clone();
            let by_limit = spawn(move || hurried.recv_timeout(SECOND).is_err());
            until_parked(&by_limit);
            let patient = receives(&receiver);
            // Due at the same time, and before they have run.
            let theirs = sender.clone();
            call_after(SECOND, move || theirs.try_send(3).unwrap());
            sleep(SECOND);
            assert!(by_scope.join().unwrap() && by_limit.join().unwrap());
            assert_eq!(patient.join().unwrap(), 3);
            assert_eq!((sender.balance(), sender.len()), (0, 0));
        }
    });
}

#[test]
fn a_sender_whose_value_was_taken_may_be_killed() {
    on_each_hub(|| {
        for capacity in [0, 1] {
            let (sender, receiver) = bounded(capacity);
            (0..capacity).for_each(|_| sender.send(0).unwrap());
            let killed = [1, 2].map(|number| {
                let sender = sender.clone();
                spawn(move || sender.send(number))
            });
            until_parked(&killed[1]);
            let received = receiver.try_recv().unwrap();
            for killed in killed {
                killed.kill().unwrap();
                killed.join().unwrap_err();
            }
            // The second was not taken, and has gone with its sender.
            let left: Vec<_> = receiver.try_iter().collect();
            let all: Vec<_> = std::iter::once(received).chain(left).collect();
            assert_eq!(all, if capacity == 0 { vec![1] } else { vec![0, 1] });
            assert_eq!(sender.balance(), 0);
        }
    });
}
