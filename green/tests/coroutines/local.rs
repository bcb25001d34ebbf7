//! Coroutine-local values: whose they are, when they end, who inherits them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::{Noted, on_each_hub, on_each_hub_jumping, record, until, until_parked};
use eventlet_green::{
    AccessError, Builder, JoinError, LocalKey, call_after, green_local, sleep, spawn, spawn_after,
    yield_now,
};

green_local! {
    static NUMBER: Cell<u32> = const { Cell::new(5) };
    static TEXT: RefCell<String> = RefCell::new("made".to_owned());
    inherit static REQUEST: RefCell<Vec<u32>> = RefCell::default();
    inherit static DEPTH: Cell<u32> = const { Cell::new(0) };
}

#[test]
fn each_has_its_own() {
    on_each_hub(|| {
        let handles: Vec<_> = (0..10)
            .map(|n| {
                spawn(move || {
                    assert_eq!(NUMBER.get(), 5);
                    NUMBER.set(n);
                    yield_now();
                    NUMBER.get()
                })
            })
            .collect();
        NUMBER.set(100);
        for (n, handle) in (0..).zip(handles) {
            assert_eq!(handle.join().unwrap(), n);
        }
        assert_eq!(NUMBER.get(), 100);
    });
}

#[test]
fn the_short_forms_are_those_of_std() {
    on_each_hub(|| {
        assert_eq!(NUMBER.replace(6), 5);
        assert_eq!(NUMBER.take(), 6);
        assert_eq!(NUMBER.get(), 0);
        assert_eq!(NUMBER.with(|number| number.replace(1)), 0);
        assert_eq!(TEXT.with_borrow(String::len), 4);
        TEXT.with_borrow_mut(|text| text.push('!'));
        assert_eq!(TEXT.replace("other".to_owned()), "made!");
        TEXT.set("third".to_owned());
        assert_eq!(TEXT.take(), "third");
        assert_eq!(TEXT.try_with(|text| text.borrow().len()), Ok(0));
    });
}

#[test]
fn setting_makes_no_other_value_first() {
    green_local!(static NEVER: Cell<u32> = unreachable!("it is set before it is used"));

    on_each_hub(|| {
        NEVER.set(3);
        assert_eq!(NEVER.get(), 3);
    });
}

/// Notes when it is dropped, and what it finds then.
struct Last(&'static str, Rc<RefCell<Vec<&'static str>>>, fn() -> bool);

impl Drop for Last {
    fn drop(&mut self) {
        let found = if (self.2)() { self.0 } else { "missing" };
        self.1.borrow_mut().push(found);
    }
}

green_local! {
    static FIRST: RefCell<Option<Last>> = const { RefCell::new(None) };
    static SECOND: RefCell<Option<Last>> = const { RefCell::new(None) };
    static THIRD: RefCell<Option<Last>> = const { RefCell::new(None) };
}

fn is_dropped(key: &'static LocalKey<RefCell<Option<Last>>>) -> bool {
    key.try_with(|_| ()) == Err(AccessError::Dropped)
}

#[test]
fn they_are_dropped_last_made_first_after_the_body() {
    on_each_hub(|| {
        let ended = record();
        let theirs = Rc::clone(&ended);
        let handle = spawn(move || {
            let here = Noted(Rc::clone(&theirs), "body");
            let note = |text, find| Some(Last(text, Rc::clone(&theirs), find));
            FIRST.set(note("first", || is_dropped(&SECOND)));
            SECOND.set(note("second", || FIRST.with_borrow(Option::is_some)));
            yield_now();
            drop(here);
        });
        yield_now();
        assert!(ended.borrow().is_empty());
        handle.join().unwrap();
        assert_eq!(*ended.borrow(), ["body", "second", "first"]);
    });
}

#[test]
fn one_that_is_made_by_a_destructor_is_dropped_too() {
    on_each_hub(|| {
        thread_local!(static SEEN: Rc<RefCell<Vec<&'static str>>> = record());
        let seen = SEEN.with(Rc::clone);
        seen.borrow_mut().clear();
        let theirs = Rc::clone(&seen);
        spawn(move || {
            FIRST.set(Some(Last("first", theirs, || {
                let seen = SEEN.with(Rc::clone);
                THIRD.set(Some(Last("third", seen, || is_dropped(&FIRST))));
                true
            })));
        })
        .join()
        .unwrap();
        assert_eq!(*seen.borrow(), ["first", "third"]);
    });
}

#[test]
fn a_destructor_may_wait_on_its_own_stack() {
    struct Slow(Rc<Cell<u32>>);

    impl Drop for Slow {
        fn drop(&mut self) {
            yield_now();
            sleep(Duration::from_secs(1));
            self.0.set(self.0.get() + 1);
        }
    }

    green_local!(static SLOW: RefCell<Option<Slow>> = const { RefCell::new(None) });

    on_each_hub_jumping(|_| {
        let count = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&count);
        let handle = spawn(move || SLOW.set(Some(Slow(theirs))));
        until_parked(&handle);
        assert_eq!(count.get(), 0);
        assert!(!handle.is_finished());
        handle.join().unwrap();
        assert_eq!(count.get(), 1);
        // Killed while its destructor waits, it goes on with the next.
        let theirs = Rc::clone(&count);
        let ended = record();
        let noted = Rc::clone(&ended);
        let handle = spawn(move || {
            FIRST.set(Some(Last("first", noted, || true)));
            SLOW.set(Some(Slow(theirs)));
        });
        until_parked(&handle);
        handle.kill().unwrap();
        handle.join().unwrap();
        assert_eq!(*ended.borrow(), ["first"]);
        assert_eq!(count.get(), 1);
    });
}

#[test]
fn a_killed_one_drops_them() {
    on_each_hub(|| {
        let ended = record();
        let theirs = Rc::clone(&ended);
        let handle = spawn(move || {
            FIRST.set(Some(Last("first", theirs, || true)));
            sleep(Duration::from_secs(3600));
        });
        until_parked(&handle);
        handle.kill().unwrap();
        assert!(matches!(handle.join(), Err(JoinError::Killed)));
        assert_eq!(*ended.borrow(), ["first"]);
    });
}

#[test]
fn a_panicking_destructor_is_contained() {
    struct Broken;

    impl Drop for Broken {
        fn drop(&mut self) {
            panic!("as it should");
        }
    }

    green_local!(static BROKEN: RefCell<Option<Broken>> = const { RefCell::new(None) });

    on_each_hub(|| {
        let ended = record();
        let theirs = Rc::clone(&ended);
        let handle = spawn(move || {
            FIRST.set(Some(Last("first", theirs, || true)));
            BROKEN.set(Some(Broken));
            7
        });
        assert_eq!(handle.join().unwrap(), 7);
        assert_eq!(*ended.borrow(), ["first"]);
    });
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn the_roots_end_with_the_thread_after_all_coroutines() {
    on_each_hub(|| {
        struct Tells(&'static str, mpsc::Sender<&'static str>);

        impl Drop for Tells {
            fn drop(&mut self) {
                self.1.send(self.0).unwrap();
            }
        }

        green_local!(static ROOTS: RefCell<Option<Tells>> = const { RefCell::new(None) });

        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            ROOTS.set(Some(Tells("root", tell.clone())));
            let left = spawn(move || {
                ROOTS.set(Some(Tells("coroutine", tell)));
                sleep(Duration::from_secs(3600));
            });
            yield_now();
            drop(left);
        })
        .join()
        .unwrap();
        assert_eq!(told.iter().collect::<Vec<_>>(), ["coroutine", "root"]);
    });
}

#[test]
fn heirs_get_a_clone_of_the_time_of_the_spawn() {
    on_each_hub_jumping(|_| {
        REQUEST.with_borrow_mut(|request| request.push(1));
        let seen = || REQUEST.with_borrow(Vec::clone);
        let second = Duration::from_secs(1);
        let handles = [
            spawn(seen),
            spawn_after(second, seen),
            Builder::new().spawn(seen).unwrap(),
            spawn(move || spawn(seen).join().unwrap()),
        ];
        let late = Rc::new(RefCell::new(None));
        let theirs = Rc::clone(&late);
        let _ = call_after(second, move || *theirs.borrow_mut() = Some(seen()));
        // Later than the spawns.
        REQUEST.with_borrow_mut(|request| request.push(2));
        for handle in handles {
            assert_eq!(handle.join().unwrap(), [1]);
        }
        until(|| late.borrow().is_some());
        assert_eq!(late.take().unwrap(), [1]);
        // What an heir changes is its own.
        let heir = spawn(|| {
            REQUEST.with_borrow_mut(|request| request.push(3));
            REQUEST.with_borrow(Vec::clone)
        });
        assert_eq!(heir.join().unwrap(), [1, 2, 3]);
        assert_eq!(seen(), [1, 2]);
        // What was not asked for is not inherited, nor is what there is not.
        NUMBER.set(9);
        assert_eq!(spawn(|| NUMBER.get()).join().unwrap(), 5);
        assert_eq!(spawn(|| DEPTH.get()).join().unwrap(), 0);
    });
}

#[test]
fn heirs_pass_it_on() {
    on_each_hub(|| {
        fn descend(levels: u32) -> u32 {
            DEPTH.set(DEPTH.get() + 1);
            if levels == 0 {
                return DEPTH.get();
            }
            spawn(move || descend(levels - 1)).join().unwrap()
        }
        assert_eq!(descend(20), 21);
        assert_eq!(DEPTH.get(), 1);
    });
}

/// A clone that fails fails the spawn, in the spawner's place.
#[test]
fn a_clone_that_panics_panics_in_the_spawner() {
    #[derive(Default)]
    struct Unclonable;

    impl Clone for Unclonable {
        fn clone(&self) -> Self {
            panic!("not this one");
        }
    }

    green_local!(inherit static BAD: Unclonable = Unclonable);

    on_each_hub(|| {
        let handle = spawn(|| {
            BAD.with(|_| ());
            eventlet_green::catch_panic(|| drop(spawn(|| ()))).is_err()
        });
        assert!(handle.join().unwrap());
    });
}

#[test]
fn making_one_may_use_others_and_wait() {
    green_local! {
        static OUTER: u32 = { yield_now(); INNER.with(|inner| inner + 1) };
        static INNER: u32 = 41;
        static LOOP: u32 = LOOP_AGAIN.with(|_| 1);
        static LOOP_AGAIN: Cell<u32> = Cell::new(2);
    }

    on_each_hub(|| {
        assert_eq!(OUTER.with(|outer| *outer), 42);
        assert_eq!(spawn(|| OUTER.with(|outer| *outer)).join().unwrap(), 42);
        assert_eq!(LOOP.with(|value| *value), 1);
    });
}

#[test]
fn a_borrow_may_last_across_a_wait() {
    on_each_hub(|| {
        let handle = spawn(|| {
            TEXT.with_borrow_mut(|text| {
                yield_now();
                text.push('!');
                text.len()
            })
        });
        TEXT.set(String::new());
        assert_eq!(handle.join().unwrap(), 5);
        assert_eq!(TEXT.take(), "");
    });
}
