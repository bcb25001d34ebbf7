//! The hub itself: the poller, the table of registrations, the wait.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use eventlet_hub::fd::{AsRawFd, BorrowedFd};
use eventlet_hub::fork::{Home, HomeBound};
use eventlet_hub::registry::Registry;
use eventlet_hub::retry::{Attempt, persist};
use eventlet_hub::{
    Capabilities, Event, Events, Hub, Interest, Token, Trigger, Waker, error, timeout,
};
use polling::{PollMode, Poller};

use crate::wake::{self, Reported, Wake};
use crate::{meaning, sys};

/// A hub over a [`polling::Poller`].
///
/// It holds the poller's descriptors and its waker's, all close-on-exec.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Events, Hub};
/// use eventlet_hub_polling::PollingHub;
///
/// let mut hub = PollingHub::new()?;
/// hub.waker().wake();
/// let mut events = Events::new();
/// hub.wait(&mut events, None)?;
/// assert!(events.is_woken());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct PollingHub {
    /// A forked child lets it be: its end would take the timer and the bell out of the parent's queue.
    poller: Arc<HomeBound<Poller>>,
    mode: PollMode,
    /// The note is what is armed; kept in one-shot mode only.
    registry: Registry<Option<Interest>>,
    /// What the package fills.
    batch: polling::Events,
    /// How large a batch of ours it was made for.
    batch_is_for: usize,
    /// What came and did not fit into a batch of ours, oldest first. See [`OWN_EVENTS`].
    left: VecDeque<Event>,
    wake: Wake,
    home: Home,
}

/// How many places of a batch the package, and our waker, may take for themselves: timer, bell, waker.
/// The batch is that much larger, so that they do not take the room of what is to be reported.
const OWN_EVENTS: usize = 3;

impl PollingHub {
    /// Makes a poller: edge-triggered where its facility can be.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`), no memory.
    pub fn new() -> io::Result<Self> {
        let poller = Arc::new(HomeBound::new(Poller::new()?));
        let mode = if poller.supports_edge() {
            PollMode::Edge
        } else {
            PollMode::Oneshot
        };
        let wake = Wake::best(&poller, mode)?;
        Ok(Self::over(poller, mode, wake))
    }

    /// Makes a poller and uses nothing of it but what each of its facilities can do: one-shot
    /// registrations, and the package's own wake-up. It is what Windows has, for trying it elsewhere;
    /// where [`new`](Self::new) is edge-triggered, that costs less.
    ///
    /// Over kqueue its waker must not be used in signal handlers, because the package asks for memory
    /// then.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Hub, Trigger};
    /// use eventlet_hub_polling::PollingHub;
    ///
    /// let hub = PollingHub::portable()?;
    /// assert_eq!(hub.capabilities().trigger, Trigger::OneShot);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn portable() -> io::Result<Self> {
        let poller = Arc::new(HomeBound::new(Poller::new()?));
        let wake = Wake::notified(&poller);
        Ok(Self::over(poller, PollMode::Oneshot, wake))
    }

    fn over(poller: Arc<HomeBound<Poller>>, mode: PollMode, wake: Wake) -> Self {
        PollingHub {
            poller,
            mode,
            registry: Registry::new(),
            batch: polling::Events::with_capacity(NonZeroUsize::MIN),
            batch_is_for: 0,
            left: VecDeque::new(),
            wake,
            home: Home::new(),
        }
    }

    fn is_one_shot(&self) -> bool {
        self.mode == PollMode::Oneshot
    }

    /// What was reported of `event` is no longer armed, in the package no more than here: what is left
    /// must be asked for again. Says what of it was asked for.
    fn disarm(&mut self, event: Event) -> io::Result<Option<Event>> {
        let Ok(entry) = self.registry.entry(event.token) else {
            return Ok(None);
        };
        let before = entry.note;
        entry.note = meaning::still_asked(before, event.readiness);
        if entry.note.is_some() {
            let asked = meaning::asked(event.token.to_word(), entry.note);
            forgiving_closed(self.poller.modify_with_mode(
                sys::registered(&entry.fd),
                asked,
                self.mode,
            ))?;
        }
        Ok((before != entry.note).then_some(event))
    }

    /// One wait of the package's. Everything it has to say goes to the end of `left`.
    fn fetch(&mut self, timeout: Option<Duration>) -> io::Result<Reported> {
        self.batch.clear();
        self.poller.wait(&mut self.batch, timeout)?;
        let mut reported = Reported::No;
        for event in self.batch.iter() {
            if event.key == wake::KEY {
                reported = Reported::Yes;
            } else if let Some(token) = self.registry.token_of_word(event.key) {
                let readiness = meaning::readiness(&event);
                self.left.push_back(Event { token, readiness });
            }
        }
        Ok(reported)
    }

    /// Moves what fits into the batch of ours.
    fn report(&mut self, events: &mut Events) -> io::Result<()> {
        while let Some(event) = self.left.front().copied() {
            if !events.has_room_for(event.token) {
                break;
            }
            self.left.pop_front();
            let told = if self.is_one_shot() {
                self.disarm(event)?
            } else {
                Some(event)
            };
            if let Some(event) = told {
                events.join(event);
            }
        }
        Ok(())
    }
}

impl Hub for PollingHub {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: if self.is_one_shot() {
                Trigger::OneShot
            } else {
                Trigger::Edge
            },
            regular_files: meaning::TAKES_REGULAR_FILES,
            max_descriptor: None,
            tells_hang_up: meaning::TELLS_HANG_UP,
            tells_read_closed: false,
            tells_urgent: meaning::TELLS_URGENT,
        }
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        let number = fd.as_raw_fd();
        self.registry.insert(number, token, None)?;
        let watched = (!self.is_one_shot()).then_some(Interest::BOTH);
        let interest = meaning::asked(token.to_word(), watched);
        let added = match sys::add(&self.poller, number, interest, self.mode) {
            // Not in our table, but in the package's or the kernel's: the same open file came back
            // under the number of one that was closed while a duplicate kept it alive.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.poller.modify_with_mode(fd, interest, self.mode)
            }
            added => added,
        };
        added.map_err(|error| {
            // It was inserted just now; taking it out again cannot fail.
            let _ = self.registry.remove(token);
            match error.kind() {
                // EPERM: what epoll says of regular files and directories.
                io::ErrorKind::PermissionDenied => error::unsupported_file(NAME, number),
                _ => error,
            }
        })
    }

    /// Edge-triggered it is free, and does not notice unknown tokens or a fork.
    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        if !self.is_one_shot() {
            return Ok(());
        }
        self.home.check(NAME)?;
        let entry = self.registry.entry(token)?;
        let joined = entry.note.map_or(interest, |armed| armed | interest);
        if entry.note == Some(joined) {
            return Ok(());
        }
        entry.note = Some(joined);
        let asked = meaning::asked(token.to_word(), entry.note);
        forgiving_closed(
            self.poller
                .modify_with_mode(sys::registered(&entry.fd), asked, self.mode),
        )
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        let fd = self.registry.remove(token)?.fd;
        forgiving_closed(self.poller.delete(sys::registered(&fd)))
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        self.home.check(NAME)?;
        if self.batch_is_for != events.capacity() {
            let size = NonZeroUsize::MIN.saturating_add(events.capacity() - 1 + OWN_EVENTS);
            self.batch = polling::Events::with_capacity(size);
            self.batch_is_for = events.capacity();
        }
        persist(timeout, |timeout| {
            self.report(events)?;
            if events.remaining() == 0 {
                return Ok(Attempt::Fruitful);
            }
            let timeout = match Attempt::of(events) {
                Attempt::Fruitful => Some(Duration::ZERO),
                Attempt::Fruitless => timeout.map(|timeout| timeout.min(timeout::LONGEST)),
            };
            let reported = self.fetch(timeout)?;
            if self.wake.acknowledge(&self.poller, reported)? {
                events.set_woken();
            }
            self.report(events)?;
            Ok(Attempt::of(events))
        })
    }

    fn waker(&self) -> Waker {
        self.wake.waker()
    }
}

const NAME: &str = "polling";

/// A descriptor that was closed too early, against the caller's promise: the kernel has forgotten it
/// already, and there is nothing left to ask of it or to take back.
fn forgiving_closed(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if is_of_closed(&error) => Ok(()),
        outcome => outcome,
    }
}

fn is_of_closed(error: &io::Error) -> bool {
    const EBADF: i32 = 9;
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(EBADF)
}
