//! Ready calls in a shuffled order: all of them, the same for the same seed, and nobody starves.

mod support;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use eventlet_runloop::{Budget, CallOrder};
use support::{Loop, scripted};

const CALLS: u32 = 6;

/// The order in which calls run that were queued together.
fn order(given: CallOrder) -> Vec<u32> {
    let (run_loop, _) = scripted();
    run_loop.set_call_order(given);
    let seen = Rc::new(RefCell::new(Vec::new()));
    for n in 0..CALLS {
        let seen = seen.clone();
        run_loop.call_soon(move |_| seen.borrow_mut().push(n));
    }
    run_loop.run().unwrap();
    seen.take()
}

#[test]
fn queued_is_the_default_and_in_order() {
    assert_eq!(CallOrder::default(), CallOrder::Queued);
    assert!(order(CallOrder::Queued).is_sorted());
}

#[test]
fn a_seed_names_an_order() {
    for seed in 0..100 {
        let mut one = order(CallOrder::Shuffled(seed));
        assert_eq!(one, order(CallOrder::Shuffled(seed)));
        one.sort_unstable();
        assert!(one.into_iter().eq(0..CALLS), "each runs once");
    }
}

#[test]
fn seeds_reach_every_order() {
    let all: u32 = (1..=CALLS).product();
    // Of 720 orders, in so many rolls each is missed with a chance of e^-14.
    let seen: HashSet<_> = (0..10_000).map(|n| order(CallOrder::Shuffled(n))).collect();
    assert_eq!(seen.len(), all as usize);
}

#[test]
fn one_that_waits_is_not_starved_by_one_that_queues_itself() {
    let (run_loop, _) = scripted();
    run_loop.set_call_order(CallOrder::Shuffled(3));
    run_loop.set_budget(Budget::new().with_calls(4));
    let done = Rc::new(Cell::new(false));
    fn again(run_loop: &Loop, done: Rc<Cell<bool>>) {
        if !done.get() {
            run_loop.call_soon(move |run_loop| again(run_loop, done));
        }
    }
    for _ in 0..10 {
        again(&run_loop, done.clone());
    }
    run_loop.call_soon(move |_| done.set(true));
    run_loop.run().unwrap();
}

#[test]
fn it_can_be_set_back_by_a_call() {
    let (run_loop, _) = scripted();
    run_loop.set_call_order(CallOrder::Shuffled(1));
    let seen = Rc::new(RefCell::new(Vec::new()));
    run_loop.call_soon(|run_loop| run_loop.set_call_order(CallOrder::Queued));
    run_loop.run().unwrap();
    for n in 0..100 {
        let seen = seen.clone();
        run_loop.call_soon(move |_| seen.borrow_mut().push(n));
    }
    run_loop.run().unwrap();
    assert!(seen.borrow().is_sorted());
}

#[test]
fn a_call_may_set_the_order_back() {
    for seed in 0..20 {
        let (run_loop, _) = scripted();
        run_loop.set_call_order(CallOrder::Shuffled(seed));
        let seen = Rc::new(RefCell::new(Vec::new()));
        for n in 0..CALLS {
            let seen = Rc::clone(&seen);
            run_loop.call_soon(move |run_loop| {
                seen.borrow_mut().push(n);
                run_loop.set_call_order(CallOrder::Queued);
                let seen = Rc::clone(&seen);
                run_loop.call_soon(move |_| seen.borrow_mut().push(CALLS));
            });
        }
        run_loop.run().unwrap();
        // None is lost, and what is queued from now on comes last.
        let mut seen = seen.take();
        assert!(seen.drain(CALLS as usize..).eq([CALLS; CALLS as usize]));
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..CALLS));
    }
}
