//! What carries a connection's bytes: the few operations the client needs of a stream.
//!
//! Each is tried without waiting, and waiting is an operation of its own with a limit: so one
//! coroutine can send a request and see the answer come meanwhile. What is sent and when is the
//! business of `exchange`; how a stream is made that of `connect`.

use std::fmt;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::time::Duration;

use eventlet_green::net::TcpStream;
use eventlet_green::net::unix::UnixStream;
use eventlet_green::{Interest, Time, now};
use socket2::SockRef;

/// A connected stream of bytes in both directions, which parks its caller only in
/// [`wait`](Self::wait). TCP and Unix sockets are such streams; TLS over one of them is another.
/// (What a server needs of one is another matter.)
///
/// All operations take `&self`: a stream keeps its state in cells. None but `wait` may wait, which
/// goes for dropping, too: streams are dropped where nothing can wait, such as in a pool's timer.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_green::now;
/// use eventlet_protocols::client::Transport;
/// use eventlet_green::Interest;
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// let (near, far) = UnixStream::pair()?;
/// let mut text = [0; 8];
/// let error = Transport::try_read(&near, &mut text).unwrap_err();
/// assert!(error.kind() == ErrorKind::WouldBlock && near.is_quiet());
///
/// assert_eq!(Transport::try_write(&far, b"ping")?, 4);
/// far.try_flush()?; // Sockets keep nothing back.
/// near.wait(Interest::READABLE, Some(Duration::from_secs(5)))?;
/// assert_eq!(Transport::try_read(&near, &mut text)?, 4);
///
/// // The same, waiting as it goes.
/// let deadline = Some(now() + Duration::from_secs(5));
/// assert_eq!(near.write_until(b"pong", deadline)?, 4);
/// near.flush_until(deadline)?;
/// near.finish_writing()?;
/// assert_eq!(far.read_until(&mut text, deadline)?, 4);
/// assert_eq!(far.read_until(&mut text, deadline)?, 0, "the end");
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Transport: 'static {
    /// Reads what there is; `Ok(0)` at the end of the stream.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing to read now. `UnexpectedEof`: the stream has an end mark of its own (as
    /// TLS has), and ended without it. Else what the stream gives.
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize>;

    /// Writes what there is room for. A stream that keeps written bytes back has them sent by
    /// [`try_flush`](Self::try_flush).
    ///
    /// # Errors
    ///
    /// `WouldBlock`: no room now. Else what the stream gives.
    fn try_write(&self, from: &[u8]) -> io::Result<usize>;

    /// Sends what the stream has kept back, without waiting. A socket keeps nothing.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: not all is sent, and it is worth another try when there is room to write. Else
    /// what the stream gives.
    fn try_flush(&self) -> io::Result<()> {
        Ok(())
    }

    /// Parks until it may be worth trying again what gave `WouldBlock`: reading, writing or flushing,
    /// or either, as `interest` says; at most for `limit` (`None`: for ever). A hint.
    ///
    /// # Errors
    ///
    /// `TimedOut`: the limit is over. Else what the stream gives, and why the caller could not wait.
    fn wait(&self, interest: Interest, limit: Option<Duration>) -> io::Result<()>;

    /// Says to the peer that no more will come, as far as that goes without waiting.
    ///
    /// # Errors
    ///
    /// What the stream gives.
    fn finish_writing(&self) -> io::Result<()>;

    /// Whether nothing has come that was not read: no data, no end, no failure. Asked before a
    /// connection that has idled is used again, and so has to ask the system, not what was last
    /// reported. What the stream itself consumes (such as a ticket of TLS) does not count.
    fn is_quiet(&self) -> bool;

    /// Reads what there is, waiting until `deadline` for the first byte.
    ///
    /// # Errors
    ///
    /// `TimedOut`: nothing came in time. Else as for [`try_read`](Self::try_read) and
    /// [`wait`](Self::wait).
    fn read_until(&self, into: &mut [u8], deadline: Option<Time>) -> io::Result<usize> {
        loop {
            match self.try_read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.wait(Interest::READABLE, left_until(deadline)?)?;
        }
    }

    /// Writes what there is room for, waiting until `deadline` for some.
    ///
    /// # Errors
    ///
    /// `TimedOut`: there was no room in time. Else as for [`try_write`](Self::try_write) and
    /// [`wait`](Self::wait).
    fn write_until(&self, from: &[u8], deadline: Option<Time>) -> io::Result<usize> {
        loop {
            match self.try_write(from) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.wait(Interest::WRITABLE, left_until(deadline)?)?;
        }
    }

    /// Sends what was kept back, waiting until `deadline` for room.
    ///
    /// # Errors
    ///
    /// As for [`write_until`](Self::write_until).
    fn flush_until(&self, deadline: Option<Time>) -> io::Result<()> {
        loop {
            match self.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.wait(Interest::WRITABLE, left_until(deadline)?)?;
        }
    }
}

/// How long it is until a deadline.
///
/// # Errors
///
/// `TimedOut`: it has passed.
fn left_until(deadline: Option<Time>) -> io::Result<Option<Duration>> {
    let Some(deadline) = deadline else {
        return Ok(None);
    };
    let now = now();
    if now >= deadline {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(Some(deadline - now))
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// Sockets are streams, by their own operations.
macro_rules! socket {
    ($type:ty) => {
        impl Transport for $type {
            fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
                self.try_read(into)
            }

            fn try_write(&self, from: &[u8]) -> io::Result<usize> {
                self.try_write(from)
            }

            fn wait(&self, interest: Interest, limit: Option<Duration>) -> io::Result<()> {
                self.wait_for(interest, limit)
            }

            fn finish_writing(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }

            fn is_quiet(&self) -> bool {
                // One byte, which is not taken.
                let peeked = self
                    .try_with(|socket| SockRef::from(socket).peek(&mut [MaybeUninit::uninit()]));
                peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
            }
        }
    };
}

socket!(TcpStream);
socket!(UnixStream);

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        (**self).try_read(into)
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        (**self).try_write(from)
    }

    fn try_flush(&self) -> io::Result<()> {
        (**self).try_flush()
    }

    fn wait(&self, interest: Interest, limit: Option<Duration>) -> io::Result<()> {
        (**self).wait(interest, limit)
    }

    fn finish_writing(&self) -> io::Result<()> {
        (**self).finish_writing()
    }

    fn is_quiet(&self) -> bool {
        (**self).is_quiet()
    }
}
