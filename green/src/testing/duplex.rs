//! A connection in memory: two streams, each of which reads what the other writes.
//!
//! It has the shape and the errors of a [`TcpStream`](crate::net::TcpStream), so code that is
//! generic over `Read + Write` can be tested without the kernel: exactly (nothing arrives late or in
//! pieces by chance), with a clock that jumps, and in an order that a seed repeats. Pieces of a
//! chosen size are made by [`Chunks`](super::Chunks), failures by [`Failing`](super::Failing).

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use super::pipe::{Pipe, closed, wait};
use crate::Time;
use crate::coroutine::Wait;
use crate::fd::deadline_of;
use crate::net::stream::stream;
use crate::scheduler::Scheduler;
use crate::sys::slot;
use crate::watch::Watcher;

/// Two connected streams, with room for `capacity` bytes on their way in each direction.
///
/// # Panics
///
/// If `capacity` is zero: nothing could ever be sent.
///
/// # Examples
///
/// ```
/// use eventlet_green::spawn;
/// use eventlet_green::testing::duplex;
/// use std::io::{Read, Write};
/// use std::net::Shutdown;
///
/// let (mut near, far) = duplex(16);
/// let echo = spawn(move || std::io::copy(&mut &far, &mut &far));
/// near.write_all(b"through sixteen bytes")?;
/// near.shutdown(Shutdown::Write)?;
/// let mut text = String::new();
/// near.read_to_string(&mut text)?;
/// assert_eq!(text, "through sixteen bytes");
/// assert_eq!(echo.join().unwrap()?, 21);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn duplex(capacity: usize) -> (Duplex, Duplex) {
    assert!(capacity > 0, "a stream without room could never send");
    let link = Rc::new(Link {
        pipes: [Pipe::new(capacity), Pipe::new(capacity)].map(Rc::new),
        ends: [End::default(), End::default()],
    });
    let end = |side| Duplex {
        link: Rc::clone(&link),
        side,
    };
    (end(Side::Near), end(Side::Far))
}

/// One end of a connection in memory, from [`duplex()`].
///
/// What it does is what a TCP connection does:
///
/// | the peer | a read here | a write here |
/// |---|---|---|
/// | is slow | waits for data | waits for room |
/// | has shut down writing | what is on its way, then the end | |
/// | has shut down reading | | `BrokenPipe` |
/// | has closed, or was dropped, with all read | what is on its way, then the end | `BrokenPipe` |
/// | has closed with something unread, or [aborted](crate::net::Stream::abort) | what is on its way, then `ConnectionReset` once, then the end | `ConnectionReset` once, then `BrokenPipe` |
///
/// After [`close`](Self::close) of this end everything gives `NotConnected`. `Read` and `Write` are
/// there for the type and for a shared reference; one reader and one writer may wait at a time, a
/// second of a kind is refused with `ResourceBusy`. (The one difference: TCP accepts what is sent
/// to a peer that has shut down reading; here it is `BrokenPipe`, as for a Unix socket.)
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::{Duplex, duplex};
/// use std::io::{ErrorKind, Read};
/// use std::net::Shutdown;
/// use std::time::Duration;
///
/// let (near, mut far): (Duplex, Duplex) = duplex(4);
/// near.set_write_timeout(Some(Duration::from_millis(1)))?;
/// near.set_read_timeout(None)?;
/// assert_eq!((near.write_timeout(), near.read_timeout()), (Some(Duration::from_millis(1)), None));
/// assert_eq!(near.try_write(b"hello")?, 4); // There is room for no more.
/// assert_eq!(near.wait_writable().unwrap_err().kind(), ErrorKind::TimedOut);
/// far.wait_readable()?;
/// assert_eq!((far.unread(), far.peek(&mut [0; 8])?), (4, 4));
/// assert_eq!(far.try_read(&mut [0; 8])?, 4);
/// near.try_clone()?.shutdown(Shutdown::Write)?;
/// assert_eq!(far.read(&mut [0; 8])?, 0, "the end");
/// near.close()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Duplex {
    link: Rc<Link>,
    side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Near,
    Far,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Near => Side::Far,
            Side::Far => Side::Near,
        }
    }
}

/// What both ends share. The pipe of a side is the one it writes to.
struct Link {
    pipes: [Rc<Pipe>; 2],
    ends: [End; 2],
}

/// What belongs to one end, and all handles to it.
struct End {
    handles: Cell<usize>,
    closed: Cell<bool>,
    /// The peer has closed without reading everything; told once.
    reset: Cell<bool>,
}

impl Default for End {
    fn default() -> Self {
        End {
            handles: Cell::new(1),
            closed: Cell::new(false),
            reset: Cell::new(false),
        }
    }
}

impl Duplex {
    /// Another handle to the same end, with the same time limits.
    ///
    /// # Errors
    ///
    /// None; the signature is that of a socket's.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    /// Ends the connection now, for every handle of this end. Whoever waits on one, and every later
    /// operation, gets `NotConnected`; the peer is told as the table says. Closing again does
    /// nothing. (Dropping the last handle closes as well.)
    ///
    /// # Errors
    ///
    /// None; the signature is that of a socket's.
    pub fn close(&self) -> io::Result<()> {
        self.hang_up();
        Ok(())
    }

    /// Shuts down one direction or both. Whoever waits to read here then reads what is there and
    /// the end; whoever waits to write gets `BrokenPipe`.
    ///
    /// # Errors
    ///
    /// `NotConnected` after [`close`](Self::close).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.check_open()?;
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            self.incoming().refuse();
            self.incoming().end();
        }
        if matches!(how, Shutdown::Write | Shutdown::Both) {
            self.outgoing().end();
            self.outgoing().refuse();
        }
        Ok(())
    }

    /// How long one read may wait. Default: `None`, for ever.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.incoming().reader.limit.get()
    }

    /// How long one write may wait. Default: `None`, for ever.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.outgoing().writer.limit.get()
    }

    /// Sets how long one read may wait; it then gives `TimedOut`, and the stream can be used
    /// further.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        check_limit(limit)?;
        self.incoming().reader.limit.set(limit);
        Ok(())
    }

    /// Sets how long one write may wait; it then gives `TimedOut`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        check_limit(limit)?;
        self.outgoing().writer.limit.set(limit);
        Ok(())
    }

    /// Reads without taking what was read; waits for data.
    ///
    /// # Errors
    ///
    /// As for reading.
    pub fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        self.receive(into.is_empty(), |pipe| pipe.look(into))
    }

    /// Waits until there is something to read, or the end, within the read timeout.
    ///
    /// # Errors
    ///
    /// As for reading.
    pub fn wait_readable(&self) -> io::Result<()> {
        self.receive(false, |pipe| pipe.len()).map(drop)
    }

    /// Reads what there is, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing to read now; it is not the end. Else as for reading.
    pub fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let outcome = self.attempt(into.is_empty(), &mut |pipe| pipe.take(into))?;
        outcome.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// Waits until there is room to write, within the write timeout.
    ///
    /// # Errors
    ///
    /// As for writing.
    pub fn wait_writable(&self) -> io::Result<()> {
        self.wait_to_send(|| self.room())
    }

    /// Writes what there is room for, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: no room now. Else as for writing.
    pub fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        let outcome = self.attempt_to_send(from)?;
        outcome.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// Has `watcher` begun, in a coroutine of its own, as soon as there is something to read, or
    /// the read timeout is over, or this end is closed; see
    /// [`TcpStream::watch_readable`](crate::net::TcpStream::watch_readable).
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
    /// use eventlet_green::testing::duplex;
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
    /// let (near, mut far) = duplex(16);
    /// let told = Rc::new(Told(Event::new()));
    /// near.watch_readable(told.clone())?;
    /// far.write_all(b"hello")?;
    /// assert!(told.0.wait().unwrap());
    /// # Ok::<(), io::Error>(())
    /// ```
    #[track_caller]
    pub fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        let deadline = || deadline_of(self.read_timeout());
        self.watch_with(watcher, deadline, Location::caller())
    }

    pub(crate) fn watch_with(
        &self,
        watcher: Rc<dyn Watcher>,
        deadline: impl FnOnce() -> Option<Time>,
        watched_at: &'static Location<'static>,
    ) -> io::Result<()> {
        self.check_open()?;
        self.incoming().watch(watcher, deadline, watched_at)
    }

    /// How many bytes have come and were not read.
    pub fn unread(&self) -> usize {
        self.incoming().len()
    }

    fn receive(
        &self,
        is_nothing: bool,
        mut operation: impl FnMut(&Rc<Pipe>) -> usize,
    ) -> io::Result<usize> {
        slot::with(Scheduler::spend_credit);
        let seat = &self.incoming().reader;
        let mut deadline = None;
        loop {
            if let Some(count) = self.attempt(is_nothing, &mut operation)? {
                return Ok(count);
            }
            // Fixed by the first wait: being woken for nothing does not prolong it.
            let limit = || deadline_of(seat.limit.get());
            wait(seat, Wait::MemoryRead, *deadline.get_or_insert_with(limit))?;
        }
    }

    /// What a read gives now; `None` if it would have to wait.
    fn attempt(
        &self,
        is_nothing: bool,
        operation: &mut impl FnMut(&Rc<Pipe>) -> usize,
    ) -> io::Result<Option<usize>> {
        self.check_open()?;
        let pipe = self.incoming();
        let count = operation(pipe);
        // As for a socket, a read of no bytes waits until there are some.
        if count > 0 || (is_nothing && pipe.len() > 0) {
            return Ok(Some(count));
        }
        if self.end().reset.take() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(pipe.ended.get().then_some(0))
    }

    fn send(&self, from: &[u8]) -> io::Result<usize> {
        slot::with(Scheduler::spend_credit);
        self.wait_to_send(|| self.attempt_to_send(from))
    }

    fn wait_to_send<T>(&self, attempt: impl Fn() -> io::Result<Option<T>>) -> io::Result<T> {
        let pipe = self.outgoing();
        let mut deadline = None;
        loop {
            if let Some(outcome) = attempt()? {
                return Ok(outcome);
            }
            let limit = || deadline_of(pipe.writer.limit.get());
            wait(
                &pipe.writer,
                Wait::MemoryWrite,
                *deadline.get_or_insert_with(limit),
            )?;
        }
    }

    /// What a write gives now; `None` if it would have to wait.
    fn attempt_to_send(&self, from: &[u8]) -> io::Result<Option<usize>> {
        self.room()?;
        let count = self.outgoing().put(from);
        Ok((count > 0 || from.is_empty()).then_some(count))
    }

    /// Why nothing can be written any more; `None` if only now.
    fn room(&self) -> io::Result<Option<()>> {
        self.check_open()?;
        if self.end().reset.take() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let pipe = self.outgoing();
        if pipe.refused.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(pipe.has_room().then_some(()))
    }

    fn hang_up(&self) {
        if self.end().closed.replace(true) {
            return;
        }
        if self.incoming().throw_away() > 0 {
            self.peer().reset.set(true);
        }
        self.incoming().closed.set(true);
        self.incoming().drop_alarm();
        // Tells whoever waits, at either end.
        for pipe in [self.incoming(), self.outgoing()] {
            pipe.refuse();
            pipe.end();
        }
    }

    fn check_open(&self) -> io::Result<()> {
        if self.end().closed.get() {
            return Err(closed());
        }
        Ok(())
    }

    fn outgoing(&self) -> &Rc<Pipe> {
        &self.link.pipes[self.side as usize]
    }

    fn incoming(&self) -> &Rc<Pipe> {
        &self.link.pipes[self.side.other() as usize]
    }

    fn end(&self) -> &End {
        &self.link.ends[self.side as usize]
    }

    fn peer(&self) -> &End {
        &self.link.ends[self.side.other() as usize]
    }
}

fn check_limit(limit: Option<Duration>) -> io::Result<()> {
    if limit.is_some_and(|limit| limit.is_zero()) {
        let text = "a time limit of zero would never let an operation wait; use None for no limit";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

stream!(
    Duplex,
    fn abort(&self) -> io::Result<()> {
        if !self.end().closed.get() {
            self.peer().reset.set(true);
        }
        self.close()
    }
);

impl Read for &Duplex {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.receive(into.is_empty(), |pipe| pipe.take(into))
    }
}

impl Write for &Duplex {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.send(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Duplex {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self).read(into)
    }
}

impl Write for Duplex {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        (&*self).write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Clone for Duplex {
    fn clone(&self) -> Self {
        let handles = &self.end().handles;
        handles.set(handles.get() + 1);
        Duplex {
            link: Rc::clone(&self.link),
            side: self.side,
        }
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        let left = self.end().handles.get() - 1;
        self.end().handles.set(left);
        if left == 0 {
            let pipe = self.incoming();
            pipe.reader.drop_watcher(&**pipe);
            self.hang_up();
        }
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("side", &self.side)
            .field("unread", &self.unread())
            .field("closed", &self.end().closed.get())
            .finish_non_exhaustive()
    }
}
