//! Ending a connection while its socket stays owned, and lending the socket.
//!
//! There is nothing like dup2(2): what is behind a socket's number cannot be exchanged. So a connection
//! is shut down in both directions, and the socket itself is closed when its last owner goes.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use eventlet_hub::Source;
use eventlet_hub::fd::BorrowedFd;
use socket2::SockRef;

use crate::fd::Watched;

// SAFETY: it owns the source from creation to drop and gives its socket; `close` leaves it open.
unsafe impl<S: Source> Source for Watched<S> {}

/// Shuts a connection down; one that is to be reset (`SO_LINGER` of zero) only towards this side, since
/// the peer must not take it for a good end: the reset is sent when the socket is closed. What is no
/// connection (a listener, a socket that is still connecting) stays.
///
/// # Errors
///
/// None at present; the signature is that of Unix.
pub(crate) fn end_behind(socket: BorrowedFd<'_>) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    let how = match socket.linger() {
        Ok(Some(Duration::ZERO)) => Shutdown::Read,
        _ => Shutdown::Both,
    };
    // An error says that there is no connection (any more).
    let _ = socket.shutdown(how);
    Ok(())
}

/// Has a type lend the socket of its field `watched`.
macro_rules! lends_descriptor {
    ($type:ident) => {
        impl std::os::windows::io::AsSocket for $type {
            fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
                eventlet_hub::fd::AsFd::as_fd(&**self.watched)
            }
        }

        impl std::os::windows::io::AsRawSocket for $type {
            fn as_raw_socket(&self) -> std::os::windows::io::RawSocket {
                self.watched.number()
            }
        }

        impl eventlet_hub::fd::AsFd for $type {
            fn as_fd(&self) -> eventlet_hub::fd::BorrowedFd<'_> {
                std::os::windows::io::AsSocket::as_socket(self)
            }
        }

        impl eventlet_hub::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> eventlet_hub::fd::RawFd {
                self.watched.number()
            }
        }
    };
}
pub(crate) use lends_descriptor;

/// Nothing is kept open from the first use on.
///
/// # Errors
///
/// None at present; the signature is that of Unix.
#[cfg(feature = "testing")]
pub(crate) fn prepare() -> io::Result<()> {
    Ok(())
}
