//! Any descriptor that can be waited for, as something to read from and write to.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use super::mode::Mode;
use crate::fd::{Shared, Watched, byte_reader, byte_writer, handle, readable, writable};

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
