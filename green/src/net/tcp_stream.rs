//! A TCP connection whose reads and writes park the coroutine.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use super::address::ToSocketAddrs;
use super::connect::ConnectOptions;
use crate::fd::{Direction, Shared, byte_reader, byte_writer, duplex, from_and_into_std, handle};
use crate::fd::{options, readable, writable};
use crate::sys::socket::keepalive_time;
use crate::watch::Watcher;

/// A TCP connection, in the shape of [`std::net::TcpStream`].
///
/// `Read` and `Write` are there for the type and for a shared reference, so one coroutine can read
/// while another writes. One reader and one writer may wait at a time; a second of a kind is
/// refused with `ResourceBusy`. What differs from `std`:
///
/// * a handle made by [`try_clone`](Self::try_clone) shares the descriptor and the time limits;
/// * [`close`](Self::close) ends the connection for every handle;
/// * it stays on its thread.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use std::io::{Read, Write};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let server = eventlet_green::spawn(move || -> std::io::Result<()> {
///     let (mut peer, _) = listener.accept()?;
///     peer.write_all(b"hello")
/// });
/// let mut text = String::new();
/// TcpStream::connect(address)?.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// server.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Lines, with `std`'s buffers; a limit guards against a peer that never ends its line. Options that
/// have no method here are set through `socket2`:
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use socket2::SockRef;
/// use std::io::{BufRead, BufReader, Read, Write};
///
/// const LONGEST_LINE: u64 = 8192;
///
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?;
/// # let client = eventlet_green::spawn(move || TcpStream::connect(address)?.write_all(b"a line\n"));
/// let (stream, _) = listener.accept()?;
/// SockRef::from(&stream).set_recv_buffer_size(64 * 1024)?;
/// let mut reader = BufReader::new(&stream);
/// let mut line = String::new();
/// reader.by_ref().take(LONGEST_LINE).read_line(&mut line)?;
/// if !line.ends_with('\n') {
///     // The end of the stream, or too long a line.
/// }
/// (&stream).write_all(line.as_bytes())?;
/// # assert_eq!(line, "a line\n");
/// # client.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use std::io::{ErrorKind, Read, Write};
/// use std::net::Shutdown;
/// use std::time::Duration;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let near = TcpStream::connect_timeout(&listener.local_addr()?, Duration::from_secs(5))?;
/// let (far, _) = listener.accept()?;
/// assert_eq!(near.peer_addr()?, far.local_addr()?);
///
/// near.set_read_timeout(Some(Duration::from_millis(1)))?;
/// near.set_write_timeout(None)?;
/// assert_eq!((near.read_timeout(), near.write_timeout()), (Some(Duration::from_millis(1)), None));
/// assert_eq!(near.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(near.wait_readable().unwrap_err().kind(), ErrorKind::TimedOut);
/// near.set_read_timeout(None)?;
///
/// far.wait_writable()?;
/// far.write_with(|mut socket| socket.write(b"hello"))?;
/// let mut text = [0; 5];
/// assert_eq!(near.peek(&mut text)?, 5); // It stays there.
/// assert_eq!(near.read_with(|mut socket| socket.read(&mut text))?, 5);
/// far.shutdown(Shutdown::Write)?;
/// assert_eq!(near.try_read(&mut text)?, 0, "the end");
/// near.try_clone()?.close()?; // For both handles.
/// assert_eq!(near.try_read(&mut text).unwrap_err().kind(), ErrorKind::NotConnected);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct TcpStream {
    watched: Shared<std::net::TcpStream>,
}

handle!(TcpStream over std::net::TcpStream);
from_and_into_std!(TcpStream over std::net::TcpStream);
readable!(TcpStream over std::net::TcpStream);
writable!(TcpStream over std::net::TcpStream);
byte_reader!(TcpStream);
byte_writer!(TcpStream);
duplex!(TcpStream);

impl TcpStream {
    /// Connects to the first of the addresses that answers; names are looked up on another thread.
    /// Several addresses are tried as RFC 8305 says, without waiting for the first to give up: see
    /// [`ConnectOptions`].
    ///
    /// # Errors
    ///
    /// * What the address gave: `ConnectionRefused`, `NetworkUnreachable`, `TimedOut`, … Of several,
    ///   a [`ConnectError`](super::ConnectError) with all that they gave, of the last one's kind.
    /// * `InvalidInput`: text that is no address, or no address at all.
    /// * What the resolver gives for a name.
    /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
    pub fn connect(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        ConnectOptions::new().connect(addresses)
    }

    /// Connects to one address, and waits for that at most `limit`.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect); `TimedOut` when the time was over, `InvalidInput` for a
    /// limit of zero.
    pub fn connect_timeout(address: &SocketAddr, limit: Duration) -> io::Result<Self> {
        ConnectOptions::new().timeout(limit).connect(*address)
    }

    /// Shuts down one direction or both; see [`std::net::TcpStream::shutdown`]. Whoever waits to
    /// read then reads the end of the stream.
    ///
    /// # Errors
    ///
    /// What the system gives; `NotConnected` after [`close`](Self::close).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.watched.source()?.shutdown(how)?;
        // Only what comes from the peer is reported there.
        #[cfg(windows)]
        self.watched.try_again();
        Ok(())
    }

    pub(super) fn of(watched: Shared<std::net::TcpStream>) -> Self {
        TcpStream { watched }
    }

    /// Reads without taking what was read; waits for data.
    ///
    /// # Errors
    ///
    /// As for reading.
    pub fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        self.watched
            .exchange(Direction::Read, |socket| socket.peek(into))
    }

    /// Has `watcher` begun, in a coroutine, as soon as there may be something to read,
    /// or the read timeout is over, or the socket is closed; returns at once. Until then the
    /// connection keeps no stack: for servers that hold many which are idle.
    ///
    /// The watcher takes the place of a coroutine that waits to read. It is dropped without a call
    /// when the last handle to the connection is dropped (which the watcher can prevent by owning
    /// one), and when the thread ends.
    ///
    /// # Errors
    ///
    /// * `ResourceBusy`: a coroutine waits to read, or another watcher.
    /// * `NotConnected`: after [`close`](Self::close).
    /// * `Unsupported`: the thread is ending.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::{TcpListener, TcpStream};
    /// use eventlet_green::{Watcher, sleep};
    /// use std::io::{self, Read, Write};
    /// use std::rc::Rc;
    /// use std::time::Duration;
    ///
    /// struct Echo(TcpStream);
    ///
    /// impl Watcher for Echo {
    ///     fn came(self: Rc<Self>, outcome: io::Result<()>) {
    ///         let mut piece = [0; 1024];
    ///         let echoed = outcome.and_then(|()| (&self.0).read(&mut piece));
    ///         let echoed = echoed.and_then(|count| (&self.0).write_all(&piece[..count]));
    ///         echoed.expect("the client is there");
    ///     }
    /// }
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// let (stream, _) = listener.accept()?;
    /// let echo = Rc::new(Echo(stream));
    /// echo.0.watch_readable(echo.clone())?;
    /// assert_eq!(eventlet_green::stats().coroutines, 0);
    /// client.write_all(b"hello")?;
    /// let mut answer = [0; 5];
    /// client.read_exact(&mut answer)?;
    /// assert_eq!(&answer, b"hello");
    /// # Ok::<(), io::Error>(())
    /// ```
    #[track_caller]
    pub fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        self.watched.watch_within_limit(watcher, Location::caller())
    }

    /// After how long without traffic the kernel asks whether the peer is still there
    /// (`SO_KEEPALIVE` and `TCP_KEEPIDLE`); `None` when it does not ask.
    ///
    /// # Errors
    ///
    /// What the system gives; `NotConnected` after [`close`](Self::close); `Unsupported` on OpenBSD when
    /// it asks, because there the time is the same for all sockets (`net.inet.tcp.keepidle`), and on
    /// Windows, which does not tell it.
    pub fn keepalive(&self) -> io::Result<Option<Duration>> {
        let socket = SockRef::from(self.watched.source()?);
        if socket.keepalive()? {
            keepalive_time(&socket).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Has the kernel ask whether the peer is still there after `idle` without traffic, in whole
    /// seconds; `None`, the default, has it never ask. How often it asks then is the system's
    /// setting; `socket2` can change it.
    ///
    /// # Errors
    ///
    /// What the system gives (`EINVAL` for less than a second); `NotConnected` after
    /// [`close`](Self::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::TcpStream;
    /// use std::time::Duration;
    ///
    /// # let listener = eventlet_green::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// let stream = TcpStream::from_std(stream)?;
    /// stream.set_nodelay(true)?;
    /// stream.set_ttl(32)?;
    /// assert_eq!((stream.nodelay()?, stream.ttl()?), (true, 32));
    /// if stream.set_keepalive(Some(Duration::from_secs(30))).is_ok() {
    ///     assert_eq!(stream.keepalive()?, Some(Duration::from_secs(30)));
    /// }
    /// stream.set_linger(Some(Duration::ZERO))?; // Closing it resets the connection.
    /// assert_eq!(stream.linger()?, Some(Duration::ZERO));
    /// assert!(stream.take_error()?.is_none());
    /// stream.try_with(|socket| socket.peer_addr().map(drop))?; // What has no method here.
    /// let stream: std::net::TcpStream = stream.into_std()?;
    /// # drop(stream);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        let socket = SockRef::from(self.watched.source()?);
        match idle {
            Some(idle) => socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle)),
            None => socket.set_keepalive(false),
        }
    }

    /// What closing does with unsent data (`SO_LINGER`); see [`set_linger`](Self::set_linger).
    ///
    /// # Errors
    ///
    /// What the system gives; `NotConnected` after [`close`](Self::close).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self.watched.source()?).linger()
    }

    /// Sets what closing does with unsent data (`SO_LINGER`). `None`, the default: it is sent in the
    /// background. Zero: it is dropped and the connection reset. Anything else **holds up the whole
    /// thread** for up to that long, in whole seconds, since the kernel waits in `close`.
    ///
    /// # Errors
    ///
    /// What the system gives; `NotConnected` after [`close`](Self::close).
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(self.watched.source()?).set_linger(linger)
    }
}

options! { TcpStream:
    /// The address of the peer.
    fn peer_addr() -> SocketAddr;
    /// The address of this side.
    fn local_addr() -> SocketAddr;
    /// Whether small writes are sent at once (`TCP_NODELAY`).
    fn nodelay() -> bool;
    /// Has small writes sent at once, without waiting for more to send (`TCP_NODELAY`).
    fn set_nodelay(nodelay: bool) -> ();
    /// The time to live of the packets it sends (`IP_TTL`), in hops.
    fn ttl() -> u32;
    /// Sets the time to live of the packets it sends (`IP_TTL`), in hops.
    fn set_ttl(ttl: u32) -> ();
    /// Takes an error that is pending on the socket (`SO_ERROR`).
    fn take_error() -> Option<io::Error>;
}
