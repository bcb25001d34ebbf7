//! The work hubs are compared on: tokens going round a ring of pipes.
//!
//! A token is one byte. Whoever is told that a pipe is readable takes the byte out and puts it into
//! the next pipe. With *n* pipes and *k* tokens, *n* descriptors are watched and *k* of them are ready
//! at a time: what a server with many connections and few busy ones does to its hub. One hop is
//! one read, one write, and its share of a wait; the read and the write are the same for everybody.
//!
//! Each pipe is opened once for both directions, which Linux allows (fifo(7)), so that a ring of *n*
//! takes *n* descriptors: 10,000 pipes fit below common limits, and 1,000 below `select`'s 1024.
//! A ring of socket pairs, of which one end is watched and the other written to, takes two each.
//! Reading such a pipe makes no event unless it was full, so it costs a hub what a reading end costs.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use nix::fcntl::OFlag;

use crate::cpu::Stopwatch;

/// Pipes in a ring.
#[derive(Debug)]
pub struct Ring {
    pipes: Vec<Rc<File>>,
    /// The other ends, of socket pairs; none where a pipe is both.
    writers: Vec<File>,
}

/// A facility under measurement, with every pipe of a ring registered under its place in the ring.
pub trait Watcher {
    /// Waits once and calls `ready` with the place of each pipe that is readable, then does what the
    /// facility needs so that the next readiness of each is reported too.
    ///
    /// # Errors
    ///
    /// Those of the facility's wait.
    fn turn(&mut self, ready: impl FnMut(usize)) -> io::Result<()>;
}

impl Ring {
    /// A ring of `size` pipes.
    ///
    /// # Errors
    ///
    /// Those of opening pipes: too many open files, or no `/proc`.
    pub fn new(size: usize) -> io::Result<Ring> {
        let pipes: io::Result<_> = (0..size).map(|_| open_pipe().map(Rc::new)).collect();
        Ok(Ring {
            pipes: pipes?,
            writers: Vec::new(),
        })
    }

    /// A ring of `size` socket pairs.
    ///
    /// # Errors
    ///
    /// Those of opening them: too many open files.
    pub fn of_sockets(size: usize) -> io::Result<Ring> {
        let pair = |_| {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            Ok((
                Rc::new(File::from(OwnedFd::from(reader))),
                OwnedFd::from(writer).into(),
            ))
        };
        let pairs: io::Result<Vec<(Rc<File>, File)>> = (0..size).map(pair).collect();
        let (pipes, writers) = pairs?.into_iter().unzip();
        Ok(Ring { pipes, writers })
    }

    /// Whether its places are socket pairs.
    pub fn is_of_sockets(&self) -> bool {
        !self.writers.is_empty()
    }

    /// The pipes, in ring order.
    pub fn pipes(&self) -> &[Rc<File>] {
        &self.pipes
    }

    /// The pipes' descriptors, in ring order.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.pipes.iter().map(|pipe| pipe.as_fd())
    }

    /// Sends `active` tokens round, evenly spread, for `hops` hops in all; how long that took.
    ///
    /// Every token takes the same number of hops, as a wait is shared by all of them: what is more
    /// than was asked for is taken out of the time in proportion.
    ///
    /// # Panics
    ///
    /// If the watcher or a pipe fails.
    pub fn run(&self, watcher: &mut impl Watcher, active: usize, hops: u64) -> Duration {
        for token in 0..active {
            self.put(token * self.pipes.len() / active);
        }
        let whole = hops.next_multiple_of(active as u64);
        let mut left = whole;
        let begun = Stopwatch::start();
        while left > 0 {
            let turned = watcher.turn(|at| {
                if left > 0 && self.take(at) {
                    left -= 1;
                    self.put((at + 1) % self.pipes.len());
                }
            });
            turned.expect("waiting for the ring");
        }
        let elapsed = begun.elapsed();
        self.drain();
        elapsed.mul_f64(hops as f64 / whole as f64)
    }

    /// Lets a watcher get over what registering has brought: an edge-triggered facility that watches
    /// both directions first reports every pipe once, as writable. Done when a wait reports nothing
    /// but the pipe with the token.
    ///
    /// # Panics
    ///
    /// As for [`run`](Self::run).
    pub fn settle(&self, watcher: &mut impl Watcher) {
        self.put(0);
        let mut reported = 0;
        while reported != 1 {
            reported = 0;
            let turned = watcher.turn(|at| {
                reported += 1;
                if self.take(at) {
                    self.put((at + 1) % self.pipes.len());
                }
            });
            turned.expect("waiting for the ring");
        }
        self.drain();
    }

    fn drain(&self) {
        for at in 0..self.pipes.len() {
            while self.take(at) {}
        }
    }

    fn put(&self, at: usize) {
        let mut end = self.writers.get(at).unwrap_or(&self.pipes[at]);
        end.write_all(b"o").expect("a pipe takes one byte");
    }

    /// Whether there was a token. A spurious report finds none.
    fn take(&self, at: usize) -> bool {
        let mut token = [0];
        match (&*self.pipes[at]).read(&mut token) {
            Ok(count) => count == 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => panic!("reading pipe {at}: {error}"),
        }
    }
}

/// A pipe behind one descriptor, non-blocking.
fn open_pipe() -> io::Result<File> {
    let (reader, _writer) = io::pipe()?;
    File::options()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(format!("/proc/self/fd/{}", reader.as_raw_fd()))
}
