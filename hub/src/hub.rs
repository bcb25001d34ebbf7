//! The contract between an event-notification facility and the layers above.
//!
//! A hub says which descriptors are ready; everything else (timers, callbacks, coroutines, when to
//! try an operation again) is somebody else's job.
//!
//! # Register once, arm per wait
//!
//! ```text
//! register(fd, token) ──► [ registered ] ──arm(token, interest)──► [ armed ] ──► wait() reports token
//!                              ▲                                                      │
//!                              └────── try the operation; WouldBlock ◄────────────────┘
//!                              │
//!                         deregister(token)
//! ```
//!
//! * **Promise.** After an operation gave `WouldBlock` and the token was armed, [`Hub::wait`]
//!   reports the token at least once when the descriptor is, or becomes, ready for the interest.
//! * **Hint.** A report may be spurious, and may name readiness nobody armed. So the layer above
//!   tries the operation first and treats events as hints.
//! * **Unspecified.** Whether arming lasts after a report: arm again before each wait.
//!
//! | | epoll | kqueue | poll | select | polling |
//! |---|---|---|---|---|---|
//! | `register` | one `epoll_ctl` | one `kevent` | no call | no call | one call |
//! | trigger | edge | edge | level | level | edge; one-shot where its facility has no edges |
//! | `deregister` | one `epoll_ctl` | one `kevent` | no call | no call | one call |
//! | `deregister_closing` | no call | no call | no call | no call | one call |
//! | `arm` | free | free | a bit in user space | a bit in user space | free; one-shot: one call |
//! | readiness nobody armed | reported | reported | not reported | not reported | reported; one-shot: not |
//! | cost of a wait | ready descriptors | ready descriptors | armed descriptors | highest armed number | ready descriptors |
//! | calls of a wait | 1 | 1 | 1 | 1 | 5 over epoll |
//! | regular files | refused (always ready) | readable until their end | always ready | always ready | as its facility |
//! | highest descriptor | none | none | none | `FD_SETSIZE` − 1 (1023) | none |
//! | same descriptor twice | `AlreadyExists` | `AlreadyExists` | `AlreadyExists` | `AlreadyExists` | `AlreadyExists` |
//! | a half-close, urgent data | both told | half-close told | half-close on Linux | neither told | urgent data over epoll |
//! | shortest timeout | 1 ns (1 ms before Linux 5.11) | 1 ns | 1 ns (1 ms without `ppoll`) | 1 µs | 1 ns (1 ms on Windows) |
//!
//! The suite `eventlet-hub-test` has a case for each promise of this page; its areas are named in
//! the methods below.
//!
//! A descriptor is a file's on Unix and a socket's on Windows: [`fd`](crate::fd).
//!
//! # Threads and fork
//!
//! A hub belongs to one thread at a time; only its [`Waker`] crosses threads. After a plain `fork`
//! the child's copy of a hub is dead: every call on it fails (`Unsupported`) without touching the
//! kernel object it shares with its parent, so that the parent is not disturbed.

use std::io;
use std::time::{Duration, Instant};

use crate::fd::{BorrowedFd, RawFd};
use crate::{Events, Interest, Token, Waker};

/// How a hub learns of readiness; tells the layer above what it may save.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Capabilities, Trigger};
///
/// /// Whether a layer above has to say before each wait what it waits for.
/// fn must_arm(hub: Capabilities) -> bool {
///     match hub.trigger {
///         Trigger::Edge => false,
///         Trigger::Level | Trigger::OneShot => true,
///     }
/// }
/// # let hub = Capabilities {
/// #     trigger: Trigger::Level,
/// #     regular_files: true,
/// #     max_descriptor: None,
/// #     tells_hang_up: true,
/// #     tells_read_closed: true,
/// #     tells_urgent: false,
/// # };
/// # assert!(must_arm(hub));
/// # assert!(!must_arm(Capabilities { trigger: Trigger::Edge, ..hub }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Every change to ready is reported once, armed or not; [`Hub::arm`] does nothing. The layer
    /// above may therefore remember that a descriptor was drained, and wait without trying first.
    /// That a read which fell short has drained it is another matter: see
    /// [`Capabilities::tells_drained`].
    Edge,
    /// Readiness is reported only for what is armed, and only once per arming.
    Level,
    /// As [`Level`](Self::Level), but the kernel keeps what is armed: arming costs a system call, and
    /// a descriptor that was closed while registered is forgotten rather than reported.
    OneShot,
}

/// What a hub can and cannot do, so that nobody finds out late.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Capabilities, Trigger};
///
/// let select = Capabilities {
///     trigger: Trigger::Level,
///     regular_files: true,
///     max_descriptor: Some(1023),
///     tells_hang_up: false,
///     tells_read_closed: false,
///     tells_urgent: false,
/// };
/// assert!(!select.tells_drained());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How readiness is reported.
    pub trigger: Trigger,
    /// Whether a regular file can be registered.
    pub regular_files: bool,
    /// The highest descriptor number that can be registered, if there is a limit.
    pub max_descriptor: Option<RawFd>,
    /// Whether hang-up and error are told apart from readable and writable.
    pub tells_hang_up: bool,
    /// Whether a peer's half-close is told apart from readable.
    pub tells_read_closed: bool,
    /// Whether urgent data is told.
    pub tells_urgent: bool,
}

impl Capabilities {
    /// Whether a read that fell short of its buffer has drained the descriptor, unless one of the
    /// facts error, read-closed or urgent was reported of it: an edge-triggered hub that tells all
    /// that stops a read short with more behind it. The end of a stream that came together with the
    /// data before it is no change of its own, so who waited for one would wait for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Capabilities, Trigger};
    ///
    /// let mut hub = Capabilities {
    ///     trigger: Trigger::Edge,
    ///     regular_files: false,
    ///     max_descriptor: None,
    ///     tells_hang_up: true,
    ///     tells_read_closed: true,
    ///     tells_urgent: true,
    /// };
    /// assert!(hub.tells_drained());
    /// hub.tells_urgent = false;
    /// assert!(!hub.tells_drained(), "a read may have stopped short at urgent data");
    /// ```
    pub fn tells_drained(&self) -> bool {
        self.trigger == Trigger::Edge && self.tells_read_closed && self.tells_urgent
    }
}

/// An event-notification facility.
///
/// Use it through [`Sources`](crate::Sources), which hands out tokens, keeps descriptors open and
/// needs no `unsafe`; the methods here are what a backend implements.
///
/// # Examples
///
/// ```
/// # use eventlet_hub::fd::{AsRawFd, BorrowedFd};
/// # use eventlet_hub::registry::Registry;
/// # use eventlet_hub::retry::{Attempt, persist};
/// # use eventlet_hub::{
/// #     Bell, BellTower, Capabilities, Event, Events, Hub, Interest, Readiness, Sources, Token, Trigger,
/// #     Waker,
/// # };
/// # use std::io;
/// # use std::net::UdpSocket;
/// # use std::thread::{self, Thread};
/// # use std::time::Duration;
/// /// For descriptors that never block: what is armed is ready.
/// struct Always {
///     registry: Registry<()>,
///     armed: Vec<Token>,
///     tower: BellTower<Unpark>,
/// }
///
/// impl Hub for Always {
///     unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
///         self.registry.insert(fd.as_raw_fd(), token, ())
///     }
///
///     fn arm(&mut self, token: Token, _: Interest) -> io::Result<()> {
///         self.registry.entry(token)?;
///         if !self.armed.contains(&token) {
///             self.armed.push(token);
///         }
///         Ok(())
///     }
///
///     fn deregister(&mut self, token: Token) -> io::Result<()> {
///         self.armed.retain(|armed| *armed != token);
///         self.registry.remove(token).map(drop)
///     }
///
///     fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
///         events.clear();
///         let count = self.armed.len().min(events.capacity());
///         for token in self.armed.drain(..count) {
///             let readiness = Readiness::READABLE | Readiness::WRITABLE;
///             events.push(Event { token, readiness });
///         }
///         let nothing = events.is_empty();
///         persist(timeout, |timeout| {
///             if nothing {
///                 thread::park_timeout(timeout.unwrap_or(Duration::MAX));
///             }
///             if self.tower.acknowledge() {
///                 events.set_woken();
///             }
///             Ok(Attempt::of(events))
///         })
///     }
///
///     fn waker(&self) -> Waker {
///         self.tower.waker()
///     }
///
///     // name, capabilities
/// #     fn name(&self) -> &'static str {
/// #         "always"
/// #     }
/// #
/// #     fn capabilities(&self) -> Capabilities {
/// #         Capabilities {
/// #             trigger: Trigger::Level,
/// #             regular_files: true,
/// #             max_descriptor: None,
/// #             tells_hang_up: false,
/// #             tells_read_closed: false,
/// #             tells_urgent: false,
/// #         }
/// #     }
/// }
///
/// # struct Unpark(Thread);
/// #
/// # impl Bell for Unpark {
/// #     fn ring(&self) {
/// #         self.0.unpark();
/// #     }
/// # }
/// #
/// let hub = Always {
///     registry: Registry::new(),
///     armed: Vec::new(),
///     tower: BellTower::new(Unpark(thread::current())),
/// };
/// let mut sources = Sources::new(hub);
/// let token = sources.register(UdpSocket::bind("127.0.0.1:0")?)?;
/// sources.arm(token, Interest::WRITABLE)?;
/// let mut events = Events::new();
/// sources.wait(&mut events, None)?;
/// assert!(sources.ready(&events).all(|(_, _, readiness)| readiness.is_writable()));
///
/// sources.waker().wake();
/// sources.wait(&mut events, None)?;
/// assert!(events.is_empty() && events.is_woken());
/// # Ok::<(), io::Error>(())
/// ```
pub trait Hub {
    /// The facility's name in lower case: `"epoll"`, `"poll"`, …
    fn name(&self) -> &'static str;

    /// What this hub can do.
    fn capabilities(&self) -> Capabilities;

    /// Ties a descriptor to a token. Nothing is armed yet.
    ///
    /// The descriptor should be non-blocking; the hub neither checks nor changes that.
    ///
    /// # Errors
    ///
    /// * `AlreadyExists`: the descriptor, or the token's slot, is registered already.
    /// * `InvalidInput`: the facility cannot watch this kind of descriptor (a regular file on
    ///   epoll), or its number is beyond the facility's limit (select); the message says which.
    /// * `Unsupported`: the hub was made before a `fork`, in another process.
    /// * `Other` and whatever the kernel gives: `ENOMEM`, `ENOSPC` (`max_user_watches`).
    ///
    /// After an error nothing is registered. (Suite: `Registration`, `Errors`.)
    ///
    /// # Safety
    ///
    /// The descriptor must stay open, as the same number, until the registration is ended by
    /// [`deregister`](Self::deregister) or [`deregister_closing`](Self::deregister_closing), or
    /// the hub is dropped.
    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()>;

    /// Says that somebody now waits for `interest` on the token's descriptor.
    ///
    /// Arming adds to what is armed. Arming what is armed changes nothing. (Suite: `Readiness`,
    /// `Drain`.)
    ///
    /// # Errors
    ///
    /// * `NotFound`: the token is not registered. Edge-triggered hubs need not notice.
    /// * `Unsupported`: as for [`register`](Self::register).
    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()>;

    /// Ends a registration. Events already queued in the kernel for it may still be reported
    /// under its token, which [`Sources`](crate::Sources) drops; no later ones are. (Suite: `Changes`,
    /// `Reuse`.)
    ///
    /// # Errors
    ///
    /// * `NotFound`: the token is not registered.
    /// * `Unsupported`: as for [`register`](Self::register).
    ///
    /// In either case nothing is registered under the token afterwards.
    fn deregister(&mut self, token: Token) -> io::Result<()>;

    /// Ends a registration whose descriptor the caller closes right afterwards, and of which no
    /// duplicate exists. A hub whose kernel forgets a closed descriptor saves a system call.
    ///
    /// Should a duplicate exist after all, stale events may go on to be reported under the dead
    /// token: a cost, never a confusion.
    ///
    /// # Errors
    ///
    /// As for [`deregister`](Self::deregister).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Hub, Sources, Token};
    /// use std::io;
    /// use std::net::TcpStream;
    ///
    /// /// Closes a connection that nobody else has a handle to.
    /// fn close<H: Hub>(sources: &mut Sources<H, TcpStream>, token: Token) -> io::Result<()> {
    ///     // Where the kernel forgets closed descriptors, this saves a system call.
    ///     sources.deregister_closing(token).map(drop)
    /// }
    /// ```
    fn deregister_closing(&mut self, token: Token) -> io::Result<()> {
        self.deregister(token)
    }

    /// Waits until something is ready, a waker wakes, or the timeout is over; puts a batch into
    /// `events`, which it clears first.
    ///
    /// * `None` waits for ever; zero looks and returns; any other timeout is rounded *up* to what
    ///   the facility can express, so the wait never ends early. Signals (`EINTR`) do not end it.
    /// * At most [`Events::capacity`] events are reported. What did not fit comes in later waits,
    ///   before what has been reported meanwhile is reported again.
    /// * Each token is reported at most once in a batch, with all its facts joined.
    ///
    /// (Suite: `Timeouts`, `Signals`, `Batches`, `Many`, `HangUp`.)
    ///
    /// # Errors
    ///
    /// * `Unsupported`: as for [`register`](Self::register).
    /// * Whatever the kernel gives: `ENOMEM`. A descriptor that was closed while registered (a
    ///   broken promise of the caller's) never fails the wait: level-triggered hubs report it as
    ///   ready with an error, edge-triggered and one-shot ones say nothing, because their kernel has
    ///   forgotten it.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()>;

    /// As [`wait`](Self::wait), until a point in time.
    ///
    /// For who waits again and again until the same time, as a loop does whose next timer is far away:
    /// a hub may have told the kernel of it, and then neither reads a clock nor sets a timeout. It never
    /// ends before that time without something to report. If it has passed, it looks and returns.
    ///
    /// (Suite: `Timeouts`, `Signals`.)
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Events, Hub};
    /// use std::io;
    /// use std::time::{Duration, Instant};
    ///
    /// /// Calls for each batch of events, until some time.
    /// fn run(
    ///     hub: &mut impl Hub,
    ///     until: Instant,
    ///     mut handle: impl FnMut(&Events),
    /// ) -> io::Result<()> {
    ///     let mut events = Events::new();
    ///     loop {
    ///         hub.wait_until(&mut events, until)?;
    ///         if events.is_empty() && !events.is_woken() {
    ///             return Ok(());
    ///         }
    ///         handle(&events);
    ///     }
    /// }
    /// ```
    fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        self.wait(
            events,
            Some(deadline.saturating_duration_since(Instant::now())),
        )
    }

    /// A handle that ends a wait of this hub from another thread or from a signal handler. (Suite:
    /// `WakeUp`.)
    fn waker(&self) -> Waker;
}

impl<H: Hub + ?Sized> Hub for Box<H> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        // SAFETY: the caller's promise is handed on unchanged.
        unsafe { (**self).register(fd, token) }
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        (**self).arm(token, interest)
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        (**self).deregister(token)
    }

    fn deregister_closing(&mut self, token: Token) -> io::Result<()> {
        (**self).deregister_closing(token)
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        (**self).wait(events, timeout)
    }

    fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        (**self).wait_until(events, deadline)
    }

    fn waker(&self) -> Waker {
        (**self).waker()
    }
}
