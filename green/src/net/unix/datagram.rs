//! A Unix datagram socket whose sends and receives park the coroutine.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net as std_unix;
use std::path::Path;

use nix::sys::socket::{MsgFlags, recv};

use super::{PAUSES, SocketAddr};
use crate::coroutine::Wait;
use crate::fd::{Direction, Shared, from_and_into_std, handle, options, readable, writable};
use crate::net::datagram::datagrams;

/// A Unix datagram socket, in the shape of [`std::os::unix::net::UnixDatagram`].
///
/// No datagram is lost: a send waits while the receiver's queue is full (ten datagrams on Linux by
/// default, `net.unix.max_dgram_qlen`). One reader and one writer may wait at a time. Handles made by
/// [`try_clone`](Self::try_clone) share the descriptor and the time limits, and
/// [`close`](Self::close) ends it for all of them.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixDatagram;
///
/// let (near, far) = UnixDatagram::pair()?;
/// let sender = eventlet_green::spawn(move || -> std::io::Result<()> {
///     for number in 0..100 {
///         far.send(&[number])?;
///     }
///     Ok(())
/// });
/// let mut datagram = [0; 8];
/// for number in 0..100 {
///     assert_eq!(near.recv(&mut datagram)?, 1);
///     assert_eq!(datagram[0], number);
/// }
/// sender.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::unix::UnixDatagram;
/// use std::io::ErrorKind;
/// use std::net::Shutdown;
/// use std::os::unix::net::SocketAddr;
/// use std::time::Duration;
///
/// # let folder = std::env::temp_dir().join(format!("eventlet-doc-datagram-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let server = UnixDatagram::bind(folder.join("server"))?;
/// let client = UnixDatagram::bind_addr(&SocketAddr::from_pathname(folder.join("client"))?)?;
/// let address = server.local_addr()?;
/// client.send_to(b"one", folder.join("server"))?;
/// client.send_to_addr(b"two", &address)?;
/// client.connect(folder.join("server"))?;
/// client.connect_addr(&address)?; // As an address, which may be an abstract one.
/// assert_eq!(client.peer_addr()?.as_pathname(), address.as_pathname());
/// client.wait_writable()?;
/// client.write_with(|socket| socket.send(b"three"))?;
///
/// let mut text = [0; 16];
/// let (length, from) = server.recv_from(&mut text)?;
/// assert_eq!((&text[..length], from.as_pathname()), (&b"one"[..], Some(&*folder.join("client"))));
/// assert_eq!(server.peek(&mut text)?, 3); // It stays there.
/// assert_eq!(server.read_with(|socket| socket.recv(&mut text))?, 3);
/// server.wait_readable()?;
/// assert_eq!(server.recv(&mut text)?, 5);
///
/// server.set_read_timeout(Some(Duration::from_millis(1)))?;
/// server.set_write_timeout(None)?;
/// assert_eq!((server.read_timeout(), server.write_timeout()), (Some(Duration::from_millis(1)), None));
/// assert_eq!(server.recv(&mut text).unwrap_err().kind(), ErrorKind::TimedOut);
/// assert!(server.take_error()?.is_none() && UnixDatagram::unbound()?.local_addr()?.is_unnamed());
/// client.shutdown(Shutdown::Both)?;
/// client.try_with(|socket| socket.try_clone().map(drop))?;
/// client.try_clone()?.close()?; // For both handles.
/// let server: std::os::unix::net::UnixDatagram = server.into_std()?;
/// let server = UnixDatagram::from_std(server)?;
/// # drop(server);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct UnixDatagram {
    watched: Shared<std_unix::UnixDatagram>,
}

handle!(UnixDatagram over std_unix::UnixDatagram);
from_and_into_std!(UnixDatagram over std_unix::UnixDatagram);
readable!(UnixDatagram over std_unix::UnixDatagram);
writable!(UnixDatagram over std_unix::UnixDatagram);
datagrams!(UnixDatagram);

impl UnixDatagram {
    /// Binds to a path. It makes the file, which must not be there, and which stays when the socket
    /// is gone.
    ///
    /// # Errors
    ///
    /// As for [`UnixListener::bind`](super::UnixListener::bind).
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::from_std(std_unix::UnixDatagram::bind(path)?)
    }

    /// Binds to an address, which may be one in the abstract namespace of Linux.
    ///
    /// # Errors
    ///
    /// As for [`UnixListener::bind`](super::UnixListener::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        Self::from_std(std_unix::UnixDatagram::bind_addr(address)?)
    }

    /// A socket without an address: it can send, and nobody can answer.
    ///
    /// # Errors
    ///
    /// What the system gives (`EMFILE`).
    pub fn unbound() -> io::Result<Self> {
        Self::from_std(std_unix::UnixDatagram::unbound()?)
    }

    /// Two connected sockets.
    ///
    /// # Errors
    ///
    /// What the system gives (`EMFILE`).
    pub fn pair() -> io::Result<(Self, Self)> {
        let (near, far) = std_unix::UnixDatagram::pair()?;
        Ok((Self::from_std(near)?, Self::from_std(far)?))
    }

    /// Sets the peer: where [`send`](Self::send) sends to, and the only one that datagrams are
    /// received from.
    ///
    /// # Errors
    ///
    /// `NotFound`, `ConnectionRefused` (the peer is gone), `PermissionDenied`, … from the system.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.watched.source()?.connect(path)
    }

    /// As [`connect`](Self::connect), to an address that may be one in the abstract namespace of
    /// Linux.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub fn connect_addr(&self, address: &SocketAddr) -> io::Result<()> {
        self.watched.source()?.connect_addr(address)
    }

    /// Waits for a datagram, and gives its length and where it comes from. What does not fit into
    /// the buffer is lost.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn recv_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.read_with(|socket| socket.recv_from(into))
    }

    /// As [`recv`](Self::recv), without taking the datagram.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        self.read_with(|socket| Ok(recv(socket.as_raw_fd(), into, MsgFlags::MSG_PEEK)?))
    }

    /// Sends a datagram to the socket at a path, and waits while its queue is full.
    ///
    /// # Errors
    ///
    /// As for [`write_with`](Self::write_with); `NotFound` and `ConnectionRefused` where nobody is,
    /// `EMSGSIZE` for more than fits.
    pub fn send_to(&self, datagram: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let path = path.as_ref();
        self.send_pausing(|socket| socket.send_to(datagram, path))
    }

    /// As [`send_to`](Self::send_to), to an address that may be one in the abstract namespace of
    /// Linux.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to).
    pub fn send_to_addr(&self, datagram: &[u8], address: &SocketAddr) -> io::Result<usize> {
        self.send_pausing(|socket| socket.send_to_addr(datagram, address))
    }

    /// The kernel reports room in the queue of a connected peer only: for another's, the socket is
    /// writable all along.
    fn send_pausing(
        &self,
        send: impl FnMut(&std_unix::UnixDatagram) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.watched
            .exchange_pausing(Direction::Write, Wait::Write, PAUSES, send)
    }
}

options! { UnixDatagram:
    /// Shuts down one direction or both.
    fn shutdown(how: Shutdown) -> ();
    /// The address of the peer it is [connected](UnixDatagram::connect) to.
    fn peer_addr() -> SocketAddr;
    /// The address of this side.
    fn local_addr() -> SocketAddr;
    /// Takes an error that is pending on the socket (`SO_ERROR`).
    fn take_error() -> Option<io::Error>;
}
