//! The hub itself: the table of registrations, what is armed, the wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use eventlet_hub::fork::Home;
use eventlet_hub::registry::Registry;
use eventlet_hub::retry::{Attempt, persist};
use eventlet_hub::{
    Capabilities, Event, Events, Hub, Interest, Readiness, Token, Trigger, WakeSource, Waker,
    error, timeout,
};
use nix::errno::Errno;
use nix::sys::select::select;
use nix::sys::time::TimeVal;

use crate::fd_set::{Descriptors, MAX};
use crate::sys;

/// A hub over `select`.
///
/// It holds its waker's descriptors only (close-on-exec).
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Events, Hub};
/// use eventlet_hub_select::SelectHub;
///
/// let mut hub = SelectHub::new()?;
/// hub.waker().wake();
/// let mut events = Events::new();
/// hub.wait(&mut events, None)?;
/// assert!(events.is_woken());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SelectHub {
    registry: Registry<()>,
    /// Armed for reading, the waker among them.
    readers: Descriptors,
    /// Armed for writing.
    writers: Descriptors,
    /// Where the next batch begins. A batch goes through the numbers in a circle from here, and the
    /// next one goes on where it was full: so nobody is reported twice before everybody else had a
    /// turn.
    turn: RawFd,
    wake: WakeSource,
    home: Home,
}

impl SelectHub {
    /// Makes a hub that watches nothing.
    ///
    /// # Errors
    ///
    /// * What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`).
    /// * `InvalidInput`: so many descriptors are open that the waker's own is beyond `FD_SETSIZE`.
    pub fn new() -> io::Result<Self> {
        let wake = WakeSource::new()?;
        let waker = wake.as_fd().as_raw_fd();
        check_limit(waker)?;
        let mut readers = Descriptors::new();
        readers.insert(waker);
        Ok(SelectHub {
            registry: Registry::new(),
            readers,
            writers: Descriptors::new(),
            turn: 0,
            wake,
            home: Home::new(),
        })
    }

    /// One system call. Fills `ready`, or says which descriptors are closed.
    fn select(&mut self, ready: &mut Ready, timeout: Option<Duration>) -> io::Result<()> {
        self.readers.tighten();
        self.writers.tighten();
        ready.readers = self.readers;
        ready.writers = self.writers;
        ready.faults = Faults::None;
        let end = self.readers.end().max(self.writers.end());
        let mut timeout = timeout.map(|timeout| TimeVal::from(timeout::to_timeval(timeout)));
        let outcome = select(
            end,
            ready.readers.raw(),
            ready.writers.raw(),
            None,
            timeout.as_mut(),
        );
        match outcome {
            Ok(0) => *ready = Ready::nothing(),
            Ok(_) => {}
            // One closed descriptor fails the whole call. The guilty are reported; the others have
            // their turn in the next wait.
            Err(Errno::EBADF) => ready.faults = Faults::Closed,
            Err(errno) => return Err(errno.into()),
        }
        Ok(())
    }

    /// What is to be reported of one descriptor.
    fn readiness(&self, fd: RawFd, ready: &Ready) -> Readiness {
        let mut readiness = Readiness::NONE;
        match ready.faults {
            Faults::None => {
                if ready.readers.contains(fd) {
                    readiness |= Readiness::READABLE;
                }
                if ready.writers.contains(fd) {
                    readiness |= Readiness::WRITABLE;
                }
            }
            Faults::Closed => {
                let armed = self.readers.contains(fd) || self.writers.contains(fd);
                if armed && !sys::is_open(fd) {
                    readiness = Readiness::ERROR;
                }
            }
        }
        readiness
    }

    /// Turns the kernel's answer into events, in a circle from whose turn it is.
    fn harvest(&mut self, ready: &Ready, events: &mut Events) {
        let end = ready.readers.end().max(ready.writers.end());
        let waker = self.wake.as_fd().as_raw_fd();
        let turn = if self.turn < end { self.turn } else { 0 };
        for fd in (turn..end).chain(0..turn) {
            if fd == waker {
                continue;
            }
            let readiness = self.readiness(fd, ready);
            if readiness.is_empty() {
                continue;
            }
            if events.remaining() == 0 {
                self.turn = fd;
                break;
            }
            self.disarm(fd, readiness);
            if let Some(token) = self.registry.by_descriptor(fd) {
                events.push(Event { token, readiness });
            }
        }
    }

    fn disarm(&mut self, fd: RawFd, readiness: Readiness) {
        if readiness.is_readable() {
            self.readers.remove(fd);
        }
        if readiness.is_writable() {
            self.writers.remove(fd);
        }
    }
}

impl Hub for SelectHub {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: Trigger::Level,
            regular_files: true,
            max_descriptor: Some(MAX),
            tells_hang_up: false,
            tells_read_closed: false,
            tells_urgent: false,
        }
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        check_limit(fd.as_raw_fd())?;
        self.registry.insert(fd.as_raw_fd(), token, ())
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        self.home.check(NAME)?;
        let fd = self.registry.entry(token)?.fd;
        if interest.is_readable() {
            self.readers.insert(fd);
        }
        if interest.is_writable() {
            self.writers.insert(fd);
        }
        Ok(())
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        let fd = self.registry.remove(token)?.fd;
        self.disarm(fd, Readiness::READABLE | Readiness::WRITABLE);
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        self.home.check(NAME)?;
        let mut ready = Ready::nothing();
        persist(timeout, |timeout| {
            self.select(&mut ready, timeout)?;
            let waker = self.wake.as_fd().as_raw_fd();
            if self.readiness(waker, &ready).is_readable() && self.wake.acknowledge() {
                events.set_woken();
            }
            self.harvest(&ready, events);
            Ok(Attempt::of(events))
        })
    }

    fn waker(&self) -> Waker {
        self.wake.waker()
    }
}

/// What one system call found.
struct Ready {
    readers: Descriptors,
    writers: Descriptors,
    faults: Faults,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Faults {
    None,
    /// At least one armed descriptor is closed, and the sets say nothing.
    Closed,
}

impl Ready {
    fn nothing() -> Self {
        Ready {
            readers: Descriptors::new(),
            writers: Descriptors::new(),
            faults: Faults::None,
        }
    }
}

fn check_limit(fd: RawFd) -> io::Result<()> {
    if fd > MAX {
        return Err(error::descriptor_too_high(NAME, fd, MAX));
    }
    Ok(())
}

const NAME: &str = "select";
