//! What everything that can wait owes, checked of one thing that waits.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{
    JoinError, JoinHandle, ParkError, State, Wait, sleep, spawn, stats, timeout, yield_now,
};

use super::{Noted, crowd, record, until_parked};

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);

/// So many that what grows with the square of it takes minutes, if as many may be held.
pub fn many() -> usize {
    crowd(100_000)
}

/// Checks that `wait`, which must have to wait for `parked_on` for ever, can be killed, can be ended
/// by a time limit around it, is refused while the stack unwinds, and is told of a deadlock on the
/// root stack; and that each time its slot is gone, by what `waiting` counts.
///
/// To be called on the root stack, with nobody else there.
#[track_caller]
pub fn check_wait<T: Debug + 'static>(
    parked_on: Wait,
    wait: impl Fn() -> Result<T, ParkError> + 'static,
    waiting: impl Fn() -> usize,
) {
    assert_eq!(waiting(), 0);
    let wait = Rc::new(wait);

    let dropped = record();
    let (theirs, note) = (Rc::clone(&wait), Rc::clone(&dropped));
    let victim = spawn(move || {
        let _noted = Noted(note, "unwound");
        let outcome = theirs();
        unreachable!("it was killed while it waited: {outcome:?}");
    });
    until_parked(&victim);
    assert_eq!(victim.waits_for(), parked_on);
    assert_eq!(waiting(), 1);
    victim.kill().unwrap();
    assert_eq!(victim.state(), State::Ready);
    assert_killed::<()>(victim);
    assert_eq!(*dropped.borrow(), ["unwound"]);
    assert_eq!(waiting(), 0, "after a kill");

    let before = stats();
    let limited = timeout(SECOND, || wait());
    assert!(limited.unwrap_err().is_elapsed());
    assert_eq!(waiting(), 0, "after a time limit");
    assert_eq!(stats().timers, before.timers);

    assert!(matches!(
        at_unwinding(Rc::clone(&wait)),
        Err(ParkError::Unwinding)
    ));
    assert_eq!(waiting(), 0, "after a refusal");

    match wait() {
        Err(ParkError::Deadlock(report)) => assert_eq!(report.root(), parked_on),
        other => panic!("no deadlock: {other:?}"),
    }
    assert_eq!(waiting(), 0, "after a deadlock");
}

/// What `wait` gives in a destructor, while a panic unwinds.
fn at_unwinding<T: 'static>(
    wait: Rc<impl Fn() -> Result<T, ParkError> + 'static>,
) -> Result<T, ParkError> {
    struct AtDrop<F: FnMut()>(F);
    impl<F: FnMut()> Drop for AtDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    let got = Rc::new(RefCell::new(None));
    let theirs = Rc::clone(&got);
    let panics = spawn(move || {
        let _at_drop = AtDrop(move || *theirs.borrow_mut() = Some(wait()));
        panic!("on purpose");
    });
    assert!(matches!(panics.join(), Err(JoinError::Panicked(_))));
    got.take().expect("the destructor ran")
}

/// Kills so many waiters, the last to come first, and checks that all their slots are gone. How long
/// it takes grows with their number, not with its square, or the watchdog barks.
#[track_caller]
pub fn check_many<T: Debug + 'static>(
    count: usize,
    wait: impl Fn() -> Result<T, ParkError> + 'static,
    waiting: impl Fn() -> usize,
) {
    let wait = Rc::new(wait);
    let mut victims: Vec<_> = (0..count)
        .map(|_| {
            let wait = Rc::clone(&wait);
            spawn(move || drop(wait()))
        })
        .collect();
    yield_now();
    assert_eq!(waiting(), count);
    victims.reverse();
    for victim in &victims {
        victim.kill().unwrap();
    }
    for victim in victims {
        assert_killed(victim);
    }
    assert_eq!(waiting(), 0);
}

#[track_caller]
pub fn assert_killed<T: Debug>(handle: JoinHandle<T>) {
    let outcome = handle.join();
    assert!(matches!(outcome, Err(JoinError::Killed)), "{outcome:?}");
}

/// Lets two workers compete for something until the clock is at the end, each counting its turns,
/// and checks that neither had 10 % more.
#[track_caller]
pub fn check_two_are_served_alike(turn: impl Fn() + 'static) {
    let turn = Rc::new(turn);
    let is_over = Rc::new(Cell::new(false));
    let workers = [1, 2].map(|_| {
        let (turn, is_over) = (Rc::clone(&turn), Rc::clone(&is_over));
        spawn(move || {
            let mut turns = 0_u32;
            while !is_over.get() {
                turn();
                turns += 1;
            }
            turns
        })
    });
    sleep(HOUR);
    is_over.set(true);
    let [one, other] = workers.map(|worker| worker.join().unwrap());
    assert!(one.min(other) > 100, "{one} and {other}");
    assert!(one.abs_diff(other) <= one / 10, "{one} and {other}");
}

/// What has happened, in order.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn note(&self, text: impl Into<String>) {
        self.0.borrow_mut().push(text.into());
    }

    /// What was noted since it was asked last, in one line.
    pub fn take(&self) -> String {
        self.0.take().join(" ")
    }
}

/// Whether an unwinding of `f` reached the caller.
pub fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Joins them all, none of which may have failed, and gives their results.
#[track_caller]
pub fn join_all<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    let join = |handle: JoinHandle<T>| handle.join().unwrap();
    handles.into_iter().map(join).collect()
}
