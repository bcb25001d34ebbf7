//! Contexts follow their coroutine across switches, in the original's order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::context::{Context, RegisterError, register, unregister, within};
use eventlet_green::sync::Semaphore;
use eventlet_green::{
    Builder, JoinError, ParkError, catch_panic, current_id, green_local, scope, sleep, spawn,
    timeout, yield_now,
};

type Record = Rc<RefCell<Vec<String>>>;

/// Notes each call with its name.
struct Noting(&'static str, Record);

impl Noting {
    fn with(name: &'static str, record: &Record) -> Rc<dyn Context> {
        Rc::new(Noting(name, Rc::clone(record)))
    }

    fn note(&self, what: &str) {
        self.1.borrow_mut().push(format!("{} {what}", self.0));
    }
}

impl Context for Noting {
    fn swap_in(&self) {
        self.note("in");
    }

    fn swap_out(&self) {
        self.note("out");
    }

    fn finalize(&self) {
        self.note("fin");
    }
}

fn take(record: &Record) -> String {
    record.take().join(", ")
}

#[test]
fn the_order_is_the_originals() {
    on_each_hub(|| {
        let record = Record::default();
        let (c1, c2) = (Noting::with("c1", &record), Noting::with("c2", &record));
        let handle = spawn(move || {
            register(c1).unwrap();
            register(c2).unwrap();
            yield_now();
        });
        yield_now();
        assert_eq!(take(&record), "c1 in, c2 in, c2 out, c1 out");
        handle.join().unwrap();
        assert_eq!(
            take(&record),
            "c1 in, c2 in, c2 out, c2 fin, c1 out, c1 fin"
        );
    });
}

#[test]
fn a_killed_one_is_swapped_in_to_unwind() {
    on_each_hub(|| {
        let record = Record::default();
        let theirs = Rc::clone(&record);
        let handle = spawn(move || {
            register(Noting::with("c", &theirs)).unwrap();
            struct Unwound(Record);
            impl Drop for Unwound {
                fn drop(&mut self) {
                    self.0.borrow_mut().push("unwinds".to_owned());
                }
            }
            let _unwound = Unwound(theirs);
            sleep(Duration::from_secs(3600));
        });
        until_parked(&handle);
        assert_eq!(take(&record), "c in, c out");
        assert!(handle.kill().unwrap());
        assert!(matches!(handle.join(), Err(JoinError::Killed)));
        assert_eq!(take(&record), "c in, unwinds, c out, c fin");
    });
}

#[test]
fn a_panic_ends_them() {
    on_each_hub(|| {
        let record = Record::default();
        let c = Noting::with("c", &record);
        let handle = spawn(move || {
            register(c).unwrap();
            panic!("broken");
        });
        assert_eq!(handle.join().unwrap_err().panic_text(), Some("broken"));
        assert_eq!(take(&record), "c in, c out, c fin");
    });
}

#[test]
fn a_timeout_is_raised_within_them() {
    on_each_hub_jumping(|_| {
        let record = Record::default();
        let c = Noting::with("c", &record);
        let handle = spawn(move || {
            let late = timeout(Duration::from_secs(1), || {
                within(c, || sleep(Duration::from_secs(60))).unwrap();
            });
            late.unwrap_err().is_elapsed()
        });
        assert!(handle.join().unwrap());
        assert_eq!(take(&record), "c in, c out, c in, c out, c fin");
    });
}

#[test]
fn every_way_of_waiting_swaps() {
    on_each_hub_jumping(|_| {
        let record = Record::default();
        let c = Noting::with("c", &record);
        let permits = Semaphore::new(0);
        let theirs = permits.clone();
        let handle = spawn(move || {
            register(c).unwrap();
            sleep(Duration::from_secs(1));
            let _ = theirs.acquire_timeout(Duration::from_secs(1)).unwrap();
            spawn(|| ()).join().unwrap();
        });
        handle.join().unwrap();
        let swaps = "c out, c in, ".repeat(3);
        assert_eq!(take(&record), format!("c in, {swaps}c out, c fin"));
    });
}

#[test]
fn none_is_registered_twice_and_an_unknown_one_is_let_be() {
    on_each_hub(|| {
        let record = Record::default();
        let c = Noting::with("c", &record);
        assert_eq!(unregister(&c), Ok(false));
        register(c.clone()).unwrap();
        assert_eq!(register(c.clone()), Err(RegisterError::Registered));
        let other = c.clone();
        // To another coroutine it is unknown, and may be registered there.
        spawn(move || {
            assert_eq!(unregister(&other), Ok(false));
            register(other).unwrap();
        })
        .join()
        .unwrap();
        assert_eq!(unregister(&c), Ok(true));
        assert_eq!(unregister(&c), Ok(false));
        assert_eq!(
            take(&record),
            "c in, c out, c in, c out, c fin, c in, c out, c fin"
        );
        assert_eq!(Rc::strong_count(&c), 1);
    });
}

#[test]
fn one_in_the_middle_is_unregistered_alone() {
    on_each_hub(|| {
        let record = Record::default();
        let all = ["a", "b", "c"].map(|name| Noting::with(name, &record));
        for context in &all {
            register(context.clone()).unwrap();
        }
        take(&record);
        assert_eq!(unregister(&all[1]), Ok(true));
        assert_eq!(take(&record), "b out, b fin");
        yield_now();
        assert_eq!(take(&record), "c out, a out, a in, c in");
        for context in &all {
            let _ = unregister(context);
        }
    });
}

#[test]
fn within_takes_it_off_on_every_way_out() {
    on_each_hub(|| {
        let record = Record::default();
        let c = Noting::with("c", &record);
        assert_eq!(within(c.clone(), || 7), Ok(7));
        assert!(catch_panic(|| within(c.clone(), || panic!("broken"))).is_err());
        let nested = within(c.clone(), || within(c.clone(), || ()));
        assert_eq!(nested, Ok(Err(RegisterError::Registered)));
        assert_eq!(
            take(&record),
            "c in, c out, c fin, ".repeat(3).trim_end_matches(", ")
        );
    });
}

/// The root stack is a coroutine, too; its contexts end with the thread.
#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn the_root_has_contexts() {
    on_each_hub(|| {
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            struct Telling(std::sync::mpsc::Sender<&'static str>);
            impl Context for Telling {
                fn swap_in(&self) {
                    self.0.send("in").unwrap();
                }
                fn swap_out(&self) {
                    self.0.send("out").unwrap();
                }
                fn finalize(&self) {
                    self.0.send("fin").unwrap();
                }
            }
            let others = tell.clone();
            let left = spawn(move || {
                others.send("other").unwrap();
                let _unwound = Telling(others.clone());
                sleep(Duration::from_secs(3600));
            });
            register(Rc::new(Telling(tell))).unwrap();
            yield_now();
            drop(left);
        })
        .join()
        .unwrap();
        let all: Vec<_> = told.iter().collect();
        assert_eq!(all, ["in", "out", "other", "in", "out", "fin"]);
    });
}

#[test]
fn a_hook_sees_its_coroutine_and_cannot_wait() {
    green_local!(static SWAPS: Cell<u32> = const { Cell::new(0) });

    struct Nosy {
        id: u64,
        waited: Rc<Cell<u32>>,
        permits: Semaphore,
    }

    impl Nosy {
        fn look(&self) {
            assert_eq!(current_id(), self.id);
            SWAPS.set(SWAPS.get() + 1);
            let refused = self.permits.acquire();
            assert!(matches!(refused, Err(ParkError::InContext)), "{refused:?}");
            assert!(catch_panic(yield_now).is_err());
            assert!(catch_panic(|| sleep(Duration::from_secs(1))).is_err());
            let spawned = scope(|scope| Builder::new().spawn_scoped(scope, || ()).map(drop));
            assert!(spawned.is_err(), "a scope would have to wait");
            let refused = register(Rc::new(Quiet));
            assert_eq!(refused, Err(RegisterError::InHook));
            let quiet: Rc<dyn Context> = Rc::new(Quiet);
            assert_eq!(unregister(&quiet), Err(RegisterError::InHook));
            self.waited.set(self.waited.get() + 1);
        }
    }

    impl Context for Nosy {
        fn swap_in(&self) {
            self.look();
        }
        fn swap_out(&self) {
            self.look();
        }
        fn finalize(&self) {
            self.look();
        }
    }

    struct Quiet;
    impl Context for Quiet {}

    on_each_hub(|| {
        let waited = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&waited);
        let body = move || {
            register(Rc::new(Nosy {
                id: current_id(),
                waited: theirs,
                permits: Semaphore::new(0),
            }))
            .unwrap();
            sleep(Duration::from_millis(1));
            yield_now();
            SWAPS.get()
        };
        // In, and twice out and in; at the end, out and finalized.
        assert_eq!(spawn(body).join().unwrap(), 5);
        assert_eq!(waited.get(), 7);
        assert_eq!(SWAPS.get(), 0);
    });
}

#[test]
fn one_that_panics_is_taken_off() {
    struct Broken(&'static str, Record);

    impl Broken {
        fn call(&self, hook: &'static str) {
            self.1.borrow_mut().push(hook.to_owned());
            assert_ne!(self.0, hook, "as it should");
        }
    }

    impl Context for Broken {
        fn swap_in(&self) {
            self.call("in");
        }
        fn swap_out(&self) {
            self.call("out");
        }
        fn finalize(&self) {
            self.call("fin");
        }
    }

    on_each_hub(|| {
        for (where_it_breaks, broken, whole) in [
            ("in", "in", "c in, c out, c in, c out, c fin"),
            ("out", "in, out", "c in, c out, c in, c out, c fin"),
            (
                "fin",
                "in, out, in, out, fin",
                "c in, c out, c in, c out, c fin",
            ),
        ] {
            let (record, others) = (Record::default(), Record::default());
            let context: Rc<dyn Context> = Rc::new(Broken(where_it_breaks, Rc::clone(&record)));
            let theirs = context.clone();
            let other = Noting::with("c", &others);
            let handle = spawn(move || {
                register(theirs).unwrap();
                register(other).unwrap();
                yield_now();
                7
            });
            assert_eq!(handle.join().unwrap(), 7);
            assert_eq!(take(&record), broken);
            assert_eq!(take(&others), whole);
            assert_eq!(Rc::strong_count(&context), 1);
        }
    });
}

/// Killed by a hook of its own: it is raised at the next place where it waits, not in the hook.
#[test]
fn a_kill_from_a_hook_waits_for_its_end() {
    type Slot = Rc<RefCell<Option<eventlet_green::JoinHandle<()>>>>;

    struct Killer(Slot, Record);

    impl Context for Killer {
        fn swap_in(&self) {
            if let Some(handle) = &*self.0.borrow() {
                handle.kill().unwrap();
                self.1.borrow_mut().push("killed".to_owned());
            }
        }
    }

    on_each_hub(|| {
        let (slot, record) = (Slot::default(), Record::default());
        let theirs = Killer(Rc::clone(&slot), Rc::clone(&record));
        let handle = spawn(move || {
            register(Rc::new(theirs)).unwrap();
            yield_now();
            unreachable!("it is killed when it goes on");
        });
        *slot.borrow_mut() = Some(handle);
        yield_now();
        yield_now();
        let handle = slot.take().unwrap();
        assert!(matches!(handle.join(), Err(JoinError::Killed)));
        assert_eq!(take(&record), "killed");
    });
}
