//! A stream that fails after so many bytes: what becomes of a connection that breaks in the middle.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};

use super::SharedStream;

/// A stream that reads and writes so many bytes, and from then on gives an error of a chosen kind.
///
/// What it gives until then is what the stream within gives, cut at the limit. Works around
/// anything that reads or writes; and, around a [`SharedStream`], by a shared reference too.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::Failing;
/// use std::io::{ErrorKind, Read};
///
/// let mut stream = Failing::new(&b"abcde"[..]).reads_after(3, ErrorKind::ConnectionReset);
/// let mut read = Vec::new();
/// let error = stream.read_to_end(&mut read).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::ConnectionReset);
/// assert_eq!(read, b"abc");
/// ```
///
/// ```
/// use eventlet_green::testing::Failing;
/// use std::io::{ErrorKind, Write};
///
/// let mut stream = Failing::new(Vec::new())
///     .writes_after(3, ErrorKind::StorageFull)
///     .flushes(ErrorKind::StorageFull);
/// assert_eq!(stream.write_all(b"abcde").unwrap_err().kind(), ErrorKind::StorageFull);
/// assert_eq!(stream.flush().unwrap_err().kind(), ErrorKind::StorageFull);
/// assert_eq!(stream.inner(), b"abc");
/// stream.inner_mut().clear();
/// assert!(stream.into_inner().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Failing<S> {
    inner: S,
    reads: Fuse,
    writes: Fuse,
    flushes: Option<ErrorKind>,
}

/// How much a direction still does, and how it then fails.
#[derive(Clone, Debug)]
struct Fuse {
    left: Cell<usize>,
    /// `None`: it never fails.
    kind: Option<ErrorKind>,
}

impl Fuse {
    fn never() -> Self {
        Fuse {
            left: Cell::new(usize::MAX),
            kind: None,
        }
    }

    /// How much of `wanted` may be done now.
    fn part(&self, wanted: usize) -> io::Result<usize> {
        match self.kind {
            None => Ok(wanted),
            Some(_) if wanted == 0 => Ok(0),
            Some(kind) if self.left.get() == 0 => Err(io::Error::new(kind, "as the test ordered")),
            Some(_) => Ok(wanted.min(self.left.get())),
        }
    }

    fn burn(&self, done: usize) -> usize {
        if self.kind.is_some() {
            self.left.set(self.left.get() - done);
        }
        done
    }
}

impl<S> Failing<S> {
    /// A stream that does not fail yet.
    pub fn new(inner: S) -> Self {
        Failing {
            inner,
            reads: Fuse::never(),
            writes: Fuse::never(),
            flushes: None,
        }
    }

    /// Reads fail, each time, once `bytes` bytes have been read. Default: never.
    #[must_use = "this is the stream that fails"]
    pub fn reads_after(mut self, bytes: usize, kind: ErrorKind) -> Self {
        self.reads = Fuse {
            left: Cell::new(bytes),
            kind: Some(kind),
        };
        self
    }

    /// Writes fail, each time, once `bytes` bytes have been written. Default: never.
    #[must_use = "this is the stream that fails"]
    pub fn writes_after(mut self, bytes: usize, kind: ErrorKind) -> Self {
        self.writes = Fuse {
            left: Cell::new(bytes),
            kind: Some(kind),
        };
        self
    }

    /// Flushes fail. Default: they do not.
    #[must_use = "this is the stream that fails"]
    pub fn flushes(mut self, kind: ErrorKind) -> Self {
        self.flushes = Some(kind);
        self
    }

    /// The stream within.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The stream within, for changing it.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The stream within, without this around it.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn check_flush(&self) -> io::Result<()> {
        match self.flushes {
            None => Ok(()),
            Some(kind) => Err(io::Error::new(kind, "as the test ordered")),
        }
    }
}

impl<S: Read> Read for Failing<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let part = self.reads.part(into.len())?;
        let done = self.inner.read(&mut into[..part])?;
        Ok(self.reads.burn(done))
    }
}

impl<S: Write> Write for Failing<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let part = self.writes.part(from.len())?;
        let done = self.inner.write(&from[..part])?;
        Ok(self.writes.burn(done))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check_flush()?;
        self.inner.flush()
    }
}

impl<S: SharedStream> Read for &Failing<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let part = self.reads.part(into.len())?;
        let done = self.inner.read_shared(&mut into[..part])?;
        Ok(self.reads.burn(done))
    }
}

impl<S: SharedStream> Write for &Failing<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let part = self.writes.part(from.len())?;
        let done = self.inner.write_shared(&from[..part])?;
        Ok(self.writes.burn(done))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check_flush()?;
        self.inner.flush_shared()
    }
}
