//! Very many coroutines at once. (A million is the business of an example.)

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{sleep, spawn, stats};
use eventlet_runloop::{Clock, Time};
use support::{crowd, on_each_hub, on_each_hub_jumping, until};

const MANY: usize = 100_000;

#[test]
fn asleep_woken_and_joined() {
    on_each_hub_jumping(|clock| {
        let many = crowd(MANY);
        let woken = Rc::new(Cell::new(0));
        let handles: Vec<_> = (0..many)
            .map(|number| {
                let woken = Rc::clone(&woken);
                spawn(move || {
                    sleep(Duration::from_secs(3600));
                    assert_eq!(woken.get(), number, "in the order they fell asleep");
                    woken.set(number + 1);
                })
            })
            .collect();
        until(|| stats().timers == many);
        assert_eq!(stats().coroutines, many);
        for handle in handles {
            handle.join().unwrap();
        }
        assert_eq!(woken.get(), many);
        assert_eq!(clock.now() - Time::ORIGIN, Duration::from_secs(3600));
    });
}

#[test]
fn killed_at_once() {
    on_each_hub(|| {
        let many = crowd(MANY / 10);
        let handles: Vec<_> = (0..many)
            .map(|_| spawn(|| sleep(Duration::from_secs(3600))))
            .collect();
        until(|| stats().timers == many);
        for handle in &handles {
            handle.kill().unwrap();
        }
        for handle in handles {
            handle.join().unwrap_err();
        }
    });
}

#[test]
fn one_after_another() {
    on_each_hub(|| {
        for number in 0..MANY {
            assert_eq!(spawn(move || number).join().unwrap(), number);
        }
    });
}
