//! What servers and clients need of a connection besides reading and writing, whatever carries it.
//!
//! It names what the streams of this package have in common, so that code can be written once for
//! all of them. What each operation does in detail is said at the types.

use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use super::TcpStream;
use crate::watch::Watcher;
use crate::{Time, now};

/// A connection that parks its caller: [`TcpStream`], [`UnixStream`](super::unix::UnixStream), the test kit's connection in
/// memory, or a program's own that is made of one of them.
///
/// Reading and writing are asked for beside it, by a shared reference, as `std`'s sockets have them.
/// All handles to a connection share its time limits.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::Stream;
/// use eventlet_green::net::unix::UnixStream;
/// use std::io::{self, Read, Write};
/// use std::net::Shutdown;
/// use std::time::Duration;
///
/// /// Sends a question, and reads the answer to its end.
/// fn ask<S: Stream>(stream: &S, question: &str) -> io::Result<String>
/// where
///     for<'a> &'a S: Read + Write,
/// {
///     stream.set_read_timeout(Some(Duration::from_secs(5)))?;
///     let mut bytes = stream;
///     bytes.write_all(question.as_bytes())?;
///     stream.shutdown(Shutdown::Write)?;
///     io::read_to_string(bytes)
/// }
///
/// let (near, far) = UnixStream::pair()?;
/// let echo = eventlet_green::spawn(move || io::copy(&mut &far, &mut &far));
/// assert_eq!(ask(&near, "hello")?, "hello");
/// # echo.join().unwrap()?;
/// # Ok::<(), io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::Stream;
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_green::sync::Event;
/// use eventlet_green::Watcher;
/// use std::io::{self, ErrorKind};
/// use std::net::Shutdown;
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// struct Told(Event<bool>);
///
/// impl Watcher for Told {
///     fn came(self: Rc<Self>, outcome: io::Result<()>) {
///         let _ = self.0.send(outcome.is_ok());
///     }
/// }
///
/// /// Over whatever carries bytes: TCP, TLS, the test kit's memory.
/// fn talk(near: &impl Stream, far: &impl Stream) -> io::Result<()> {
///     near.set_read_timeout(Some(Duration::from_secs(5)))?;
///     near.set_write_timeout(Some(Duration::from_secs(5)))?;
///     let told = Rc::new(Told(Event::new()));
///     near.watch_readable(told.clone())?; // A wait that keeps no stack.
///     far.wait_writable()?;
///     far.try_write(b"hi")?;
///     assert!(told.0.wait().unwrap());
///     near.wait_readable()?;
///     assert_eq!(near.try_read(&mut [0; 8])?, 2);
///     far.say_goodbye();
///     far.shutdown(Shutdown::Write)?;
///     assert_eq!(near.try_read(&mut [0; 8])?, 0, "the end");
///     far.close()?;
///     near.abort()?; // Not so that it looks like an end, where the transport can tell it.
///     assert_eq!(near.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::NotConnected);
///     Ok(())
/// }
///
/// let (near, far) = UnixStream::pair()?;
/// talk(&near, &far)?;
/// let (near, far) = eventlet_green::testing::duplex(16);
/// talk(&near, &far)?;
/// # Ok::<(), io::Error>(())
/// ```
pub trait Stream: 'static {
    /// Waits until there may be something to read, or the end, within the read timeout.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `NotConnected` after [`close`](Self::close); `ResourceBusy` while another waits to
    /// read; why the caller could not wait.
    fn wait_readable(&self) -> io::Result<()>;

    /// Waits until there may be room to write, within the write timeout.
    ///
    /// # Errors
    ///
    /// As for [`wait_readable`](Self::wait_readable), of writing.
    fn wait_writable(&self) -> io::Result<()>;

    /// Has `watcher` begun as soon as there may be something to read, or the read timeout is over, or
    /// it is closed; see [`TcpStream::watch_readable`].
    ///
    /// # Errors
    ///
    /// As said there.
    fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()>;

    /// As [`watch_readable`](Self::watch_readable), but `TimedOut` comes at `deadline`: for who puts up
    /// many watchers in a row, and reads the clock once for all of them. By default it sets the read
    /// timeout to what is left until then; where the transport knows better, that is left as it is.
    ///
    /// # Errors
    ///
    /// As for [`watch_readable`](Self::watch_readable).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::Stream;
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_green::{Watcher, channel, now};
    /// use std::io;
    /// use std::rc::Rc;
    /// use std::time::Duration;
    ///
    /// struct Idle(channel::Sender<io::ErrorKind>);
    ///
    /// impl Watcher for Idle {
    ///     fn came(self: Rc<Self>, outcome: io::Result<()>) {
    ///         let _ = self.0.send(outcome.unwrap_err().kind());
    ///     }
    /// }
    ///
    /// let pairs = [UnixStream::pair()?, UnixStream::pair()?];
    /// let (sender, told) = channel::unbounded();
    /// let (idle, deadline) = (Rc::new(Idle(sender)), now() + Duration::from_millis(1));
    /// for (near, _far) in &pairs {
    ///     near.try_read(&mut [0]).unwrap_err();
    ///     near.watch_readable_until(idle.clone(), deadline)?;
    /// }
    /// for _ in &pairs {
    ///     assert_eq!(told.recv().unwrap(), io::ErrorKind::TimedOut);
    /// }
    /// # Ok::<(), io::Error>(())
    /// ```
    #[track_caller]
    fn watch_readable_until(&self, watcher: Rc<dyn Watcher>, deadline: Time) -> io::Result<()> {
        // A limit that has run out is still a limit; zero would be refused.
        let left = (deadline - now()).max(Duration::from_nanos(1));
        self.set_read_timeout(Some(left))?;
        self.watch_readable(watcher)
    }

    /// Reads what there is, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing to read now; it is not the end. Else as for reading.
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize>;

    /// Writes what there is room for, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: no room now. Else as for writing.
    fn try_write(&self, from: &[u8]) -> io::Result<usize>;

    /// Sets how long one read may wait; it then gives `TimedOut`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Sets how long one write may wait; it then gives `TimedOut`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Shuts down one direction or both.
    ///
    /// # Errors
    ///
    /// `NotConnected`: closed, here or by the peer; what the system gives.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// Tells the peer that all has been sent, before a close, and without waiting, where the close does
    /// not say so by itself: TLS has a word for it. Does nothing by default.
    fn say_goodbye(&self) {}

    /// Ends the connection for every handle; whoever waits on it gets `NotConnected`.
    ///
    /// # Errors
    ///
    /// As at the type.
    fn close(&self) -> io::Result<()>;

    /// As [`close`](Self::close), but so that the peer learns that something is missing, where the
    /// transport can tell it: TCP drops what it has not sent, and resets the connection (tcp(7),
    /// `SO_LINGER`). A Unix socket cannot, and closes.
    ///
    /// # Errors
    ///
    /// As for [`close`](Self::close).
    fn abort(&self) -> io::Result<()> {
        self.close()
    }
}

/// What the types have as methods of their own, and what is special to one.
macro_rules! stream {
    ($type:ty $(, $($own:item)+)?) => {
        impl $crate::net::Stream for $type {
            fn wait_readable(&self) -> std::io::Result<()> {
                self.wait_readable()
            }

            fn wait_writable(&self) -> std::io::Result<()> {
                self.wait_writable()
            }

            #[track_caller]
            fn watch_readable(
                &self,
                watcher: std::rc::Rc<dyn $crate::Watcher>,
            ) -> std::io::Result<()> {
                self.watch_readable(watcher)
            }

            #[track_caller]
            fn watch_readable_until(
                &self,
                watcher: std::rc::Rc<dyn $crate::Watcher>,
                deadline: $crate::Time,
            ) -> std::io::Result<()> {
                let watched_at = std::panic::Location::caller();
                self.watch_with(watcher, || Some(deadline), watched_at)
            }

            #[inline]
            fn try_read(&self, into: &mut [u8]) -> std::io::Result<usize> {
                self.try_read(into)
            }

            #[inline]
            fn try_write(&self, from: &[u8]) -> std::io::Result<usize> {
                self.try_write(from)
            }

            fn set_read_timeout(&self, limit: Option<std::time::Duration>) -> std::io::Result<()> {
                self.set_read_timeout(limit)
            }

            fn set_write_timeout(&self, limit: Option<std::time::Duration>) -> std::io::Result<()> {
                self.set_write_timeout(limit)
            }

            fn shutdown(&self, how: std::net::Shutdown) -> std::io::Result<()> {
                self.shutdown(how)
            }

            fn close(&self) -> std::io::Result<()> {
                self.close()
            }

            $($($own)+)?
        }
    };
}
#[cfg(any(unix, feature = "testing"))]
pub(crate) use stream;

stream!(
    TcpStream,
    fn abort(&self) -> io::Result<()> {
        // One that is closed has nothing to be reset.
        let _ = self.set_linger(Some(Duration::ZERO));
        self.close()
    }
);
