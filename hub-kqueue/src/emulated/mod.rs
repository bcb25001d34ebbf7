//! A queue for Linux that behaves as [`Queue`] says: for tests, of this crate and of the layers above.
//!
//! ```text
//!              ┌─ epoll of those watched for reading ─┐
//! kevent() ─ppoll─ epoll of those watched for writing ├─ table of registrations
//!              └─ eventfd: EVFILT_USER ───────────────┘
//! ```
//!
//! Two epolls, because kqueue's filters are independent and one epoll knows a descriptor once. The
//! kernel below says what is ready and when a closed file is forgotten; the table says what kqueue would
//! have made of it:
//!
//! * `table`: registrations by number and filter, and their life. `answer`: what an epoll event is as
//!   an event of kqueue's.
//!
//! What it does not do: tell which error a socket has (asking would take it away; `fflags` is `EIO`),
//! count what there is to read (`data` is zero), or be fast.

mod answer;
mod table;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eventlet_hub::timeout;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollEvent, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::constants::{EV_ADD, EV_ERROR, EV_RECEIPT, EVFILT_USER, NOTE_TRIGGER};
use crate::{Kevent, KqueueHub, Queue};
use table::Table;

/// kqueue over epoll: a test tool.
///
/// # Examples
///
/// ```
/// use eventlet_hub_kqueue::constants::{EV_ADD, EVFILT_USER};
/// use eventlet_hub_kqueue::{EmulatedQueue, Kevent, Queue};
///
/// let user = Kevent::new(0, EVFILT_USER, EV_ADD, 0);
/// EmulatedQueue::new()?.kevent(&[user], &mut [], None)?;
/// // As OpenBSD was for long; its hubs are woken by a pipe.
/// let old = EmulatedQueue::without_user_events()?;
/// assert!(old.kevent(&[user], &mut [], None).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EmulatedQueue {
    /// Locked while changes are applied and events are gathered, not while waiting, and never by the
    /// trigger of the user event, which signal handlers pull.
    table: Mutex<Table>,
    /// The table's, for waiting.
    epolls: [Arc<Epoll>; 2],
    bell: EventFd,
    /// Whether the user event is registered, and with what.
    has_user: AtomicBool,
    user: AtomicUsize,
    user_events: UserEvents,
}

/// Whether the emulated system has `EVFILT_USER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UserEvents {
    Known,
    Unknown,
}

impl EmulatedQueue {
    /// Makes an empty queue.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`), no memory.
    pub fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let table = Table::new()?;
        Ok(EmulatedQueue {
            epolls: table.epolls(),
            table: Mutex::new(table),
            bell: EventFd::from_value_and_flags(0, flags)?,
            has_user: AtomicBool::new(false),
            user: AtomicUsize::new(0),
            user_events: UserEvents::Known,
        })
    }

    /// The same on a system that has no `EVFILT_USER`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn without_user_events() -> io::Result<Self> {
        Ok(EmulatedQueue {
            user_events: UserEvents::Unknown,
            ..Self::new()?
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, change: &Kevent) -> Result<(), Errno> {
        if change.filter() != EVFILT_USER {
            return self.table().apply(change);
        }
        if self.user_events == UserEvents::Unknown {
            return Err(Errno::EINVAL);
        }
        if change.flags() & EV_ADD == 0 && !self.has_user.load(Ordering::Acquire) {
            return Err(Errno::ENOENT);
        }
        self.user.store(change.udata(), Ordering::Release);
        self.has_user.store(true, Ordering::Release);
        if change.fflags() & NOTE_TRIGGER != 0 {
            self.bell.write(1)?;
        }
        Ok(())
    }

    /// Applies changes in order; gives how many were answered.
    fn submit(&self, changes: &[Kevent], answers: &mut [Kevent]) -> io::Result<usize> {
        let mut count = 0;
        for change in changes {
            let outcome = self.apply(change);
            if outcome.is_ok() && change.flags() & EV_RECEIPT == 0 {
                continue;
            }
            let number = outcome.err().map_or(0, |errno| errno as i32);
            match answers.get_mut(count) {
                Some(answer) => {
                    *answer = change.with_flags(EV_ERROR).with_data(number.into());
                    count += 1;
                }
                // No room: the first failure ends the list; successes go unanswered.
                None if number != 0 => return Err(io::Error::from_raw_os_error(number)),
                None => {}
            }
        }
        Ok(count)
    }

    /// What has happened so far.
    fn gather(&self, events: &mut [Kevent]) -> io::Result<usize> {
        let mut count = 0;
        if self.bell.read().is_ok() {
            events[0] = Kevent::new(0, EVFILT_USER, 0, self.user.load(Ordering::Acquire));
            count = 1;
        }
        let mut table = self.table();
        // By turns, so that neither filter keeps the other out of small batches.
        for filter in table.next_turn() {
            let mut ready = vec![EpollEvent::empty(); events.len() - count];
            if ready.is_empty() {
                break;
            }
            let found = table.epoll(filter).wait(&mut ready, EpollTimeout::ZERO)?;
            for event in &ready[..found] {
                if let Some(event) = table.answer(filter, event) {
                    events[count] = event;
                    count += 1;
                }
            }
        }
        while count < events.len() {
            let Some(event) = table.always_ready() else {
                break;
            };
            events[count] = event;
            count += 1;
        }
        Ok(count)
    }

    /// Until something happens, or `timeout` is over.
    fn sleep(&self, timeout: Option<Duration>) -> io::Result<()> {
        // Not while the table is locked: triggers and other threads' changes go on.
        let mut watched = [
            self.epolls[0].0.as_fd(),
            self.epolls[1].0.as_fd(),
            self.bell.as_fd(),
        ]
        .map(|fd: BorrowedFd<'_>| PollFd::new(fd, PollFlags::POLLIN));
        let timeout = timeout.map(|timeout| timeout::to_timespec(timeout).into());
        ppoll(&mut watched, timeout, None)?;
        Ok(())
    }
}

impl Queue for EmulatedQueue {
    fn kevent(
        &self,
        changes: &[Kevent],
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let answered = self.submit(changes, events)?;
        if answered > 0 || events.is_empty() {
            return Ok(answered);
        }
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let count = self.gather(events)?;
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if count > 0 || timeout == Some(Duration::ZERO) || left == Some(Duration::ZERO) {
                return Ok(count);
            }
            self.sleep(left)?;
        }
    }
}

impl KqueueHub<EmulatedQueue> {
    /// Makes a hub over an emulated queue: a test tool.
    ///
    /// # Errors
    ///
    /// As for [`EmulatedQueue::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Hub, Trigger};
    /// use eventlet_hub_kqueue::KqueueHub;
    ///
    /// let hub = KqueueHub::emulated()?;
    /// assert_eq!((hub.name(), hub.capabilities().trigger), ("kqueue", Trigger::Edge));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn emulated() -> io::Result<Self> {
        Self::over(EmulatedQueue::new()?)
    }
}
