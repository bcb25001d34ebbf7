//! The kernel's timer for a deadline that is waited for again and again (timerfd_create(2)): set once,
//! it spares each of those waits a timeout, and the readings of the clock that one takes.
//!
//! What a wait does with it is in `hub.rs`.

use std::io;
use std::time::{Duration, Instant};

use eventlet_hub::{Token, timeout};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::flags;

/// What the epoll instance reports when the alarm rings: one below what it reports for the waker, and like
/// that above every token of a caller ([`Token::MAX_SLOT`]).
pub(crate) const DATA: u64 = Token::WAKER.to_u64() - 1;

/// A deadline nearer than this is left to the timeout of the wait: setting the alarm takes a system call
/// of its own, and few waits would be spared theirs.
pub(crate) const FAR: Duration = Duration::from_millis(100);

/// The alarm.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// `None` where there is none, and timeouts have to do.
    timer: Option<TimerFd>,
    /// When it rings, at the latest, unless it has.
    rings: Option<Instant>,
}

impl Alarm {
    /// An alarm that is reported by the epoll instance; none where the kernel refuses to make one.
    pub(crate) fn new(epoll: &Epoll) -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = match TimerFd::new(ClockId::CLOCK_MONOTONIC, flags) {
            Ok(timer) => timer,
            Err(Errno::ENOSYS | Errno::EPERM) => return Ok(Self::none()),
            Err(errno) => return Err(errno.into()),
        };
        epoll.add(&timer, EpollEvent::new(flags::OWN, DATA))?;
        Ok(Alarm {
            timer: Some(timer),
            rings: None,
        })
    }

    pub(crate) fn none() -> Self {
        Alarm {
            timer: None,
            rings: None,
        }
    }

    /// Whether it is going to ring, and not after `deadline`.
    #[inline]
    pub(crate) fn rings_by(&self, deadline: Instant) -> bool {
        self.rings.is_some_and(|rings| rings <= deadline)
    }

    /// It has been reported. The report came of a change, so nothing need be read from it.
    #[cold]
    pub(crate) fn has_rung(&mut self) {
        self.rings = None;
    }

    /// Has it ring at `deadline`, which is so far away; says whether it does.
    #[cold]
    pub(crate) fn set(&mut self, deadline: Instant, left: Duration) -> bool {
        let left = Expiration::OneShot(TimeSpec::from(timeout::to_timespec(left)));
        let is_set = self
            .timer
            .as_ref()
            .is_some_and(|timer| timer.set(left, TimerSetTimeFlags::empty()).is_ok());
        self.rings = is_set.then_some(deadline);
        is_set
    }
}
