//! Who runs, for those who write it down: a log, a trace. No loop is made for the question.
//!
//! What else a coroutine is and does stands in its [snapshot](crate::snapshot()); ending it is for a
//! [`KillHandle`](crate::KillHandle).

use std::fmt;
use std::rc::Rc;

use crate::coroutine::Coroutine;
use crate::sys::slot;

/// The coroutine that calls: its number and its name. `None` on a thread that has no run loop, and in a
/// callback of the run loop, which is no coroutine.
///
/// It can be called from anywhere: it makes no loop, never waits, and works while a panic or a kill
/// unwinds.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Builder, current};
///
/// assert!(std::thread::spawn(|| current().is_none()).join().unwrap());
/// let worker = Builder::new().name("worker").spawn(|| {
///     assert_eq!(current().unwrap().name(), Some("worker"));
///     current().unwrap().id()
/// })?;
/// assert_eq!(worker.id(), worker.join().unwrap());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn current() -> Option<Current> {
    let coroutine = slot::with(|scheduler| scheduler.current()).flatten()?;
    Some(Current { coroutine })
}

/// What [`current()`] found. It can be kept; a coroutine's number and name do not change.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Builder, Current, current};
///
/// let job = Builder::new().name("fetcher").spawn(|| {
///     let me: Current = current().expect("a coroutine");
///     assert_eq!((me.name(), me.is_root()), (Some("fetcher"), false));
///     me.id()
/// })?;
/// assert_eq!(job.id(), job.join().unwrap());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Current {
    coroutine: Rc<Coroutine>,
}

impl Current {
    /// The coroutine's number; 0 on the root stack.
    pub fn id(&self) -> u64 {
        self.coroutine.id
    }

    /// The name it was [given](crate::Builder::name).
    pub fn name(&self) -> Option<&str> {
        self.coroutine.name.as_deref()
    }

    /// Whether this is the root stack, the thread's own.
    pub fn is_root(&self) -> bool {
        self.coroutine.is_root()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Current({:?})", self.coroutine)
    }
}
