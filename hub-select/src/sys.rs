//! Descriptors by number. The only unsafe code of this crate, apart from the signature of
//! `Hub::register`; the wait itself is the safe binding of `nix`.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// A registered descriptor, by its number: the sets of `nix` hold borrows.
pub(crate) fn registered(fd: RawFd) -> BorrowedFd<'static> {
    debug_assert!(fd >= 0, "no descriptor has a negative number");
    // SAFETY: whoever registered the descriptor promised that it stays open until the registration
    // ends (`Hub::register`), when the hub takes its number out of every set. The sets use nothing
    // but the number, so asking them for one that is not registered does no harm either.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Whether the number stands for an open file.
pub(crate) fn is_open(fd: RawFd) -> bool {
    // SAFETY: F_GETFD takes no pointer, and any number may be asked for.
    let outcome = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    outcome >= 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EBADF)
}
