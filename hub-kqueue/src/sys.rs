//! The system call, its structure and its numbers; descriptors by number. The only unsafe code of this
//! crate, apart from the signature of `Hub::register`.

#[cfg(not(target_os = "linux"))]
mod native {
    use std::io;
    use std::os::fd::RawFd;
    use std::ptr;
    use std::time::Duration;

    use eventlet_hub::timeout;

    use crate::Kevent;

    pub(crate) type Raw = libc::kevent;

    // SAFETY: a structure of integers and a pointer nobody follows, for which all zeros is a value.
    pub(crate) const EMPTY: Raw = unsafe { std::mem::zeroed() };

    /// A structure with these fields; the systems' types of them differ.
    pub(crate) fn raw(ident: usize, filter: i32, flags: u32, udata: usize) -> Raw {
        let mut raw = EMPTY;
        raw.ident = ident;
        raw.filter = filter as _;
        raw.flags = flags as _;
        raw.udata = udata as _;
        raw
    }

    /// `kevent(2)`. A timeout that is too long for the kernel is cut: the caller waits again.
    pub(crate) fn kevent(
        queue: RawFd,
        changes: &[Kevent],
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let timeout = timeout.map(timeout::to_timespec);
        // SAFETY: pointers and lengths are those of live slices, `events` exclusively borrowed
        // (`Kevent` is a transparent wrapper of the kernel's structure, every pattern of whose bits is a
        // value); the timeout lives until the call returns, and null means for ever.
        let count = unsafe {
            libc::kevent(
                queue,
                changes.as_ptr().cast(),
                // No list is longer than a batch of events, which is a `u32` at most in practice.
                changes.len() as _,
                events.as_mut_ptr().cast(),
                events.len().min(libc::c_int::MAX as usize) as _,
                timeout.as_ref().map_or(ptr::null(), ptr::from_ref),
            )
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// Sets `FD_CLOEXEC`.
    pub(crate) fn close_on_exec(fd: RawFd) -> io::Result<()> {
        // SAFETY: F_SETFD takes no pointer.
        if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// The `kqueue` package's names, and the C library's where it has none (user events; OpenBSD's
    /// receipts); asserted to be the C library's numbers.
    #[allow(missing_docs, reason = "the names are those of the manual, kqueue(2)")]
    pub mod constants {
        use kqueue::{EventFilter, EventFlag};

        pub const EVFILT_READ: i32 = EventFilter::EVFILT_READ as i32;
        pub const EVFILT_WRITE: i32 = EventFilter::EVFILT_WRITE as i32;
        pub const EVFILT_USER: i32 = libc::EVFILT_USER as i32;
        pub const EV_ADD: u32 = EventFlag::EV_ADD.bits() as u32;
        pub const EV_DELETE: u32 = EventFlag::EV_DELETE.bits() as u32;
        pub const EV_ENABLE: u32 = EventFlag::EV_ENABLE.bits() as u32;
        pub const EV_DISABLE: u32 = EventFlag::EV_DISABLE.bits() as u32;
        pub const EV_ONESHOT: u32 = EventFlag::EV_ONESHOT.bits() as u32;
        pub const EV_CLEAR: u32 = EventFlag::EV_CLEAR.bits() as u32;
        pub const EV_RECEIPT: u32 = libc::EV_RECEIPT as u32;
        pub const EV_DISPATCH: u32 = libc::EV_DISPATCH as u32;
        pub const EV_EOF: u32 = EventFlag::EV_EOF.bits() as u32;
        pub const EV_ERROR: u32 = EventFlag::EV_ERROR.bits() as u32;
        pub const NOTE_TRIGGER: u32 = libc::NOTE_TRIGGER as u32;

        const _: () = {
            assert!(EVFILT_READ == libc::EVFILT_READ as i32);
            assert!(EVFILT_WRITE == libc::EVFILT_WRITE as i32);
            assert!(EV_ADD == libc::EV_ADD as u32);
            assert!(EV_DELETE == libc::EV_DELETE as u32);
            assert!(EV_ENABLE == libc::EV_ENABLE as u32);
            assert!(EV_DISABLE == libc::EV_DISABLE as u32);
            assert!(EV_ONESHOT == libc::EV_ONESHOT as u32);
            assert!(EV_CLEAR == libc::EV_CLEAR as u32);
            assert!(EV_EOF == libc::EV_EOF as u32);
            assert!(EV_ERROR == libc::EV_ERROR as u32);
        };
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use native::*;

#[cfg(target_os = "linux")]
mod foreign {
    /// FreeBSD's, for systems without a kqueue.
    #[derive(Clone, Copy)]
    #[repr(C)]
    pub(crate) struct Raw {
        pub(crate) ident: usize,
        pub(crate) filter: i16,
        pub(crate) flags: u16,
        pub(crate) fflags: u32,
        pub(crate) data: i64,
        pub(crate) udata: usize,
    }

    pub(crate) const EMPTY: Raw = Raw {
        ident: 0,
        filter: 0,
        flags: 0,
        fflags: 0,
        data: 0,
        udata: 0,
    };

    /// A structure with these fields.
    pub(crate) fn raw(ident: usize, filter: i32, flags: u32, udata: usize) -> Raw {
        Raw {
            ident,
            filter: filter as i16,
            flags: flags as u16,
            udata,
            ..EMPTY
        }
    }

    /// FreeBSD's numbers.
    #[allow(missing_docs, reason = "the names are those of the manual, kqueue(2)")]
    pub mod constants {
        pub const EVFILT_READ: i32 = -1;
        pub const EVFILT_WRITE: i32 = -2;
        pub const EVFILT_USER: i32 = -11;
        pub const EV_ADD: u32 = 0x0001;
        pub const EV_DELETE: u32 = 0x0002;
        pub const EV_ENABLE: u32 = 0x0004;
        pub const EV_DISABLE: u32 = 0x0008;
        pub const EV_ONESHOT: u32 = 0x0010;
        pub const EV_CLEAR: u32 = 0x0020;
        pub const EV_RECEIPT: u32 = 0x0040;
        pub const EV_DISPATCH: u32 = 0x0080;
        pub const EV_EOF: u32 = 0x8000;
        pub const EV_ERROR: u32 = 0x4000;
        pub const NOTE_TRIGGER: u32 = 0x0100_0000;
    }
}

#[cfg(target_os = "linux")]
pub(crate) use foreign::*;

/// A descriptor that a change names, as the emulation hands it on.
#[cfg(target_os = "linux")]
pub(crate) fn named(number: &i32) -> std::os::fd::BorrowedFd<'_> {
    // SAFETY: only handed to system calls, which say EBADF of a closed one, as kqueue does. That one
    // that was closed and opened again is told apart is what the emulation is there for.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(*number) }
}
