//! Closing the file behind a descriptor while its number stays owned.
//!
//! `close(&self)` on a socket that other handles share must end the connection now, yet a borrowed
//! descriptor that somebody holds must not dangle, and the number must not be given to an
//! unrelated file. So the file behind the number is replaced by an inert one (`/dev/null`), and
//! the number is given back when its last owner goes. See dup2(2).

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

use eventlet_hub::Source;

use crate::fd::Watched;

// SAFETY: it owns the source from creation to drop and gives its descriptor. `close` puts another
// file behind the number, which stays owned: what `Source` allows.
unsafe impl<S: Source> Source for Watched<S> {}

/// Replaces the open file behind `fd` by one that blocks nobody. The old one is closed, unless it
/// has duplicates.
///
/// # Errors
///
/// The first call in a process opens `/dev/null`, which may fail (`EMFILE`); later ones do not.
pub(crate) fn end_behind(fd: BorrowedFd<'_>) -> io::Result<()> {
    let inert = inert()?;
    loop {
        // SAFETY: both numbers are open and owned (one by the static, one by the lender), and the
        // number `fd` stays open: dup replaces what is behind it in one step.
        let result = unsafe { duplicate_over(inert.as_raw_fd(), fd.as_raw_fd()) };
        if result >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // EBUSY: Linux, in a race with an open in another thread.
        match error.raw_os_error() {
            Some(libc::EINTR | libc::EBUSY) => {}
            _ => return Err(error),
        }
    }
}

/// Has a type lend the descriptor of its field `watched`.
macro_rules! lends_descriptor {
    ($type:ident) => {
        impl std::os::fd::AsFd for $type {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.watched.as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.watched.number()
            }
        }
    };
}
pub(crate) use lends_descriptor;

/// The file to put behind numbers; opened once in a process.
fn inert() -> io::Result<&'static File> {
    static INERT: OnceLock<File> = OnceLock::new();
    match INERT.get() {
        Some(inert) => Ok(inert),
        None => {
            let opened = File::options().read(true).write(true).open("/dev/null")?;
            Ok(INERT.get_or_init(|| opened))
        }
    }
}

/// Opens what the process keeps open from its first use on.
///
/// # Errors
///
/// What the open gives.
#[cfg(feature = "testing")]
pub(crate) fn prepare() -> io::Result<()> {
    inert().map(drop)
}

/// # Safety
///
/// `over` must be owned by somebody who agrees to the file behind it being replaced.
#[cfg(not(target_vendor = "apple"))]
unsafe fn duplicate_over(inert: libc::c_int, over: libc::c_int) -> libc::c_int {
    // SAFETY: the caller's promise.
    unsafe { libc::dup3(inert, over, libc::O_CLOEXEC) }
}

/// # Safety
///
/// As for the other systems'. There is no `dup3`; the close-on-exec flag is set a moment later.
#[cfg(target_vendor = "apple")]
unsafe fn duplicate_over(inert: libc::c_int, over: libc::c_int) -> libc::c_int {
    // SAFETY: the caller's promise.
    let result = unsafe { libc::dup2(inert, over) };
    if result >= 0 {
        // SAFETY: no pointer is passed.
        unsafe { libc::fcntl(over, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    result
}
