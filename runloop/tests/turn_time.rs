//! What a turn knows of the time: how often it reads the clock, and what it does while time passes.

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::{Activities, Clock, ManualClock, ObserverLife, Time};
use support::{any_source, scripted_with};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A clock that is moved by hand while the loop takes it for one that goes, and counts who looks.
#[derive(Clone, Default)]
struct Counting {
    clock: ManualClock,
    looks: Rc<Cell<u32>>,
}

impl Clock for Counting {
    fn now(&self) -> Time {
        self.looks.set(self.looks.get() + 1);
        self.clock.now()
    }
}

#[test]
fn a_turn_that_waits_for_long_reads_the_clock_twice_whoever_asks_for_its_time() {
    let counting = Counting::default();
    let (run_loop, script) = scripted_with(counting.clone());
    run_loop.call_at(Time::ORIGIN + SECOND, |_| {});
    run_loop.add_observer(
        Activities::BEFORE_WAITING,
        ObserverLife::Repeating,
        |_, _| (),
    );
    for _ in 0..3 {
        counting.looks.set(0);
        for _ in 0..5 {
            run_loop.call_soon(|run_loop| assert_eq!(run_loop.turn_time(), Time::ORIGIN));
        }
        run_loop.turn(None).unwrap();
        assert_eq!(counting.looks.get(), 2);
    }
    assert_eq!(*script.waits.borrow(), [Some(SECOND); 3]);
}

#[test]
fn who_is_told_of_an_event_is_not_told_of_the_time_before_the_wait() {
    let counting = Counting::default();
    let (run_loop, script) = scripted_with(counting.clone());
    run_loop.call_at(Time::ORIGIN + SECOND, |_| {});
    let clock = counting.clock.clone();
    run_loop.add_observer(
        Activities::AFTER_WAITING,
        ObserverLife::Repeating,
        move |_, _| {
            clock.advance(MILLI);
        },
    );
    let told = Rc::new(Cell::new(None));
    let tell = Rc::clone(&told);
    let token = run_loop
        .register(any_source(), move |run_loop, _, _, _| {
            tell.set(Some(run_loop.turn_time()))
        })
        .unwrap();
    script.push(token);
    run_loop.turn(None).unwrap();
    assert_eq!(told.get(), Some(Time::ORIGIN + MILLI));
}

#[test]
fn a_turn_without_timers_reads_the_clock_if_somebody_asks() {
    let counting = Counting::default();
    let (run_loop, _) = scripted_with(counting.clone());
    for asking in 0..3 {
        counting.looks.set(0);
        for _ in 0..asking {
            run_loop.call_soon(|run_loop| _ = run_loop.turn_time());
        }
        run_loop.turn(Some(MILLI)).unwrap();
        assert_eq!(counting.looks.get(), asking.min(1));
    }
}

#[test]
fn what_observers_take_is_no_part_of_the_wait() {
    let counting = Counting::default();
    let (run_loop, script) = scripted_with(counting.clone());
    run_loop.call_at(Time::ORIGIN + SECOND, |_| {});
    run_loop.add_observer(
        Activities::BEFORE_WAITING,
        ObserverLife::Repeating,
        move |_, _| {
            counting.clock.advance(600 * MILLI);
        },
    );
    // The timer becomes due while the second is told: that turn only looks at the hub.
    for _ in 0..2 {
        run_loop.turn(None).unwrap();
    }
    assert_eq!(
        *script.waits.borrow(),
        [Some(400 * MILLI), Some(Duration::ZERO)]
    );
    assert_eq!(run_loop.timer_count(), 1);
    run_loop.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(run_loop.timer_count(), 0);
}

#[test]
fn what_became_due_in_a_call_is_not_waited_for() {
    for (delay, taken) in [(MILLI, MILLI), (SECOND, 2 * SECOND)] {
        let counting = Counting::default();
        let (run_loop, script) = scripted_with(counting.clone());
        run_loop.call_at(Time::ORIGIN + delay, |_| {});
        run_loop.call_soon(move |_| counting.clock.advance(taken));
        run_loop.turn(None).unwrap();
        assert_eq!(*script.waits.borrow(), [Some(Duration::ZERO)]);
    }
}
