//! What both sides of a channel can see and set: what is queued, who waits, its capacity, its end.

use std::fmt;

use super::receiver::Receiver;
use super::sender::Sender;
use super::shared::{Shared, UNLIMITED};
use super::tasks::JoinTasksError;
use eventlet_runloop::Time;

/// How many values may be queued in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// At most so many. Zero: each send meets a receive.
    AtMost(usize),
    /// As many as memory holds.
    Unbounded,
}

impl From<usize> for Capacity {
    fn from(capacity: usize) -> Self {
        Capacity::AtMost(capacity)
    }
}

impl Capacity {
    pub(super) fn limit(self) -> usize {
        match self {
            // One less than the largest is no less than memory holds.
            Capacity::AtMost(capacity) => capacity.min(UNLIMITED - 1),
            Capacity::Unbounded => UNLIMITED,
        }
    }
}

/// The same for both sides.
macro_rules! inspect {
    ($side:ident) => {
        impl<T> $side<T> {
            /// How many values are queued. A value that was handed to a receiver is not, nor is one
            /// whose sender waits. A value that came back, because its receiver was killed before
            /// it went on, can make it one more than the capacity.
            pub fn len(&self) -> usize {
                self.shared.len()
            }

            /// Whether nothing is queued.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether there is no room for one more value. A channel of capacity zero is always
            /// both full and empty.
            pub fn is_full(&self) -> bool {
                self.len() >= self.shared.limit()
            }

            /// How many values may be queued.
            pub fn capacity(&self) -> Capacity {
                match self.shared.limit() {
                    UNLIMITED => Capacity::Unbounded,
                    limit => Capacity::AtMost(limit),
                }
            }

            /// Sets how many values may be queued. Where there is more room now, waiting senders
            /// are let in; where there is less, nothing is dropped.
            ///
            /// # Panics
            ///
            /// As for [`Sender::send`].
            pub fn set_capacity(&self, capacity: impl Into<Capacity>) {
                self.shared.set_limit(capacity.into().limit());
            }

            /// How many senders wait.
            pub fn waiting_senders(&self) -> usize {
                self.shared.senders.len()
            }

            /// How many receivers wait.
            pub fn waiting_receivers(&self) -> usize {
                self.shared.receivers.len()
            }

            /// The senders that wait, or minus the receivers that wait: there are never both.
            pub fn balance(&self) -> isize {
                self.waiting_senders() as isize - self.waiting_receivers() as isize
            }

            /// Closes the channel for all of its senders: those that wait get their values back.
            /// Receivers get what is queued, and then an error; those that wait get it now. Says
            /// whether it was open.
            pub fn close(&self) -> bool {
                let was_open = !self.shared.is_closed();
                self.shared.close();
                was_open
            }

            /// Whether the channel was closed, or all senders or all receivers are gone. There may
            /// still be values to receive.
            pub fn is_closed(&self) -> bool {
                self.shared.is_closed()
            }

            /// How many values were sent and are not said to be
            /// [done](Receiver::task_done). Of no meaning in a channel whose receivers never say
            /// so.
            pub fn unfinished(&self) -> usize {
                self.shared.tasks.unfinished()
            }
        }
    };
}

inspect!(Sender);
inspect!(Receiver);

impl<T> Shared<T> {
    pub(super) fn join_tasks(&self, deadline: Option<Time>) -> Result<(), JoinTasksError> {
        self.tasks.wait(|| self.has_receivers(), deadline)
    }

    pub(super) fn describe(&self, side: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(side)
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .field("waiting_senders", &self.senders.len())
            .field("waiting_receivers", &self.receivers.len())
            .finish()
    }
}
