//! The sending side of a channel.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::error::{SendError, SendTimeoutError, TrySendError};
use super::operation::Sending;
use super::shared::{NotSent, SendFailure, Shared};
use super::tasks::JoinTasksError;
use crate::coroutine::deadline_in;

/// Sends into a channel. Clones send into the same one; when the last is dropped, the channel is
/// closed.
///
/// Stays on its thread:
///
/// ```compile_fail
/// fn send<T: Send>(_: T) {}
/// send(eventlet_green::channel::unbounded::<u8>().0);
/// ```
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{Capacity, Sender, bounded};
/// use std::time::Duration;
///
/// let (sender, receiver) = bounded(1);
/// let sender: Sender<u32> = sender;
/// assert!(sender.is_empty());
/// sender.try_send(1).unwrap();
/// assert_eq!((sender.len(), sender.is_full(), sender.unfinished()), (1, true, 1));
/// assert!(sender.join_timeout(Duration::from_millis(1)).is_err(), "nobody has dealt with it");
/// sender.set_capacity(Capacity::Unbounded);
/// assert_eq!((sender.capacity(), sender.balance()), (Capacity::Unbounded, 0));
/// assert_eq!((sender.waiting_senders(), sender.waiting_receivers()), (0, 0));
/// assert!(sender.close() && sender.is_closed() && !sender.close());
/// assert_eq!(receiver.recv().unwrap(), 1);
/// let late = sender.sending(2); // For a `select`, which would say that it is closed.
/// assert_eq!(late.into_value(), Some(2));
/// ```
pub struct Sender<T> {
    pub(super) shared: Rc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Sends a value, waiting for room; in a [`rendezvous`](super::rendezvous) channel, for a
    /// receiver.
    ///
    /// A receiver that waits is given the value directly and keeps its turn. Senders that wait are
    /// served in the order they came.
    ///
    /// # Errors
    ///
    /// With the value:
    ///
    /// * [`SendError::Closed`]: the channel was closed before it was taken.
    /// * [`SendError::Refused`]: there was no room, and the caller could not wait.
    ///
    /// # Panics
    ///
    /// If the `Ord` of a [`priority`](super::priority) channel's values does.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{channel, spawn};
    ///
    /// let (sender, receiver) = channel::bounded(1);
    /// spawn(move || sender.send("hello").unwrap());
    /// assert_eq!(receiver.recv()?, "hello");
    /// # Ok::<(), channel::RecvError>(())
    /// ```
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.shared.send(value, || None) {
            Ok(()) => Ok(()),
            Err(SendFailure::Closed(value)) => Err(SendError::Closed(value)),
            Err(SendFailure::Refused(value, reason)) => Err(SendError::Refused(value, reason)),
            Err(SendFailure::TimedOut(_)) => {
                unreachable!("without a deadline there is nothing to miss")
            }
        }
    }

    /// Sends a value, waiting at most `limit` for room or a receiver.
    ///
    /// # Errors
    ///
    /// With the value: as for [`send`](Self::send), and [`SendTimeoutError::TimedOut`].
    ///
    /// # Panics
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::channel;
    /// use std::time::Duration;
    ///
    /// let (sender, _receiver) = channel::rendezvous();
    /// let error = sender.send_timeout("nobody listens", Duration::from_millis(1)).unwrap_err();
    /// assert!(error.is_timed_out());
    /// assert_eq!(error.into_value(), "nobody listens");
    /// ```
    pub fn send_timeout(&self, value: T, limit: Duration) -> Result<(), SendTimeoutError<T>> {
        match self.shared.send(value, || Some(deadline_in(limit))) {
            Ok(()) => Ok(()),
            Err(SendFailure::Closed(value)) => Err(SendTimeoutError::Closed(value)),
            Err(SendFailure::TimedOut(value)) => Err(SendTimeoutError::TimedOut(value)),
            Err(SendFailure::Refused(value, reason)) => {
                Err(SendTimeoutError::Refused(value, reason))
            }
        }
    }

    /// Sends a value if there is room, or a receiver that waits. Never gives the thread away, so
    /// it may be called from a callback of the run loop and from a destructor.
    ///
    /// # Errors
    ///
    /// With the value:
    ///
    /// * [`TrySendError::Full`]: it would have to wait.
    /// * [`TrySendError::Closed`]: the channel is closed.
    ///
    /// # Panics
    ///
    /// As for [`send`](Self::send).
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.shared.try_send(value) {
            Ok(_) => Ok(()),
            Err(NotSent::Full(value)) => Err(TrySendError::Full(value)),
            Err(NotSent::Closed(value)) => Err(TrySendError::Closed(value)),
        }
    }

    /// Sending this value as one of several operations: see [`select()`](crate::select()).
    pub fn sending(&self, value: T) -> Sending<'_, T> {
        Sending::new(&self.shared, value)
    }

    /// Waits until every value that was sent has been received and is said to be
    /// [done](super::Receiver::task_done).
    ///
    /// # Errors
    ///
    /// * [`JoinTasksError::Abandoned`]: some are not, and every receiver and
    ///   [`Task`](super::Task) is gone.
    /// * [`JoinTasksError::Refused`]: the caller could not wait.
    ///
    /// # Examples
    ///
    /// See [`Task`](super::Task).
    pub fn join(&self) -> Result<(), JoinTasksError> {
        self.shared.join_tasks(None)
    }

    /// As [`join`](Self::join), at most for `limit`.
    ///
    /// # Errors
    ///
    /// As for [`join`](Self::join), and [`JoinTasksError::TimedOut`].
    pub fn join_timeout(&self, limit: Duration) -> Result<(), JoinTasksError> {
        self.shared.join_tasks(Some(deadline_in(limit)))
    }
}

/// Channels of results, as the original's could send an exception in place of a value.
impl<T, E> Sender<Result<T, E>> {
    /// Sends an error in place of a value: whoever receives it has it with one more `?`.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{channel, spawn};
    ///
    /// let (sender, receiver) = channel::rendezvous::<Result<u32, String>>();
    /// let adding = spawn(move || -> Result<u32, Box<dyn std::error::Error>> {
    ///     Ok(receiver.recv()?? + receiver.recv()??)
    /// });
    /// sender.send(Ok(1))?;
    /// sender.send_error("out of numbers".to_owned())?;
    /// assert_eq!(adding.join()?.unwrap_err().to_string(), "out of numbers");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_error(&self, error: E) -> Result<(), SendError<Result<T, E>>> {
        self.send(Err(error))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Sender {
            shared: Rc::clone(&self.shared),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.remove_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe("Sender", f)
    }
}
