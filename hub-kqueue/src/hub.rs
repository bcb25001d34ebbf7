//! The hub itself: the queue, the table of registrations, the wait.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use eventlet_hub::fork::{Home, HomeBound};
use eventlet_hub::registry::Registry;
use eventlet_hub::retry::{Attempt, persist};
use eventlet_hub::{Capabilities, Event, Events, Hub, Interest, Readiness, Token, Trigger, Waker};

use crate::flags::{self, Ended};
use crate::queue::{APPLIED, Outcome, submit};
use crate::wake::{self, Wake};
use crate::{Kevent, Queue};

/// A hub over one queue.
///
/// `KqueueHub::new` makes one over the system's kqueue. It holds that one descriptor (and a pipe where
/// the system has no `EVFILT_USER`), close-on-exec; wakers that outlive the hub keep it open.
///
/// A forked child does not inherit the queue, so there the hub lets the number be, which may belong to
/// something else by then.
///
/// # Examples
///
/// ```
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// # #[cfg(target_os = "linux")]
/// # fn main() -> std::io::Result<()> {
/// use eventlet_hub::{Events, Hub};
/// use eventlet_hub_kqueue::{EmulatedQueue, KqueueHub};
///
/// // Over the system's own queue: `KqueueHub::new`.
/// let mut hub = KqueueHub::over(EmulatedQueue::new()?)?;
/// let _: &EmulatedQueue = hub.queue();
/// hub.waker().wake();
/// let mut events = Events::new();
/// hub.wait(&mut events, None)?;
/// assert!(events.is_woken());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KqueueHub<Q> {
    queue: Arc<HomeBound<Q>>,
    registry: Registry<Ended>,
    /// What the queue fills; grows to the capacity of the largest [`Events`] seen.
    buffer: Vec<Kevent>,
    /// What registrations found that no event will tell: see [`register`](Hub::register).
    due: VecDeque<Event>,
    wake: Wake<Q>,
    home: Home,
}

impl<Q: Queue + 'static> KqueueHub<Q> {
    /// Makes a hub over a queue of the caller's making.
    ///
    /// # Errors
    ///
    /// What the queue gives when the waker is registered.
    pub fn over(queue: Q) -> io::Result<Self> {
        let queue = Arc::new(HomeBound::new(queue));
        let wake = Wake::new(&queue)?;
        Ok(KqueueHub {
            queue,
            registry: Registry::new(),
            buffer: Vec::new(),
            due: VecDeque::new(),
            wake,
            home: Home::new(),
        })
    }

    /// The queue.
    pub fn queue(&self) -> &Q {
        &self.queue
    }

    /// Has a number watched in both directions, or in none.
    fn watch(&mut self, number: usize, token: Token) -> io::Result<()> {
        let changes = flags::watching(number, token.to_word());
        let outcomes = submit(&**self.queue, changes)?;
        let mut refusals = outcomes.into_iter().filter(|outcome| is_refusal(*outcome));
        match (refusals.next(), refusals.next()) {
            (None, _) => {}
            // One direction that this kind of descriptor does not have: whoever tries it gets an error
            // rather than `WouldBlock`, so nobody will wait for it.
            (Some(libc::EINVAL), None) => {}
            (Some(error), _) => {
                // What was watched, if anything, is the other direction; its failure changes nothing.
                let _ = submit(&**self.queue, flags::forgetting(number));
                return Err(io::Error::from_raw_os_error(error));
            }
        }
        // The other end of a pipe is gone (EPIPE): nothing is registered, and nothing will be reported,
        // though a writer that waits should know.
        if outcomes.contains(&libc::EPIPE) {
            self.due.push_back(Event {
                token,
                readiness: Readiness::READABLE | Readiness::WRITABLE,
            });
        }
        Ok(())
    }

    /// What is due without the queue's help goes first.
    fn report_due(&mut self, events: &mut Events) {
        while let Some(event) = self.due.front() {
            if !events.has_room_for(event.token) {
                return;
            }
            if self.registry.entry(event.token).is_ok() {
                events.join(*event);
            }
            self.due.pop_front();
        }
    }

    /// One event of the queue's.
    #[inline]
    fn report(&mut self, event: &Kevent, events: &mut Events) {
        if event.udata() == wake::UDATA {
            if self.wake.acknowledge() {
                events.set_woken();
            }
            return;
        }
        let Some(token) = self.registry.token_of_word(event.udata()) else {
            return;
        };
        let mut readiness = flags::readiness(event);
        if flags::is_end(event) {
            match self.registry.entry(token) {
                Ok(entry) => readiness |= entry.note.note(event),
                // Of a former tenant.
                Err(_) => return,
            }
        }
        if !readiness.is_empty() {
            events.join(Event { token, readiness });
        }
    }
}

impl<Q: Queue + 'static> Hub for KqueueHub<Q> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: Trigger::Edge,
            regular_files: true,
            max_descriptor: None,
            tells_hang_up: true,
            tells_read_closed: true,
            tells_urgent: false,
        }
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        let number = fd.as_raw_fd();
        self.registry.insert(number, token, Ended::default())?;
        self.watch(number as usize, token).inspect_err(|_| {
            // It was inserted just now; taking it out again cannot fail.
            let _ = self.registry.remove(token);
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
        let outcomes = submit(&**self.queue, flags::forgetting(fd as usize))?;
        match outcomes.into_iter().find(|outcome| !is_gone(*outcome)) {
            None => Ok(()),
            Some(error) => Err(io::Error::from_raw_os_error(error)),
        }
    }

    fn deregister_closing(&mut self, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        self.registry.remove(token).map(drop)
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        self.home.check(NAME)?;
        if self.buffer.len() < events.capacity() {
            self.buffer.resize(events.capacity(), Kevent::EMPTY);
        }
        persist(timeout, |timeout| {
            self.report_due(events);
            let timeout = match Attempt::of(events) {
                Attempt::Fruitful => Some(Duration::ZERO),
                Attempt::Fruitless => timeout,
            };
            // No room, no system call: the buffer is as long as the room that is left.
            let room = events.remaining();
            if room == 0 {
                return Ok(Attempt::Fruitful);
            }
            let count = self.queue.kevent(&[], &mut self.buffer[..room], timeout)?;
            for index in 0..count {
                let event = self.buffer[index];
                self.report(&event, events);
            }
            Ok(Attempt::of(events))
        })
    }

    fn waker(&self) -> Waker {
        self.wake.waker()
    }
}

const NAME: &str = "kqueue";

/// Whether a direction is not watched, and not because there is nothing left to watch.
fn is_refusal(outcome: Outcome) -> bool {
    !matches!(outcome, APPLIED | libc::EPIPE)
}

/// Whether nothing is watched any more. ENOENT and EBADF: the number was closed too early, against the
/// caller's promise, or this direction was never watched.
fn is_gone(outcome: Outcome) -> bool {
    matches!(outcome, APPLIED | libc::ENOENT | libc::EBADF)
}
