//! Nobody starves: an always-ready descriptor, a timer that arms itself again, and a flood of calls
//! leave the others their share. Counted in turns; no real time passes.

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Readiness;
use eventlet_runloop::{Budget, Task, Turned};
use support::{Loop, ScriptedHub, any_source, scripted};

const ZERO: Option<Duration> = Some(Duration::ZERO);

/// Queues itself again for ever.
struct Flood(Cell<u64>);

impl Task<ScriptedHub> for Flood {
    fn run(self: Rc<Self>, run_loop: &Loop) {
        self.0.set(self.0.get() + 1);
        run_loop.enqueue(self);
    }
}

/// Arms itself again for ever, due at once.
struct Rearming(Cell<u64>);

impl Task<ScriptedHub> for Rearming {
    fn run(self: Rc<Self>, run_loop: &Loop) {
        self.0.set(self.0.get() + 1);
        run_loop.arm_timer(run_loop.now(), self);
    }
}

struct Busy {
    run_loop: Loop,
    script: Rc<support::Script>,
    calls: Rc<Flood>,
    timers: Rc<Rearming>,
    events: Rc<Cell<u64>>,
}

/// A loop where calls, timers and a descriptor are all always ready.
fn busy() -> Busy {
    let (run_loop, script) = scripted();
    let calls = Rc::new(Flood(Cell::new(0)));
    let timers = Rc::new(Rearming(Cell::new(0)));
    let events = Rc::new(Cell::new(0));
    run_loop.enqueue(calls.clone());
    run_loop.arm_timer(run_loop.now(), timers.clone());
    let count = events.clone();
    let token = run_loop
        .register(any_source(), move |_, _, _, _| count.set(count.get() + 1))
        .unwrap();
    script.always.borrow_mut().push(token);
    Busy {
        run_loop,
        script,
        calls,
        timers,
        events,
    }
}

#[test]
fn every_kind_gets_its_share_of_each_turn() {
    let busy = busy();
    for turn in 1..=100 {
        assert_eq!(busy.run_loop.turn(None).unwrap(), Turned::Complete);
        assert_eq!(busy.calls.0.get(), turn * Budget::DEFAULT_CALLS as u64);
        assert_eq!(busy.timers.0.get(), turn);
        assert_eq!(busy.events.get(), turn);
    }
    assert!(busy.script.waits.borrow().iter().all(|wait| *wait == ZERO));
}

#[test]
fn two_tasks_that_queue_each_other_share_one_budget() {
    let (run_loop, _) = scripted();
    run_loop.enqueue(Rc::new(Flood(Cell::new(0))));
    run_loop.enqueue(Rc::new(Flood(Cell::new(0))));
    run_loop.turn(None).unwrap();
    let counters = run_loop.counters();
    assert_eq!((counters.calls, counters.polls), (256, 1));
}

#[test]
fn a_turn_left_every_few_calls_starves_nobody_and_looks_at_the_hub_no_more_often() {
    const CALLS: u64 = 100 * Budget::DEFAULT_CALLS as u64;
    struct Leaving(Cell<u64>);
    impl Task<ScriptedHub> for Leaving {
        fn run(self: Rc<Self>, run_loop: &Loop) {
            self.0.set(self.0.get() + 1);
            run_loop.leave_turn();
            run_loop.enqueue(self);
        }
    }
    let busy = busy();
    busy.run_loop.enqueue(Rc::new(Leaving(Cell::new(0))));
    let mut left = 0;
    while busy.run_loop.counters().calls < CALLS {
        if busy.run_loop.turn(None).unwrap() == Turned::Left {
            left += 1;
        }
    }
    assert_eq!(left, CALLS / 2);
    let counters = busy.run_loop.counters();
    // Each budget of calls, one look at the hub, one batch, one round of timers.
    let polls = counters.polls;
    assert!((99..=100).contains(&polls), "{polls}");
    assert!(busy.timers.0.get() >= polls && busy.events.get() >= polls - 1);
    assert_eq!(busy.script.waits.borrow().len() as u64, polls);
}

#[test]
fn more_due_timers_than_a_turn_expires_keep_their_order() {
    let (run_loop, _) = scripted();
    run_loop.set_budget(Budget::new().with_timers(10));
    let order: Rc<RefCell<Vec<u32>>> = Rc::default();
    for n in 0..25 {
        let order = order.clone();
        run_loop.call_at(run_loop.now(), move |_| order.borrow_mut().push(n));
    }
    for expired in [10, 20, 25] {
        run_loop.turn(ZERO).unwrap();
        assert_eq!(order.borrow().len(), expired);
        // Whoever keeps the time does so between the turns.
        run_loop.call_soon(|_| {});
    }
    assert!(order.borrow().is_sorted());
}

#[test]
fn with_timers_left_over_the_loop_does_not_wait() {
    let (run_loop, script) = scripted();
    run_loop.set_budget(Budget::new().with_timers(1));
    for _ in 0..3 {
        run_loop.call_at(run_loop.now(), |_| {});
    }
    for _ in 0..2 {
        run_loop.turn(None).unwrap();
    }
    assert_eq!(*script.waits.borrow(), [ZERO; 2]);
}

#[test]
fn timers_that_arm_themselves_again_do_not_hold_up_an_older_one() {
    let (run_loop, script) = scripted();
    run_loop.set_budget(Budget::new().with_timers(2));
    for _ in 0..4 {
        run_loop.arm_timer(run_loop.now(), Rc::new(Rearming(Cell::new(0))));
    }
    let fired = Rc::new(Cell::new(false));
    let flag = fired.clone();
    run_loop.call_at(run_loop.now(), move |_| flag.set(true));
    // Five timers, two per turn.
    for _ in 0..3 {
        run_loop.turn(ZERO).unwrap();
    }
    assert!(fired.get());
    assert_eq!(script.waits.borrow().len(), 3);
}

#[test]
fn a_batch_is_as_large_as_the_budget_says() {
    let (run_loop, script) = scripted();
    run_loop.set_budget(Budget::new().with_events(3));
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    // Set from within a dispatch, the batch in hand stays as it is.
    let token = run_loop
        .register(any_source(), move |run_loop, _, _, _| {
            count.set(count.get() + 1);
            run_loop.set_budget(Budget::new().with_events(1));
        })
        .unwrap();
    let batch = vec![(token, Readiness::READABLE); 3];
    script.batches.borrow_mut().push_back(batch);
    run_loop.turn(ZERO).unwrap();
    assert_eq!((script.room.get(), told.get()), (3, 3));
    run_loop.turn(ZERO).unwrap();
    assert_eq!(script.room.get(), 1);
}

#[test]
fn a_flood_of_calls_is_run_once_each_over_many_turns() {
    let (run_loop, _) = scripted();
    const CALLS: u64 = 1_000_000;
    struct Counted(Cell<u64>);
    impl Task<ScriptedHub> for Counted {
        fn run(self: Rc<Self>, _: &Loop) {
            self.0.set(self.0.get() + 1);
        }
    }
    let counted = Rc::new(Counted(Cell::new(0)));
    for _ in 0..CALLS {
        run_loop.enqueue(counted.clone());
    }
    run_loop.run().unwrap();
    assert_eq!(counted.0.get(), CALLS);
    assert_eq!(Rc::strong_count(&counted), 1);
    assert_eq!(run_loop.counters().turns, CALLS.div_ceil(256));
}
