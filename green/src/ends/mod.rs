//! The ends of coroutines: who is told of one, besides whoever joins it, and bringing it about.
//!
//! * `kill`: ending a coroutine early.
//! * `link`: a call of the user's that an end sets off.
//! * `members`: a set that a coroutine leaves when it ends; groups, workers and scopes.
//! * `completions`: the ends of several, in the order in which they come.
//!
//! Telling is done by the scheduler, on its own stack, when the coroutine's stack is empty. A listener
//! may only note, wake and queue: user code runs in a step of its own (see `link`). What
//! joining gives is in [`join`](crate::join).

pub(crate) mod completions;
pub(crate) mod kill;
mod link;
pub(crate) mod members;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

pub use self::kill::KillHandle;
pub use self::link::Link;
use crate::coroutine::Coroutine;

/// How a coroutine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// Its body returned.
    Returned,
    /// It panicked.
    Panicked,
    /// It was killed, or cancelled before it started.
    Killed,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ending::Returned => "it returned",
            Ending::Panicked => "it panicked",
            Ending::Killed => "it was killed",
        })
    }
}

/// Something that is told when a coroutine has ended.
pub(crate) trait EndListener {
    /// The coroutine's state is `Finished`, and nothing of it is left on any stack. Must not panic,
    /// and must not call what the user wrote.
    fn finished(&self, coroutine: &Rc<Coroutine>);
}

/// The listeners of one coroutine, in the order in which they came.
#[derive(Default)]
pub(crate) struct EndListeners {
    /// By number, so that any of many is taken off at little cost. Boxed, because most coroutines have
    /// none, and every spawn makes and drops this.
    list: Cell<Option<Box<List>>>,
}

type List = BTreeMap<u64, Rc<dyn EndListener>>;

impl EndListeners {
    /// Adds a listener; gives the number to take it off by.
    pub(crate) fn add(&self, listener: Rc<dyn EndListener>) -> u64 {
        let mut list = self.list.take().unwrap_or_default();
        let number = list.last_key_value().map_or(0, |(last, _)| last + 1);
        list.insert(number, listener);
        self.list.set(Some(list));
        number
    }

    /// Takes a listener off; `None` if it has been told.
    pub(crate) fn remove(&self, number: u64) -> Option<Rc<dyn EndListener>> {
        let mut list = self.list.take()?;
        let removed = list.remove(&number);
        self.list.set(Some(list));
        removed
    }

    #[inline]
    pub(crate) fn tell(&self, coroutine: &Rc<Coroutine>) {
        if let Some(list) = self.list.take() {
            for listener in list.into_values() {
                listener.finished(coroutine);
            }
        }
    }
}
