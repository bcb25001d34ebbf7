//! Very many coroutines at once. (A million is the business of an example.)

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{sleep, spawn, stats};
use eventlet_runloop::{Clock, Time};
use support::{on_each_hub, on_each_hub_jumping, until};

/// Where guards take mappings of their own, the kernel's limit on those is met before.
const MANY: usize = if cfg!(eventlet_mprotect_guard) {
    20_000
} else {
    100_000
};

#[test]
fn asleep_woken_and_joined() {
    on_each_hub_jumping(|clock| {
        let woken = Rc::new(Cell::new(0));
        let handles: Vec<_> = (0..MANY)
            .map(|number| {
                let woken = Rc::clone(&woken);
                spawn(move || {
                    sleep(Duration::from_secs(3600));
                    assert_eq!(woken.get(), number, "in the order they fell asleep");
                    woken.set(number + 1);
                })
            })
            .collect();
        until(|| stats().timers == MANY);
        assert_eq!(stats().coroutines, MANY);
        for handle in handles {
            handle.join().unwrap();
        }
        assert_eq!(woken.get(), MANY);
        assert_eq!(clock.now() - Time::ORIGIN, Duration::from_secs(3600));
    });
}

#[test]
fn killed_at_once() {
    on_each_hub(|| {
        let handles: Vec<_> = (0..MANY / 10)
            .map(|_| spawn(|| sleep(Duration::from_secs(3600))))
            .collect();
        until(|| stats().timers == MANY / 10);
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
