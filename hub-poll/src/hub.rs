//! The hub itself: the table of registrations, what is armed, the wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use eventlet_hub::fork::Home;
use eventlet_hub::registry::Registry;
use eventlet_hub::retry::{Attempt, persist};
use eventlet_hub::{Capabilities, Event, Events, Hub, Interest, Token, Trigger, WakeSource, Waker};

use crate::poll_set::{PollSet, Position};
use crate::{flags, sys};

/// A hub over `poll`.
///
/// It holds its waker's descriptors only (close-on-exec).
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Events, Hub};
/// use eventlet_hub_poll::PollHub;
///
/// let mut hub = PollHub::new()?;
/// hub.waker().wake();
/// let mut events = Events::new();
/// hub.wait(&mut events, None)?;
/// assert!(events.is_woken());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct PollHub {
    /// The note is where the descriptor stands among the armed.
    registry: Registry<Position>,
    armed: PollSet,
    wake: WakeSource,
    home: Home,
}

impl PollHub {
    /// Makes a hub that watches nothing.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`).
    pub fn new() -> io::Result<Self> {
        let wake = WakeSource::new()?;
        Ok(PollHub {
            registry: Registry::new(),
            armed: PollSet::new(wake.as_fd().as_raw_fd()),
            wake,
            home: Home::new(),
        })
    }

    fn close_gaps(&mut self) {
        self.armed.close_gaps(|token, position| {
            if let Ok(entry) = self.registry.entry(token) {
                entry.note = position;
            }
        });
    }

    /// Turns the kernel's answers into events, oldest armed first; reports `count` at most.
    fn harvest(&mut self, mut count: usize, events: &mut Events) {
        for index in WAKER + 1..self.armed.len() {
            if count == 0 || events.remaining() == 0 {
                break;
            }
            let (Some(token), answer) = self.armed.answer(index) else {
                continue;
            };
            if answer.revents == 0 {
                continue;
            }
            count -= 1;
            let readiness = flags::readiness(answer.revents);
            if readiness.is_empty() {
                continue;
            }
            events.push(Event { token, readiness });
            if let Ok(entry) = self.registry.entry(token) {
                self.armed.disarm(entry.note);
                let left = flags::still_asked(answer.events, readiness);
                // What is still waited for queues up behind everybody else.
                entry.note = if left == 0 {
                    Position::NONE
                } else {
                    self.armed.arm(Position::NONE, entry.fd, token, left)
                };
            }
        }
    }
}

impl Hub for PollHub {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: Trigger::Level,
            regular_files: true,
            max_descriptor: None,
            tells_hang_up: true,
            tells_read_closed: flags::TELLS_READ_CLOSED,
            tells_urgent: false,
        }
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        self.registry.insert(fd.as_raw_fd(), token, Position::NONE)
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        self.home.check(NAME)?;
        let entry = self.registry.entry(token)?;
        let flags = flags::asked(interest);
        entry.note = self.armed.arm(entry.note, entry.fd, token, flags);
        Ok(())
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        self.home.check(NAME)?;
        let entry = self.registry.remove(token)?;
        self.armed.disarm(entry.note);
        // So that arming and deregistering for ever without a wait does not take memory for ever.
        if self.armed.is_mostly_holes() {
            self.close_gaps();
        }
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        self.home.check(NAME)?;
        self.close_gaps();
        persist(timeout, |timeout| {
            let mut count = sys::poll(self.armed.array(), timeout)?;
            let (_, waker) = self.armed.answer(WAKER);
            if waker.revents != 0 {
                count -= 1;
                if self.wake.acknowledge() {
                    events.set_woken();
                }
            }
            self.harvest(count, events);
            Ok(Attempt::of(events))
        })
    }

    fn waker(&self) -> Waker {
        self.wake.waker()
    }
}

const NAME: &str = "poll";

/// Where the waker stands in the array.
const WAKER: usize = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arming_and_deregistering_without_a_wait_takes_no_memory() {
        const ROUNDS: u32 = 10_000;
        const FEW: usize = 8;
        let mut hub = PollHub::new().expect("hub");
        let (reader, _writer) = std::io::pipe().expect("pipe");
        for round in 0..ROUNDS {
            let token = Token::new(0, round);
            // SAFETY: the pipe outlives the hub's registration, which ends below.
            unsafe { hub.register(reader.as_fd(), token) }.expect("register");
            hub.arm(token, Interest::BOTH).expect("arm");
            hub.deregister(token).expect("deregister");
        }
        assert!(hub.armed.len() < FEW);
    }
}
