//! Events: one value or error for all who wait, now or later.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::rc::Rc;

use crate::support::waiting::{Log, SECOND, assert_killed, check_many, check_wait, join_all, many};
use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::sync::{Event, EventError};
use eventlet_green::{JoinHandle, ParkError, Wait, sleep, spawn, stats, timeout, yield_now};
use eventlet_runloop::{Clock, Time};

fn waiter<T: Clone + 'static>(event: &Event<T>) -> JoinHandle<Result<T, EventError>> {
    let event = event.clone();
    let handle = spawn(move || event.wait());
    until_parked(&handle);
    handle
}

/// The reason, of a wait that was refused.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, EventError>) -> Result<T, ParkError> {
    match outcome {
        Err(EventError::Refused(reason)) => Err(reason),
        other => panic!("it was to wait, or to be refused: {other:?}"),
    }
}

#[test]
fn every_wait_keeps_the_contract() {
    on_each_hub_jumping(|_| {
        let event = Event::<u32>::new();
        let theirs = event.clone();
        check_wait(
            Wait::Event,
            move || refusal(theirs.wait()),
            || event.waiting(),
        );
    });
}

#[test]
fn killing_very_many_costs_each_the_same() {
    on_each_hub(|| {
        let event = Event::<u32>::new();
        let theirs = event.clone();
        check_many(
            many() / 5,
            move || refusal(theirs.wait()),
            || event.waiting(),
        );
    });
}

#[test]
fn cancelling_very_many_costs_each_the_same() {
    on_each_hub(|| {
        let event = Event::<u32>::new();
        let waiters: Vec<_> = (0..many() / 5)
            .map(|_| {
                let event = event.clone();
                spawn(move || event.wait())
            })
            .collect();
        yield_now();
        for waiter in waiters.iter().rev() {
            assert!(event.cancel(waiter.id()));
        }
        assert_eq!(event.waiting(), 0);
        for waiter in waiters {
            assert!(matches!(waiter.join().unwrap(), Err(EventError::Cancelled)));
        }
    });
}

#[test]
fn a_value_goes_to_all_in_the_order_they_came() {
    on_each_hub(|| {
        let (event, log) = (Event::new(), Log::default());
        let waiters: Vec<_> = (0..100)
            .map(|number| {
                let (event, log) = (event.clone(), log.clone());
                spawn(move || log.note(format!("{number}:{}", event.wait().unwrap())))
            })
            .collect();
        yield_now();
        assert_eq!(event.waiting(), 100);
        assert!(!event.is_ready());
        let before = stats().switches;
        event.send("value").unwrap();
        assert_eq!(stats().switches, before, "sending waits for nobody");
        assert_eq!(event.waiting(), 0);
        assert!(event.is_ready() && event.has_value() && !event.has_error());
        join_all(waiters);
        let expected: Vec<_> = (0..100).map(|number| format!("{number}:value")).collect();
        assert_eq!(log.take(), expected.join(" "));
        // Whoever comes later has it at once.
        let before = stats().switches;
        assert_eq!(event.wait().unwrap(), "value");
        assert_eq!(event.wait_timeout(SECOND).unwrap(), Some("value"));
        assert_eq!(event.try_wait().unwrap(), Some("value"));
        assert_eq!(stats().switches, before);
    });
}

#[test]
fn an_error_goes_to_all() {
    on_each_hub(|| {
        let event = Event::<u32>::new();
        let waiters = [(); 10].map(|()| waiter(&event));
        let number = "no number".parse::<u32>().unwrap_err();
        event.send_error(number.clone()).unwrap();
        assert!(event.is_ready() && event.has_error() && !event.has_value());
        let theirs = event.clone();
        let late = spawn(move || theirs.wait());
        for waiter in waiters.into_iter().chain([late]) {
            let error = waiter.join().unwrap().unwrap_err();
            assert_eq!(error.to_string(), number.to_string());
            let EventError::Sent(sent) = error else {
                panic!("it was sent: {error:?}");
            };
            assert_eq!(sent.downcast_ref(), Some(&number));
        }
        assert!(matches!(event.try_wait(), Err(EventError::Sent(_))));
        assert!(matches!(
            event.wait_timeout(SECOND),
            Err(EventError::Sent(_))
        ));
    });
}

#[test]
fn sending_twice_is_an_error_that_hands_back() {
    on_each_hub(|| {
        let event = Event::new();
        event.send(Box::new(1)).unwrap();
        let refused = event.send(Box::new(2)).unwrap_err();
        assert!(refused.to_string().contains("already"), "{refused}");
        assert_eq!(*refused.into_inner(), 2);
        let refused = event.send_error("three").unwrap_err();
        assert_eq!(refused.into_inner().to_string(), "three");
        assert_eq!(*event.wait().unwrap(), 1);

        let event = Event::<u32>::new();
        event.send_error("first").unwrap();
        assert_eq!(event.send(2).unwrap_err().into_inner(), 2);
        assert_eq!(event.wait().unwrap_err().to_string(), "first");
    });
}

#[test]
fn in_time_and_not_in_time() {
    on_each_hub_jumping(|clock| {
        let event = Event::new();
        assert_eq!(event.try_wait().unwrap(), None);
        assert_eq!(event.wait_timeout(SECOND).unwrap(), None);
        assert_eq!(clock.now() - Time::ORIGIN, SECOND);
        assert_eq!(event.waiting(), 0);
        let theirs = event.clone();
        let sender = spawn(move || {
            sleep(SECOND);
            theirs.send(7).unwrap();
        });
        assert_eq!(event.wait_timeout(2 * SECOND).unwrap(), Some(7));
        assert_eq!(clock.now() - Time::ORIGIN, 2 * SECOND);
        assert_eq!(stats().timers, 0);
        sender.join().unwrap();
    });
}

#[test]
fn what_comes_in_the_turn_in_which_the_time_is_over_is_not_missed() {
    on_each_hub_jumping(|_| {
        let event = Event::new();
        let theirs = event.clone();
        let sender = spawn(move || {
            sleep(SECOND);
            theirs.send(7).unwrap();
        });
        until_parked(&sender);
        assert_eq!(event.wait_timeout(SECOND).unwrap(), Some(7));
        sender.join().unwrap();
    });
}

#[test]
fn a_reset_makes_it_new() {
    on_each_hub(|| {
        let event = Event::new();
        let error = event.reset().unwrap_err();
        assert!(error.to_string().contains("nothing was sent"), "{error}");
        let waiting = waiter(&event);
        event.reset().unwrap_err();
        assert_eq!(event.waiting(), 1, "whoever waits waits on");
        event.send(1).unwrap();
        // Sent again before the first waiter had its turn: each gets what was sent in its round.
        event.reset().unwrap();
        event.reset().unwrap_err();
        assert!(!event.is_ready());
        event.send(2).unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), 1);
        assert_eq!(event.wait().unwrap(), 2);
        event.reset().unwrap();
        event.send_error("three").unwrap();
        event.reset().unwrap();
        let waiting = waiter(&event);
        event.send(4).unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), 4);
    });
}

#[test]
fn one_wait_can_be_cancelled() {
    on_each_hub(|| {
        let event = Event::new();
        let waiters = [(); 3].map(|()| waiter(&event));
        let ids = [0, 1, 2].map(|index: usize| waiters[index].id());
        assert!(event.cancel(ids[1]));
        assert_eq!(event.waiting(), 2);
        assert!(!event.cancel(ids[1]), "it does not wait any more");
        assert!(!event.cancel(9999), "nobody has that number");
        event.send(7).unwrap();
        assert!(!event.cancel(ids[0]), "it was woken already");
        let outcomes = join_all(waiters);
        assert!(matches!(outcomes[0], Ok(7)));
        assert!(matches!(outcomes[1], Err(EventError::Cancelled)));
        assert!(matches!(outcomes[2], Ok(7)));
        assert_eq!(event.wait().unwrap(), 7, "it works on");
        // One that is on its way out by itself.
        event.reset().unwrap();
        let killed = waiter(&event);
        killed.kill().unwrap();
        assert!(!event.cancel(killed.id()));
        assert_killed(killed);
        // The root stack, and one that waits for something else.
        let root = eventlet_green::current_id();
        let theirs = event.clone();
        let canceller = spawn(move || theirs.cancel(root));
        assert!(matches!(event.wait(), Err(EventError::Cancelled)));
        assert!(canceller.join().unwrap());
        let elsewhere = spawn(|| Event::<u32>::new().wait_timeout(SECOND).map(drop));
        until_parked(&elsewhere);
        assert!(!event.cancel(elsewhere.id()));
        elsewhere.kill().unwrap();
        assert_killed(elsewhere);
    });
}

#[test]
fn one_that_is_killed_in_the_turn_of_the_sending_takes_nothing_from_the_others() {
    on_each_hub_jumping(|_| {
        let event = Event::new();
        let [victim, other] = [(); 2].map(|()| waiter(&event));
        event.send(7).unwrap();
        victim.kill().unwrap();
        assert_eq!(other.join().unwrap().unwrap(), 7);
        assert_killed(victim);
        // A time limit around it that is over in the turn of the sending.
        event.reset().unwrap();
        let theirs = event.clone();
        let sender = spawn(move || {
            sleep(SECOND);
            theirs.send(8).unwrap();
        });
        until_parked(&sender);
        assert!(timeout(SECOND, || event.wait()).is_err());
        assert_eq!(event.wait().unwrap(), 8);
        sender.join().unwrap();
    });
}

#[test]
fn values_may_meddle_when_they_are_cloned_or_dropped() {
    type Doings = Rc<RefCell<Vec<String>>>;

    struct Meddler(Event<Rc<Meddler>>, Doings, Cell<bool>);
    struct Cloned(Rc<Cell<u32>>, Event<Cloned>);

    impl Clone for Cloned {
        fn clone(&self) -> Self {
            // Uses the very event that it is cloned from.
            assert!(self.1.is_ready());
            if self.0.replace(self.0.get() + 1) == 0 {
                self.1.reset().unwrap();
                panic!("on purpose");
            }
            Cloned(Rc::clone(&self.0), self.1.clone())
        }
    }

    impl Drop for Meddler {
        fn drop(&mut self) {
            let state = format!("ready: {}", self.0.is_ready());
            self.1.borrow_mut().push(state);
            self.2.set(true);
        }
    }

    on_each_hub(|| {
        let doings = Doings::default();
        let event = Event::new();
        let value = Meddler(event.clone(), Rc::clone(&doings), Cell::new(false));
        event.send(Rc::new(value)).map_err(|_| ()).unwrap();
        event.reset().unwrap();
        assert_eq!(*doings.borrow(), ["ready: false"]);

        let event = Event::new();
        let clones = Rc::new(Cell::new(0));
        let waiters = [1, 2].map(|_| {
            let event = event.clone();
            spawn(move || event.wait().map(drop))
        });
        yield_now();
        let value = Cloned(Rc::clone(&clones), event.clone());
        event.send(value).unwrap();
        let [first, second] = waiters;
        // A panic of a clone is the waiter's own; the other is served from the same round.
        assert_eq!(first.join().unwrap_err().panic_text(), Some("on purpose"));
        assert!(!event.is_ready());
        // The second one's clone asserts that the event is ready, which the first one's undid.
        assert!(second.join().is_err());
        assert_eq!(clones.get(), 1);
    });
}

#[test]
fn errors_say_what_they_are() {
    on_each_hub(|| {
        fn check<E: Error + Send + Sync>(error: E, text: &str) {
            assert!(error.to_string().contains(text), "{error}");
        }
        check(EventError::Cancelled, "cancelled");
        check(EventError::from(ParkError::Closed), "closed");
        let event = Event::<u32>::default();
        assert_eq!(
            format!("{event:?}"),
            "Event { has_value: false, has_error: false, waiting: 0 }"
        );
        event.send_error("text").unwrap();
        let error = event.wait().unwrap_err();
        assert!(error.source().is_none());
        check(error, "text");
    });
}
