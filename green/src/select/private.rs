//! How an operation takes part in a selection. Not to be named outside of this crate, so that only
//! its own pieces can be selected among, and each keeps these rules:
//!
//! * `is_ready`, `reset`, `enter`, `leave` and `was_called` wake and wait for nobody but as said.
//! * Between `enter` and `leave`, what chooses the operation wakes the party, which must be parked
//!   for it, and notes that it did.

use std::rc::Rc;

use crate::coroutine::Coroutine;

/// One operation.
pub trait Mechanics {
    /// Forgets an outcome that was not taken: a value that was received goes back, one that was not
    /// sent is to be sent again.
    fn reset(&mut self);

    /// Whether it could be done now.
    fn is_ready(&self) -> bool;

    /// Does it; called when it is ready.
    fn perform(&mut self, manner: Manner);

    /// Stands in line for it.
    fn enter(&mut self, party: &Party);

    /// Whether it was chosen, while it stood in line.
    fn was_called(&self) -> bool;

    /// Leaves the line, if it stands there.
    fn leave(&mut self, leaving: Leaving);
}

/// Whether the thread may be given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It may.
    Waiting,
    /// It may not.
    Trying,
}

/// Why a line is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The operation was chosen, and its outcome will be taken.
    Returning,
    /// Another one was, or the caller is unwound: what was given goes to the next.
    Unwound,
}

/// Who stands in line.
#[derive(Debug)]
pub struct Party(Rc<Coroutine>);

impl Party {
    pub(crate) fn new(coroutine: Rc<Coroutine>) -> Self {
        Party(coroutine)
    }

    pub(crate) fn share(&self) -> Rc<Coroutine> {
        Rc::clone(&self.0)
    }
}

impl<M: Mechanics + ?Sized> Mechanics for &mut M {
    fn reset(&mut self) {
        (**self).reset();
    }

    fn is_ready(&self) -> bool {
        (**self).is_ready()
    }

    fn perform(&mut self, manner: Manner) {
        (**self).perform(manner);
    }

    fn enter(&mut self, party: &Party) {
        (**self).enter(party);
    }

    fn was_called(&self) -> bool {
        (**self).was_called()
    }

    fn leave(&mut self, leaving: Leaving) {
        (**self).leave(leaving);
    }
}
