//! Any descriptor that can be waited for, as something to read from and write to.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::rc::Rc;

use super::mode::Mode;
use crate::fd::{
    Direction, Extent, Shared, Watched, byte_reader, byte_writer, handle, readable, writable,
};
use crate::watch::Watcher;

/// Any descriptor that can be waited for: terminals, FIFOs, devices, event and timer descriptors,
/// sockets of families that have no type here.
///
/// `Read` and `Write` are read(2) and write(2), for the type and for a shared reference; what the
/// descriptor is not open for gives `EBADF`. Other calls go through
/// [`read_with`](Self::read_with) and [`write_with`](Self::write_with).
///
/// It is made non-blocking, which goes for its duplicates in other processes too: a terminal on
/// standard input stays so for the shell, unless it is given back with
/// [`into_inner`](Self::into_inner).
///
/// Regular files, directories and disks are refused: they are always ready, so that nothing can be
/// waited for, and each read holds up the thread. Use [`offload()`](crate::offload()) for them.
///
/// # Examples
///
/// ```
/// use eventlet_green::io::Descriptor;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// let (near, far) = UnixStream::pair()?;
/// let (mut near, mut far) = (Descriptor::new(near)?, Descriptor::new(far)?);
/// let other = eventlet_green::spawn(move || far.write_all(b"hello"));
/// let mut text = String::new();
/// near.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # other.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::io::Descriptor;
/// use std::io::{ErrorKind, Read, Write};
/// use std::os::unix::net::UnixStream;
/// use std::time::Duration;
///
/// let (near, far) = UnixStream::pair()?;
/// let (near, far) = (Descriptor::new(near)?, Descriptor::new(far)?);
/// near.set_read_timeout(Some(Duration::from_millis(1)))?;
/// near.set_write_timeout(None)?;
/// assert_eq!((near.read_timeout(), near.write_timeout()), (Some(Duration::from_millis(1)), None));
/// assert_eq!(near.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(near.wait_readable().unwrap_err().kind(), ErrorKind::TimedOut);
///
/// far.wait_writable()?;
/// assert_eq!(far.try_write(b"one")?, 3);
/// // Other calls than read(2) and write(2), of whatever has to be waited for.
/// far.write_with(|mut file| file.write(b" two"))?;
/// let mut text = [0; 16];
/// let length = near.read_with(|mut file| file.read(&mut text))?;
/// assert_eq!(&text[..length], b"one two");
/// near.try_with(|file| file.metadata().map(drop))?;
///
/// let other = near.try_clone()?;
/// assert_eq!(near.into_inner().unwrap_err().kind(), ErrorKind::ResourceBusy);
/// other.close()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Descriptor {
    watched: Shared<File>,
    /// How it was before, and is to be given back.
    was_nonblocking: bool,
}

handle!(Descriptor over File);
readable!(Descriptor over File);
writable!(Descriptor over File);
byte_reader!(Descriptor);
byte_writer!(Descriptor);

impl Descriptor {
    /// Takes a descriptor over and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: a regular file, a directory or a block device; or the hub cannot watch it
    ///   (epoll: `/dev/null`; `select`: a number of 1024 or more).
    /// * What else the system gives. The descriptor is closed in each case.
    pub fn new(descriptor: impl Into<OwnedFd>) -> io::Result<Self> {
        let file = File::from(descriptor.into());
        refuse_files(&file)?;
        let was_nonblocking = file.is_nonblocking()?;
        file.set_nonblocking(true)?;
        let watched = Watched::register(file)?;
        // What it is, is not known: each read may give one packet, line or event of several.
        watched.always_try();
        Ok(Descriptor {
            watched,
            was_nonblocking,
        })
    }

    /// Begins `watcher`, in a coroutine of its own, once there may be something to read or the
    /// [time limit](Self::set_read_timeout) is over. See
    /// [`TcpStream::watch_readable`](crate::net::TcpStream::watch_readable), of which the rest holds
    /// here as well.
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
    /// use eventlet_green::Watcher;
    /// use eventlet_green::io::Descriptor;
    /// use eventlet_green::sync::Event;
    /// use std::io::{self, Read, Write};
    /// use std::rc::Rc;
    ///
    /// struct Byte(Descriptor, Event<u8>);
    ///
    /// impl Watcher for Byte {
    ///     fn came(self: Rc<Self>, outcome: io::Result<()>) {
    ///         let mut byte = [0];
    ///         let read = outcome.and_then(|()| self.0.try_read_with(|mut file| file.read(&mut byte)));
    ///         match read {
    ///             // Told for nothing, as may happen.
    ///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
    ///                 self.0.watch_readable(self.clone()).expect("nobody else waits");
    ///             }
    ///             _ => self.1.send(byte[0]).expect("once"),
    ///         }
    ///     }
    /// }
    ///
    /// let (reader, mut writer) = io::pipe()?;
    /// let byte = Rc::new(Byte(Descriptor::new(reader)?, Event::new()));
    /// byte.0.watch_readable(byte.clone())?;
    /// eventlet_green::yield_now();
    /// assert!(!byte.1.is_ready());
    /// writer.write_all(b"x")?;
    /// assert_eq!(byte.1.wait().unwrap(), b'x');
    /// # Ok::<(), io::Error>(())
    /// ```
    #[track_caller]
    pub fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        self.watched.watch_within_limit(watcher, Location::caller())
    }

    /// A read by other means, tried once, without waiting: calls the system through the type of
    /// `std`. After `WouldBlock`, [`wait_readable`](Self::wait_readable) and
    /// [`watch_readable`](Self::watch_readable) wait for the next change; what
    /// [`try_with`](Self::try_with) finds out does not count for them.
    ///
    /// # Errors
    ///
    /// What `operation` gives: `WouldBlock` where it would have had to wait, also without being
    /// called where that is known. `NotConnected`: closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::io::Descriptor;
    /// use std::io::{self, Read, Write};
    ///
    /// let (reader, mut writer) = io::pipe()?;
    /// let reader = Descriptor::new(reader)?;
    /// let mut byte = [0];
    /// let nothing = reader.try_read_with(|mut file| file.read(&mut byte));
    /// assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    /// writer.write_all(b"x")?;
    /// reader.wait_readable()?;
    /// assert_eq!(reader.try_read_with(|mut file| file.read(&mut byte))?, 1);
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn try_read_with<T>(
        &self,
        mut operation: impl FnMut(&File) -> io::Result<T>,
    ) -> io::Result<T> {
        self.watched
            .try_operate(Direction::Read, |file| Ok((operation(file)?, Extent::Full)))
    }

    /// Gives the descriptor back, blocking if it was.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while there are other handles to it; `NotConnected` after
    /// [`close`](Self::close). In either case this handle is gone.
    pub fn into_inner(self) -> io::Result<OwnedFd> {
        let was_nonblocking = self.was_nonblocking;
        let file = self.watched.release()?;
        file.set_nonblocking(was_nonblocking)?;
        Ok(file.into())
    }
}

/// One rule under every hub: epoll refuses these, and the others say that they are ready.
fn refuse_files(file: &File) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let kind = file.metadata()?.file_type();
    if !(kind.is_file() || kind.is_dir() || kind.is_block_device()) {
        return Ok(());
    }
    let text = "a regular file, directory or disk is always ready and cannot be waited for; \
                use it on another thread, with offload";
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}
