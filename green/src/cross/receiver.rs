//! The end that values come out of.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Channel, RecvError, RecvTimeoutError, TryRecvError, is_last, note};
use crate::between_threads::queue::Received;
use crate::coroutine::Wait;
use crate::scheduler::Scheduler;
use crate::sleeper::sleep_until_woken;
use crate::sys::slot;

/// Receives values, on any thread; each value goes to one receiver. When the last clone is gone the
/// channel is closed, and what is in it is dropped.
///
/// # Examples
///
/// ```
/// use eventlet_green::cross::{Receiver, TryRecvError, bounded};
/// use std::time::Duration;
///
/// let (sender, receiver) = bounded(2);
/// let receiver: Receiver<u32> = receiver;
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
/// std::thread::spawn(move || (1..=5).for_each(|n| sender.send(n).unwrap()));
/// assert_eq!(receiver.recv().unwrap(), 1);
/// assert_eq!(receiver.iter().sum::<u32>(), 2 + 3 + 4 + 5); // Until the sender is gone.
/// assert_eq!((receiver.len(), receiver.is_empty(), receiver.capacity()), (0, true, Some(2)));
/// assert!(receiver.is_closed() && receiver.waiting() == 0);
/// assert!(!receiver.close(), "it was closed");
/// ```
pub struct Receiver<T> {
    pub(super) channel: Arc<Channel<T>>,
}

impl<T> Receiver<T> {
    pub(super) fn new(channel: Arc<Channel<T>>) -> Self {
        Receiver { channel }
    }

    /// Receives a value, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// * [`RecvError::Closed`]: the channel is closed, and nothing is left in it.
    /// * [`RecvError::Refused`]: the caller could not wait.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_within(None).map_err(|error| match error {
            RecvTimeoutError::Closed => RecvError::Closed,
            RecvTimeoutError::Refused(reason) => RecvError::Refused(reason),
            RecvTimeoutError::TimedOut => unreachable!("there was no limit"),
        })
    }

    /// [`recv`](Self::recv), but waits at most `limit`.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv); [`RecvTimeoutError::TimedOut`] when the time was over.
    pub fn recv_timeout(&self, limit: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Some(limit))
    }

    /// Receives a value if that needs no waiting.
    ///
    /// # Errors
    ///
    /// * [`TryRecvError::Empty`]: there is none; with capacity 0, no sender waits.
    /// * [`TryRecvError::Closed`]: and none will come.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.channel.queue.try_receive() {
            Received::Value(value) => Ok(value),
            Received::Empty => Err(TryRecvError::Empty),
            Received::Closed => Err(TryRecvError::Closed),
        }
    }

    fn recv_within(&self, limit: Option<Duration>) -> Result<T, RecvTimeoutError> {
        // A receiver that never has to wait lets others of its thread run all the same.
        slot::with(Scheduler::spend_credit);
        match self.try_recv() {
            Ok(value) => return Ok(value),
            Err(TryRecvError::Closed) => return Err(RecvTimeoutError::Closed),
            Err(TryRecvError::Empty) => {}
        }
        let queue = &self.channel.queue;
        let mut seat = Seat {
            channel: &self.channel,
            number: None,
        };
        let mut outcome = None;
        let slept = sleep_until_woken(Wait::CrossReceive, limit, |sleeper| {
            let line = queue.receive_or_wait(sleeper);
            note(line, &mut outcome, &mut seat.number)
        });
        let outcome = match (outcome, seat.number.take()) {
            (Some(outcome), _) => outcome,
            (_, Some(number)) => queue.collect(number),
            (None, None) => Received::Empty,
        };
        match (outcome, slept) {
            (Received::Value(value), _) => Ok(value),
            (Received::Closed, _) => Err(RecvTimeoutError::Closed),
            (Received::Empty, Ok(_)) => Err(RecvTimeoutError::TimedOut),
            (Received::Empty, Err(reason)) => Err(RecvTimeoutError::Refused(reason)),
        }
    }

    /// The values as they come, until the channel is closed and empty.
    ///
    /// # Panics
    ///
    /// Its `next`, where the caller cannot wait; see [`RecvError::Refused`].
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// How many wait to receive, on all threads.
    pub fn waiting(&self) -> usize {
        self.channel.queue.waiting().1
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.channel.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver::new(Arc::clone(&self.channel))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if is_last(&self.channel.receivers) {
            self.channel.queue.close();
            // Values of a kind that has an end of this very channel would keep it for ever.
            drop(self.channel.queue.take_all());
        }
    }
}

/// A place in the line of receivers. On the way out of an unwinding, what was meant for it goes to
/// the next.
struct Seat<'a, T> {
    channel: &'a Channel<T>,
    number: Option<u64>,
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.channel.queue.leave(number);
        }
    }
}

/// The values of a [`Receiver`], as they come.
///
/// # Examples
///
/// ```
/// use eventlet_green::cross::{Iter, unbounded};
///
/// let (sender, receiver) = unbounded();
/// let thread = std::thread::spawn(move || sender.send(42));
/// let mut values: Iter<'_, u32> = receiver.iter();
/// assert_eq!((values.next(), values.next()), (Some(42), None));
/// # thread.join().unwrap().unwrap();
/// ```
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        until_closed(self.receiver.recv())
    }
}

/// The values of a [`Receiver`] that it owns.
///
/// # Examples
///
/// ```
/// use eventlet_green::cross::{IntoIter, unbounded};
///
/// let (sender, receiver) = unbounded();
/// let thread = std::thread::spawn(move || sender.send(42));
/// let values: IntoIter<u32> = receiver.into_iter();
/// assert_eq!(values.collect::<Vec<_>>(), [42]);
/// # thread.join().unwrap().unwrap();
/// ```
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        until_closed(self.receiver.recv())
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

/// An iterator cannot give an error, and ending early would hide one.
fn until_closed<T>(received: Result<T, RecvError>) -> Option<T> {
    match received {
        Ok(value) => Some(value),
        Err(RecvError::Refused(reason)) => panic!("{reason}"),
        Err(RecvError::Closed) => None,
    }
}
