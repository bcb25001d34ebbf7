//! The end that values go in at.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Channel, SendError, SendTimeoutError, TrySendError, is_last, note};
use crate::between_threads::queue::Sent as Outcome;
use crate::coroutine::Wait;
use crate::inbox::Sent;
use crate::scheduler::Scheduler;
use crate::sleeper::sleep_until_woken;
use crate::sys::slot;

/// Sends values, from any thread. When the last clone is gone the channel is closed: what is in it
/// can still be received.
///
/// ```
/// fn crosses<T: Send + Sync + Clone>(_: T) {}
/// crosses(eventlet_green::cross::unbounded::<u8>().0);
/// ```
///
/// # Examples
///
/// ```
/// use eventlet_green::cross::{Sender, TrySendError, bounded};
/// use std::time::Duration;
///
/// let (sender, receiver) = bounded(1);
/// let sender: Sender<&str> = sender;
/// sender.send("one").unwrap();
/// assert_eq!((sender.len(), sender.is_empty(), sender.capacity()), (1, false, Some(1)));
/// assert!(matches!(sender.try_send("two"), Err(TrySendError::Full("two"))));
/// assert!(sender.send_timeout("two", Duration::from_millis(1)).is_err());
/// assert_eq!(sender.waiting(), 0);
/// assert!(sender.close() && sender.is_closed());
/// assert_eq!(receiver.recv().unwrap(), "one");
/// ```
pub struct Sender<T> {
    pub(super) channel: Arc<Channel<T>>,
}

impl<T> Sender<T> {
    pub(super) fn new(channel: Arc<Channel<T>>) -> Self {
        Sender { channel }
    }

    /// Sends a value, waiting for room if there is none. With capacity 0 it waits until a receiver
    /// has taken it.
    ///
    /// If the caller is killed while it waits, the value is dropped with it, unless it was taken.
    ///
    /// # Errors
    ///
    /// * [`SendError::Closed`]: before or meanwhile.
    /// * [`SendError::Refused`]: the caller could not wait.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.send_within(None, value).map_err(|error| match error {
            SendTimeoutError::Closed(value) => SendError::Closed(value),
            SendTimeoutError::Refused(value, reason) => SendError::Refused(value, reason),
            SendTimeoutError::TimedOut(_) => unreachable!("there was no limit"),
        })
    }

    /// [`send`](Self::send), but waits at most `limit`.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send); [`SendTimeoutError::TimedOut`] when the time was over.
    pub fn send_timeout(&self, value: T, limit: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_within(Some(limit), value)
    }

    /// Sends a value if that needs no waiting.
    ///
    /// # Errors
    ///
    /// * [`TrySendError::Full`]: no room; with capacity 0, no receiver waits.
    /// * [`TrySendError::Closed`].
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.channel.queue.try_send(value) {
            Outcome::Done => Ok(()),
            Outcome::Full(value) => Err(TrySendError::Full(value)),
            Outcome::Closed(value) => Err(TrySendError::Closed(value)),
        }
    }

    fn send_within(&self, limit: Option<Duration>, value: T) -> Result<(), SendTimeoutError<T>> {
        // A sender that never has to wait lets others of its thread run all the same.
        slot::with(Scheduler::spend_credit);
        let value = match self.try_send(value) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(value)) => return Err(SendTimeoutError::Closed(value)),
            Err(TrySendError::Full(value)) => value,
        };
        let queue = &self.channel.queue;
        let mut seat = Seat {
            channel: &self.channel,
            number: None,
        };
        let mut value = Some(value);
        let mut outcome = None;
        let slept = sleep_until_woken(Wait::CrossSend, limit, |sleeper| {
            let Some(value) = value.take() else {
                return Sent::NotNeeded;
            };
            let line = queue.send_or_wait(value, sleeper);
            note(line, &mut outcome, &mut seat.number)
        });
        let outcome = match (outcome, value, seat.number.take()) {
            (Some(outcome), _, _) => outcome,
            (_, Some(unsent), _) => Outcome::Full(unsent),
            (_, _, Some(number)) => queue.withdraw(number),
            (None, None, None) => unreachable!("the value is in one of the places"),
        };
        match (outcome, slept) {
            (Outcome::Done, _) => Ok(()),
            (Outcome::Closed(value), _) => Err(SendTimeoutError::Closed(value)),
            (Outcome::Full(value), Ok(_)) => Err(SendTimeoutError::TimedOut(value)),
            (Outcome::Full(value), Err(reason)) => Err(SendTimeoutError::Refused(value, reason)),
        }
    }

    /// How many wait to send, on all threads.
    pub fn waiting(&self) -> usize {
        self.channel.queue.waiting().0
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.channel.senders.fetch_add(1, Ordering::Relaxed);
        Sender::new(Arc::clone(&self.channel))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if is_last(&self.channel.senders) {
            self.channel.queue.close();
        }
    }
}

/// A place in the line of senders; on the way out of an unwinding the value is dropped.
struct Seat<'a, T> {
    channel: &'a Channel<T>,
    number: Option<u64>,
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            drop(self.channel.queue.withdraw(number));
        }
    }
}
