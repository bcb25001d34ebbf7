//! Several coroutines' ends, in the order in which they come: what waiting for any of them is made of.
//!
//! The handles stay with whoever asks; this deals in ids only.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use eventlet_runloop::Time;

use super::EndListener;
use crate::coroutine::{Coroutine, State, Wait};
use crate::error::ParkError;
use crate::sync::waiters::Waiters;

/// The ids of those that have ended and were not asked for yet.
#[derive(Default)]
pub(crate) struct Completions {
    ended: RefCell<VecDeque<u64>>,
    waiters: Waiters,
}

impl Completions {
    /// Notes the coroutine's end when it comes, or at once if it has come, unless the guard is
    /// dropped before.
    pub(crate) fn watch(self: &Rc<Self>, coroutine: &Rc<Coroutine>) -> Watching {
        let number = if coroutine.state.get() == State::Finished {
            self.note(coroutine.id);
            None
        } else {
            Some(coroutine.end_listeners.add(Rc::clone(self) as _))
        };
        Watching {
            coroutine: Rc::clone(coroutine),
            number,
        }
    }

    /// Waits for the next end; `None` if the deadline has passed before.
    pub(crate) fn next(&self, deadline: Option<Time>) -> Result<Option<u64>, ParkError> {
        // What was noted stays noted: nothing has to be passed on.
        let some = || !self.ended.borrow().is_empty();
        self.waiters.wait_until(Wait::AnyOf, deadline, some)?;
        Ok(self.ended.borrow_mut().pop_front())
    }

    fn note(&self, id: u64) {
        self.ended.borrow_mut().push_back(id);
        self.waiters.choose_first();
    }
}

impl EndListener for Completions {
    fn finished(&self, coroutine: &Rc<Coroutine>) {
        self.note(coroutine.id);
    }
}

/// A coroutine that is watched for as long as this lives.
pub(crate) struct Watching {
    coroutine: Rc<Coroutine>,
    number: Option<u64>,
}

impl Watching {
    /// Keeps watching without the guard; for one that is watched to its end.
    pub(crate) fn for_good(mut self) {
        self.number = None;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            drop(self.coroutine.end_listeners.remove(number));
        }
    }
}
