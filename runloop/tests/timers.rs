//! Timers through the loop: order, cancelling, and against a slow, obvious list.

mod support;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eventlet_runloop::{Budget, Dice, Ended, ManualClock, Task, Time, TimerId};
use support::{Log, Loop, OnDrop, ScriptedHub, scripted, scripted_with};

const ZERO: Option<Duration> = Some(Duration::ZERO);
const MILLI: Duration = Duration::from_millis(1);

fn note(run_loop: &Loop, log: &Log, at: u64, name: &'static str) -> TimerId {
    let log = log.clone();
    run_loop.call_at(Time::from_nanos(at), move |_| log.add(name))
}

#[test]
fn timers_expire_by_deadline_and_then_as_armed() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    note(&run_loop, &log, 30, "late");
    note(&run_loop, &log, 20, "first");
    note(&run_loop, &log, 10, "early");
    note(&run_loop, &log, 20, "second");
    note(&run_loop, &log, 20, "third");
    assert_eq!(run_loop.next_deadline(), Some(Time::from_nanos(10)));
    script.clock.advance(Duration::from_nanos(20));
    run_loop.turn(ZERO).unwrap();
    log.expect("early first second third");
    assert_eq!(run_loop.timer_count(), 1);
    assert_eq!(run_loop.next_deadline(), Some(Time::from_nanos(30)));
}

#[test]
fn a_timer_is_never_early_and_expires_at_its_deadline() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    note(&run_loop, &log, 100, "timer");
    script.clock.advance(Duration::from_nanos(99));
    run_loop.turn(ZERO).unwrap();
    log.expect("");
    script.clock.advance(Duration::from_nanos(1));
    run_loop.turn(ZERO).unwrap();
    log.expect("timer");
}

#[test]
fn a_wait_that_ends_too_soon_expires_nothing() {
    // This clock does not move while the hub waits, as if the wait had ended at once.
    struct Stopped;
    impl eventlet_runloop::Clock for Stopped {
        fn now(&self) -> Time {
            Time::ORIGIN
        }
    }
    let (run_loop, script) = scripted_with(Stopped);
    run_loop.call_after(MILLI, |_| unreachable!("it is not yet time"));
    for _ in 0..3 {
        run_loop.turn(None).unwrap();
    }
    assert_eq!(*script.waits.borrow(), [Some(MILLI); 3]);
}

#[test]
fn timers_armed_by_timers_wait_for_the_next_turn_even_if_due() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    let into = log.clone();
    run_loop.call_at(Time::from_nanos(0), move |run_loop| {
        into.add("first");
        note(run_loop, &into, 0, "armed");
        into.add("done");
    });
    note(&run_loop, &log, 0, "second");
    run_loop.turn(ZERO).unwrap();
    log.expect("first done second");
    run_loop.turn(ZERO).unwrap();
    log.expect("armed");
}

#[test]
fn a_cancelled_timer_is_gone_at_once_with_what_it_held() {
    let (run_loop, _) = scripted();
    let held = Rc::new(());
    let hold = held.clone();
    let id = run_loop.call_after(MILLI, move |_| drop(hold));
    assert!(run_loop.cancel_timer(id));
    assert_eq!(Rc::strong_count(&held), 1);
    assert_eq!(run_loop.timer_count(), 0);
    assert_eq!(run_loop.next_deadline(), None);
    assert!(!run_loop.cancel_timer(id));
}

#[test]
fn a_stale_name_cancels_nothing() {
    let (run_loop, _) = scripted();
    let old = run_loop.call_after(MILLI, |_| {});
    assert!(run_loop.cancel_timer(old));
    let new = run_loop.call_after(MILLI, |_| {});
    assert_ne!(old, new);
    assert!(!run_loop.cancel_timer(old));
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert!(!run_loop.cancel_timer(new));
}

#[test]
fn a_timer_may_cancel_another_that_is_due_and_fails_to_cancel_itself() {
    let (run_loop, _) = scripted();
    let log = Log::new();
    let ids: Rc<RefCell<Vec<TimerId>>> = Rc::default();
    let known = ids.clone();
    let own = run_loop.call_at(Time::ORIGIN, move |run_loop| {
        let known = known.borrow();
        assert!(!run_loop.cancel_timer(known[0]));
        assert!(run_loop.cancel_timer(known[1]));
        assert!(!run_loop.cancel_timer(known[1]));
        assert_eq!(run_loop.timer_count(), 1);
    });
    let other = note(&run_loop, &log, 0, "cancelled");
    note(&run_loop, &log, 0, "kept");
    ids.borrow_mut().extend([own, other]);
    run_loop.turn(ZERO).unwrap();
    log.expect("kept");
}

#[test]
fn due_timers_that_all_were_cancelled_leave_no_deadline() {
    let (run_loop, _) = scripted();
    let ids: Rc<RefCell<Vec<TimerId>>> = Rc::default();
    let known = ids.clone();
    run_loop.call_at(Time::ORIGIN, move |run_loop| {
        for id in known.borrow().iter() {
            run_loop.cancel_timer(*id);
        }
        assert_eq!(run_loop.next_deadline(), None);
        run_loop.leave_turn();
    });
    let others = (0..3).map(|_| run_loop.call_at(Time::ORIGIN, |_| unreachable!("cancelled")));
    ids.borrow_mut().extend(others);
    run_loop.turn(ZERO).unwrap();
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
}

#[test]
fn a_destructor_may_use_the_timers() {
    let (run_loop, _) = scripted();
    let run_loop = Rc::new(run_loop);
    let weak = Rc::downgrade(&run_loop);
    let other = run_loop.call_after(MILLI, |_| {});
    let guard = OnDrop(move || {
        let run_loop = weak.upgrade().expect("the loop lives");
        assert!(run_loop.cancel_timer(other));
        run_loop.call_after(MILLI * 2, |run_loop| run_loop.call_soon(|_| {}));
        run_loop.enqueue(Rc::new(Nothing));
    });
    let id = run_loop.call_after(MILLI, move |_| drop(guard));
    assert!(run_loop.cancel_timer(id));
    assert_eq!(run_loop.timer_count(), 1);
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
}

struct Nothing;

impl Task<ScriptedHub> for Nothing {
    fn run(self: Rc<Self>, _: &Loop) {}
}

#[test]
fn a_task_learns_which_timer_expired() {
    struct Sleeper(Cell<Option<TimerId>>);
    impl Task<ScriptedHub> for Sleeper {
        fn run(self: Rc<Self>, _: &Loop) {
            unreachable!("it is not a ready call");
        }
        fn expired(self: Rc<Self>, _: &Loop, timer: TimerId) {
            self.0.set(Some(timer));
        }
    }
    let (run_loop, _) = scripted();
    let sleeper = Rc::new(Sleeper(Cell::new(None)));
    let id = run_loop.arm_timer(Time::from_nanos(5), sleeper.clone());
    run_loop.run().unwrap();
    assert_eq!(sleeper.0.get(), Some(id));
}

#[test]
fn a_deadline_beyond_all_time_is_kept_and_can_be_cancelled() {
    let (run_loop, script) = scripted();
    script.clock.advance(MILLI);
    let id = run_loop.call_after(Duration::MAX, |_| {});
    assert_eq!(run_loop.next_deadline(), Some(Time::END));
    run_loop.turn(ZERO).unwrap();
    assert!(run_loop.cancel_timer(id));
}

/// A new one each time, or the one that is asked for; printed, so that a failure can be repeated.
fn seed() -> u64 {
    const SEED: &str = "EVENTLET_TIMER_SEED";
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse().expect("a number as the seed"),
        Err(_) => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_nanos() as u64,
    };
    println!("{SEED}={seed}");
    seed
}

#[test]
fn waits_end_exactly_when_a_timer_is_due() {
    // The hub of this test waits exactly as long as it is told. Timers far apart, and the earliest
    // cancelled over and over, so that the loop goes by a deadline that is gone now and then.
    let seed = seed();
    let mut random = Dice::new(seed);
    let (run_loop, script) = scripted();
    let fired = Rc::new(Cell::new(0));
    let mut expected = 0;
    let mut waits = 0;
    for round in 0..300 {
        let mut armed = Vec::new();
        for _ in 0..200 {
            let deadline = run_loop.now() + Duration::from_nanos(1 << random.below(45));
            let deadline = deadline + Duration::from_nanos(random.below(1_000_000));
            let count = fired.clone();
            let id = run_loop.call_at(deadline, move |run_loop| {
                assert_eq!(run_loop.now(), deadline);
                count.set(count.get() + 1);
            });
            armed.push((deadline, id));
        }
        armed.sort_by_key(|(deadline, _)| *deadline);
        // The earliest go, one by one, each after a look that may have remembered it.
        let gone = random.below(150) as usize;
        for (deadline, id) in &armed[..gone] {
            if random.below(2) == 0 {
                assert_eq!(run_loop.next_deadline(), Some(*deadline));
            }
            assert!(run_loop.cancel_timer(*id));
        }
        expected += armed.len() - gone;
        assert_eq!(run_loop.run().unwrap(), Ended::Idle, "seed {seed}");
        assert_eq!(fired.get(), expected, "seed {seed}, round {round}");
        waits += armed.len() - gone;
    }
    assert_eq!(run_loop.counters().panics, 0);
    // Hardly any wait was for nothing.
    let real = script
        .waits
        .borrow()
        .iter()
        .filter(|wait| **wait != ZERO)
        .count();
    assert!(
        real <= waits + waits / 100,
        "{real} waits for {waits} timers, seed {seed}"
    );
}

#[test]
fn random_operations_agree_with_a_sorted_list() {
    let seed = seed();
    let mut random = Dice::new(seed);
    let clock = ManualClock::new();
    let (run_loop, _) = scripted_with(clock.clone());
    // A turn expires few, so that turns end with timers left over.
    run_loop.set_budget(Budget::new().with_timers(7));
    let expired: Rc<RefCell<Vec<u64>>> = Rc::default();
    // By deadline and order: the name, and the loop's name for it.
    let mut model: BTreeMap<(u64, u64), TimerId> = BTreeMap::new();
    let mut stale: Vec<TimerId> = Vec::new();
    for step in 0..60_000 {
        // Phases of growth and of decline, so that the tables grow and shrink.
        let growing = step / 5_000 % 2 == 0;
        match random.below(10) {
            0..=5 if growing => arm(&run_loop, &mut model, step, &mut random, &expired),
            0..=1 => arm(&run_loop, &mut model, step, &mut random, &expired),
            2..=7 if !model.is_empty() => {
                let nth = random.below(model.len() as u64) as usize;
                let key = *model.keys().nth(nth).expect("in range");
                let id = model.remove(&key).expect("present");
                assert!(run_loop.cancel_timer(id), "seed {seed}, step {step}");
                stale.push(id);
            }
            8 if !stale.is_empty() => {
                let nth = random.below(stale.len() as u64) as usize;
                assert!(
                    !run_loop.cancel_timer(stale[nth]),
                    "seed {seed}, step {step}"
                );
            }
            _ => {
                let ahead = match random.below(20) {
                    0 => 1 << random.below(30),
                    _ => random.below(50),
                };
                clock.advance(Duration::from_nanos(ahead));
                let now = run_loop.now().as_nanos();
                run_loop.turn(ZERO).unwrap();
                let due: Vec<_> = model.range(..=(now, u64::MAX)).take(7).collect();
                let due: Vec<_> = due.into_iter().map(|(key, id)| (*key, *id)).collect();
                for ((_, name), expired) in due.iter().map(|(key, _)| key).zip(&*expired.borrow()) {
                    assert_eq!(name, expired, "seed {seed}, step {step}");
                }
                assert_eq!(
                    due.len(),
                    expired.borrow().len(),
                    "seed {seed}, step {step}"
                );
                expired.borrow_mut().clear();
                for (key, id) in due {
                    model.remove(&key);
                    stale.push(id);
                }
            }
        }
        assert_eq!(
            run_loop.timer_count(),
            model.len(),
            "seed {seed}, step {step}"
        );
        let next = model.keys().next().map(|key| Time::from_nanos(key.0));
        assert_eq!(run_loop.next_deadline(), next, "seed {seed}, step {step}");
    }
}

fn arm(
    run_loop: &Loop,
    model: &mut BTreeMap<(u64, u64), TimerId>,
    name: u64,
    random: &mut Dice,
    expired: &Rc<RefCell<Vec<u64>>>,
) {
    // Some in the past, many with equal deadlines, some years ahead.
    let ahead = match random.below(4) {
        0 => 1 << random.below(60),
        _ => random.below(2_000),
    };
    let deadline = (run_loop.now().as_nanos() + ahead).saturating_sub(20);
    let into = expired.clone();
    let id = run_loop.call_at(Time::from_nanos(deadline), move |_| {
        into.borrow_mut().push(name)
    });
    model.insert((deadline, name), id);
}

#[test]
fn the_pending_ones_can_be_listed() {
    struct Named;
    impl<H: eventlet_hub::Hub> eventlet_runloop::Task<H> for Named {
        fn run(self: Rc<Self>, _: &eventlet_runloop::RunLoop<H>) {}

        fn describe(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a named one")
        }
    }
    struct Shown<'a>(&'a dyn eventlet_runloop::Task<support::ScriptedHub>);
    impl std::fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.describe(f)
        }
    }
    let (run_loop, _) = scripted();
    let later = Time::from_nanos(7);
    run_loop.arm_timer(later, Rc::new(Named));
    let closure = run_loop.call_at(Time::from_nanos(3), |_| ());
    let list = || {
        let listed = run_loop.timers().into_iter();
        let mut listed: Vec<_> = listed
            .map(|(t, task)| (t, Shown(&*task).to_string()))
            .collect();
        listed.sort();
        listed
    };
    let named = (later, "a named one".to_owned());
    assert_eq!(
        list(),
        [(Time::from_nanos(3), "a call".to_owned()), named.clone()]
    );
    run_loop.cancel_timer(closure);
    assert_eq!(list(), [named]);
}
