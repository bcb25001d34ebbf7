//! Reading and writing through a watched descriptor, whatever `std` type it is.
//!
//! Each is one call of the system's, tried again after each wait. Which types offer it, and under
//! which names, is the business of [`surface`](super::surface).

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Source;

use super::{Direction, Extent, Watched};
use crate::coroutine::Wait;

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

impl<S: Source + 'static> Watched<S>
where
    for<'a> &'a S: Read,
{
    #[inline]
    pub(crate) fn read(self: &Rc<Self>, into: &mut [u8]) -> io::Result<usize> {
        self.operate(Direction::Read, Wait::Read, |mut source| {
            let count = source.read(into)?;
            Ok((count, extent(count, into.len())))
        })
    }

    pub(crate) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.try_operate(Direction::Read, |mut source| {
            let count = source.read(into)?;
            Ok((count, extent(count, into.len())))
        })
    }

    #[inline]
    pub(crate) fn read_vectored(self: &Rc<Self>, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let wanted = into.iter().take(MOST_SLICES).map(|s| s.len()).sum();
        self.operate(Direction::Read, Wait::Read, |mut source| {
            let count = source.read_vectored(into)?;
            Ok((count, extent(count, wanted)))
        })
    }
}

impl<S: Source + 'static> Watched<S>
where
    for<'a> &'a S: Write,
{
    #[inline]
    pub(crate) fn write(self: &Rc<Self>, from: &[u8]) -> io::Result<usize> {
        self.operate(Direction::Write, Wait::Write, |mut source| {
            let count = source.write(from)?;
            Ok((count, extent(count, from.len())))
        })
    }

    pub(crate) fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        self.try_operate(Direction::Write, |mut source| {
            let count = source.write(from)?;
            Ok((count, extent(count, from.len())))
        })
    }

    #[inline]
    pub(crate) fn write_vectored(self: &Rc<Self>, from: &[IoSlice<'_>]) -> io::Result<usize> {
        let wanted = from.iter().take(MOST_SLICES).map(|s| s.len()).sum();
        self.operate(Direction::Write, Wait::Write, |mut source| {
            let count = source.write_vectored(from)?;
            Ok((count, extent(count, wanted)))
        })
    }
}

impl<S: Source + 'static> Watched<S> {
    /// An operation in one direction that is no piece of a stream, such as a datagram: one that was
    /// done says nothing of the next.
    pub(crate) fn exchange<T>(
        self: &Rc<Self>,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<T>,
    ) -> io::Result<T> {
        let wait = match direction {
            Direction::Read => Wait::Read,
            Direction::Write => Wait::Write,
        };
        self.operate(direction, wait, |source| {
            Ok((operation(source)?, Extent::Full))
        })
    }
}

/// How long to wait before the next try: each time twice as long as the last, up to a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Pauses {
            next: first,
            longest,
        }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let this = self.next;
        self.next = (this * 2).min(self.longest);
        this
    }
}
