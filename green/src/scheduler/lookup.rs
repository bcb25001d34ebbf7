//! Finding what other threads mean: a loop by its inbox, a coroutine by its place.

use std::rc::Rc;
use std::sync::Arc;

use super::Scheduler;
use crate::coroutine::Coroutine;
use crate::inbox::Inbox;

impl Scheduler {
    /// Whether an inbox is this loop's.
    #[inline]
    pub(crate) fn owns(&self, inbox: &Inbox) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.inbox), inbox)
    }

    /// The coroutine of that number, if it is still where the registry had it.
    pub(crate) fn find_at(&self, slot: usize, id: u64) -> Option<Rc<Coroutine>> {
        let coroutines = self.coroutines.borrow();
        let found = coroutines.get(slot)?;
        (found.id == id).then(|| Rc::clone(found))
    }
}
