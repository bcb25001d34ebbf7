//! A Unix stream socket whose reads and writes park the coroutine.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net as std_unix;
use std::panic::Location;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv};
use socket2::{Domain, Socket, Type};

use super::address::native;
use super::{PAUSES, SocketAddr, UCred};
use crate::coroutine::Wait;
use crate::fd::{Direction, Shared, byte_reader, byte_writer, duplex, from_and_into_std, handle};
use crate::fd::{options, readable, writable};
use crate::watch::Watcher;

/// A Unix stream socket, in the shape of [`std::os::unix::net::UnixStream`].
///
/// One reader and one writer may wait at a time, as for [`TcpStream`](crate::net::TcpStream).
/// Handles made by [`try_clone`](Self::try_clone) share the descriptor and the time limits, and
/// [`close`](Self::close) ends it for all of them.
///
/// Descriptors are passed over it with the means of another crate, called in
/// [`read_with`](Self::read_with) and [`write_with`](Self::write_with).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use std::io::{Read, Write};
///
/// let (mut near, mut far) = UnixStream::pair()?;
/// let other = eventlet_green::spawn(move || far.write_all(b"hello"));
/// let mut text = String::new();
/// near.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # other.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::unix::{UnixListener, UnixStream};
/// use std::io::{ErrorKind, Read, Write};
/// use std::net::Shutdown;
/// use std::time::Duration;
///
/// # let path = std::env::temp_dir().join(format!("eventlet-doc-stream-{}", std::process::id()));
/// # let _ = std::fs::remove_file(&path);
/// let listener = UnixListener::bind(&path)?;
/// let address = listener.local_addr()?;
/// let near = UnixStream::connect(&path)?;
/// let _others = [
///     UnixStream::connect_addr(&address)?, // Which may be an abstract one.
///     UnixStream::connect_timeout(&address, Duration::from_secs(5))?,
/// ];
/// let (far, _) = listener.accept()?;
/// assert_eq!(near.peer_addr()?.as_pathname(), far.local_addr()?.as_pathname());
///
/// near.set_read_timeout(Some(Duration::from_millis(1)))?;
/// near.set_write_timeout(None)?;
/// assert_eq!((near.read_timeout(), near.write_timeout()), (Some(Duration::from_millis(1)), None));
/// assert_eq!(near.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(near.wait_readable().unwrap_err().kind(), ErrorKind::TimedOut);
/// far.wait_writable()?;
/// far.write_with(|mut socket| socket.write(b"hello"))?;
/// let mut text = [0; 5];
/// assert_eq!(near.peek(&mut text)?, 5); // It stays there.
/// assert_eq!(near.read_with(|mut socket| socket.read(&mut text))?, 5);
/// far.shutdown(Shutdown::Write)?;
/// assert_eq!(near.try_read(&mut text)?, 0, "the end");
/// assert!(near.take_error()?.is_none());
/// near.try_with(|socket| socket.try_clone().map(drop))?;
/// near.try_clone()?.close()?; // For both handles.
/// let far: std::os::unix::net::UnixStream = far.into_std()?;
/// let far = UnixStream::from_std(far)?;
/// # drop(far);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct UnixStream {
    watched: Shared<std_unix::UnixStream>,
}

handle!(UnixStream over std_unix::UnixStream);
// A read stops short behind bytes that came with descriptors (unix(7), SCM_RIGHTS), with more there.
from_and_into_std!(UnixStream over std_unix::UnixStream, always_try);
readable!(UnixStream over std_unix::UnixStream);
writable!(UnixStream over std_unix::UnixStream);
byte_reader!(UnixStream);
byte_writer!(UnixStream);
duplex!(UnixStream);

impl UnixStream {
    /// Connects to the listener at a path. Waits while its queue of connections is full.
    ///
    /// # Errors
    ///
    /// * `NotFound`, `ConnectionRefused` (nobody listens), `PermissionDenied`, … from the system.
    /// * `InvalidInput`: the path is too long or has a zero byte.
    /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::connect_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Connects to an address, which may be one in the abstract namespace of Linux.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect); `InvalidInput` for an unnamed address.
    pub fn connect_addr(address: &SocketAddr) -> io::Result<Self> {
        Self::connect_within(address, None)
    }

    /// Connects to an address, and waits for that at most `limit`.
    ///
    /// # Errors
    ///
    /// As for [`connect_addr`](Self::connect_addr); `TimedOut` when the time was over,
    /// `InvalidInput` for a limit of zero.
    pub fn connect_timeout(address: &SocketAddr, limit: Duration) -> io::Result<Self> {
        Self::connect_within(address, Some(limit))
    }

    /// The kernel does not report that a full queue has room again; see connect(2), EAGAIN.
    fn connect_within(address: &SocketAddr, limit: Option<Duration>) -> io::Result<Self> {
        let native = native(address)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let stream = Self::watch(socket.into())?;
        stream.set_write_timeout(limit)?;
        stream
            .watched
            .exchange_pausing(Direction::Write, Wait::Connect, PAUSES, |socket| {
                socket2::SockRef::from(socket).connect(&native)
            })?;
        stream.set_write_timeout(None)?;
        Ok(stream)
    }

    /// Two connected streams.
    ///
    /// # Errors
    ///
    /// What the system gives (`EMFILE`).
    pub fn pair() -> io::Result<(Self, Self)> {
        let (near, far) = std_unix::UnixStream::pair()?;
        Ok((Self::from_std(near)?, Self::from_std(far)?))
    }

    /// Who is at the other end.
    ///
    /// # Errors
    ///
    /// What the system gives; `NotConnected` after [`close`](Self::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    ///
    /// let (near, far) = UnixStream::pair()?;
    /// assert_eq!(near.peer_cred()?.uid, far.peer_cred()?.uid, "both ends are this process's");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn peer_cred(&self) -> io::Result<UCred> {
        UCred::of_peer(self.watched.source()?)
    }

    /// Reads without taking what was read; waits for data.
    ///
    /// # Errors
    ///
    /// As for reading.
    pub fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        self.read_with(|socket| Ok(recv(socket.as_raw_fd(), into, MsgFlags::MSG_PEEK)?))
    }

    /// Has `watcher` begun, in a coroutine, as soon as there may be something to read, or the read
    /// timeout is over, or the socket is closed; see
    /// [`TcpStream::watch_readable`](crate::net::TcpStream::watch_readable).
    ///
    /// # Errors
    ///
    /// As said there.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_green::{Watcher, sync::Event};
    /// use std::io::{self, Write};
    /// use std::rc::Rc;
    ///
    /// struct Told(Event<bool>);
    ///
    /// impl Watcher for Told {
    ///     fn came(self: Rc<Self>, outcome: io::Result<()>) {
    ///         let _ = self.0.send(outcome.is_ok());
    ///     }
    /// }
    ///
    /// let (near, mut far) = UnixStream::pair()?;
    /// let told = Rc::new(Told(Event::new()));
    /// near.watch_readable(told.clone())?; // No stack waits.
    /// far.write_all(b"hello")?;
    /// assert!(told.0.wait().unwrap());
    /// # Ok::<(), io::Error>(())
    /// ```
    #[track_caller]
    pub fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        self.watched.watch_within_limit(watcher, Location::caller())
    }
}

crate::net::stream::stream!(UnixStream);

options! { UnixStream:
    /// Shuts down one direction or both. Whoever waits to read then reads the end of the stream.
    fn shutdown(how: Shutdown) -> ();
    /// The address of the peer.
    fn peer_addr() -> SocketAddr;
    /// The address of this side.
    fn local_addr() -> SocketAddr;
    /// Takes an error that is pending on the socket (`SO_ERROR`).
    fn take_error() -> Option<io::Error>;
}
