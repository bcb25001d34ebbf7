//! The self-pipe: a byte in it means "wake up". For systems without an eventfd.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::Bell;

pub(super) struct Mechanism {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Mechanism {
    /// A pipe that was never drained fills up, and a full pipe gives no more edges.
    pub(super) const EDGE_NEEDS_NO_DRAIN: bool = false;

    pub(super) fn new() -> io::Result<Self> {
        // The standard library makes both ends close-on-exec.
        let (reader, writer) = io::pipe()?;
        crate::sys::set_nonblocking(reader.as_fd())?;
        crate::sys::set_nonblocking(writer.as_fd())?;
        Ok(Mechanism { reader, writer })
    }

    pub(super) fn drain(&self) {
        // One signal at a time is in flight (they coalesce), so one read nearly always empties it.
        let mut bytes = [0; 16];
        while crate::sys::read_some(self.reader.as_raw_fd(), &mut bytes)
            .is_ok_and(|count| count == bytes.len())
        {}
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Bell for Mechanism {
    fn ring(&self) {
        // A full pipe refuses the byte, and is readable all the same.
        let _ = crate::sys::write_some(self.writer.as_raw_fd(), &[1]);
    }
}
