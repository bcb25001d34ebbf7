//! What an epoll's event is as an event of kqueue's.
//!
//! | epoll says | filter | kqueue says |
//! |---|---|---|
//! | `EPOLLRDHUP`, `EPOLLHUP` | `EVFILT_READ` | `EV_EOF` |
//! | `EPOLLHUP` | `EVFILT_WRITE` | `EV_EOF` |
//! | `EPOLLERR` | `EVFILT_WRITE` of a pipe | `EV_EOF`: nobody reads it |
//! | `EPOLLERR` with an end | either, not of a pipe | `fflags`: the socket's error |

use nix::sys::epoll::EpollFlags;

use super::table::{Kind, Registration};
use crate::Kevent;
use crate::constants::{EV_EOF, EVFILT_READ};

/// The socket's error: that there is one. Asking Linux which would take it away.
const SOME_ERROR: u32 = libc::EIO as u32;

pub(super) fn answer(registration: &Registration, flags: EpollFlags) -> Kevent {
    let ends = if registration.filter == EVFILT_READ {
        EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP
    } else if registration.kind == Kind::Pipe {
        EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR
    } else {
        EpollFlags::EPOLLHUP
    };
    let (mut state, mut fflags) = (registration.sticky, 0);
    if flags.intersects(ends) {
        state |= EV_EOF;
        if flags.contains(EpollFlags::EPOLLERR) && registration.kind != Kind::Pipe {
            fflags = SOME_ERROR;
        }
    }
    Kevent::new(
        registration.ident,
        registration.filter,
        state,
        registration.udata,
    )
    .with_fflags(fflags)
}
