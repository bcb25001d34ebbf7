//! A coroutine that is none: what ran inline, on its caller's stack, under a handle all the same.

use std::panic::Location;
use std::rc::Rc;

use super::Scheduler;
use crate::coroutine::{Coroutine, StackBounds, State};
use crate::ends::Ending;
use crate::sys::fiber::Fiber;

impl Scheduler {
    /// The identity of something that has run already: a number of its own, and no stack.
    pub(crate) fn finished(
        &self,
        spawned_at: &'static Location<'static>,
        ending: Ending,
    ) -> Rc<Coroutine> {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let bounds = StackBounds::default();
        let coroutine = Coroutine::new(Fiber::empty(), id, None, spawned_at, bounds);
        coroutine.state.set(State::Finished);
        coroutine.ending.set(ending);
        Rc::new(coroutine)
    }
}
