//! Streams that read and write by a shared reference, so that what is put around them can too.
//!
//! A trait of the kit's own, because the bound that says the same of `Read` and `Write` (`for<'a> &'a
//! S: Read`) makes the compiler try wrapper within wrapper without end, in code that has nothing to
//! do with them (E0275).

use std::io::{self, Read, Write};

use super::{Chunks, Duplex, Failing, Trickle};

/// A stream that reads and writes by a shared reference: what a wrapper of the kit asks of the
/// stream within, to do so as well. The sockets of this package and of `std`, [`Duplex`], and the
/// wrappers themselves have it.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::{Chunks, SharedStream, duplex};
///
/// // A wrapper can be read and written by a reference if what is within can.
/// let (near, far) = duplex(16);
/// let near = Chunks::new(near, 2);
/// assert_eq!(near.write_shared(b"hello")?, 2);
/// near.flush_shared()?;
/// assert_eq!(far.read_shared(&mut [0; 8])?, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait SharedStream {
    /// As [`Read::read`].
    ///
    /// # Errors
    ///
    /// What the stream gives.
    fn read_shared(&self, into: &mut [u8]) -> io::Result<usize>;

    /// As [`Write::write`].
    ///
    /// # Errors
    ///
    /// What the stream gives.
    fn write_shared(&self, from: &[u8]) -> io::Result<usize>;

    /// As [`Write::flush`].
    ///
    /// # Errors
    ///
    /// What the stream gives.
    fn flush_shared(&self) -> io::Result<()>;
}

macro_rules! by_reference {
    ($([$($generic:tt)*] $stream:ty),+ $(,)?) => {$(
        impl<$($generic)*> SharedStream for $stream {
            fn read_shared(&self, into: &mut [u8]) -> io::Result<usize> {
                let mut this = self;
                this.read(into)
            }

            fn write_shared(&self, from: &[u8]) -> io::Result<usize> {
                let mut this = self;
                this.write(from)
            }

            fn flush_shared(&self) -> io::Result<()> {
                let mut this = self;
                this.flush()
            }
        }
    )+};
}

#[cfg(unix)]
by_reference!([] crate::net::unix::UnixStream, [] std::os::unix::net::UnixStream);
by_reference!(
    [] crate::net::TcpStream,
    [] std::net::TcpStream,
    [] Duplex,
    [S: SharedStream] Chunks<S>,
    [S: SharedStream] Trickle<S>,
    [S: SharedStream] Failing<S>,
);
