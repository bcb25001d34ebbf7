//! A time limit for a piece of code: scopes, their nesting, and which one has expired.
//!
//! ```text
//!  timeout(1 s) ┌─────────────────────────────────────────────┐ Err(Elapsed) for its own deadline
//!   timeout(5 s)│ ┌──────────────────────┐                     │
//!               │ │ read, sleep, join, … │◄─ raised at the place where the code waits
//!               └─┴──────────────────────┴─────────────────────┘
//! ```
//!
//! When a scope's time is over, the code within it is unwound from the place where it waits, or
//! waits next. The raise passes through scopes that it does not belong to. Deadlines of single
//! operations on sockets are something else: they give an error and unwind nothing.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Hub;
use eventlet_runloop::{Task, TimerId};

use crate::coroutine::{Coroutine, Loop, Woken, after};
use crate::error::NeedsUnwinding;
use crate::scheduler;

/// Runs `f`, and unwinds it if it has not ended after `limit`.
///
/// Code that never waits is never interrupted: if `f` ends late, its result is given all the same.
/// What `f` swallowed with `catch_unwind` is raised again where it waits next. Works in a coroutine
/// and on the root stack.
///
/// # Errors
///
/// * [`TimeoutError::Elapsed`]: the time was over while `f` waited.
/// * [`TimeoutError::NeedsUnwinding`]: the program was built with `panic = "abort"`; `f` was not
///   called.
///
/// # Panics
///
/// When `f` does; the panic goes on. In a callback of the run loop.
///
/// # Examples
///
/// ```
/// use eventlet_green::{sleep, timeout};
/// use std::time::Duration;
///
/// let late = timeout(Duration::from_millis(1), || sleep(Duration::from_secs(60)));
/// assert!(late.unwrap_err().is_elapsed());
///
/// let in_time = timeout(Duration::from_secs(60), || 7);
/// assert_eq!(in_time.unwrap(), 7);
/// ```
pub fn timeout<T>(limit: Duration, f: impl FnOnce() -> T) -> Result<T, TimeoutError> {
    NeedsUnwinding::check()?;
    let entered = Entered::new(limit);
    let id = entered.scope.id;
    let outcome = catch_unwind(AssertUnwindSafe(f));
    drop(entered);
    match outcome {
        Ok(value) => Ok(value),
        Err(payload) => match payload.downcast_ref::<ScopeExpired>() {
            Some(expired) if expired.id == id => Err(TimeoutError::Elapsed),
            _ => resume_unwind(payload),
        },
    }
}

/// Why a [`timeout`] gave no result.
///
/// # Examples
///
/// ```
/// use eventlet_green::{TimeoutError, sleep, timeout};
/// use std::time::Duration;
///
/// let outcome = timeout(Duration::from_millis(1), || sleep(Duration::from_secs(60)));
/// let error: TimeoutError = outcome.unwrap_err();
/// assert!(error.is_elapsed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeoutError {
    /// The time was over.
    Elapsed,
    /// The program cannot unwind, so nothing was started.
    NeedsUnwinding(NeedsUnwinding),
}

impl TimeoutError {
    /// Whether the time was over.
    pub fn is_elapsed(&self) -> bool {
        matches!(self, TimeoutError::Elapsed)
    }
}

impl From<NeedsUnwinding> for TimeoutError {
    fn from(error: NeedsUnwinding) -> Self {
        TimeoutError::NeedsUnwinding(error)
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeoutError::Elapsed => f.write_str("the time limit was over"),
            TimeoutError::NeedsUnwinding(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TimeoutError {}

/// What an expired scope raises; the scope with that id catches it.
pub(crate) struct ScopeExpired {
    pub(crate) id: u64,
}

/// A deadline over a stretch of one coroutine's stack.
pub(crate) struct Scope {
    id: u64,
    coroutine: Rc<Coroutine>,
    expired: Cell<bool>,
}

impl Scope {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.expired.get()
    }
}

impl Task<Box<dyn Hub>> for Scope {
    fn run(self: Rc<Self>, _: &Loop) {
        self.expired.set(true);
        self.coroutine.add_interrupt();
        scheduler::wake(&self.coroutine, Woken::Interrupted);
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a timeout that {} is in", self.coroutine.label())
    }
}

/// A scope that is in force until this is dropped.
struct Entered {
    scope: Rc<Scope>,
    timer: TimerId,
}

thread_local! {
    static NEXT_SCOPE: Cell<u64> = const { Cell::new(0) };
}

impl Entered {
    fn new(limit: Duration) -> Self {
        scheduler::with(|scheduler| {
            let Some(coroutine) = scheduler.current() else {
                panic!("{}", crate::error::ParkError::InCallback);
            };
            let id = NEXT_SCOPE.replace(NEXT_SCOPE.get() + 1);
            let scope = Rc::new(Scope {
                id,
                coroutine: Rc::clone(&coroutine),
                expired: Cell::new(false),
            });
            coroutine.scopes.borrow_mut().push(Rc::clone(&scope));
            let deadline = after(&scheduler.run_loop, limit);
            let timer = scheduler
                .run_loop
                .arm_timer(deadline, Rc::clone(&scope) as _);
            Entered { scope, timer }
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let coroutine = &self.scope.coroutine;
        let left = coroutine.scopes.borrow_mut().pop();
        debug_assert!(left.is_some_and(|left| Rc::ptr_eq(&left, &self.scope)));
        if self.scope.is_expired() {
            coroutine.remove_interrupt();
        } else {
            scheduler::with(|scheduler| scheduler.run_loop.cancel_timer(self.timer));
        }
    }
}
