//! Unix: descriptors as `std` has them, the few system calls that what hubs share needs, and `errno`.

use std::io;
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(eventlet_pipe_waker)
))]
use std::os::fd::FromRawFd;
use std::time::Duration;

pub use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use libc::{suseconds_t, time_t, timespec, timeval};

pub(crate) use crate::registry::dense::Places;
use crate::source::sources;
use crate::timeout::LONGEST;

const NANOS_PER_MICRO: u32 = 1_000;
const MICROS_PER_SEC: u32 = 1_000_000;

sources!(
    std::fs::File,
    std::io::PipeReader,
    std::io::PipeWriter,
    std::net::TcpListener,
    std::net::TcpStream,
    std::net::UdpSocket,
    std::os::fd::OwnedFd,
    std::os::unix::net::UnixDatagram,
    std::os::unix::net::UnixListener,
    std::os::unix::net::UnixStream,
    std::process::ChildStderr,
    std::process::ChildStdin,
    std::process::ChildStdout,
);

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

/// Seconds and nanoseconds for `ppoll`, `epoll_pwait2`, `kevent`: exact; at most [`LONGEST`].
///
/// # Examples
///
/// ```
/// use eventlet_hub::timeout::to_timespec;
/// use std::time::Duration;
///
/// let spec = to_timespec(Duration::from_nanos(1_000_000_002));
/// assert_eq!((spec.tv_sec, spec.tv_nsec), (1, 2));
/// ```
pub fn to_timespec(timeout: Duration) -> timespec {
    let timeout = timeout.min(LONGEST);
    // SAFETY: a structure of integers, for which all zeros is a value. Some 32-bit systems have
    // padding fields that a literal cannot name.
    let mut spec: timespec = unsafe { std::mem::zeroed() };
    spec.tv_sec = timeout.as_secs() as time_t;
    // Below 10^9: fits every system's type of the field.
    spec.tv_nsec = timeout.subsec_nanos() as _;
    spec
}

/// Seconds and microseconds for `select`: rounded up; at most [`LONGEST`].
///
/// # Examples
///
/// ```
/// use eventlet_hub::timeout::to_timeval;
/// use std::time::Duration;
///
/// let val = to_timeval(Duration::from_nanos(999_999_001));
/// assert_eq!((val.tv_sec, val.tv_usec), (1, 0));
/// ```
pub fn to_timeval(timeout: Duration) -> timeval {
    let timeout = timeout.min(LONGEST);
    let micros = timeout.subsec_nanos().div_ceil(NANOS_PER_MICRO);
    timeval {
        tv_sec: (timeout.as_secs() + u64::from(micros / MICROS_PER_SEC)) as time_t,
        tv_usec: (micros % MICROS_PER_SEC) as suseconds_t,
    }
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
