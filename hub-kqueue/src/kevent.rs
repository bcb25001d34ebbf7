//! `struct kevent`, and the names of filters and flags, alike on every system.
//!
//! The structure is the system's own, so that a list of them is handed to the kernel as it is; its
//! fields' types differ between systems, and on Apple's it is packed, so they are copied out by methods
//! and never borrowed. Where there is no kqueue, the structure and the numbers are FreeBSD's.

use std::fmt;

use crate::sys;

/// An event, or a change to what is watched.
///
/// # Examples
///
/// ```
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// # #[cfg(target_os = "linux")]
/// # fn main() {
/// use eventlet_hub_kqueue::Kevent;
/// use eventlet_hub_kqueue::constants::{EV_ADD, EV_CLEAR, EV_EOF, EVFILT_READ};
///
/// let change = Kevent::new(3, EVFILT_READ, EV_ADD | EV_CLEAR, 77);
/// assert_eq!((change.ident(), change.filter(), change.udata()), (3, EVFILT_READ, 77));
/// // What a queue made of it, with the socket's error and 5 bytes to read.
/// let event = change.with_flags(EV_EOF).with_fflags(104).with_data(5);
/// assert_eq!((event.flags(), event.fflags(), event.data()), (EV_EOF, 104, 5));
/// # }
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Kevent(pub(crate) sys::Raw);

impl Kevent {
    /// All zeros: room for the kernel to write to.
    pub const EMPTY: Kevent = Kevent(sys::EMPTY);

    /// A change, without flags of the filter's own.
    pub fn new(ident: usize, filter: i32, flags: u32, udata: usize) -> Self {
        Kevent(sys::raw(ident, filter, flags, udata))
    }

    /// The same with other flags.
    #[must_use]
    pub fn with_flags(mut self, flags: u32) -> Self {
        self.0.flags = flags as _;
        self
    }

    /// The same with other flags of the filter's own.
    #[must_use]
    pub fn with_fflags(mut self, fflags: u32) -> Self {
        self.0.fflags = fflags;
        self
    }

    /// The same with other data of the filter's own.
    #[must_use]
    pub fn with_data(mut self, data: i64) -> Self {
        self.0.data = data as _;
        self
    }

    /// What is watched: a descriptor's number, for the filters used here.
    pub fn ident(&self) -> usize {
        self.0.ident
    }

    /// For what it is watched.
    pub fn filter(&self) -> i32 {
        self.0.filter as i32
    }

    /// What is to be done, or what is the case.
    pub fn flags(&self) -> u32 {
        self.0.flags as u32
    }

    /// Flags of the filter's own; the socket's error, at the end of a stream.
    pub fn fflags(&self) -> u32 {
        self.0.fflags
    }

    /// Data of the filter's own; an error's number, in a receipt.
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "the field is as wide as a pointer on some systems"
    )]
    pub fn data(&self) -> i64 {
        self.0.data as i64
    }

    /// What was given with the registration.
    #[allow(
        clippy::unnecessary_cast,
        reason = "the field is a pointer on the systems that have a kqueue"
    )]
    pub fn udata(&self) -> usize {
        self.0.udata as usize
    }
}

impl fmt::Debug for Kevent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kevent")
            .field("ident", &self.ident())
            .field("filter", &self.filter())
            .field("flags", &format_args!("{:#x}", self.flags()))
            .field("fflags", &format_args!("{:#x}", self.fflags()))
            .field("data", &self.data())
            .field("udata", &format_args!("{:#x}", self.udata()))
            .finish()
    }
}

impl PartialEq for Kevent {
    fn eq(&self, other: &Kevent) -> bool {
        let fields = |event: &Kevent| {
            (
                (event.ident(), event.filter(), event.flags()),
                (event.fflags(), event.data(), event.udata()),
            )
        };
        fields(self) == fields(other)
    }
}

/// The names of filters and flags, in types that are the same on every system. On those that have a
/// kqueue they are the `kqueue` package's, as far as it has them, and are the C library's by assertion.
pub mod constants {
    pub use crate::sys::constants::*;
}
