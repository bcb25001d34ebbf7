//! Running into a stack's guard: the standard library's handler tells of it, and ends the process.
//!
//! The handler runs on room that each stack keeps back for it, so there is nothing to set up. It names
//! the thread; which coroutine it was, is not told.

/// What a thread needs so that an overflow is told: nothing.
pub(crate) struct AlternateStack(());

impl AlternateStack {
    pub(crate) fn ensure() -> Self {
        AlternateStack(())
    }
}
