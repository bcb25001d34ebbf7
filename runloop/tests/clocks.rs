//! The clock that is handed in: standing still, jumping, and how often it is read.

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eventlet_runloop::{Clock, Ended, ManualClock, Monotonic, RunLoop, Time};
use support::{Log, any_source, scripted_with, watchdog};

const ZERO: Option<Duration> = Some(Duration::ZERO);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn hours_take_no_time_on_a_clock_that_jumps() {
    let clock = ManualClock::auto_advancing();
    let (run_loop, script) = scripted_with(clock.clone());
    let log = Log::new();
    for hours in [3, 1, 2] {
        let log = log.clone();
        run_loop.call_after(HOUR * hours, move |run_loop| {
            assert_eq!(run_loop.now(), Time::ORIGIN + HOUR * hours);
            log.add(hours);
        });
    }
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    log.expect("1 2 3");
    assert_eq!(clock.now(), Time::ORIGIN + HOUR * 3);
    // The hub was only ever looked at.
    assert!(script.waits.borrow().iter().all(|wait| *wait == ZERO));
}

#[test]
fn what_is_ready_comes_before_a_jump() {
    let (run_loop, script) = scripted_with(ManualClock::auto_advancing());
    let log = Log::new();
    let (event, timer) = (log.clone(), log.clone());
    let token = run_loop
        .register(any_source(), move |run_loop, token, _, _| {
            event.add(format_args!("event at {:?}", run_loop.now() - Time::ORIGIN));
            run_loop.deregister(token).unwrap();
        })
        .unwrap();
    run_loop.call_after(HOUR, move |_| timer.add("timer"));
    script.push(token);
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    log.expect("event at 0ns timer");
}

#[test]
fn a_wake_up_comes_before_a_jump() {
    let clock = ManualClock::auto_advancing();
    let (run_loop, _) = scripted_with(clock.clone());
    run_loop.call_after(HOUR, |_| {});
    run_loop.waker().wake();
    run_loop.turn(None).unwrap();
    assert_eq!(clock.now(), Time::ORIGIN);
    run_loop.turn(None).unwrap();
    assert_eq!(clock.now(), Time::ORIGIN + HOUR);
}

#[test]
fn a_jump_goes_no_further_than_patience() {
    let clock = ManualClock::auto_advancing();
    let (run_loop, _) = scripted_with(clock.clone());
    run_loop.call_after(HOUR, |_| {});
    run_loop.turn(Some(HOUR / 4)).unwrap();
    assert_eq!(clock.now(), Time::ORIGIN + HOUR / 4);
}

#[test]
fn on_a_clock_that_stands_still_timers_wait_to_be_moved() {
    let clock = ManualClock::new();
    let (run_loop, script) = scripted_with(clock.clone());
    let fired = Rc::new(Cell::new(false));
    let flag = fired.clone();
    run_loop.call_after(HOUR, move |_| flag.set(true));
    // Nothing else is left, and the timer cannot come due by waiting.
    assert!(run_loop.is_idle());
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    // A wait is bounded by patience alone, in the hub's time.
    run_loop.turn(Some(HOUR * 2)).unwrap();
    assert_eq!(script.waits.borrow().last(), Some(&Some(HOUR * 2)));
    assert!(!fired.get());
    clock.advance(HOUR);
    assert!(!run_loop.is_idle());
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert!(fired.get());
}

#[test]
fn another_thread_may_move_the_clock_and_wake_the_loop() {
    let _watchdog = watchdog("another_thread_may_move_the_clock_and_wake_the_loop");
    let clock = ManualClock::new();
    let hub = eventlet_hub_poll::PollHub::new().unwrap();
    let run_loop = RunLoop::with_clock(hub, clock.clone());
    let fired = Rc::new(Cell::new(false));
    let flag = fired.clone();
    run_loop.call_after(HOUR, move |_| flag.set(true));
    let guard = run_loop.keep_alive();
    let mover = std::thread::spawn(move || {
        clock.advance(HOUR);
        guard.wake();
    });
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    mover.join().unwrap();
    assert!(fired.get());
}

/// Counts how often it is read.
#[derive(Clone, Default)]
struct Counting(Rc<Cell<u32>>);

impl Clock for Counting {
    fn now(&self) -> Time {
        self.0.set(self.0.get() + 1);
        Time::ORIGIN
    }
}

#[test]
fn the_clock_is_not_read_while_no_timer_is_pending() {
    let clock = Counting::default();
    let (run_loop, script) = scripted_with(clock.clone());
    let token = run_loop.register(any_source(), |_, _, _, _| {}).unwrap();
    for _ in 0..100 {
        run_loop.call_soon(|run_loop| run_loop.call_soon(|_| {}));
        script.push(token);
        run_loop.turn(None).unwrap();
    }
    assert_eq!(clock.0.get(), 0);
    // With one: before timers expire, and before the wait.
    run_loop.call_at(Time::END, |_| {});
    script.push(token);
    run_loop.turn(None).unwrap();
    assert_eq!(clock.0.get(), 2);
}

#[test]
fn the_monotonic_clock_starts_at_its_origin_and_goes_forward() {
    let clock = Monotonic::new();
    let first = clock.now();
    assert!(first - Time::ORIGIN < HOUR);
    assert!(clock.now() >= first);
}

#[test]
fn a_manual_clock_stops_at_the_end_of_time() {
    let clock = ManualClock::new();
    clock.advance(Duration::MAX);
    clock.advance(HOUR);
    assert_eq!(clock.now(), Time::END);
}

/// A clock of a program's own needs to tell the time, and nothing else.
#[test]
fn a_clock_that_only_tells_the_time_is_steady() {
    struct Wall(Cell<Time>);
    impl Clock for Wall {
        fn now(&self) -> Time {
            self.0.get()
        }
    }
    let wall = Wall(Cell::new(Time::ORIGIN));
    assert_eq!(wall.flow(), eventlet_runloop::Flow::Steady);
    wall.jump_to(Time::ORIGIN + HOUR);
    assert_eq!(wall.now(), Time::ORIGIN);
    // The system's begins at its origin, made either way.
    assert!(Monotonic::default().now() < Time::ORIGIN + HOUR);
}

#[test]
fn on_the_systems_clock_the_hub_is_told_until_when() {
    let begin = Instant::now();
    let (run_loop, script) = scripted_with(Monotonic::new());
    let made = Instant::now();
    let timer = run_loop.call_at(Time::ORIGIN + HOUR, |_| {});
    for _ in 0..3 {
        run_loop.waker().wake();
        run_loop.turn(None).unwrap();
    }
    // The same each time, so that the kernel need not be told of it again.
    let deadline = script.deadlines.borrow()[0];
    assert_eq!(*script.deadlines.borrow(), [deadline; 3]);
    assert!((begin + HOUR..=made + HOUR).contains(&deadline));
    // Not where there is a limit, which is as long from whenever it is.
    run_loop.waker().wake();
    run_loop.turn(Some(HOUR * 2)).unwrap();
    assert_eq!(script.deadlines.borrow().len(), 3);
    assert!(script.waits.borrow()[3].is_some_and(|left| left <= HOUR));
    run_loop.cancel_timer(timer);
    let never = run_loop.call_at(Time::END, |_| {});
    run_loop.waker().wake();
    run_loop.turn(None).unwrap();
    run_loop.cancel_timer(never);
    assert!(run_loop.is_idle());
}
