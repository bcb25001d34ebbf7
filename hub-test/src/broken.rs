//! Hubs that are wrong on purpose, one fault each: the proof that the suite catches it.
//!
//! Each is the oracle with one thing done wrong on the way in or out.
//! `tests/catches_faults.rs` says which areas of the suite must notice, and that no other does.

use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use eventlet_hub::{Capabilities, Event, Events, Interest, Readiness, Token, WakeSource, Waker};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::poll;

use crate::Oracle;
use crate::sys::PlainHub;

/// What is wrong with a [`Broken`] hub.
///
/// # Examples
///
/// ```
/// use eventlet_hub_test::{Area, Broken, Fault, Subject, failures};
/// use std::time::Duration;
///
/// let patience = Duration::from_millis(50); // It waits for what will not come.
/// let deaf = Subject::new(|| Broken::new(Fault::LosesWake)).with_patience(patience);
/// assert!(!failures(Area::WakeUp, &deaf).is_empty());
/// let sound = Subject::new(|| Broken::new(Fault::None));
/// assert!(failures(Area::WakeUp, &sound).is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the control. No area may fail.
    None,
    /// Reports only data and room: a hang-up or an error wakes nobody.
    DropsHangUp,
    /// Forgets what did not fit into a batch.
    LosesOverflow,
    /// Reports in the order of slots, so that low ones starve high ones.
    Unfair,
    /// Reports tokens with the generation of the slot's first tenant.
    StaleToken,
    /// Rounds timeouts down to milliseconds.
    RoundsDown,
    /// Keeps to the first time that it was to wait until.
    KeepsDeadline,
    /// Forgets a wake-up that came before the wait.
    LosesWake,
    /// Is woken again and again by one wake.
    StaysWoken,
    /// Says yes to a descriptor that is registered already.
    AcceptsTwice,
    /// A signal ends a wait.
    EndsOnSignal,
    /// Each signal begins the timeout anew.
    RestartsOnSignal,
    /// Reports two facts of a descriptor as two events.
    SplitsFacts,
    /// Arming lasts for ever.
    StaysArmed,
    /// Arming one direction disarms the other.
    OneDirection,
    /// Works on in a forked child.
    WorksInChild,
    /// Has a descriptor that survives an `exec`.
    SurvivesExec,
}

/// A hub with a [`Fault`].
///
/// # Examples
///
/// ```
/// use eventlet_hub_test::{Area, Broken, Fault, Subject, failures};
///
/// let subject = Subject::new(|| Broken::new(Fault::AcceptsTwice));
/// for failure in failures(Area::Registration, &subject) {
///     eprintln!("caught by {}: {}", failure.case, failure.message);
/// }
/// # assert!(!failures(Area::Registration, &subject).is_empty());
/// ```
#[derive(Debug)]
pub struct Broken {
    oracle: Oracle,
    fault: Fault,
    /// What is armed under each token; kept for the faults that meddle with it.
    armed: Vec<(Token, Interest)>,
    /// Facts split off from reports of the past.
    leftover: Vec<Event>,
    /// The first that was given.
    deadline: Option<Instant>,
    /// A descriptor to be careless with.
    _stray: WakeSource,
}

impl Broken {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// As for [`Oracle::new`].
    pub fn new(fault: Fault) -> io::Result<Self> {
        let stray = WakeSource::new()?;
        if fault == Fault::SurvivesExec {
            fcntl(&stray, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok(Broken {
            oracle: match fault {
                Fault::WorksInChild => Oracle::homeless()?,
                _ => Oracle::new()?,
            },
            fault,
            armed: Vec::new(),
            leftover: Vec::new(),
            deadline: None,
            _stray: stray,
        })
    }

    fn interest(&self, token: Token) -> Option<Interest> {
        self.armed
            .iter()
            .find(|(armed, _)| *armed == token)
            .map(|(_, interest)| *interest)
    }

    /// A wait that a signal disturbs.
    fn wait_disturbed(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        const NAP_MILLIS: u16 = 1;
        let end = |timeout: Option<Duration>| {
            timeout.and_then(|timeout| Instant::now().checked_add(timeout))
        };
        let mut over = end(timeout);
        loop {
            self.oracle.wait(events, Some(Duration::ZERO))?;
            let is_over = over.is_some_and(|over| Instant::now() >= over);
            if !events.is_empty() || events.is_woken() || is_over {
                return Ok(());
            }
            if poll(&mut [], NAP_MILLIS) == Err(Errno::EINTR) {
                if self.fault == Fault::EndsOnSignal {
                    return Ok(());
                }
                over = end(timeout);
            }
        }
    }

    /// A wait whose batch is cut off: the rest is forgotten, or served in the wrong order.
    fn wait_cut(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        const PLENTY: usize = 10_000;
        let mut all = Events::with_capacity(PLENTY);
        self.oracle.wait(&mut all, timeout)?;
        events.clear();
        if all.is_woken() {
            events.set_woken();
        }
        let mut list: Vec<Event> = all.iter().copied().collect();
        if self.fault == Fault::Unfair {
            list.sort_by_key(|event| event.token.slot());
        }
        for event in list {
            if events.remaining() > 0 {
                events.push(event);
            } else if self.fault == Fault::Unfair {
                // Back into the queue, since it was not reported.
                if let Some(interest) = self.interest(event.token) {
                    self.oracle.arm(event.token, interest)?;
                }
            }
        }
        Ok(())
    }

    /// Lets every event through `change`, which may drop it.
    fn change(events: &mut Events, change: impl Fn(Event) -> Option<Event>) {
        let list: Vec<_> = events.iter().copied().filter_map(change).collect();
        let woken = events.is_woken();
        events.clear();
        if woken {
            events.set_woken();
        }
        for event in list {
            events.push(event);
        }
    }
}

impl PlainHub for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn capabilities(&self) -> Capabilities {
        self.oracle.capabilities()
    }

    fn register(&mut self, fd: RawFd, token: Token) -> io::Result<()> {
        if self.fault == Fault::AcceptsTwice && self.oracle.is_registered(fd) {
            return Ok(());
        }
        self.oracle.register(fd, token)
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        if self.fault == Fault::OneDirection {
            self.oracle.disarm(token);
        }
        let joined = self.interest(token).map_or(interest, |old| old | interest);
        self.armed.retain(|(armed, _)| *armed != token);
        self.oracle.arm(token, interest)?;
        self.armed.push((token, joined));
        Ok(())
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        self.armed.retain(|(armed, _)| *armed != token);
        self.leftover.retain(|event| event.token != token);
        self.oracle.deregister(token)
    }

    fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        let first = *self.deadline.get_or_insert(deadline);
        let deadline = match self.fault {
            Fault::KeepsDeadline => first,
            _ => deadline,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        PlainHub::wait(self, events, Some(left))
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = match (self.fault, timeout) {
            (Fault::RoundsDown, Some(timeout)) => Some(Duration::from_millis(
                u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            )),
            _ => timeout,
        };
        if self.fault == Fault::LosesWake {
            self.oracle.wait(events, Some(Duration::ZERO))?;
            if !events.is_empty() {
                return Ok(());
            }
        }
        if !self.leftover.is_empty() {
            events.clear();
            while events.remaining() > 0 {
                let Some(event) = self.leftover.pop() else {
                    break;
                };
                events.push(event);
            }
            return Ok(());
        }
        match self.fault {
            Fault::EndsOnSignal | Fault::RestartsOnSignal => {
                self.wait_disturbed(events, timeout)?;
            }
            Fault::LosesOverflow | Fault::Unfair => self.wait_cut(events, timeout)?,
            _ => self.oracle.wait(events, timeout)?,
        }
        match self.fault {
            Fault::DropsHangUp => Self::change(events, |event| {
                let is_data = !event.readiness.is_hang_up() && !event.readiness.is_error();
                is_data.then_some(event)
            }),
            Fault::StaleToken => Self::change(events, |event| {
                Some(Event {
                    token: Token::new(event.token.slot(), 0),
                    ..event
                })
            }),
            Fault::StaysWoken if events.is_woken() => self.oracle.waker().wake(),
            Fault::SplitsFacts => {
                let both = Readiness::READABLE | Readiness::WRITABLE;
                for event in events.iter().filter(|event| event.readiness == both) {
                    self.leftover.push(Event {
                        readiness: Readiness::WRITABLE,
                        ..*event
                    });
                }
                Self::change(events, |event| {
                    Some(Event {
                        readiness: if event.readiness == both {
                            Readiness::READABLE
                        } else {
                            event.readiness
                        },
                        ..event
                    })
                });
            }
            Fault::StaysArmed => {
                for event in &*events {
                    if let Some(interest) = self.interest(event.token) {
                        self.oracle.arm(event.token, interest)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn waker(&self) -> Waker {
        self.oracle.waker()
    }
}
