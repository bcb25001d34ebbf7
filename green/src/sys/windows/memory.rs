//! Stacks, each of which the context-switch crate reserves and guards as Windows wants it.
//!
//! Windows commits a stack page by page, by moving a guard page down, and looks for its bounds in the
//! thread's own block (TEB), which the switch keeps up to date. Running over the end raises
//! `EXCEPTION_STACK_OVERFLOW`, on room that is kept back for whoever handles it. All of that is
//! [`DefaultStack`]'s. A size here is what can be used; guards come on top.
//!
//! There are no regions: [`Region`] hands out one stack after another, so that
//! [`stack`](crate::stack) is the same everywhere.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;

use crate::sys::fiber::windows::{DefaultStack, EngineStack, StackPointer, StackTebFields};

/// At the low end of a stack: a page that is never committed, two guard pages, and at least one that
/// is kept for whoever handles an overflow.
pub(crate) const GUARD_PAGES: usize = 4;

/// Taking a coroutine's frames may need so much of its stack. Nobody has measured it here; the
/// system's own unwinder is known to be hungry.
pub(crate) const LOOK_NEEDS: usize = 64 * 1024;

/// The size of a page on the processors that Windows has now.
const PAGE_SIZE: usize = 4096;

/// Memory for one coroutine.
pub(crate) struct Stack {
    memory: DefaultStack,
    size: usize,
}

impl Stack {
    fn new(size: usize) -> io::Result<Self> {
        let memory = DefaultStack::new(size).map_err(|error| {
            let text = format!("no address space left for another coroutine's stack ({error})");
            io::Error::new(io::ErrorKind::OutOfMemory, text)
        })?;
        Ok(Stack { memory, size })
    }

    /// The lowest address, below the guard pages.
    pub(crate) fn bottom(&self) -> NonZeroUsize {
        self.memory.limit()
    }

    /// The size that was asked for, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// How much of a stack has memory: not told on this system.
    pub(crate) fn touched(_bottom: usize, _size: usize) -> Option<usize> {
        None
    }

    /// Gives the stack's pages back to the system, by taking another in its place. Without memory for
    /// that it stays as it is.
    pub(crate) fn discard_pages(&mut self) {
        if let Ok(fresh) = DefaultStack::new(self.size) {
            self.memory = fresh;
        }
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("bottom", &self.bottom())
            .field("size", &self.size)
            .finish()
    }
}

// SAFETY: every answer is that of the stack within, which this value owns and does not exchange while
// anybody runs on it: `discard_pages` is called for a stack that was taken from a finished fiber, or
// was never used.
unsafe impl EngineStack for Stack {
    fn base(&self) -> StackPointer {
        self.memory.base()
    }

    fn limit(&self) -> StackPointer {
        self.memory.limit()
    }

    fn teb_fields(&self) -> StackTebFields {
        self.memory.teb_fields()
    }

    fn update_teb_fields(&mut self, stack_limit: usize, guaranteed_stack_bytes: usize) {
        self.memory
            .update_teb_fields(stack_limit, guaranteed_stack_bytes);
    }
}

/// So many stacks of one size, none of which is made before it is asked for.
#[derive(Debug)]
pub(crate) struct Region {
    slot_size: usize,
    left: usize,
}

impl Region {
    /// `slots` stacks of `slot_size` bytes.
    ///
    /// # Errors
    ///
    /// None at present; the signature is that of Unix.
    pub(crate) fn reserve(slot_size: usize, slots: usize) -> io::Result<Self> {
        Ok(Region {
            slot_size,
            left: slots,
        })
    }

    /// The next stack; `None` when all are handed out.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` when there is no address space, or no memory for its first pages.
    pub(crate) fn carve(&mut self) -> io::Result<Option<Stack>> {
        if self.left == 0 {
            return Ok(None);
        }
        let stack = Stack::new(self.slot_size)?;
        self.left -= 1;
        Ok(Some(stack))
    }
}

/// Gives the stacks back to the system.
pub(crate) fn unmap(_regions: Vec<Region>, stacks: Vec<Stack>) {
    drop(stacks);
}

/// The size of a page, in bytes.
pub(crate) fn page_size() -> usize {
    PAGE_SIZE
}
