//! The hub itself: the epoll instance, the table of registrations, the wait.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use eventlet_hub::fork::Home;
use eventlet_hub::registry::Registry;
use eventlet_hub::retry::{Attempt, persist};
use eventlet_hub::{
    Capabilities, Event, Events, Hub, Interest, Token, Trigger, WakeSource, Waker, error, timeout,
};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};

use crate::alarm::{self, Alarm};
use crate::{flags, sys};

/// A hub over one epoll instance.
///
/// It holds three descriptors (the instance, its waker's eventfd, and a timerfd for
/// [`wait_until`](Hub::wait_until)), all close-on-exec.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Events, Hub};
/// use eventlet_hub_epoll::EpollHub;
///
/// let mut hub = EpollHub::new()?;
/// hub.waker().wake();
/// let mut events = Events::new();
/// hub.wait(&mut events, None)?;
/// assert!(events.is_woken());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EpollHub {
    epoll: Epoll,
    /// Refuses what is registered already, and tells the descriptor of a token that is
    /// deregistered. The kernel's reports carry the whole token, so a wait never looks here.
    registry: Registry<()>,
    /// What the kernel fills; grows to the capacity of the largest [`Events`] seen.
    buffer: Vec<EpollEvent>,
    precision: Precision,
    alarm: Alarm,
    wake: WakeSource,
    home: Home,
}

/// Which system call waits when the timeout is neither zero nor for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precision {
    /// `epoll_pwait2`.
    Nanoseconds,
    /// `epoll_wait`, rounded up.
    Milliseconds,
}

impl EpollHub {
    /// Makes an epoll instance.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`), no memory.
    pub fn new() -> io::Result<Self> {
        Self::make(Precision::Nanoseconds)
    }

    fn make(precision: Precision) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let wake = WakeSource::new()?;
        epoll.add(&wake, EpollEvent::new(flags::OWN, Token::WAKER.to_u64()))?;
        let alarm = match precision {
            Precision::Nanoseconds => Alarm::new(&epoll)?,
            Precision::Milliseconds => Alarm::none(),
        };
        Ok(EpollHub {
            epoll,
            registry: Registry::new(),
            buffer: Vec::new(),
            precision,
            alarm,
            wake,
            home: Home::new(),
        })
    }

    /// Like [`new`](Self::new), but never tries `epoll_pwait2` or `timerfd_create`: timeouts are rounded up to
    /// whole milliseconds. For sandboxes that end a process for a system call they do not know; where it
    /// is merely refused, [`new`](Self::new) finds out by itself.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Events, Hub};
    /// use eventlet_hub_epoll::EpollHub;
    /// use std::time::{Duration, Instant};
    ///
    /// let mut hub = EpollHub::with_millisecond_timeouts()?;
    /// let begin = Instant::now();
    /// hub.wait(&mut Events::new(), Some(Duration::from_micros(100)))?;
    /// assert!(begin.elapsed() >= Duration::from_millis(1), "rounded up, never down");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn with_millisecond_timeouts() -> io::Result<Self> {
        Self::make(Precision::Milliseconds)
    }
}

impl Hub for EpollHub {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: Trigger::Edge,
            regular_files: false,
            max_descriptor: None,
            tells_hang_up: true,
            tells_read_closed: true,
            tells_urgent: true,
        }
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        let number = fd.as_raw_fd();
        self.registry.insert(number, token, ())?;
        let mut watch = EpollEvent::new(flags::WATCHED, token.to_u64());
        let added = match self.epoll.add(fd, watch) {
            // Not in our table, but in the kernel's: the same open file came back under the number
            // of one that was deregistered as closing while a duplicate kept it alive.
            Err(Errno::EEXIST) => self.epoll.modify(fd, &mut watch),
            added => added,
        };
        added.map_err(|errno| {
            // It was inserted just now; taking it out again cannot fail.
            let _ = self.registry.remove(token);
            match errno {
                Errno::EPERM => error::unsupported_file(NAME, number),
                errno => errno.into(),
            }
        })
    }

    /// Free: everything is watched, all the time. Does not notice unknown tokens or a fork.
    #[inline(always)]
    fn arm(&mut self, _token: Token, _interest: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        let fd = self.registry.remove(token)?.fd;
        match self.epoll.delete(sys::registered(&fd)) {
            // Closed too early, against the caller's promise: the kernel has forgotten it already.
            Ok(()) | Err(Errno::EBADF | Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn deregister_closing(&mut self, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        self.registry.remove(token).map(drop)
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.begin_wait(events)?;
        persist(timeout, |timeout| self.wait_once(events, timeout))
    }

    fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        self.begin_wait(events)?;
        loop {
            if self.alarm.rings_by(deadline) {
                match self.wait_once(events, None) {
                    Ok(Attempt::Fruitful) => return Ok(()),
                    Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                    // It rang, or nothing has come.
                    Ok(Attempt::Fruitless) | Err(_) => continue,
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left < alarm::FAR || !self.alarm.set(deadline, left) {
                return persist(Some(left), |timeout| self.wait_once(events, timeout));
            }
        }
    }

    fn waker(&self) -> Waker {
        self.wake.waker()
    }
}

impl EpollHub {
    fn begin_wait(&mut self, events: &mut Events) -> io::Result<()> {
        events.clear();
        self.home.check(NAME)?;
        if self.buffer.len() < events.capacity() {
            self.buffer.resize(events.capacity(), EpollEvent::empty());
        }
        Ok(())
    }

    /// One system call, and what it brought.
    #[inline]
    fn wait_once(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<Attempt> {
        let buffer = &mut self.buffer[..events.capacity()];
        let count = ask_kernel(&self.epoll, &mut self.precision, buffer, timeout)?;
        for event in &buffer[..count] {
            let data = event.data();
            if data < alarm::DATA {
                events.push(Event {
                    token: Token::from_u64(data),
                    readiness: flags::readiness(event.events()),
                });
            } else if data == alarm::DATA {
                self.alarm.has_rung();
            } else if self.wake.acknowledge_edge() {
                events.set_woken();
            }
        }
        Ok(Attempt::of(events))
    }
}

impl AsFd for EpollHub {
    /// The epoll instance, which is itself readable when a wait would report something, or when a time
    /// that was waited for has come: so that one hub can be watched by another.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

const NAME: &str = "epoll";

/// Zero and "for ever" need no precision, so they never take the newer system call.
#[inline]
fn ask_kernel(
    epoll: &Epoll,
    precision: &mut Precision,
    buffer: &mut [EpollEvent],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    let millis = match timeout {
        None => EpollTimeout::NONE,
        Some(Duration::ZERO) => EpollTimeout::ZERO,
        Some(timeout) => {
            if *precision == Precision::Nanoseconds {
                match sys::epoll_pwait2(epoll, buffer, timeout) {
                    // EPERM is what older sandboxes answer to a system call they do not know.
                    Err(error) if is_refusal(&error) => *precision = Precision::Milliseconds,
                    outcome => return outcome,
                }
            }
            EpollTimeout::try_from(timeout::to_millis(Some(timeout))).unwrap_or(EpollTimeout::MAX)
        }
    };
    Ok(epoll.wait(buffer, millis)?)
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}
