//! Starting coroutines: when they run, what they may capture, what their handle tells.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::{
    Builder, JoinError, JoinTimeoutError, MAX_STACK_SIZE, MIN_STACK_SIZE, State, Wait, call_after,
    current_id, sleep, spawn, spawn_after, stats, yield_now,
};
use eventlet_runloop::{Clock, Time};

const SECOND: Duration = Duration::from_secs(1);

/// Runs `f` with a list that what it starts may push to, and gives the list.
fn traced<T: 'static>(f: impl FnOnce(Rc<RefCell<Vec<T>>>)) -> Vec<T> {
    let list = Rc::new(RefCell::new(Vec::new()));
    f(Rc::clone(&list));
    list.take()
}

#[test]
fn nothing_runs_before_the_spawner_waits() {
    on_each_hub(|| {
        let ran = Rc::new(Cell::new(false));
        let theirs = Rc::clone(&ran);
        let handle = spawn(move || theirs.set(true));
        assert!(!ran.get());
        assert_eq!(handle.state(), State::New);
        handle.join().unwrap();
        assert!(ran.get());
    });
}

#[test]
fn they_start_in_the_order_they_were_spawned_in() {
    on_each_hub(|| {
        let order = traced(|list| {
            let handles: Vec<_> = (0..1000)
                .map(|number| {
                    let list = Rc::clone(&list);
                    spawn(move || list.borrow_mut().push(number))
                })
                .collect();
            for handle in handles {
                handle.join().unwrap();
            }
        });
        assert!(order.iter().copied().eq(0..1000));
    });
}

#[test]
fn one_spawned_by_another_starts_after_those_that_were_there() {
    on_each_hub(|| {
        let order = traced(|list| {
            let [a, b, c] = [0; 3].map(|_| Rc::clone(&list));
            let first = spawn(move || {
                a.borrow_mut().push("first");
                let inner = spawn(move || b.borrow_mut().push("inner"));
                a.borrow_mut().push("first goes on");
                inner.join().unwrap();
            });
            let second = spawn(move || c.borrow_mut().push("second"));
            first.join().unwrap();
            second.join().unwrap();
        });
        assert_eq!(order, ["first", "first goes on", "second", "inner"]);
    });
}

#[test]
fn a_yield_lets_each_of_the_others_go_once() {
    on_each_hub(|| {
        let order = traced(|list| {
            let handles = ["a", "b", "c"].map(|name| {
                let list = Rc::clone(&list);
                spawn(move || {
                    for _ in 0..3 {
                        list.borrow_mut().push(name);
                        yield_now();
                    }
                })
            });
            for handle in handles {
                handle.join().unwrap();
            }
        });
        assert_eq!(order, ["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
    });
}

#[test]
fn the_result_goes_to_whoever_joins() {
    on_each_hub(|| {
        let text = Rc::new(String::from("shared"));
        let theirs = Rc::clone(&text);
        // Neither `Send` going in nor coming out.
        let handle = spawn(move || theirs);
        yield_now();
        assert!(handle.is_finished());
        assert_eq!(handle.state(), State::Finished);
        assert!(Rc::ptr_eq(&handle.join().unwrap(), &text));
        assert_eq!(Rc::strong_count(&text), 1);
    });
}

#[test]
fn a_result_that_nobody_joins_is_dropped_once() {
    struct Counted(Rc<Cell<u32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    on_each_hub(|| {
        let drops = Rc::new(Cell::new(0));
        let value = Counted(Rc::clone(&drops));
        drop(spawn(move || value));
        yield_now();
        assert_eq!(drops.get(), 1, "the handle was gone before");
        let value = Counted(Rc::clone(&drops));
        let handle = spawn(move || value);
        yield_now();
        assert_eq!(drops.get(), 1, "it waits in the handle");
        drop(handle);
        assert_eq!(drops.get(), 2);
    });
}

#[test]
fn a_handle_knows_who_it_is_for() {
    on_each_hub(|| {
        let line = line!() + 1;
        let plain = spawn(current_id);
        let named = Builder::new().name("worker").spawn(current_id).unwrap();
        assert_eq!((plain.id(), named.id()), (1, 2));
        assert_eq!((plain.name(), named.name()), (None, Some("worker")));
        assert_eq!(plain.spawned_at().file(), file!());
        assert_eq!(plain.spawned_at().line(), line);
        let debug = format!("{named:?}");
        assert!(debug.contains("worker") && debug.contains("#2"), "{debug}");
        assert_eq!(plain.join().unwrap(), 1);
        assert_eq!(named.join().unwrap(), 2);
        assert_eq!(current_id(), 0);
    });
}

#[test]
fn states_and_reasons_are_known() {
    on_each_hub_jumping(|_| {
        let sleeper = spawn(|| sleep(SECOND));
        let delayed = spawn_after(SECOND, || ());
        assert_eq!(sleeper.state(), State::New);
        assert_eq!(
            (delayed.state(), delayed.waits_for()),
            (State::Parked, Wait::Start)
        );
        until_parked(&sleeper);
        assert_eq!(sleeper.waits_for(), Wait::Sleep);
        let id = sleeper.id();
        let joiner = spawn(move || sleeper.join().unwrap());
        until_parked(&joiner);
        assert_eq!(joiner.waits_for(), Wait::Join(id));
        joiner.join().unwrap();
        delayed.join().unwrap();
    });
}

#[test]
fn nobody_joins_itself() {
    on_each_hub(|| {
        let slot: Rc<Cell<Option<eventlet_green::JoinHandle<()>>>> = Rc::default();
        let own = Rc::clone(&slot);
        let outcome = Rc::new(Cell::new(false));
        let seen = Rc::clone(&outcome);
        slot.set(Some(spawn(move || {
            let error = own.take().unwrap().join().unwrap_err();
            seen.set(matches!(error, JoinError::Itself));
        })));
        yield_now();
        assert!(outcome.get());
    });
}

#[test]
fn a_join_may_have_a_limit() {
    on_each_hub_jumping(|clock| {
        let slow = spawn(|| {
            sleep(3 * SECOND);
            "done"
        });
        let Err(JoinTimeoutError::Elapsed(slow)) = slow.join_timeout(SECOND) else {
            panic!("it cannot have ended");
        };
        assert_eq!(clock.now() - Time::ORIGIN, SECOND);
        let Err(JoinTimeoutError::Elapsed(slow)) = slow.join_timeout(Duration::ZERO) else {
            panic!("it cannot have ended");
        };
        assert_eq!(slow.join_timeout(10 * SECOND).unwrap(), "done");
        assert_eq!(clock.now() - Time::ORIGIN, 3 * SECOND);
        assert_eq!(stats().timers, 0, "the limit's timer is gone");
    });
}

#[test]
fn stack_sizes_have_limits() {
    on_each_hub(|| {
        for size in [0, 1, MIN_STACK_SIZE - 1, MAX_STACK_SIZE + 1, usize::MAX] {
            let error = Builder::new().stack_size(size).spawn(|| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&size.to_string()), "{error}");
        }
        for size in [MIN_STACK_SIZE, MIN_STACK_SIZE + 1, MAX_STACK_SIZE] {
            let handle = Builder::new().stack_size(size).spawn(|| 7).unwrap();
            assert_eq!(handle.join().unwrap(), 7);
        }
    });
}

#[test]
fn a_delayed_start_is_a_delayed_start() {
    on_each_hub_jumping(|clock| {
        let order = traced(|list| {
            let mut handles = Vec::new();
            for (delay, name) in [(3, "c"), (1, "a"), (2, "b"), (1, "a, again")] {
                let (list, clock) = (Rc::clone(&list), clock.clone());
                handles.push(spawn_after(delay * SECOND, move || {
                    list.borrow_mut()
                        .push((name, (clock.now() - Time::ORIGIN).as_secs()));
                }));
            }
            for handle in handles {
                handle.join().unwrap();
            }
        });
        assert_eq!(order, [("a", 1), ("a, again", 1), ("b", 2), ("c", 3)]);
    });
}

#[test]
fn a_delayed_call_shares_its_order_with_spawned_ones_and_outlives_its_caller() {
    on_each_hub_jumping(|_| {
        let order = traced(|list| {
            let inner = Rc::clone(&list);
            spawn(move || {
                let [a, b, c] = [0; 3].map(|_| Rc::clone(&inner));
                let _ = call_after(SECOND, move || a.borrow_mut().push(1));
                let _ = spawn_after(SECOND, move || b.borrow_mut().push(2));
                let _ = call_after(SECOND, move || c.borrow_mut().push(3));
            })
            .join()
            .unwrap();
            sleep(2 * SECOND);
        });
        assert_eq!(order, [1, 2, 3]);
    });
}

#[test]
fn a_cancelled_call_is_never_made() {
    on_each_hub_jumping(|_| {
        let made = Rc::new(Cell::new(false));
        let theirs = Rc::clone(&made);
        let timer = call_after(SECOND, move || theirs.set(true));
        assert_eq!(stats().timers, 1);
        assert_eq!(stats().coroutines, 0, "it costs no stack yet");
        assert!(timer.cancel());
        assert_eq!(stats().timers, 0, "really gone");
        assert_eq!(Rc::strong_count(&made), 1, "with what it captured");
        assert!(!timer.cancel());
        sleep(2 * SECOND);
        assert!(!made.get());
        let late = call_after(SECOND, || ());
        sleep(2 * SECOND);
        assert!(!late.cancel(), "it was made");
    });
}
