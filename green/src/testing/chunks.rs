//! Streams that do little at a time: what a network may do at any time, and in a test hardly does.
//!
//! They change how much one call does, never what arrives. Failures are made by
//! [`Failing`](super::Failing).

use std::cell::RefCell;
use std::io::{self, Read, Write};

use eventlet_runloop::Dice;

use super::SharedStream;
use crate::yield_now;

/// A stream that reads and writes at most so many bytes a call.
///
/// Works around anything that reads or writes; and, around a [`SharedStream`], by a shared reference
/// too.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::Chunks;
/// use std::io::Read;
///
/// let mut stream = Chunks::new(&b"abcde"[..], 2);
/// let mut into = [0; 16];
/// assert_eq!(stream.read(&mut into)?, 2);
/// let rest = std::io::read_to_string(stream)?;
/// assert_eq!(rest, "cde");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chunks<S> {
    inner: S,
    most: usize,
    /// `None`: always as many as possible.
    dice: RefCell<Option<Dice>>,
}

impl<S> Chunks<S> {
    /// At most `most` bytes a call.
    ///
    /// # Panics
    ///
    /// If `most` is zero.
    pub fn new(inner: S, most: usize) -> Self {
        Self::with(inner, most, None)
    }

    /// From one to `most` bytes a call, as the dice with this seed say.
    ///
    /// # Panics
    ///
    /// If `most` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::testing::Chunks;
    /// use std::io::Read;
    ///
    /// let mut stream = Chunks::random(&b"abcde"[..], 2, 7); // By a seed, to have it again.
    /// let length = stream.read(&mut [0; 16])?;
    /// assert!((1..=2).contains(&length));
    /// assert_eq!(stream.inner().len(), 5 - length);
    /// *stream.inner_mut() = b"xyz";
    /// assert_eq!(stream.into_inner(), b"xyz");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn random(inner: S, most: usize, seed: u64) -> Self {
        Self::with(inner, most, Some(Dice::new(seed)))
    }

    fn with(inner: S, most: usize, dice: Option<Dice>) -> Self {
        assert!(most > 0, "a read of nothing would look like the end");
        Chunks {
            inner,
            most,
            dice: RefCell::new(dice),
        }
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

    /// How much of `wanted` this call does.
    fn part(&self, wanted: usize) -> usize {
        let most = match &mut *self.dice.borrow_mut() {
            Some(dice) => dice.roll(self.most) + 1,
            None => self.most,
        };
        wanted.min(most)
    }
}

impl<S: Read> Read for Chunks<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let part = self.part(into.len());
        self.inner.read(&mut into[..part])
    }
}

impl<S: Write> Write for Chunks<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let part = self.part(from.len());
        self.inner.write(&from[..part])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<S: SharedStream> Read for &Chunks<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let part = self.part(into.len());
        self.inner.read_shared(&mut into[..part])
    }
}

impl<S: SharedStream> Write for &Chunks<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let part = self.part(from.len());
        self.inner.write_shared(&from[..part])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush_shared()
    }
}

/// A stream that reads and writes one byte a call, and lets everybody else go first each time: the
/// slowest peer there is, and the most places at which something else can happen.
///
/// Works around the same streams as [`Chunks`].
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::{Trickle, duplex};
/// use std::io::{Read, Write};
///
/// let (near, mut far) = duplex(64);
/// let writer = eventlet_green::spawn(move || Trickle::new(near).write_all(b"drop by drop"));
/// let mut first = [0; 64];
/// assert_eq!(far.read(&mut first)?, 1);
/// # drop(far);
/// # let _ = writer.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::testing::Trickle;
///
/// let mut stream = Trickle::new(Vec::<u8>::new());
/// stream.inner_mut().push(b'x');
/// assert_eq!(stream.inner(), b"x");
/// assert_eq!(stream.into_inner(), b"x");
/// ```
#[derive(Clone, Debug)]
pub struct Trickle<S>(Chunks<S>);

impl<S> Trickle<S> {
    /// One byte at a time.
    pub fn new(inner: S) -> Self {
        Trickle(Chunks::new(inner, 1))
    }

    /// The stream within.
    pub fn inner(&self) -> &S {
        self.0.inner()
    }

    /// The stream within, for changing it.
    pub fn inner_mut(&mut self) -> &mut S {
        self.0.inner_mut()
    }

    /// The stream within, without this around it.
    pub fn into_inner(self) -> S {
        self.0.into_inner()
    }
}

impl<S: Read> Read for Trickle<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        yield_now();
        self.0.read(into)
    }
}

impl<S: Write> Write for Trickle<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        yield_now();
        self.0.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: SharedStream> Read for &Trickle<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        yield_now();
        self.0.read_shared(into)
    }
}

impl<S: SharedStream> Write for &Trickle<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        yield_now();
        self.0.write_shared(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush_shared()
    }
}
