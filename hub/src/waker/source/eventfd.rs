//! `eventfd(2)`: a kernel counter behind one descriptor. A write adds to it, a read takes all.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::Bell;

pub(super) struct Mechanism {
    counter: OwnedFd,
}

impl Mechanism {
    /// Each write is reported as a new edge (eventfd_signal wakes whoever polls), so an
    /// edge-triggered watcher need not read. The counter holds 2^64 − 2 wake-ups.
    pub(super) const EDGE_NEEDS_NO_DRAIN: bool = true;

    pub(super) fn new() -> io::Result<Self> {
        Ok(Mechanism {
            counter: crate::sys::eventfd()?,
        })
    }

    pub(super) fn drain(&self) {
        let mut count = [0; size_of::<u64>()];
        // One read empties the counter; an error means that it was empty.
        let _ = crate::sys::read_some(self.counter.as_raw_fd(), &mut count);
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.counter.as_fd()
    }
}

impl Bell for Mechanism {
    fn ring(&self) {
        let _ = crate::sys::write_some(self.counter.as_raw_fd(), &1u64.to_ne_bytes());
    }
}
