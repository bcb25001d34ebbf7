//! Descriptors by number, and the one call of the package that cannot know whether a descriptor
//! stays open. The only unsafe code of this crate, apart from the signature of `Hub::register`.
//!
//! What differs between the kinds of systems: `unix`, which has a descriptor to be woken by, and
//! `windows`.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io;

use eventlet_hub::fd::{BorrowedFd, RawFd};
use polling::{Event, PollMode, Poller};

#[cfg(unix)]
pub(crate) use unix::Watched;
#[cfg(windows)]
pub(crate) use windows::Watched;

/// Adds a descriptor. It must stay open until it is deleted, or the poller is dropped.
pub(crate) fn add(poller: &Poller, fd: RawFd, interest: Event, mode: PollMode) -> io::Result<()> {
    // SAFETY: whoever registered the descriptor promised that it stays open until the registration
    // ends (`Hub::register`), and then this crate deletes it; the waker's lives as long as the poller.
    unsafe { poller.add_with_mode(fd, interest, mode) }
}

/// A registered descriptor, by its number.
pub(crate) fn registered(fd: &RawFd) -> BorrowedFd<'_> {
    // SAFETY: as above, and the numbers this crate remembers are those of registrations.
    unsafe { BorrowedFd::borrow_raw(*fd) }
}
