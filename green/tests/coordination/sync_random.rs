//! Random use with kills and time limits: whatever happens, nothing is lost and nobody is forgotten.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::waiting::SECOND;
use crate::support::{Dice, on_each_hub_jumping, seed};
use eventlet_green::sync::{Condvar, Mutex, RwLock, Semaphore};
use eventlet_green::{JoinError, JoinHandle, sleep, spawn, timeout, yield_now};

const WORKERS: usize = 40;
const STEPS: usize = 60;

/// Runs workers, of which each does random steps, while random ones are killed and replaced; each
/// ends by itself at last.
fn stir(step: impl Fn(&mut Dice) + 'static) {
    let seed = seed();
    let stirred = catch_unwind(AssertUnwindSafe(|| {
        let step = Rc::new(step);
        let mut dice = Dice::new(seed);
        let start = |seed: usize| {
            let step = Rc::clone(&step);
            spawn(move || {
                let mut dice = Dice::new(seed as u64 + 1);
                for _ in 0..STEPS {
                    step(&mut dice);
                }
            })
        };
        let mut workers: Vec<JoinHandle<()>> =
            (0..WORKERS).map(|_| start(dice.roll(1 << 20))).collect();
        let mut killed = Vec::new();
        for _ in 0..500 {
            match dice.roll(3) {
                0 => sleep(SECOND * dice.roll(3) as u32),
                1 => yield_now(),
                _ => {
                    // Several in one turn, so that what one is given goes past the others.
                    for _ in 0..dice.roll(4) {
                        let victim = dice.roll(WORKERS);
                        workers[victim].kill().unwrap();
                        let next = start(dice.roll(1 << 20));
                        workers.push(next);
                        killed.push(workers.swap_remove(victim));
                    }
                }
            }
        }
        for worker in killed.into_iter().chain(workers) {
            match worker.join() {
                Ok(()) | Err(JoinError::Killed) => {}
                Err(JoinError::Panicked(payload)) => resume_unwind(payload),
                Err(other) => panic!("{other}"),
            }
        }
    }));
    if let Err(panic) = stirred {
        eprintln!("EVENTLET_SEED={seed}");
        resume_unwind(panic);
    }
}

fn rest(dice: &mut Dice) {
    match dice.roll(3) {
        0 => {}
        1 => yield_now(),
        _ => sleep(SECOND * dice.roll(4) as u32),
    }
}

fn some_time(dice: &mut Dice) -> Duration {
    SECOND * dice.roll(5) as u32
}

#[test]
fn a_semaphore_never_has_more_or_less() {
    const TOTAL: usize = 6;
    struct Taken(Rc<Cell<usize>>, usize);
    impl Taken {
        fn new(taken: &Rc<Cell<usize>>, count: usize) -> Self {
            taken.set(taken.get() + count);
            assert!(taken.get() <= TOTAL);
            Taken(Rc::clone(taken), count)
        }
    }
    impl Drop for Taken {
        fn drop(&mut self) {
            self.0.set(self.0.get() - self.1);
        }
    }
    on_each_hub_jumping(|_| {
        let seats = Semaphore::new(TOTAL);
        let (theirs, taken) = (seats.clone(), Rc::new(Cell::new(0)));
        let counted = Rc::clone(&taken);
        stir(move |dice| {
            let count = 1 + dice.roll(TOTAL);
            let use_them = |dice: &mut Dice| {
                let _taken = Taken::new(&taken, count);
                rest(dice);
            };
            match dice.roll(4) {
                0 => {
                    let _permit = theirs.acquire_many(count).unwrap();
                    use_them(dice);
                }
                1 => {
                    let limit = some_time(dice);
                    if let Some(_permit) = theirs.acquire_many_timeout(count, limit).unwrap() {
                        use_them(dice);
                    }
                }
                2 => {
                    let limit = some_time(dice);
                    let _ = timeout(limit, || {
                        let _permit = theirs.acquire_many(count).unwrap();
                        use_them(dice);
                    });
                }
                _ => {
                    if let Some(_permit) = theirs.try_acquire_many(count) {
                        use_them(dice);
                    }
                }
            }
            rest(dice);
        });
        assert_eq!((seats.free(), seats.total()), (TOTAL, TOTAL));
        assert_eq!((seats.waiting(), counted.get()), (0, 0));
    });
}

#[test]
fn a_lock_lets_in_one_writer_or_readers() {
    on_each_hub_jumping(|_| {
        let lock = Rc::new(RwLock::new(0_u64));
        let theirs = Rc::clone(&lock);
        stir(move |dice| {
            let limit = some_time(dice);
            match dice.roll(4) {
                0 => {
                    let mut value = theirs.write().unwrap();
                    let before = *value;
                    rest(dice);
                    assert_eq!(*value, before);
                    *value += 1;
                }
                1 => {
                    let value = theirs.read().unwrap();
                    let before = *value;
                    rest(dice);
                    assert_eq!(*value, before);
                }
                2 => drop(timeout(limit, || {
                    let _value = theirs.write().unwrap();
                    rest(dice);
                })),
                _ => drop(theirs.read_timeout(limit).unwrap()),
            }
        });
        assert_eq!((lock.readers(), lock.waiting()), (0, 0));
        assert!(!lock.is_writing());
    });
}

/// A bounded buffer of tokens made of a mutex and two condition variables: were a notification lost,
/// somebody would wait for ever, and were a lock lost, everybody.
#[test]
fn a_buffer_made_of_condition_variables_goes_on() {
    const ROOM: usize = 3;
    #[derive(Default)]
    struct Buffer {
        tokens: Mutex<usize>,
        filled: Condvar,
        emptied: Condvar,
        log: RefCell<[usize; 2]>,
    }
    impl Buffer {
        fn put(&self) {
            let tokens = self.tokens.lock().unwrap();
            let full = |tokens: &mut usize| *tokens == ROOM;
            let mut tokens = self.emptied.wait_while(tokens, full).unwrap();
            *tokens += 1;
            self.log.borrow_mut()[0] += 1;
            self.filled.notify_one();
        }

        fn take(&self, limit: Duration) {
            let tokens = self.tokens.lock().unwrap();
            let empty = |tokens: &mut usize| *tokens == 0;
            let (mut tokens, result) = self
                .filled
                .wait_timeout_while(tokens, limit, empty)
                .unwrap();
            if !result.timed_out() {
                *tokens -= 1;
                self.log.borrow_mut()[1] += 1;
                self.emptied.notify_one();
            }
        }
    }
    on_each_hub_jumping(|_| {
        let buffer = Rc::new(Buffer::default());
        let theirs = Rc::clone(&buffer);
        // There is always somebody who takes, so those who put can end.
        let drain = spawn(move || {
            loop {
                theirs.take(1000 * SECOND);
            }
        });
        let theirs = Rc::clone(&buffer);
        stir(move |dice| {
            match dice.roll(2) {
                0 => theirs.put(),
                _ => theirs.take(some_time(dice)),
            }
            rest(dice);
        });
        drain.kill().unwrap();
        drain.join().unwrap_err();
        let [put, taken] = *buffer.log.borrow();
        assert!(put > 100, "{put}");
        assert_eq!(put - taken, *buffer.tokens.lock().unwrap());
        assert_eq!((buffer.filled.waiting(), buffer.emptied.waiting()), (0, 0));
    });
}
