//! The order in which those who are ready get their turn, shuffled by a seed: a race that the usual
//! order hides is found, named, and found again.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{stderr, until};
use eventlet_green::sync::Semaphore;
use eventlet_green::testing::{
    Chunks, Harness, SEED_VARIABLE, child_command, duplex, for_seeds, is_child,
};
use eventlet_green::{now, sleep, spawn, timeout, yield_now};
use eventlet_runloop::Time;

const SEEDS: u64 = 100;

/// A bell with a fault: who comes looks, prepares, and only then says that he waits. Whoever rings
/// in between rings for nobody.
#[derive(Clone)]
struct FaultyBell {
    rung: Rc<Cell<bool>>,
    waits: Rc<Cell<bool>>,
    signal: Semaphore,
    held: Rc<RefCell<Option<eventlet_green::sync::Permit>>>,
}

impl FaultyBell {
    fn new() -> Self {
        let signal = Semaphore::new(1);
        let held = signal.acquire().unwrap();
        FaultyBell {
            rung: Rc::default(),
            waits: Rc::default(),
            signal,
            held: Rc::new(RefCell::new(Some(held))),
        }
    }

    fn wait(&self) {
        if !self.rung.get() {
            yield_now();
            self.waits.set(true);
            self.signal.acquire().map(drop).unwrap();
        }
    }

    fn ring(&self) {
        yield_now();
        self.rung.set(true);
        if self.waits.get() {
            self.held.take();
        }
    }
}

fn one_waits_and_one_rings() {
    let bell = FaultyBell::new();
    let theirs = bell.clone();
    let waiter = spawn(move || theirs.wait());
    let ringer = spawn(move || bell.ring());
    ringer.join().unwrap();
    waiter.join().expect("the wake-up was lost");
}

#[test]
fn a_lost_wake_up_is_found_and_found_again() {
    const TEST: &str = "kit::kit_seeds::a_lost_wake_up_is_found_and_found_again";
    if is_child() {
        return for_seeds(SEEDS, |_| one_waits_and_one_rings());
    }
    // The usual order hides it.
    crate::support::on_each_hub(one_waits_and_one_rings);
    let run = |seed: Option<&str>| {
        let mut command = child_command(TEST).unwrap();
        command.env_remove(SEED_VARIABLE);
        if let Some(seed) = seed {
            command.env(SEED_VARIABLE, seed);
        }
        let output = command.output().unwrap();
        assert!(!output.status.success(), "the race was not found");
        stderr(&output)
    };
    let text = run(None);
    assert!(text.contains("the wake-up was lost"), "{text}");
    let (_, from) = text
        .split_once(&format!("{SEED_VARIABLE}="))
        .expect("it names the seed");
    let seed: String = from.chars().take_while(char::is_ascii_digit).collect();
    let again = run(Some(&seed));
    assert!(again.contains("the wake-up was lost"), "{again}");
    assert!(
        again.contains(&format!("{SEED_VARIABLE}={seed}] has failed")),
        "{again}"
    );
}

/// Who did something at which second.
type Trace = Vec<(u64, u32)>;

/// What a few coroutines do that yield, sleep and talk.
fn trace(seed: u64) -> Trace {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (near, far) = duplex(3);
    let copier = spawn(move || std::io::copy(&mut Chunks::random(&far, 3, seed), &mut &far));
    let handles: Vec<_> = (0..5)
        .map(|n| {
            let seen = Rc::clone(&seen);
            spawn(move || {
                for _ in 0..3 {
                    seen.borrow_mut()
                        .push(((now() - Time::ORIGIN).as_secs(), n));
                    yield_now();
                    let limit = Duration::from_secs(u64::from(n % 2));
                    let _ = timeout(limit, || sleep(Duration::from_secs(1)));
                }
            })
        })
        .collect();
    let writer = near.try_clone().unwrap();
    let write = spawn(move || (&writer).write_all(b"a few bytes").unwrap());
    let mut answer = [0; 11];
    (&near).read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"a few bytes");
    write.join().unwrap();
    handles
        .into_iter()
        .for_each(|handle| handle.join().unwrap());
    near.close().unwrap();
    assert_eq!(copier.join().unwrap().unwrap(), 11);
    seen.take()
}

#[test]
fn a_seed_is_an_order_on_every_hub() {
    let traces: Mutex<Vec<(u64, Trace)>> = Mutex::default();
    Harness::new().jumping().shuffled(SEEDS).run(|given| {
        let trace = trace(given.seed());
        traces.lock().unwrap().push((given.seed(), trace));
    });
    let traces = traces.into_inner().unwrap();
    let different: HashSet<_> = traces.iter().map(|(_, trace)| trace).collect();
    // Said once for all hubs: a seed gives one trace, and the seeds give many.
    for (seed, trace) in &traces {
        let first = traces.iter().find(|(other, _)| other == seed).unwrap();
        assert_eq!(trace, &first.1, "seed {seed}");
    }
    if std::env::var_os(SEED_VARIABLE).is_none() {
        assert!(different.len() > 50, "{} orders", different.len());
    }
}

#[test]
fn nobody_starves_in_a_shuffled_order() {
    for_seeds(20, |_| {
        let done = Rc::new(Cell::new(false));
        for _ in 0..10 {
            let done = Rc::clone(&done);
            drop(spawn(move || until(|| done.get())));
        }
        let last = spawn(|| (0..100).for_each(|_| yield_now()));
        last.join().unwrap();
        done.set(true);
        until(|| eventlet_green::stats().coroutines == 0);
    });
}

#[test]
fn the_seeds_are_counted_from_zero_and_one_failure_ends_it() {
    if std::env::var_os(SEED_VARIABLE).is_some() {
        eprintln!("SKIPPED: {SEED_VARIABLE} asks for one seed, and this test is about many");
        return;
    }
    let seen = Mutex::new(Vec::new());
    for_seeds(3, |seed| seen.lock().unwrap().push(seed));
    assert_eq!(*seen.lock().unwrap(), [0, 1, 2]);
    let outcome = catch_unwind(|| {
        for_seeds(3, |seed| {
            seen.lock().unwrap().push(seed);
            assert_ne!(seed, 1);
        });
    });
    assert!(outcome.is_err());
    assert_eq!(seen.into_inner().unwrap()[3..], [0, 1]);
}

#[test]
fn a_seed_that_is_no_number_is_refused() {
    const TEST: &str = "kit::kit_seeds::a_seed_that_is_no_number_is_refused";
    if is_child() {
        return for_seeds(1, |_| ());
    }
    let mut command = child_command(TEST).unwrap();
    let output = command.env(SEED_VARIABLE, "lucky").output().unwrap();
    assert!(!output.status.success());
    let text = stderr(&output);
    assert!(
        text.contains("EVENTLET_SEED=lucky: a seed is a whole number"),
        "{text}"
    );
}
