//! A set of descriptors by number, as `select` takes it, with the number of its highest member.
//!
//! It wraps the set of `nix`, which knows the system's layout. No system call; whether a number is
//! allowed at all is checked before it comes here ([`MAX`]).

use std::fmt;
use std::os::fd::RawFd;

use nix::sys::select::{FD_SETSIZE, FdSet};

use crate::sys;

/// The highest descriptor a set can hold.
// A small constant of the system (1024 nearly everywhere): fits.
pub(crate) const MAX: RawFd = FD_SETSIZE as RawFd - 1;

/// Descriptors that somebody waits for, or that are ready.
#[derive(Clone, Copy)]
pub(crate) struct Descriptors {
    set: FdSet<'static>,
    /// One above the highest member, as `select` wants it; an upper bound after a removal, until
    /// [`tighten`](Self::tighten).
    end: RawFd,
}

impl Descriptors {
    pub(crate) fn new() -> Self {
        Descriptors {
            set: FdSet::new(),
            end: 0,
        }
    }

    /// Adds a descriptor.
    ///
    /// # Panics
    ///
    /// If it is above [`MAX`].
    pub(crate) fn insert(&mut self, fd: RawFd) {
        self.set.insert(sys::registered(fd));
        self.end = self.end.max(fd + 1);
    }

    pub(crate) fn remove(&mut self, fd: RawFd) {
        if self.contains(fd) {
            self.set.remove(sys::registered(fd));
        }
    }

    /// Lowers [`end`](Self::end) to what it has to be. Each step down undoes one step up of an
    /// `insert`, or repeats what the kernel would have walked.
    pub(crate) fn tighten(&mut self) {
        while self.end > 0 && !self.contains(self.end - 1) {
            self.end -= 1;
        }
    }

    pub(crate) fn contains(&self, fd: RawFd) -> bool {
        (0..self.end).contains(&fd) && self.set.contains(sys::registered(fd))
    }

    /// One above the highest member.
    pub(crate) fn end(&self) -> RawFd {
        self.end
    }

    /// For the system call, which overwrites the set with what is ready.
    pub(crate) fn raw(&mut self) -> &mut FdSet<'static> {
        &mut self.set
    }
}

impl fmt::Debug for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries((0..self.end).filter(|fd| self.contains(*fd)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_follows_the_highest_member() {
        let mut set = Descriptors::new();
        assert_eq!(set.end(), 0);
        set.insert(5);
        set.insert(MAX);
        assert_eq!(set.end(), MAX + 1);
        set.remove(MAX);
        set.tighten();
        assert_eq!(set.end(), 6);
        assert!(set.contains(5) && !set.contains(4) && !set.contains(MAX));
        set.remove(5);
        set.tighten();
        assert_eq!(set.end(), 0);
    }

    #[test]
    fn asking_for_what_no_set_can_hold_is_no() {
        let mut set = Descriptors::new();
        set.insert(MAX);
        assert!(!set.contains(MAX + 1));
        assert!(!set.contains(-1));
        set.remove(MAX + 1);
    }

    #[test]
    fn the_debug_form_lists_the_members() {
        let mut set = Descriptors::new();
        set.insert(3);
        set.insert(7);
        assert_eq!(format!("{set:?}"), "{3, 7}");
    }
}
