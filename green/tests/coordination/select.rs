//! Several operations at once: one is done, the others leave nothing behind.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::channel::{SendError, bounded, rendezvous, unbounded};
use eventlet_green::{
    Operation, ParkError, Selectable, Wait, call_after, select, select_timeout, spawn, timeout,
    try_select, yield_now,
};
use eventlet_runloop::{Clock, Time};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_is_ready_is_done_at_once() {
    on_each_hub(|| {
        let (numbers, number) = unbounded();
        let (names, name) = bounded(1);
        for _ in 0..20 {
            numbers.send(1).unwrap();
            let done = select! {
                value = number.receiving() => format!("received {}", value.unwrap()),
                sent = names.sending("a") => format!("sent {sent:?}"),
            };
            match done.unwrap().as_str() {
                "received 1" => assert!(name.is_empty()),
                "sent Ok(())" => {
                    assert_eq!((name.try_recv(), number.try_recv()), (Ok("a"), Ok(1)));
                }
                other => panic!("{other}"),
            }
        }
    });
}

#[test]
fn whichever_comes_first_and_the_others_are_left() {
    on_each_hub(|| {
        let (numbers, number) = rendezvous::<u32>();
        let (names, name) = rendezvous::<&str>();
        let (flags, flag) = bounded(1);
        flags.send(true).unwrap();
        let selecting = |expected: &'static str| {
            let (number, names, flags) = (number.clone(), names.clone(), flags.clone());
            let selecting = spawn(move || {
                let done = select! {
                    value = number.receiving() => format!("{value:?}"),
                    sent = names.sending("Ada") => format!("name {sent:?}"),
                    sent = flags.sending(false) => format!("flag {sent:?}"),
                };
                assert_eq!(done.unwrap(), expected);
            });
            until_parked(&selecting);
            assert_eq!(selecting.waits_for(), Wait::Select);
            selecting
        };
        let left = || (numbers.balance(), names.balance(), flags.balance());

        let first = selecting("Ok(7)");
        assert_eq!(left(), (-1, 1, 1));
        numbers.send(7).unwrap();
        first.join().unwrap();
        assert_eq!(left(), (0, 0, 0));

        let second = selecting("name Ok(())");
        assert_eq!(name.recv().unwrap(), "Ada");
        second.join().unwrap();
        assert_eq!(left(), (0, 0, 0));

        let third = selecting("flag Ok(())");
        assert!(flag.recv().unwrap());
        third.join().unwrap();
        assert_eq!((left(), flag.try_recv()), ((0, 0, 0), Ok(false)));
    });
}

/// Two partners come in the same turn, before the selection has gone on.
#[test]
fn one_is_chosen_once() {
    on_each_hub(|| {
        let (first, a) = rendezvous();
        let (second, b) = rendezvous();
        let selecting = spawn(move || {
            let chosen = select! {
                value = a.receiving() => value,
                value = b.receiving() => value,
            };
            (
                chosen.unwrap().unwrap(),
                a.try_recv().is_ok(),
                b.try_recv().is_ok(),
            )
        });
        until_parked(&selecting);
        second.try_send("second").unwrap();
        assert!(first.try_send("first").unwrap_err().is_full());
        assert_eq!(selecting.join().unwrap(), ("second", false, false));
    });
}

#[test]
fn two_selections_meet() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let (_open, never) = rendezvous::<u8>();
        let (theirs, nothing) = (sender.clone(), never.clone());
        let sending = spawn(move || {
            select! {
                sent = theirs.sending(5) => sent.is_ok(),
                _ = nothing.receiving() => false,
            }
            .unwrap()
        });
        until_parked(&sending);
        let received = select! {
            _ = never.receiving() => unreachable!("nobody sends"),
            value = receiver.receiving() => value.unwrap(),
        };
        assert_eq!(received.unwrap(), 5);
        assert!(sending.join().unwrap());
        // Both sides of one channel in one selection do not meet each other.
        let alone = select! {
            _ = receiver.receiving() => true,
            _ = sender.sending(6) => true,
            default => false,
        };
        assert!(!alone.unwrap());
        assert_eq!(sender.balance(), 0);
    });
}

#[test]
fn closed_is_an_outcome() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let (numbers, number) = rendezvous::<u8>();
        drop(receiver);
        let back = select! {
            sent = sender.sending("back") => sent.unwrap_err().into_value(),
            _ = number.receiving() => unreachable!("nobody sends"),
        };
        assert_eq!(back.unwrap(), "back");
        let waiting = spawn(move || {
            let (_other, never) = rendezvous::<u8>();
            select! {
                value = number.receiving() => value.unwrap_err().is_closed(),
                _ = never.receiving() => false,
            }
            .unwrap()
        });
        until_parked(&waiting);
        numbers.close();
        assert!(waiting.join().unwrap());

        let (offers, offer) = rendezvous();
        let waiting = spawn(move || {
            let mut sending = offers.sending("offer");
            assert_eq!(select(&mut [&mut sending]).unwrap(), 0);
            assert!(sending.is_chosen());
            sending.take().unwrap()
        });
        until_parked(&waiting);
        drop(offer);
        assert!(matches!(
            waiting.join().unwrap(),
            Err(SendError::Closed("offer"))
        ));
    });
}

#[test]
fn limits_of_time_and_default() {
    on_each_hub_jumping(|clock| {
        let (sender, receiver) = rendezvous::<u8>();
        let late = select! {
            _ = receiver.receiving() => false,
            timeout(SECOND) => true,
        };
        assert!(late.unwrap());
        assert_eq!(clock.now() - Time::ORIGIN, SECOND);
        let none = select! {
            _ = sender.sending(1) => false,
            default => true,
        };
        assert!(none.unwrap());
        let theirs = sender.clone();
        call_after(SECOND, move || theirs.send(2).unwrap());
        let in_time = select! {
            value = receiver.receiving() => value.unwrap(),
            timeout(2 * SECOND) => 0,
        };
        assert_eq!(in_time.unwrap(), 2);
        let mut sending = sender.sending(3);
        assert_eq!(select_timeout(&mut [&mut sending], SECOND).unwrap(), None);
        assert_eq!(sending.into_value(), Some(3), "it comes back");
        timeout(SECOND, || select(&mut [&mut receiver.receiving()])).unwrap_err();
        // Nothing but time, or nothing at all.
        assert!(select! { timeout(SECOND) => true }.unwrap());
        assert!(matches!(select(&mut []), Err(ParkError::Deadlock(_))));
        assert_eq!(sender.balance(), 0);
    });
}

#[test]
fn killed_while_it_waits_it_leaves_every_line() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let (names, name) = rendezvous();
        let (theirs, from) = (names.clone(), receiver.clone());
        let select_both = move || {
            select! {
                value = from.receiving() => value.unwrap(),
                _ = theirs.sending("dropped") => 0,
            }
        };
        let victim = spawn(select_both);
        until_parked(&victim);
        victim.kill().unwrap();
        // It is on its way out: nobody meets it.
        assert!(sender.try_send(1).unwrap_err().is_full());
        assert!(name.try_recv().is_err());
        victim.join().unwrap_err();
        assert_eq!((sender.balance(), names.balance()), (0, 0));
    });
}

#[test]
fn killed_in_the_turn_of_a_hand_over_it_takes_nothing_along() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded();
        let (_other, never) = rendezvous::<u8>();
        let from = receiver.clone();
        let victim = spawn(move || {
            select! {
                value = from.receiving() => value.unwrap(),
                _ = never.receiving() => 0,
            }
        });
        until_parked(&victim);
        let patient = spawn(move || receiver.recv().unwrap());
        until_parked(&patient);
        sender.send(7).unwrap();
        victim.kill().unwrap();
        victim.join().unwrap_err();
        assert_eq!(patient.join().unwrap(), 7);
    });
}

#[test]
fn an_outcome_that_is_not_taken_goes_back() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded();
        (1..=3).for_each(|number| sender.send(number).unwrap());
        let mut receiving = receiver.receiving();
        assert_eq!(try_select(&mut [&mut receiving]), Some(0));
        assert_eq!(receiver.len(), 2);
        // Selecting again gives the old value back first.
        assert_eq!(try_select(&mut [&mut receiving]), Some(0));
        assert!(receiving.is_chosen());
        drop(receiving);
        assert!(receiver.try_iter().eq(1..=3));
        let mut sending = sender.sending(4);
        assert_eq!(select(&mut [&mut sending]).unwrap(), 0);
        assert_eq!(try_select(&mut [&mut sending]), None, "it is sent once");
        assert_eq!(sending.into_value(), None);
        assert_eq!(receiver.try_iter().count(), 1);
    });
}

#[test]
fn an_arm_is_in_its_callers_code() {
    on_each_hub(|| {
        let (sender, receiver) = bounded(10);
        let (_open, never) = rendezvous::<u8>();
        let sum = || -> Result<u32, Box<dyn std::error::Error>> {
            let mut sum = 0;
            loop {
                select! {
                    value = receiver.receiving() => match value? {
                        0 => break,
                        1 => continue,
                        value => sum += value,
                    },
                    _ = never.receiving() => return Ok(99),
                }?;
            }
            Ok(sum)
        };
        for value in [1, 5, 1, 7, 0] {
            sender.send(value).unwrap();
        }
        assert_eq!(sum().unwrap(), 12);
        drop(sender);
        assert_eq!(sum().unwrap_err().to_string(), "the channel is closed");
        // What it selected from may be dropped in an arm.
        let (sender, receiver) = bounded(1);
        sender.send('a').unwrap();
        select! {
            _ = sender.sending('b') => unreachable!("it is full"),
            value = receiver.receiving() => {
                drop((sender, receiver));
                assert_eq!(value.unwrap(), 'a');
            }
        }
        .unwrap();
    });
}

#[test]
fn among_several_each_has_its_share() {
    on_each_hub(|| {
        let channels = [(); 3].map(|()| unbounded());
        for (sender, _) in &channels {
            (0..6_000).for_each(|number| sender.send(number).unwrap());
        }
        let mut counts = [0_u32; 3];
        for _ in 0..6_000 {
            let mut operations = channels
                .each_ref()
                .map(|(_, receiver)| receiver.receiving());
            let [a, b, c] = &mut operations;
            let chosen = select(&mut [a, b, c]).unwrap();
            assert!(operations[chosen].take().unwrap().is_ok());
            counts[chosen] += 1;
        }
        assert!(
            counts.iter().all(|count| count.abs_diff(2_000) < 200),
            "{counts:?}"
        );
    });
}

#[test]
fn two_who_select_are_served_alike() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let (stop, stopped) = rendezvous::<()>();
        let counts = [0; 2].map(|_| Rc::new(Cell::new(0_u32)));
        let workers = counts.clone().map(|count| {
            let (receiver, stopped) = (receiver.clone(), stopped.clone());
            spawn(move || {
                while select! {
                    value = receiver.receiving() => value.is_ok(),
                    _ = stopped.receiving() => false,
                }
                .unwrap()
                {
                    count.set(count.get() + 1);
                }
            })
        });
        (0..2_000).for_each(|number| sender.send(number).unwrap());
        stop.close();
        for worker in workers {
            worker.join().unwrap();
        }
        let [first, second] = counts.map(|count| count.get());
        assert_eq!(first + second, 2_000);
        assert!(first.abs_diff(second) <= 100, "{first}, {second}");
    });
}

#[test]
fn it_does_not_give_the_thread_away_to_try() {
    on_each_hub(|| {
        let (sender, receiver) = rendezvous();
        let sending = spawn(move || sender.send(1));
        until_parked(&sending);
        let mut receiving = receiver.receiving();
        assert_eq!(try_select(&mut [&mut receiving]), Some(0));
        assert!(!sending.is_finished());
        yield_now();
        assert!(sending.is_finished());
        assert_eq!(receiving.take().unwrap().unwrap(), 1);
        sending.join().unwrap().unwrap();
    });
}
