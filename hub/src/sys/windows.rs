//! Windows: sockets under the names that descriptors have on Unix.
//!
//! There is no descriptor to wake a hub by (a backend brings a [`Bell`](crate::Bell)), no `fork`, and
//! nothing like a signal handler, which would run in the middle of other code of its thread.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::windows::io::{AsRawSocket, AsSocket};
use std::rc::Rc;
use std::sync::Arc;

pub use std::os::windows::io::{
    BorrowedSocket as BorrowedFd, OwnedSocket as OwnedFd, RawSocket as RawFd,
};

use crate::error;
use crate::registry::sparse;
use crate::source::sources;

sources!(TcpListener, TcpStream, UdpSocket, OwnedFd);

/// Whoever has a socket to lend.
///
/// `std` has [`AsSocket`] for this. It is no more than that, but for owners whose type is not known
/// (`Rc<dyn Source>`), which `AsSocket` leaves out.
pub trait AsFd {
    /// Lends the socket.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

/// Whoever has a socket, by its number: [`AsRawSocket`] under the name that Unix has for it.
pub trait AsRawFd {
    /// The socket's number.
    fn as_raw_fd(&self) -> RawFd;
}

macro_rules! sockets {
    ($($owner:ty),+ $(,)?) => {$(
        impl AsFd for $owner {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.as_socket()
            }
        }

        impl AsRawFd for $owner {
            fn as_raw_fd(&self) -> RawFd {
                self.as_raw_socket()
            }
        }
    )+};
}

sockets!(BorrowedFd<'_>, OwnedFd, TcpListener, TcpStream, UdpSocket);

macro_rules! through {
    ($($pointer:ty),+ $(,)?) => {$(
        impl<T: AsFd + ?Sized> AsFd for $pointer {
            fn as_fd(&self) -> BorrowedFd<'_> {
                (**self).as_fd()
            }
        }
    )+};
}

through!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

/// Where each registered socket stands.
#[derive(Debug)]
pub struct Places(sparse::Places<RawFd>);

/// What `socket` gives when it fails: no socket at all. See `INVALID_SOCKET` of `winsock2.h`.
const INVALID_SOCKET: RawFd = RawFd::MAX;

impl Places {
    pub(crate) const fn new() -> Self {
        Places(sparse::Places::new())
    }

    /// Refuses what is no socket at all.
    pub(crate) fn check(socket: RawFd) -> io::Result<()> {
        if socket == INVALID_SOCKET {
            return Err(error::no_descriptor(socket));
        }
        Ok(())
    }

    /// Nothing to be done: the map grows by itself.
    pub(crate) fn make_room(&mut self, _: RawFd) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn put(&mut self, socket: RawFd, slot: u32) {
        self.0.put(socket, slot);
    }

    pub(crate) fn take(&mut self, socket: RawFd) {
        self.0.take(socket);
    }

    pub(crate) fn slot_of(&self, socket: RawFd) -> Option<u32> {
        self.0.slot_of(socket)
    }
}

/// Just does it: there is no `errno` that somebody interrupted would miss.
pub(crate) fn keeping_errno(act: impl FnOnce()) {
    act();
}

/// Nothing to be done: there is no `fork`.
pub(crate) fn at_fork_in_child(_: extern "C" fn()) {}
