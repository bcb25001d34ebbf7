//! A TCP connection whose reads and writes park the coroutine.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Interest;
use socket2::{Domain, Protocol, Socket, Type};

use super::addr::{ToSocketAddrs, first_that};
use crate::coroutine::Wait;
use crate::fd::{Direction, Extent, Shared, Watched, deadline_of};
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
#[derive(Clone)]
pub struct TcpStream {
    watched: Shared<std::net::TcpStream>,
}

impl TcpStream {
    /// Connects to the first of the addresses that answers; names are looked up on another thread.
    ///
    /// # Errors
    ///
    /// * What the last address gave: `ConnectionRefused`, `NetworkUnreachable`, `TimedOut`, …
    /// * `InvalidInput`: text that is no address, or no address at all.
    /// * What the resolver gives for a name.
    /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
    pub fn connect(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        first_that(addresses, |address| Self::connect_one(address, None))
    }

    /// Connects to one address, and waits for that at most `limit`.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect); `TimedOut` when the time was over, `InvalidInput` for a
    /// limit of zero.
    pub fn connect_timeout(address: &SocketAddr, limit: Duration) -> io::Result<Self> {
        if limit.is_zero() {
            let text = "a connect with a time limit of zero could never succeed";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Self::connect_one(*address, Some(limit))
    }

    fn connect_one(address: SocketAddr, limit: Option<Duration>) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        let in_progress = match socket.connect(&address.into()) {
            Ok(()) => false,
            Err(error) if is_in_progress(&error) => true,
            Err(error) => return Err(error),
        };
        let stream = Self::watch(socket.into())?;
        if in_progress {
            stream.finish_connect(limit)?;
        }
        Ok(stream)
    }

    /// Waits until the kernel has made up its mind. A report may be spurious, so what decides is
    /// whether there is an error or a peer; see connect(2), EINPROGRESS.
    fn finish_connect(&self, limit: Option<Duration>) -> io::Result<()> {
        let deadline = deadline_of(limit);
        loop {
            self.watched
                .wait(Interest::WRITABLE, Wait::Connect, deadline)?;
            let socket = self.watched.source()?;
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
            match socket.peer_addr() {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes over a connection of `std`'s and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What the system gives for the change of mode or the registration.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Self::watch(stream)
    }

    pub(super) fn watch(stream: std::net::TcpStream) -> io::Result<Self> {
        Ok(TcpStream {
            watched: Watched::register(stream)?,
        })
    }

    /// Gives the connection back to `std`, blocking.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while there are other handles to it; `NotConnected` after
    /// [`close`](Self::close). In either case this handle is gone.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        let stream = self.watched.release()?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    /// Another handle to the same connection, with the same time limits. (No descriptor is
    /// duplicated.)
    ///
    /// # Errors
    ///
    /// None at present; the signature is `std`'s.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    /// Ends the connection now, for every handle. Whoever waits on it, and every later operation,
    /// gets `NotConnected`. Closing again does nothing. (Dropping the last handle closes as well.)
    ///
    /// # Errors
    ///
    /// `EMFILE`, at the first close in a process: it opens `/dev/null` to put behind the number.
    pub fn close(&self) -> io::Result<()> {
        self.watched.close()
    }

    /// Shuts down one direction or both; see [`std::net::TcpStream::shutdown`]. Whoever waits to
    /// read then reads the end of the stream.
    ///
    /// # Errors
    ///
    /// `NotConnected`, and what else the system gives.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.watched.source()?.shutdown(how)
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// What the system gives.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.watched.source()?.peer_addr()
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// What the system gives.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.watched.source()?.local_addr()
    }

    /// How long one read may wait. Default: `None`, for ever.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.watched.limit(Direction::Read)
    }

    /// How long one write may wait. Default: `None`, for ever.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.watched.limit(Direction::Write)
    }

    /// Sets how long one read may wait; it then gives `TimedOut`, and the connection can be used
    /// further.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.watched.set_limit(Direction::Read, limit)
    }

    /// Sets how long one write may wait; it then gives `TimedOut`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.watched.set_limit(Direction::Write, limit)
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// What the system gives.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.watched.source()?.nodelay()
    }

    /// Has small writes sent at once, without waiting for more to send (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// What the system gives.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.watched.source()?.set_nodelay(nodelay)
    }

    /// Reads without taking what was read; waits for data.
    ///
    /// # Errors
    ///
    /// As for reading.
    pub fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        self.watched.operate(Direction::Read, Wait::Read, |socket| {
            Ok((socket.peek(into)?, Extent::Full))
        })
    }

    /// Reads what there is, without waiting. After `WouldBlock`, `wait_readable` or
    /// [`watch_readable`](Self::watch_readable) says when it is worth another try.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing to read now; it is not the end. Else as for reading.
    pub fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.watched.try_operate(Direction::Read, |mut socket| {
            let count = socket.read(into)?;
            Ok((count, extent(count, into.len())))
        })
    }

    /// Writes what there is room for, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: no room now. Else as for writing.
    pub fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        self.watched.try_operate(Direction::Write, |mut socket| {
            let count = socket.write(from)?;
            Ok((count, extent(count, from.len())))
        })
    }

    /// Waits until there may be something to read, within the read timeout, without a buffer to
    /// read it into: for connections that are idle most of the time. A hint; the read that follows
    /// may still wait.
    ///
    /// # Errors
    ///
    /// As for reading.
    pub fn wait_readable(&self) -> io::Result<()> {
        self.watched.wait_ready(Direction::Read, Wait::Read)
    }

    /// Has `watcher` begun, in a coroutine of its own, as soon as there may be something to read,
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
        self.watched
            .watch(Direction::Read, watcher, Location::caller())
    }

    /// Takes an error that is pending on the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// What the system gives for asking.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.watched.source()?.take_error()
    }
}

/// Of a list of slices, one call never does more than this many, however many there are: the least
/// IOV_MAX of the systems (1024; Solaris alone has 16). Where it is larger, a call that does more
/// than `wanted` counts as full, which costs one more try.
const MOST_SLICES: usize = 1024;

/// How much of `wanted` an operation on a stream has done. Nothing is the end of the stream, which
/// will be there again.
fn extent(done: usize, wanted: usize) -> Extent {
    if done > 0 && done < wanted {
        Extent::Short
    } else {
        Extent::Full
    }
}

impl Read for &TcpStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.watched
            .operate(Direction::Read, Wait::Read, |mut socket| {
                let count = socket.read(into)?;
                Ok((count, extent(count, into.len())))
            })
    }

    fn read_vectored(&mut self, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let wanted = into.iter().take(MOST_SLICES).map(|s| s.len()).sum();
        self.watched
            .operate(Direction::Read, Wait::Read, |mut socket| {
                let count = socket.read_vectored(into)?;
                Ok((count, extent(count, wanted)))
            })
    }
}

impl Write for &TcpStream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.watched
            .operate(Direction::Write, Wait::Write, |mut socket| {
                let count = socket.write(from)?;
                Ok((count, extent(count, from.len())))
            })
    }

    fn write_vectored(&mut self, from: &[IoSlice<'_>]) -> io::Result<usize> {
        let wanted = from.iter().take(MOST_SLICES).map(|s| s.len()).sum();
        self.watched
            .operate(Direction::Write, Wait::Write, |mut socket| {
                let count = socket.write_vectored(from)?;
                Ok((count, extent(count, wanted)))
            })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self).read(into)
    }

    fn read_vectored(&mut self, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(into)
    }
}

impl Write for TcpStream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        (&*self).write(from)
    }

    fn write_vectored(&mut self, from: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watched.as_fd()
    }
}

impl AsRawFd for TcpStream {
    fn as_raw_fd(&self) -> RawFd {
        self.watched.number()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.watched, f)
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}
