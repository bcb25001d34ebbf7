//! A listening TCP socket whose `accept` parks the coroutine.

use std::io;
use std::net::SocketAddr;

use super::accept;
use super::address::ToSocketAddrs;
use super::listen_options::ListenOptions;
use super::tcp_stream::TcpStream;
use crate::fd::{Shared, from_and_into_std, handle, listener, options};

/// A listening TCP socket, in the shape of [`std::net::TcpListener`].
///
/// [`close`](Self::close) gives the port back at once, although handles are left.
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
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// let listener = TcpListener::bind_with_backlog("127.0.0.1:0", 16)?;
/// listener.set_accept_timeout(Some(Duration::from_millis(1)))?;
/// assert_eq!(listener.accept_timeout(), Some(Duration::from_millis(1)));
/// assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::TimedOut);
/// listener.set_accept_timeout(None)?;
///
/// let _client = TcpStream::connect(listener.local_addr()?)?;
/// listener.wait_readable()?;
/// listener.accept_patiently()?; // Waits out a lack of descriptors.
/// listener.set_ttl(32)?;
/// assert_eq!((listener.ttl()?, listener.take_error()?.is_none()), (32, true));
/// let other: std::net::TcpListener = listener.try_with(|socket| socket.try_clone())?;
/// assert_eq!(TcpListener::from_std(other)?.into_std()?.local_addr()?, listener.local_addr()?);
/// listener.try_clone()?.close()?; // For both handles.
/// assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::NotConnected);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::{Incoming, TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let _client = TcpStream::connect(listener.local_addr()?)?;
/// let mut incoming: Incoming<'_> = listener.incoming();
/// assert!(incoming.next().is_some_and(|next| next.is_ok()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct TcpListener {
    watched: Shared<std::net::TcpListener>,
}

handle!(TcpListener over std::net::TcpListener);
from_and_into_std!(TcpListener over std::net::TcpListener);
listener!(
    TcpListener over std::net::TcpListener,
    gives TcpStream and SocketAddr
);

impl TcpListener {
    /// Listens on the first of the addresses that can be bound, with a backlog of 1024 and
    /// `SO_REUSEADDR` (so that a server can be restarted at once). Port 0 lets the system choose.
    /// Other settings: [`ListenOptions`].
    ///
    /// # Errors
    ///
    /// * What the last address gave: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, …
    /// * `InvalidInput`: text that is no address, or no address at all.
    /// * What the resolver gives for a name.
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        ListenOptions::new().listen(addresses)
    }

    /// [`bind`](Self::bind) with a backlog of the caller's.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub fn bind_with_backlog(addresses: impl ToSocketAddrs, backlog: i32) -> io::Result<Self> {
        ListenOptions::new().backlog(backlog).listen(addresses)
    }

    /// [`accept_patiently`](Self::accept_patiently) for a connection that another thread is to have:
    /// it is not registered with this one's loop.
    pub(crate) fn accept_patiently_as_std(&self) -> io::Result<(std::net::TcpStream, SocketAddr)> {
        accept::patiently(&self.watched, std::net::TcpListener::accept, Ok)
    }
}

options! { TcpListener:
    /// The address it listens on.
    fn local_addr() -> SocketAddr;
    /// The time to live of the packets that accepted connections send (`IP_TTL`), in hops.
    fn ttl() -> u32;
    /// Sets the time to live of the packets that accepted connections send (`IP_TTL`), in hops.
    fn set_ttl(ttl: u32) -> ();
    /// Takes an error that is pending on the socket (`SO_ERROR`).
    fn take_error() -> Option<io::Error>;
}
