//! A slow, obvious hub: asks the kernel about one descriptor after the other, again and again.
//!
//! Nothing clever, so that it can be seen to be right: a list in the order of arming, one `poll` per
//! armed descriptor and millisecond. It shares with the real hubs the waker, the fork check and the
//! texts of errors, but neither the table of registrations nor the handling of timeouts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use eventlet_hub::fork::Home;
use eventlet_hub::{
    Capabilities, Event, Events, Interest, Readiness, Token, Trigger, WakeSource, Waker, error,
};
use nix::poll::{PollFd, PollFlags, poll};

use crate::sys::{PlainHub, poll_one};

/// A hub to compare others with.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Events, Hub};
/// use eventlet_hub_test::Oracle;
///
/// let mut hub = Oracle::new()?;
/// hub.waker().wake();
/// let mut events = Events::new();
/// hub.wait(&mut events, None)?;
/// assert!(events.is_woken());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Oracle {
    /// In the order of arming: who was armed or reported last is last.
    list: Vec<Registration>,
    wake: WakeSource,
    /// `None` in a hub that is wrong on purpose about forks.
    home: Option<Home>,
}

#[derive(Clone, Copy, Debug)]
struct Registration {
    fd: RawFd,
    token: Token,
    reading: Armed,
    writing: Armed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Armed {
    Yes,
    No,
}

/// How long to do nothing between two looks.
const NAP_MILLIS: u16 = 1;

impl Oracle {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// What the kernel gives for its waker.
    pub fn new() -> io::Result<Self> {
        Ok(Oracle {
            list: Vec::new(),
            wake: WakeSource::new()?,
            home: Some(Home::new()),
        })
    }

    /// One that does not notice that it is in a child.
    pub(crate) fn homeless() -> io::Result<Self> {
        Ok(Oracle {
            home: None,
            ..Self::new()?
        })
    }

    pub(crate) fn is_registered(&self, fd: RawFd) -> bool {
        self.list.iter().any(|entry| entry.fd == fd)
    }

    /// For a hub that is wrong on purpose: no hub forgets what was armed.
    pub(crate) fn disarm(&mut self, token: Token) {
        for entry in self.list.iter_mut().filter(|entry| entry.token == token) {
            entry.reading = Armed::No;
            entry.writing = Armed::No;
        }
    }

    fn check(&self) -> io::Result<()> {
        self.home.map_or(Ok(()), |home| home.check(NAME))
    }

    fn find(&self, token: Token) -> io::Result<usize> {
        self.list
            .iter()
            .position(|entry| entry.token == token)
            .ok_or_else(|| error::unknown_token(token))
    }

    fn look(&mut self, events: &mut Events) {
        let waker = self.wake.as_fd().as_raw_fd();
        if poll_one(waker, libc::POLLIN) != 0 && self.wake.acknowledge() {
            events.set_woken();
        }
        let (mut kept, mut reported) = (Vec::new(), Vec::new());
        for mut entry in self.list.drain(..) {
            let readiness = if events.remaining() > 0 {
                entry.readiness()
            } else {
                Readiness::NONE
            };
            if readiness.is_empty() {
                kept.push(entry);
                continue;
            }
            if readiness.is_readable() {
                entry.reading = Armed::No;
            }
            if readiness.is_writable() {
                entry.writing = Armed::No;
            }
            events.push(Event {
                token: entry.token,
                readiness,
            });
            reported.push(entry);
        }
        self.list = kept;
        self.list.append(&mut reported);
    }
}

impl Registration {
    fn readiness(&self) -> Readiness {
        let mut asked = 0;
        if self.reading == Armed::Yes {
            asked |= libc::POLLIN;
        }
        if self.writing == Armed::Yes {
            asked |= libc::POLLOUT;
        }
        if asked == 0 {
            return Readiness::NONE;
        }
        let answer = poll_one(self.fd, asked);
        let mut readiness = Readiness::NONE;
        for (flag, meaning) in [
            (libc::POLLIN, Readiness::READABLE),
            (libc::POLLOUT, Readiness::WRITABLE),
            (libc::POLLHUP, Readiness::HANG_UP),
            (libc::POLLERR | libc::POLLNVAL, Readiness::ERROR),
        ] {
            if answer & flag != 0 {
                readiness |= meaning;
            }
        }
        readiness
    }
}

impl PlainHub for Oracle {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: Trigger::Level,
            regular_files: true,
            max_descriptor: None,
            tells_hang_up: true,
            tells_read_closed: false,
            tells_urgent: false,
        }
    }

    fn register(&mut self, fd: RawFd, token: Token) -> io::Result<()> {
        self.check()?;
        if self.is_registered(fd) {
            return Err(error::descriptor_twice(fd));
        }
        if self
            .list
            .iter()
            .any(|entry| entry.token.slot() == token.slot())
        {
            return Err(error::slot_taken(token));
        }
        self.list.push(Registration {
            fd,
            token,
            reading: Armed::No,
            writing: Armed::No,
        });
        Ok(())
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        self.check()?;
        let index = self.find(token)?;
        let mut entry = self.list[index];
        let waits_already = entry.reading == Armed::Yes || entry.writing == Armed::Yes;
        if interest.is_readable() {
            entry.reading = Armed::Yes;
        }
        if interest.is_writable() {
            entry.writing = Armed::Yes;
        }
        if waits_already {
            self.list[index] = entry;
        } else {
            self.list.remove(index);
            self.list.push(entry);
        }
        Ok(())
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        self.check()?;
        let index = self.find(token)?;
        self.list.remove(index);
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        self.check()?;
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let is_over = || match (timeout, end) {
            (Some(Duration::ZERO), _) => true,
            (_, Some(end)) => Instant::now() >= end,
            (_, None) => false,
        };
        loop {
            self.look(events);
            if !events.is_empty() || events.is_woken() || is_over() {
                return Ok(());
            }
            // A wake-up or a signal merely makes the next look come sooner.
            let _ = poll(
                &mut [PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)],
                NAP_MILLIS,
            );
        }
    }

    fn waker(&self) -> Waker {
        self.wake.waker()
    }
}

const NAME: &str = "oracle";
