//! With the feature `tracing`: the spans that a coroutine has entered stay with it.
//!
//! Subscribers keep the entered spans by thread. So a coroutine that gives the thread away leaves its
//! spans, the innermost first, and enters them again when it goes on; a subscriber sees that as it
//! sees a future being polled. Who enters and leaves no span pays for one question to the subscriber
//! a switch.
//!
//! * A new coroutine begins in no span, as a new thread or task does: it may well outlive the span
//!   of its spawner. Hand one over with `span.in_scope` in the body.
//! * Spans that are still entered when a coroutine ends (its guard was leaked) are left then.
//! * The subscriber that is asked is the one in force at the switch. One that was set for a scope
//!   (`with_default`) is the thread's, and does not follow the coroutine that set it.
//!
//! Not made of a [`Context`](crate::context::Context): those are registered, and this is for all.

use tracing::dispatcher::get_default;
use tracing::{Dispatch, span};

use crate::context::guarded;
use crate::coroutine::Coroutine;

/// More spans than anybody nests. Ends the search in a subscriber that does not let go of one.
const MOST: usize = 1024;

/// Leaves all spans that the caller has entered; they are entered again when what this gives is
/// dropped.
pub(crate) fn leave(coroutine: &Coroutine) -> Left<'_> {
    let mut left = Vec::new();
    let dispatch = get_default(|dispatch| {
        dispatch.current_span().id()?;
        Some(dispatch.clone())
    });
    if let Some(dispatch) = &dispatch {
        guarded(coroutine, "the tracing subscriber", || {
            while let Some(id) = dispatch.current_span().id().cloned()
                && left.len() < MOST
            {
                dispatch.exit(&id);
                left.push(id);
            }
        });
    }
    Left {
        coroutine,
        dispatch,
        spans: left,
    }
}

/// Leaves all spans, when the coroutine ends.
pub(crate) fn leave_for_good(coroutine: &Coroutine) {
    let mut left = leave(coroutine);
    left.spans.clear();
}

/// What was left, the innermost first.
pub(crate) struct Left<'a> {
    coroutine: &'a Coroutine,
    dispatch: Option<Dispatch>,
    spans: Vec<span::Id>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let Some(dispatch) = &self.dispatch else {
            return;
        };
        guarded(self.coroutine, "the tracing subscriber", || {
            for id in self.spans.iter().rev() {
                dispatch.enter(id);
            }
        });
    }
}
