//! The few system calls that what hubs share needs, and `errno`. No policy.

use std::io;
use std::os::fd::RawFd;
#[cfg(any(
    not(any(target_os = "linux", target_os = "android")),
    eventlet_pipe_waker
))]
use std::os::fd::{AsRawFd, BorrowedFd};
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(eventlet_pipe_waker)
))]
use std::os::fd::{FromRawFd, OwnedFd};

/// Leaves `errno` as it was: for use in signal handlers. (A panic would leave it changed; nothing
/// that is fit for a signal handler panics.)
pub(crate) fn keeping_errno(act: impl FnOnce()) {
    let place = errno_place();
    // SAFETY: the place is this thread's own `errno`.
    let before = unsafe { *place };
    act();
    // SAFETY: as above.
    unsafe { *place = before };
}

/// One `write`.
pub(crate) fn write_some(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a live slice; a closed or wrong number gives
    // an error.
    let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// One `read`.
pub(crate) fn read_some(fd: RawFd, into: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a live, exclusively borrowed slice.
    let count = unsafe { libc::read(fd, into.as_mut_ptr().cast(), into.len()) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Sets `O_NONBLOCK`.
#[cfg(any(
    not(any(target_os = "linux", target_os = "android")),
    eventlet_pipe_waker
))]
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: fcntl with F_GETFL takes no pointer.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    if flags < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fcntl with F_SETFL takes no pointer.
    if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// An eventfd at zero, non-blocking and close-on-exec.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(eventlet_pipe_waker)
))]
pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: eventfd takes no pointer.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was made just now and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Has `handler` called in every child that `fork` makes from now on. The handler must be
/// async-signal-safe. Want of memory is ignored.
pub(crate) fn at_fork_in_child(handler: extern "C" fn()) {
    // SAFETY: the handler is a function of this crate, never unloaded before the process ends
    // (glibc forgets the handlers of an unloaded library), and safe to call.
    unsafe { libc::pthread_atfork(None, None, Some(handler)) };
}

/// A `timespec`; `seconds` must fit the system's `time_t`.
pub(crate) fn timespec(seconds: u64, nanos: u32) -> libc::timespec {
    // SAFETY: a structure of integers, for which all zeros is a value. Some 32-bit systems have
    // padding fields that a literal cannot name.
    let mut spec: libc::timespec = unsafe { std::mem::zeroed() };
    spec.tv_sec = seconds as libc::time_t;
    // Below 10^9: fits every system's type of the field.
    spec.tv_nsec = nanos as _;
    spec
}

fn errno_place() -> *mut libc::c_int {
    #[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "hurd"))]
    // SAFETY: gives the address of this thread's errno; no precondition.
    return unsafe { libc::__errno_location() };
    #[cfg(any(
        target_os = "macos",
        target_os = "ios",
        target_os = "freebsd",
        target_os = "dragonfly"
    ))]
    // SAFETY: as above.
    return unsafe { libc::__error() };
    #[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "android"))]
    // SAFETY: as above.
    return unsafe { libc::__errno() };
    #[cfg(any(target_os = "illumos", target_os = "solaris"))]
    // SAFETY: as above.
    return unsafe { libc::___errno() };
}
