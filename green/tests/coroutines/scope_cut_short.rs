//! Scopes that are cut short: by kills, time limits, deadlocks and the end of the thread. What borrows
//! has ended before the stack that it borrows from is left.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{
    Borrower, Watchdog, in_run, is_child, on_each_hub, on_each_hub_jumping, on_fresh_thread,
    run_child, stderr, text, until, until_parked,
};
use eventlet_green::sync::Semaphore;
use eventlet_green::{
    Builder, JoinError, KillHandle, Wait, hubs, scope, sleep, spawn, timeout, yield_now,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_kill_of_the_owner_while_it_waits_for_them() {
    on_each_hub(|| {
        let ended = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&ended);
        let owner = spawn(move || {
            let here = Cell::new(0);
            let _told = AtDrop(|| theirs.set(here.get()));
            scope(|s| {
                for _ in 0..3 {
                    let borrower = Borrower(&here);
                    s.spawn(move || {
                        let _borrower = borrower;
                        sleep(HOUR);
                    });
                }
            });
            unreachable!("it was killed");
        });
        until(|| owner.waits_for() == Wait::Scope);
        owner.kill().unwrap();
        assert!(matches!(owner.join(), Err(JoinError::Killed)));
        assert_eq!(ended.get(), 3, "all had ended when its stack was unwound");
    });
}

#[test]
fn a_kill_of_the_owner_within_the_closure() {
    on_each_hub(|| {
        let ended = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&ended);
        let owner = spawn(move || {
            let here = Cell::new(0);
            let _told = AtDrop(|| theirs.set(here.get()));
            scope(|s| {
                let borrower = Borrower(&here);
                let child = s.spawn(move || {
                    let _borrower = borrower;
                    sleep(HOUR);
                });
                child.join().unwrap();
            });
        });
        until(|| matches!(owner.waits_for(), Wait::Join(_)));
        owner.kill().unwrap();
        assert!(matches!(owner.join(), Err(JoinError::Killed)));
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn a_second_kill_does_not_cut_the_wait_short() {
    on_each_hub(|| {
        let ended = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&ended);
        let go_on = Rc::new(Cell::new(false));
        let let_go = Rc::clone(&go_on);
        let owner = spawn(move || {
            let here = Cell::new(0);
            let _told = AtDrop(|| theirs.set(here.get()));
            let outcome = timeout(HOUR, || {
                scope(|s| {
                    let borrower = Borrower(&here);
                    s.spawn(move || {
                        let _borrower = borrower;
                        // It takes some turns to end.
                        let _ = catch_unwind(|| sleep(HOUR));
                        while !go_on.get() {
                            let _ = catch_unwind(yield_now);
                        }
                    });
                });
            });
            unreachable!("{outcome:?}");
        });
        until(|| owner.waits_for() == Wait::Scope);
        owner.kill().unwrap();
        for _ in 0..3 {
            yield_now();
            owner.kill().unwrap();
            assert!(!owner.is_finished());
        }
        let_go.set(true);
        assert!(matches!(owner.join(), Err(JoinError::Killed)));
        assert_eq!(ended.get(), 1);
    });
}

/// The owner is woken by the kill; that it is the last one's end too must not be lost.
#[test]
fn a_kill_and_the_last_end_in_one_turn() {
    on_each_hub(|| {
        for kills_before in [0, 1] {
            let ended = Rc::new(Cell::new(0));
            let theirs = Rc::clone(&ended);
            let owner = spawn(move || {
                let here = Cell::new(0);
                let _told = AtDrop(|| theirs.set(here.get()));
                let owner = KillHandle::of_current().unwrap();
                scope(|s| {
                    let borrower = Borrower(&here);
                    s.spawn(move || {
                        let _borrower = borrower;
                        let _ = catch_unwind(|| {
                            if kills_before > 0 {
                                sleep(HOUR)
                            }
                        });
                        owner.kill().unwrap();
                    });
                });
                yield_now();
                unreachable!("it was killed");
            });
            until(|| owner.waits_for() == Wait::Scope || owner.is_finished());
            for _ in 0..kills_before {
                yield_now();
                owner.kill().unwrap();
            }
            assert!(matches!(owner.join(), Err::<(), _>(JoinError::Killed)));
            assert_eq!(ended.get(), 1);
        }
    });
}

#[test]
fn a_time_limit_around_it_and_one_within() {
    on_each_hub_jumping(|_| {
        let ended = Cell::new(0);
        let late = timeout(SECOND, || {
            scope(|s| {
                let borrower = Borrower(&ended);
                s.spawn(move || {
                    let _borrower = borrower;
                    sleep(HOUR);
                });
            })
        });
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!(ended.get(), 1);
        // Within the closure: the scope is not disturbed.
        scope(|s| {
            s.spawn(|| sleep(10 * SECOND));
            assert!(timeout(SECOND, || sleep(HOUR)).is_err());
        });
        // A child's own.
        scope(|s| {
            let child = s.spawn(|| timeout(SECOND, || sleep(HOUR)).is_err());
            assert!(child.join().unwrap());
        });
    });
}

#[test]
fn the_end_of_an_inner_one_comes_before_that_of_the_outer() {
    on_each_hub(|| {
        let order = RefCell::new(Vec::new());
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scope(|outer| {
                let child = outer.spawn(|| {
                    let _outer = AtDrop(|| order.borrow_mut().push("outer child"));
                    scope(|inner| {
                        inner.spawn(|| {
                            let _inner = AtDrop(|| order.borrow_mut().push("inner child"));
                            sleep(HOUR);
                        });
                    });
                });
                until(|| child.waits_for() == Wait::Scope);
                panic!("on purpose");
            });
        }));
        assert_eq!(text(&*panic.unwrap_err()), "on purpose");
        assert_eq!(order.into_inner(), ["inner child", "outer child"]);
    });
}

#[test]
fn children_that_cannot_end_are_killed_and_the_report_goes_on() {
    on_each_hub(|| {
        let ended = Cell::new(0);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let never = Semaphore::new(0);
            scope(|s| {
                let (borrower, never) = (Borrower(&ended), &never);
                s.spawn(move || {
                    let _borrower = borrower;
                    drop(never.acquire());
                });
            });
        }));
        let panic = panic.unwrap_err();
        for part in [
            "deadlock",
            "waits for a permit of a semaphore",
            "the end of the coroutines of a scope",
        ] {
            assert!(text(&*panic).contains(part), "{}", text(&*panic));
        }
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn the_end_of_the_thread_unwinds_owner_and_children() {
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let order = on_fresh_thread(|| {
            eventlet_green::use_hub(hub).unwrap();
            let ended = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let note = std::sync::Arc::clone(&ended);
            let owner = spawn(move || {
                let words = [String::from("borrowed")];
                let _owner = AtDrop(|| note.lock().unwrap().push("owner"));
                scope(|s| {
                    s.spawn(|| {
                        let _child = AtDrop(|| {
                            assert_eq!(words[0], "borrowed");
                            note.lock().unwrap().push("child");
                        });
                        sleep(HOUR);
                    });
                });
            });
            until_parked(&owner);
            // The child has its first turn after the owner's.
            yield_now();
            ended
        });
        assert_eq!(*order.lock().unwrap(), ["child", "owner"]);
    }
}

#[test]
fn a_child_that_swallows_the_kill_for_ever_aborts_the_process() {
    if is_child() {
        return in_run(|| {
            let local = 7;
            scope(|s| {
                let local = &local;
                let _ = Builder::new().name("stubborn").spawn_scoped(s, move || {
                    loop {
                        let _ = catch_unwind(|| sleep(HOUR));
                        assert_eq!(*local, 7);
                    }
                });
                yield_now();
                panic!("on purpose");
            });
            unreachable!("neither returned from nor unwound");
        });
    }
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let test = "coroutines::scope_cut_short::a_child_that_swallows_the_kill_for_ever_aborts_the_process";
        let output = run_child(test, hub);
        assert!(!output.status.success());
        let text = stderr(&output);
        for part in ["a scope cannot end", "coroutine \"stubborn\"", "aborted"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }
}
