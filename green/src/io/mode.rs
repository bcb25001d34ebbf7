//! Switching a descriptor that is no socket between blocking and non-blocking.

use std::io;
use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Makes what `std` has for sockets available for any descriptor.
pub(super) trait Mode: AsFd {
    /// Sets or takes off `O_NONBLOCK`, for every duplicate of the descriptor; see fcntl(2).
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let before = flags(self)?;
        let after = if nonblocking {
            before | OFlag::O_NONBLOCK
        } else {
            before - OFlag::O_NONBLOCK
        };
        if after != before {
            fcntl(self.as_fd(), FcntlArg::F_SETFL(after))?;
        }
        Ok(())
    }

    /// Whether `O_NONBLOCK` is set.
    fn is_nonblocking(&self) -> io::Result<bool> {
        Ok(flags(self)?.contains(OFlag::O_NONBLOCK))
    }
}

impl<T: AsFd> Mode for T {}

fn flags(of: &(impl AsFd + ?Sized)) -> io::Result<OFlag> {
    let bits = fcntl(of.as_fd(), FcntlArg::F_GETFL)?;
    Ok(OFlag::from_bits_retain(bits))
}
