//! Scopes: coroutines that borrow have ended on every way out, and the scope says what became of them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Borrower, crowd, on_each_hub, on_each_hub_jumping, text, until};
use eventlet_green::{
    Builder, JoinError, ParkError, State, Wait, scope, sleep, spawn, spawn_after, yield_now,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn results_and_changes_of_what_was_borrowed() {
    on_each_hub(|| {
        let words = ["a".to_string(), "bc".to_string()];
        let mut total = 0;
        let longest = scope(|s| {
            s.spawn(|| total = words.iter().map(String::len).sum());
            let longest = s.spawn(|| words.iter().max_by_key(|word| word.len()).unwrap());
            assert_eq!(s.running(), 2);
            longest.join().unwrap().as_str()
        });
        assert_eq!((longest, total), ("bc", 3));
    });
}

#[test]
fn waits_for_all_whether_joined_or_not() {
    on_each_hub_jumping(|_| {
        let ended = Cell::new(0);
        scope(|s| {
            for n in 1..=10 {
                let borrower = Borrower(&ended);
                s.spawn(move || {
                    let _borrower = borrower;
                    sleep(n * SECOND);
                });
            }
            assert_eq!(ended.get(), 0);
        });
        assert_eq!(ended.get(), 10);
        assert_eq!(scope(|_| 7), 7, "none at all");
    });
}

#[test]
fn those_that_are_spawned_by_others_too() {
    on_each_hub(|| {
        let ended = Cell::new(0);
        scope(|s| {
            let ended = &ended;
            s.spawn(move || {
                yield_now();
                s.spawn(move || {
                    yield_now();
                    s.spawn(move || drop(Borrower(ended)));
                });
            });
        });
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn a_scope_within_a_coroutine_of_a_scope() {
    on_each_hub(|| {
        let mut sums = [0; 3];
        scope(|outer| {
            for (n, sum) in sums.iter_mut().enumerate() {
                outer.spawn(move || {
                    let parts = [const { Cell::new(0) }; 4];
                    scope(|inner| {
                        for part in &parts {
                            inner.spawn(move || part.set(n));
                        }
                    });
                    *sum = parts.iter().map(Cell::get).sum();
                });
            }
        });
        assert_eq!(sums, [0, 4, 8]);
    });
}

#[test]
fn a_panic_of_the_closure_kills_all_and_goes_on_when_they_have_ended() {
    on_each_hub(|| {
        let ended = Cell::new(0);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                let [first, second] = [(); 2].map(|()| Borrower(&ended));
                let parked = s.spawn(move || {
                    let _borrower = first;
                    sleep(HOUR);
                });
                until(|| parked.state() == State::Parked);
                // This one has not started.
                s.spawn(move || drop(second));
                panic!("the closure's");
            })
        }));
        assert_eq!(text(&*panic.unwrap_err()), "the closure's");
        assert_eq!(ended.get(), 2);
    });
}

#[test]
fn a_panic_that_nobody_joins_kills_the_others_and_goes_on() {
    on_each_hub(|| {
        let ended = Cell::new(0);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                let borrower = Borrower(&ended);
                s.spawn(move || {
                    let _borrower = borrower;
                    sleep(HOUR);
                });
                s.spawn(|| {
                    yield_now();
                    panic!("a child's");
                });
            });
            unreachable!("its panic goes on");
        }));
        assert_eq!(text(&*panic.unwrap_err()), "a child's");
        assert_eq!(ended.get(), 1);
        // It comes while the closure runs, before its end.
        let panic = catch_unwind(|| {
            scope(|s| {
                drop(s.spawn(|| panic!("early")));
                let sleeper = s.spawn(|| sleep(HOUR));
                until(|| sleeper.state() == State::Parked);
            });
        });
        assert_eq!(text(&*panic.unwrap_err()), "early");
        // The handle is dropped after the panic.
        let panic = catch_unwind(|| {
            scope(|s| {
                let handle = s.spawn(|| panic!("late"));
                until(|| handle.is_finished());
            });
        });
        assert_eq!(text(&*panic.unwrap_err()), "late");
    });
}

#[test]
fn a_panic_that_is_joined_is_the_joiners() {
    on_each_hub_jumping(|_| {
        let slept = Cell::new(false);
        scope(|s| {
            s.spawn(|| {
                sleep(SECOND);
                slept.set(true);
            });
            let error = s.spawn(|| panic!("joined")).join().unwrap_err();
            assert_eq!(error.panic_text(), Some("joined"));
        });
        assert!(slept.get(), "the other was not killed");
    });
}

struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_child_of_a_scope_that_ends_early_gets_nobody_started() {
    on_each_hub(|| {
        let started = Cell::new(false);
        let refused = Cell::new(false);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                let (started, refused) = (&started, &refused);
                let child = s.spawn(move || {
                    let _ = catch_unwind(|| sleep(HOUR));
                    let handle = s.spawn(|| started.set(true));
                    // The caller's own kill is raised again where it waits; another may look.
                    drop(handle);
                    refused.set(true);
                });
                until(|| child.state() == State::Parked);
                panic!("on purpose");
            });
        }));
        assert!(panic.is_err());
        assert!(refused.get() && !started.get());
    });
}

#[test]
fn handles() {
    on_each_hub_jumping(|_| {
        let name = String::from("named");
        scope(|s| {
            let child = Builder::new()
                .name("named")
                .spawn_scoped(s, || {
                    sleep(2 * SECOND);
                    name.as_str()
                })
                .unwrap();
            assert_eq!(child.name(), Some("named"));
            assert_eq!(child.state(), State::New);
            let child = child.join_timeout(SECOND).unwrap_err();
            assert_eq!(child.waits_for(), Wait::Sleep);
            assert_eq!(child.join_timeout(SECOND * 2).unwrap().unwrap(), "named");
            let victim = s.spawn(|| sleep(HOUR));
            assert!(victim.kill().unwrap());
            assert!(matches!(victim.join(), Err(JoinError::Killed)));
            let ids = [s.spawn(|| ()), s.spawn(|| ())].map(|handle| handle.id());
            assert!(ids[0] < ids[1]);
        });
    });
}

#[test]
fn a_forgotten_handle_is_harmless() {
    on_each_hub(|| {
        let ended = Cell::new(0);
        scope(|s| {
            let borrower = Borrower(&ended);
            std::mem::forget(s.spawn(move || borrower));
            let dropped = Borrower(&ended);
            std::mem::forget(s.spawn(move || drop(dropped)));
            std::mem::forget(s.spawn(|| panic!("nobody sees it")));
        });
        assert_eq!(
            ended.get(),
            1,
            "the other was a result, and is forgotten too"
        );
    });
}

#[test]
fn in_a_destructor_while_the_stack_unwinds_nothing_is_spawned() {
    on_each_hub(|| {
        let refused = Rc::new(Cell::new(false));
        let note = Rc::clone(&refused);
        let outcome = spawn(move || {
            let _at_drop = AtDrop(|| {
                let given = scope(|s| {
                    let error = Builder::new().spawn_scoped(s, || ()).unwrap_err();
                    let reason = error.get_ref().unwrap().downcast_ref();
                    note.set(matches!(reason, Some(ParkError::Unwinding)));
                    7
                });
                assert_eq!(given, 7);
            });
            panic!("on purpose");
        });
        assert_eq!(outcome.join().unwrap_err().panic_text(), Some("on purpose"));
        assert!(refused.get());
    });
}

#[test]
fn a_crowd_that_borrows() {
    on_each_hub(|| {
        let counts = vec![Cell::new(0_u8); crowd(20_000)];
        scope(|s| {
            for count in &counts {
                s.spawn(move || {
                    yield_now();
                    count.set(count.get() + 1);
                });
            }
        });
        assert!(counts.iter().all(|count| count.get() == 1));
        // And killed.
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                for count in &counts {
                    s.spawn(move || {
                        sleep(HOUR);
                        count.set(9);
                    });
                }
                yield_now();
                panic!("on purpose");
            });
        }));
        assert!(panic.is_err());
        assert!(counts.iter().all(|count| count.get() == 1));
    });
}

#[test]
fn a_delayed_call_runs_while_a_scope_waits() {
    on_each_hub_jumping(|_| {
        let other = spawn_after(SECOND, || 7);
        scope(|s| {
            s.spawn(|| sleep(2 * SECOND));
        });
        assert!(other.is_finished());
        assert_eq!(other.join().unwrap(), 7);
    });
}
