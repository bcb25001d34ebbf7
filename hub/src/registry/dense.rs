//! Descriptors whose numbers are small and used again: the number is the index.

use std::io;
use std::os::fd::RawFd;

use super::grow;
use crate::error;

/// The slot of each registered descriptor.
#[derive(Debug)]
pub struct Places(Vec<u32>);

/// Not registered. Above [`Token::MAX_SLOT`](crate::Token::MAX_SLOT), so never a slot.
const NOBODY: u32 = u32::MAX;

impl Places {
    pub(crate) const fn new() -> Self {
        Places(Vec::new())
    }

    /// Refuses what is no descriptor at all.
    #[inline]
    pub(crate) fn check(fd: RawFd) -> io::Result<()> {
        if fd < 0 {
            return Err(error::no_descriptor(fd));
        }
        Ok(())
    }

    /// Has [`put`](Self::put) succeed for a number that was checked.
    #[inline]
    pub(crate) fn make_room(&mut self, fd: RawFd) -> io::Result<()> {
        grow(&mut self.0, fd as usize, || NOBODY)
    }

    #[inline]
    pub(crate) fn put(&mut self, fd: RawFd, slot: u32) {
        self.0[fd as usize] = slot;
    }

    #[inline]
    pub(crate) fn take(&mut self, fd: RawFd) {
        self.0[fd as usize] = NOBODY;
    }

    #[inline]
    pub(crate) fn slot_of(&self, fd: RawFd) -> Option<u32> {
        let slot = *self.0.get(usize::try_from(fd).ok()?)?;
        (slot != NOBODY).then_some(slot)
    }
}
