//! A listening TCP socket whose `accept` parks the coroutine.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::addr::{ToSocketAddrs, first_that};
use super::tcp_stream::TcpStream;
use crate::coroutine::Wait;
use crate::fd::{Direction, Extent, Shared, Watched};
use crate::sleep::sleep;

/// How many connections the kernel keeps for a listener until they are accepted, unless something
/// else is asked for. The kernel lowers it to its own limit (`net.core.somaxconn`).
pub const DEFAULT_BACKLOG: i32 = 1024;

/// How long is waited before accepting is tried again, when the process is out of descriptors or
/// memory: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A listening TCP socket, in the shape of [`std::net::TcpListener`].
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let client = eventlet_green::spawn(move || TcpStream::connect(address));
/// let (stream, peer) = listener.accept()?;
/// assert_eq!(stream.peer_addr()?, peer);
/// # client.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct TcpListener {
    watched: Shared<std::net::TcpListener>,
}

impl TcpListener {
    /// Listens on the first of the addresses that can be bound, with a backlog of 1024 and
    /// `SO_REUSEADDR` (so that a server can be restarted at once). Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// * What the last address gave: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, …
    /// * `InvalidInput`: text that is no address, or no address at all.
    /// * What the resolver gives for a name.
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_with_backlog(addresses, DEFAULT_BACKLOG)
    }

    /// [`bind`](Self::bind) with a backlog of the caller's.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub fn bind_with_backlog(addresses: impl ToSocketAddrs, backlog: i32) -> io::Result<Self> {
        first_that(addresses, |address| {
            let domain = Domain::for_address(address);
            let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
            socket.set_nonblocking(true)?;
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            socket.listen(backlog)?;
            Self::watch(socket.into())
        })
    }

    /// Takes over a listener of `std`'s and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What the system gives for the change of mode or the registration.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::watch(listener)
    }

    fn watch(listener: std::net::TcpListener) -> io::Result<Self> {
        Ok(TcpListener {
            watched: Watched::register(listener)?,
        })
    }

    /// Gives the listener back to `std`, blocking.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while there are other handles to it; `NotConnected` after
    /// [`close`](Self::close). In either case this handle is gone.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        let listener = self.watched.release()?;
        listener.set_nonblocking(false)?;
        Ok(listener)
    }

    /// Waits for a connection.
    ///
    /// A connection that was given up before it was accepted is passed over.
    ///
    /// # Errors
    ///
    /// * `TimedOut`: see [`set_accept_timeout`](Self::set_accept_timeout).
    /// * `NotConnected`: the listener was closed.
    /// * `ResourceBusy`: another coroutine waits in `accept` on this listener.
    /// * What the system gives: no descriptor is left (`EMFILE`, `ENFILE`), no memory. The
    ///   listener can be used further; wait a little first, since the connection is still there.
    /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.accept_socket()?;
        Ok((TcpStream::from_std(stream)?, peer))
    }

    fn accept_socket(&self) -> io::Result<(std::net::TcpStream, SocketAddr)> {
        self.watched
            .operate(Direction::Read, Wait::Accept, |listener| {
                loop {
                    match listener.accept() {
                        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                        outcome => return Ok((outcome?, Extent::Full)),
                    }
                }
            })
    }

    /// [`accept`](Self::accept), but when the process is out of descriptors or memory, or the network
    /// has failed the connection, waits and tries again: after 10 ms at first, then twice as long each time, up to a second. See
    /// accept(2). A connection that the hub has no room for (`select` beyond `FD_SETSIZE`) is
    /// turned away, and that counts as a shortage.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept), without what passes.
    pub fn accept_patiently(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.accept_socket() {
                Ok((stream, peer)) => {
                    if let Ok(stream) = TcpStream::from_std(stream) {
                        return Ok((stream, peer));
                    }
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The connections as they come, without end: each item is what [`accept`](Self::accept)
    /// gives.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Another handle to the same listener. (No descriptor is duplicated.)
    ///
    /// # Errors
    ///
    /// None at present; the signature is `std`'s.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    /// Stops listening now, for every handle, and gives the port back. Whoever waits in `accept`
    /// gets `NotConnected`, and so does every later `accept`. Closing again does nothing.
    ///
    /// # Errors
    ///
    /// `EMFILE`, at the first close in a process: it opens `/dev/null` to put behind the number.
    pub fn close(&self) -> io::Result<()> {
        self.watched.close()
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// What the system gives.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.watched.source()?.local_addr()
    }

    /// How long one `accept` may wait. Default: `None`, for ever.
    pub fn accept_timeout(&self) -> Option<Duration> {
        self.watched.limit(Direction::Read)
    }

    /// Sets how long one `accept` may wait; it then gives `TimedOut`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_accept_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.watched.set_limit(Direction::Read, limit)
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watched.as_fd()
    }
}

impl AsRawFd for TcpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.watched.number()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.watched, f)
    }
}

/// Whether trying again in a moment may well succeed: the system lacks something, or passes on a
/// network error of the connection that was to be accepted; see accept(2).
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EMFILE
                | libc::ENFILE
                | libc::ENOBUFS
                | libc::ENOMEM
                | libc::EPROTO
                | libc::EPERM
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
        )
    )
}

/// The connections of a [`TcpListener`], as they come.
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}
