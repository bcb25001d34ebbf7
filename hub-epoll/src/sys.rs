//! The system call that `nix` has no safe binding for, and descriptors by number. The only unsafe
//! code of this crate, apart from the signature of `Hub::register`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollEvent};

/// The kernel's own 64-bit `timespec`, the same on every architecture.
#[repr(C)]
struct KernelTimespec {
    seconds: i64,
    nanos: i64,
}

/// `epoll_pwait2(2)` without a signal mask. Called by number, because a C library older than the
/// kernel (glibc before 2.35) has no wrapper to link with.
///
/// # Errors
///
/// What the kernel gives; `ENOSYS` before Linux 5.11.
pub(crate) fn epoll_pwait2(
    epoll: &Epoll,
    events: &mut [EpollEvent],
    timeout: Duration,
) -> io::Result<usize> {
    let timeout = eventlet_hub::timeout::to_timespec(timeout);
    // The conversions are the identity on 64-bit systems and widen on others.
    #[allow(
        clippy::useless_conversion,
        reason = "32-bit systems have narrower fields"
    )]
    let timeout = KernelTimespec {
        seconds: timeout.tv_sec.into(),
        nanos: timeout.tv_nsec.into(),
    };
    let room = libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the pointer and `room` describe a live, exclusively borrowed slice (`EpollEvent` is a
    // transparent wrapper of the kernel's structure); the timeout lives until the call returns; a
    // null mask means "leave the mask alone", and then its size is not looked at.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll.0.as_raw_fd(),
            events.as_mut_ptr(),
            room,
            &raw const timeout,
            std::ptr::null::<libc::sigset_t>(),
            0_usize,
        )
    };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// A registered descriptor, by its number.
pub(crate) fn registered(fd: &RawFd) -> BorrowedFd<'_> {
    // SAFETY: whoever registered the descriptor promised that it stays open until the registration
    // ends (`Hub::register`), and the numbers this crate remembers are those of registrations.
    unsafe { BorrowedFd::borrow_raw(*fd) }
}
