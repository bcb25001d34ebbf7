//! Random sends, receives, selections, kills, time limits and closes against a simple model: what
//! was sent comes out exactly once and in order. Random, with the seed printed (`EVENTLET_SEED`
//! repeats it).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Dice, on_each_hub_jumping, seed};
use eventlet_green::channel::{Capacity, Receiver, Sender, bounded};
use eventlet_green::{JoinHandle, Operation, select, sleep, spawn, timeout, yield_now};

const ROUNDS: usize = 300;
const STEPS: usize = 80;

/// What has become of a value, as its sender saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Being sent; stays so if its sender is unwound.
    Offered,
    Sent,
    CameBack,
}

/// What the parties of a round write down.
#[derive(Default)]
struct Ledger {
    fates: RefCell<BTreeMap<u32, Fate>>,
    /// What was received, with the number of the receive.
    received: RefCell<Vec<(u32, u32)>>,
    next_value: Cell<u32>,
    next_receive: Cell<u32>,
}

impl Ledger {
    fn offer(&self) -> u32 {
        let value = self.next_value.replace(self.next_value.get() + 1);
        self.fates.borrow_mut().insert(value, Fate::Offered);
        value
    }

    fn settle(&self, value: u32, outcome: Result<(), u32>) {
        let fate = match outcome {
            Ok(()) => Fate::Sent,
            Err(back) => {
                assert_eq!(back, value, "another value came back");
                Fate::CameBack
            }
        };
        self.fates.borrow_mut().insert(value, fate);
    }

    fn arrive(&self) -> u32 {
        self.next_receive.replace(self.next_receive.get() + 1)
    }

    fn receive(&self, arrival: u32, value: Option<u32>) {
        if let Some(value) = value {
            self.received.borrow_mut().push((arrival, value));
        }
    }

    /// Each value that was sent came out once; one that came back did not.
    #[track_caller]
    fn check(&self, place: &str) {
        let mut received: Vec<_> = self
            .received
            .borrow()
            .iter()
            .map(|&(_, value)| value)
            .collect();
        received.sort();
        assert!(
            received.is_sorted_by(|a, b| a < b),
            "{place}: one came out twice"
        );
        for (value, fate) in &*self.fates.borrow() {
            let came_out = received.binary_search(value).is_ok();
            match fate {
                Fate::Sent => assert!(came_out, "{place}: {value} is lost"),
                Fate::CameBack => assert!(!came_out, "{place}: {value} came back and came out"),
                // It went with its sender, or was taken just before.
                Fate::Offered => {}
            }
        }
    }

    /// Values came out in the order of sending, to receivers in the order of their coming.
    #[track_caller]
    fn check_order(&self, place: &str) {
        let mut received = self.received.borrow().clone();
        received.sort();
        let in_order = received.is_sorted_by(|(_, a), (_, b)| a < b);
        assert!(in_order, "{place}: out of order: {received:?}");
    }
}

/// A short time, so that limits and pauses often end at the same moment.
fn moment(dice: &mut Dice) -> Duration {
    Duration::from_millis(dice.roll(4) as u64)
}

/// A channel of each capacity that matters.
fn any_channel(dice: &mut Dice) -> (Sender<u32>, Receiver<u32>) {
    let (sender, receiver) = bounded(dice.roll(4));
    if dice.roll(5) == 0 {
        sender.set_capacity(Capacity::Unbounded);
    }
    (sender, receiver)
}

fn spawn_sender(ledger: &Rc<Ledger>, sender: Sender<u32>, dice: &mut Dice) -> JoinHandle<()> {
    let (ledger, how, limit) = (Rc::clone(ledger), dice.roll(4), moment(dice));
    spawn(move || {
        let value = ledger.offer();
        let outcome = match how {
            0 => sender
                .send_timeout(value, limit)
                .map_err(|error| error.into_value()),
            1 => sender.try_send(value).map_err(|error| error.into_value()),
            _ => sender.send(value).map_err(|error| error.into_value()),
        };
        ledger.settle(value, outcome);
    })
}

fn spawn_receiver(ledger: &Rc<Ledger>, receiver: Receiver<u32>, dice: &mut Dice) -> JoinHandle<()> {
    let (ledger, how, limit) = (Rc::clone(ledger), dice.roll(4), moment(dice));
    spawn(move || {
        let arrival = ledger.arrive();
        let value = match how {
            0 => receiver.recv_timeout(limit).ok(),
            1 => receiver.try_recv().ok(),
            _ => receiver.recv().ok(),
        };
        ledger.receive(arrival, value);
    })
}

/// Sends to one of two and receives from one of two, all in one selection, within a scope.
fn spawn_selector(
    ledger: &Rc<Ledger>,
    channels: &[(Sender<u32>, Receiver<u32>); 2],
    dice: &mut Dice,
) -> JoinHandle<()> {
    let ledger = Rc::clone(ledger);
    let [(sender, receiver), (other_sender, other_receiver)] = channels.clone();
    let (limit, scope) = (moment(dice), moment(dice) * 2);
    spawn(move || {
        let values = [ledger.offer(), ledger.offer()];
        let arrival = ledger.arrive();
        let [mut first, mut second] = [sender.sending(values[0]), other_sender.sending(values[1])];
        let selected = timeout(scope, || {
            select! {
                sent = &mut first => { ledger.settle(values[0], sent.map_err(|e| e.into_value())); }
                sent = &mut second => { ledger.settle(values[1], sent.map_err(|e| e.into_value())); }
                value = receiver.receiving() => ledger.receive(arrival, value.ok()),
                value = other_receiver.receiving() => ledger.receive(arrival, value.ok()),
                timeout(limit) => {}
            }
        });
        // What was not chosen comes back, also when the scope has ended.
        for (mut operation, value) in [(first, values[0]), (second, values[1])] {
            match operation.take() {
                Some(sent) => ledger.settle(value, sent.map_err(|error| error.into_value())),
                None => {
                    if let Some(back) = operation.into_value() {
                        ledger.settle(value, Err(back));
                    }
                }
            }
        }
        if let Ok(done) = selected {
            done.unwrap();
        }
    })
}

/// Joins all that are left of a round and takes out what is queued.
fn finish(
    ledger: &Ledger,
    channels: &[(Sender<u32>, Receiver<u32>)],
    parties: Vec<JoinHandle<()>>,
    place: &str,
) {
    for (sender, _) in channels {
        sender.close();
    }
    for party in parties {
        // Those that were killed have no more to say.
        let failed = party
            .join()
            .err()
            .filter(|error| error.panic_text().is_some());
        assert!(failed.is_none(), "{place}: {failed:?}");
    }
    for (sender, receiver) in channels {
        for value in receiver.try_iter() {
            ledger.receive(ledger.arrive(), Some(value));
        }
        let left = (sender.balance(), sender.waiting_senders(), sender.len());
        assert_eq!(left, (0, 0, 0), "{place}: something is left");
    }
}

#[test]
fn everything_at_once_loses_nothing() {
    on_each_hub_jumping(|_| {
        let seed = seed();
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        for round in 0..ROUNDS {
            let place = format!("seed {seed}, round {round}");
            let ledger = Rc::new(Ledger::default());
            let channels = [any_channel(&mut dice), any_channel(&mut dice)];
            let mut parties = Vec::new();
            for _ in 0..STEPS {
                let (sender, receiver) = channels[dice.roll(2)].clone();
                match dice.roll(12) {
                    0..3 => parties.push(spawn_sender(&ledger, sender, &mut dice)),
                    3..6 => parties.push(spawn_receiver(&ledger, receiver, &mut dice)),
                    6 => parties.push(spawn_selector(&ledger, &channels, &mut dice)),
                    7 | 8 if !parties.is_empty() => {
                        parties[dice.roll(parties.len())].kill().unwrap();
                    }
                    9 => sleep(moment(&mut dice)),
                    10 => sender.set_capacity(dice.roll(4)),
                    _ => yield_now(),
                }
                let both = channels.iter().any(|(sender, _)| {
                    sender.waiting_senders() > 0 && sender.waiting_receivers() > 0
                });
                // Some of them may have been killed and not have gone yet; then they soon will.
                if both {
                    yield_now();
                }
            }
            finish(&ledger, &channels, parties, &place);
            ledger.check(&place);
        }
    });
}

#[test]
fn where_nobody_is_killed_the_kth_value_goes_to_the_kth_receiver() {
    on_each_hub_jumping(|_| {
        let seed = seed();
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        for round in 0..ROUNDS {
            let place = format!("seed {seed}, round {round}");
            let ledger = Rc::new(Ledger::default());
            let channels = [any_channel(&mut dice)];
            let [(sender, receiver)] = &channels;
            let mut parties = Vec::new();
            for _ in 0..STEPS {
                match dice.roll(8) {
                    0..3 => parties.push(spawn_sender(&ledger, sender.clone(), &mut dice)),
                    3..6 => parties.push(spawn_receiver(&ledger, receiver.clone(), &mut dice)),
                    6 => sleep(moment(&mut dice)),
                    _ => sender.set_capacity(dice.roll(4)),
                }
            }
            finish(&ledger, &channels, parties, &place);
            ledger.check(&place);
            ledger.check_order(&place);
        }
    });
}

/// One receives at a time; when it is killed, the next goes on where it was.
#[test]
fn a_line_of_receivers_that_are_killed_sees_one_stream() {
    on_each_hub_jumping(|_| {
        let seed = seed();
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        for round in 0..ROUNDS {
            let place = format!("seed {seed}, round {round}");
            let ledger = Rc::new(Ledger::default());
            let channels = [any_channel(&mut dice)];
            let [(sender, receiver)] = &channels;
            let mut parties = Vec::new();
            let start = |ledger: &Rc<Ledger>| {
                let (ledger, receiver) = (Rc::clone(ledger), receiver.clone());
                spawn(move || {
                    receiver
                        .iter()
                        .for_each(|v| ledger.receive(ledger.arrive(), Some(v)))
                })
            };
            let mut current = start(&ledger);
            for _ in 0..STEPS {
                match dice.roll(8) {
                    0..4 => parties.push(spawn_sender(&ledger, sender.clone(), &mut dice)),
                    4 => {
                        current.kill().unwrap();
                        parties.push(std::mem::replace(&mut current, start(&ledger)));
                    }
                    5 => sleep(moment(&mut dice)),
                    _ => yield_now(),
                }
            }
            parties.push(current);
            finish(&ledger, &channels, parties, &place);
            ledger.check(&place);
            ledger.check_order(&place);
        }
    });
}
