//! What a coroutine leaves behind: its value, or how it failed.
//!
//! A panic ends its coroutine only. Whoever joins is given it; if nobody will, because the handle
//! was dropped, it is reported once on standard error. A kill is no failure to be reported.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::JoinHandle;
use crate::coroutine::{Coroutine, Killed};
use crate::ends::Ending;
use crate::scheduler;
use crate::timeout::ScopeExpired;

/// Calls `f` and catches a panic of its own. What the scheduler raises, a kill or an expired
/// [`timeout`](crate::timeout()), passes through, as it would not with
/// [`catch_unwind`](std::panic::catch_unwind).
///
/// # Errors
///
/// The payload of the panic.
///
/// # Examples
///
/// ```
/// let outcome = eventlet_green::catch_panic(|| panic!("broken"));
/// assert!(outcome.is_err());
/// ```
pub fn catch_panic<T>(f: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Ok(value),
        Err(payload) if payload.is::<Killed>() || payload.is::<ScopeExpired>() => {
            resume_unwind(payload)
        }
        Err(payload) => Err(payload),
    }
}

/// What a coroutine leaves behind for whoever joins it.
pub(crate) struct Packet<T> {
    pub(crate) outcome: Cell<Option<Result<T, Failure>>>,
}

impl<T> Packet<T> {
    pub(crate) fn empty() -> Self {
        Packet {
            outcome: Cell::new(None),
        }
    }
}

/// How a coroutine can fail.
pub(crate) enum Failure {
    Killed,
    Panicked(Box<dyn Any + Send>),
}

impl Failure {
    pub(crate) fn from_payload(payload: Box<dyn Any + Send>) -> Self {
        if payload.is::<Killed>() {
            Failure::Killed
        } else {
            Failure::Panicked(payload)
        }
    }

    fn ending(&self) -> Ending {
        match self {
            Failure::Killed => Ending::Killed,
            Failure::Panicked(_) => Ending::Panicked,
        }
    }
}

impl<T> JoinHandle<T> {
    /// The handle of something that has run already, on its caller's stack.
    pub(crate) fn of_finished(
        spawned_at: &'static Location<'static>,
        outcome: Result<T, Failure>,
    ) -> Self {
        let ending = match &outcome {
            Ok(_) => Ending::Returned,
            Err(failure) => failure.ending(),
        };
        let coroutine = scheduler::with(|scheduler| scheduler.finished(spawned_at, ending));
        let packet = Rc::new(Packet::empty());
        packet.outcome.set(Some(outcome));
        JoinHandle::new(coroutine, packet)
    }
}

/// The last thing a coroutine does: leaves its outcome to its handle. If that is gone, the value is
/// dropped here, on the coroutine's own stack, and `unjoined` is called with a panic.
pub(crate) fn hand_over<T>(
    packet: Rc<Packet<T>>,
    outcome: Result<T, Failure>,
    unjoined: impl FnOnce(&Rc<Coroutine>, Box<dyn Any + Send>),
) {
    if let Err(failure) = &outcome
        && let Some(coroutine) = scheduler::with(|scheduler| scheduler.current())
    {
        coroutine.ending.set(failure.ending());
    }
    if Rc::strong_count(&packet) > 1 {
        packet.outcome.set(Some(outcome));
        return;
    }
    drop(packet);
    leave_behind(outcome, unjoined);
}

/// What becomes of an outcome that nobody waits for.
pub(crate) fn leave_behind<T>(
    outcome: Result<T, Failure>,
    unjoined: impl FnOnce(&Rc<Coroutine>, Box<dyn Any + Send>),
) {
    let dropped = match outcome {
        Ok(value) => catch_unwind(AssertUnwindSafe(|| drop(value))),
        Err(Failure::Killed) => Ok(()),
        Err(Failure::Panicked(payload)) => Err(payload),
    };
    if let Err(payload) = dropped
        && !payload.is::<Killed>()
    {
        let current = scheduler::with(|scheduler| scheduler.current());
        if let Some(coroutine) = current {
            unjoined(&coroutine, payload);
        }
    }
}

/// The last resort for a panic that nobody asks for.
pub(crate) fn report_unjoined(coroutine: &Rc<Coroutine>, payload: Box<dyn Any + Send>) {
    report_panic(&coroutine.label(), &*payload);
}

/// As [`report_unjoined`], of whatever has that label.
pub(crate) fn report_panic(label: &dyn fmt::Display, payload: &(dyn Any + Send)) {
    let text = panic_text(payload).unwrap_or("a payload that is no text");
    eprintln!("eventlet: {label} panicked, and nobody joins it: {text}");
}

/// The message of a panic, if it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    match payload.downcast_ref::<&'static str>() {
        Some(text) => Some(text),
        None => payload.downcast_ref::<String>().map(String::as_str),
    }
}
