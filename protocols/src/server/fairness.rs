//! Giving way: a connection whose socket always has room, or always has bytes, never has to wait, and
//! would hold up everybody else of the thread for as long as that lasts. (The kernel takes some
//! megabytes of an answer that nobody reads.)

use std::cell::Cell;

use eventlet_green::yield_now;

/// So many bytes are moved for one connection in a row: some tens of microseconds of the kernel's
/// copying, against which the cost of giving way is nothing.
pub(super) const ROW: usize = 64 * 1024;

/// Bytes that were moved since the others last had their turn.
#[derive(Debug, Default)]
pub(super) struct Row {
    moved: Cell<usize>,
}

impl Row {
    /// Counts bytes that have been moved.
    pub(super) fn count(&self, bytes: usize) {
        self.moved.set(self.moved.get().saturating_add(bytes));
    }

    /// Lets the others have their turn when it is time. Call it where a caller that is unwound loses
    /// nothing: before bytes are taken, not after.
    pub(super) fn give_way(&self) {
        if self.moved.get() >= ROW {
            self.moved.set(0);
            yield_now();
        }
    }
}
