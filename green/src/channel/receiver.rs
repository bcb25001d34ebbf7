//! The receiving side of a channel, and iterating over what comes.

use std::fmt;
use std::iter::FusedIterator;
use std::rc::Rc;
use std::time::Duration;

use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::operation::Receiving;
use super::shared::{NotReceived, RecvFailure, Shared};
use super::tasks::{Task, TooManyDone};
use crate::coroutine::deadline_in;
use crate::error::ParkError;

/// Receives from a channel. Clones receive from the same one, each value once; when the last is
/// dropped, the channel is closed and what is queued is dropped.
///
/// Stays on its thread, as a [`Sender`](super::Sender) does.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{Capacity, Receiver, bounded};
/// use eventlet_green::{spawn, yield_now};
///
/// let (sender, receiver) = bounded(2);
/// let receiver: Receiver<u32> = receiver;
/// for n in 1..=2 {
///     sender.send(n).unwrap();
/// }
/// assert_eq!((receiver.len(), receiver.is_full(), receiver.is_empty()), (2, true, false));
/// let waiting = spawn(move || sender.send(3).is_ok());
/// yield_now();
/// assert_eq!((receiver.waiting_senders(), receiver.balance()), (1, 1));
/// receiver.set_capacity(3); // Whoever waits for room has it now.
/// assert_eq!((receiver.capacity(), receiver.waiting_senders()), (Capacity::AtMost(3), 0));
/// assert_eq!(receiver.try_recv(), Ok(1));
/// assert!(waiting.join().unwrap());
/// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2, 3]);
/// assert_eq!((receiver.waiting_receivers(), receiver.unfinished()), (0, 3));
/// receiver.close();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver<T> {
    pub(super) shared: Rc<Shared<T>>,
}

impl<T> Receiver<T> {
    /// Receives a value, waiting for one. Who has waited longest is served first.
    ///
    /// If the caller is killed, or its [`timeout`](crate::timeout()) ends, before it has gone on
    /// with a value, the value goes to the next receiver or to the front of the queue.
    ///
    /// # Errors
    ///
    /// * [`RecvError::Closed`]: the channel is closed, or the last sender gone, and nothing is
    ///   queued.
    /// * [`RecvError::Refused`]: nothing is queued, and the caller could not wait.
    ///
    /// # Panics
    ///
    /// If the `Ord` of a [`priority`](super::priority) channel's values does.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::channel;
    ///
    /// let (sender, receiver) = channel::unbounded();
    /// sender.send(7)?;
    /// drop(sender);
    /// assert_eq!(receiver.recv()?, 7);
    /// assert!(receiver.recv().unwrap_err().is_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        match self.shared.recv(|| None) {
            Ok(value) => Ok(value),
            Err(RecvFailure::Closed) => Err(RecvError::Closed),
            Err(RecvFailure::Refused(reason)) => Err(RecvError::Refused(reason)),
            Err(RecvFailure::TimedOut) => {
                unreachable!("without a deadline there is nothing to miss")
            }
        }
    }

    /// Receives a value, waiting at most `limit` for one.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv), and [`RecvTimeoutError::TimedOut`].
    ///
    /// # Panics
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::channel;
    /// use std::time::Duration;
    ///
    /// let (_sender, receiver) = channel::rendezvous::<()>();
    /// let error = receiver.recv_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert!(error.is_timed_out());
    /// ```
    pub fn recv_timeout(&self, limit: Duration) -> Result<T, RecvTimeoutError> {
        match self.shared.recv(|| Some(deadline_in(limit))) {
            Ok(value) => Ok(value),
            Err(RecvFailure::Closed) => Err(RecvTimeoutError::Closed),
            Err(RecvFailure::TimedOut) => Err(RecvTimeoutError::TimedOut),
            Err(RecvFailure::Refused(reason)) => Err(RecvTimeoutError::Refused(reason)),
        }
    }

    /// Receives a value if one is queued or a sender waits with one. Never gives the thread away,
    /// so it may be called from a callback of the run loop and from a destructor.
    ///
    /// # Errors
    ///
    /// * [`TryRecvError::Empty`]: it would have to wait.
    /// * [`TryRecvError::Closed`]: the channel is closed, and nothing is queued.
    ///
    /// # Panics
    ///
    /// As for [`recv`](Self::recv).
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.shared.try_recv() {
            Ok((value, _)) => Ok(value),
            Err(NotReceived::Empty) => Err(TryRecvError::Empty),
            Err(NotReceived::Closed) => Err(TryRecvError::Closed),
        }
    }

    /// Receiving as one of several operations: see [`select()`](crate::select()).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::channel::unbounded;
    /// use eventlet_green::{Operation, select};
    ///
    /// let (sender, receiver) = unbounded();
    /// sender.send(42).unwrap();
    /// let mut receiving = receiver.receiving();
    /// assert_eq!(select(&mut [&mut receiving])?, 0);
    /// assert_eq!(receiving.take().unwrap().unwrap(), 42);
    /// # Ok::<(), eventlet_green::ParkError>(())
    /// ```
    pub fn receiving(&self) -> Receiving<'_, T> {
        Receiving::new(&self.shared)
    }

    /// Receives values until the channel is closed and empty.
    ///
    /// # Panics
    ///
    /// `next` panics if it would have to wait and the caller cannot (a deadlock, a callback of the
    /// run loop), and as [`recv`](Self::recv) does. In a destructor, while the stack unwinds, it
    /// ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{channel, spawn};
    ///
    /// let (sender, receiver) = channel::bounded(2);
    /// spawn(move || (0..5).try_for_each(|number| sender.send(number)));
    /// assert!(receiver.iter().eq(0..5));
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Receives what there is now, without waiting.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = eventlet_green::channel::lifo(8);
    /// for number in 0..3 {
    ///     sender.send(number)?;
    /// }
    /// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2, 1, 0]);
    /// # Ok::<(), eventlet_green::channel::SendError<i32>>(())
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Says of one received value that it has been dealt with; see
    /// [`Sender::join`](super::Sender::join). A [`Task`] says so by itself.
    ///
    /// # Errors
    ///
    /// [`TooManyDone`]: all were done already.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::channel::unbounded;
    /// use eventlet_green::spawn;
    ///
    /// let (sender, receiver) = unbounded();
    /// for job in 1..=3 {
    ///     sender.send(job).unwrap();
    /// }
    /// let worker = spawn(move || {
    ///     let first = receiver.recv().unwrap();
    ///     receiver.task_done().unwrap();
    ///     let second = receiver.recv_task().unwrap(); // Done when it is dropped.
    ///     first + *second + receiver.recv_task().unwrap().into_value()
    /// });
    /// sender.join()?; // Till all are done, not only taken.
    /// assert_eq!(worker.join().unwrap(), 6);
    /// # Ok::<(), eventlet_green::channel::JoinTasksError>(())
    /// ```
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        if self.shared.tasks.finish(1) {
            Ok(())
        } else {
            Err(TooManyDone)
        }
    }

    /// As [`recv`](Self::recv); the value is done when the [`Task`] is dropped.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// See [`Task`].
    pub fn recv_task(&self) -> Result<Task<T>, RecvError> {
        let value = self.recv()?;
        Ok(Task::new(value, Rc::clone(&self.shared)))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.add_receiver();
        Receiver {
            shared: Rc::clone(&self.shared),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.remove_receiver();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe("Receiver", f)
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    /// As [`iter`](Receiver::iter), keeping the receiver.
    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The values of a channel until it is closed; see [`Receiver::iter`].
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{Iter, unbounded};
///
/// let (sender, receiver) = unbounded();
/// sender.send(1).unwrap();
/// sender.send(2).unwrap();
/// drop(sender);
/// let iter: Iter<'_, i32> = receiver.iter();
/// assert_eq!(iter.sum::<i32>(), 3);
/// ```
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// The values that are there now; see [`Receiver::try_iter`].
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{TryIter, unbounded};
///
/// let (sender, receiver) = unbounded();
/// sender.send(1).unwrap();
/// let now: TryIter<'_, i32> = receiver.try_iter();
/// assert_eq!(now.count(), 1); // Though more may be sent.
/// ```
#[derive(Debug)]
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// The values of a channel until it is closed; see [`Receiver::iter`].
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{IntoIter, unbounded};
///
/// let (sender, receiver) = unbounded();
/// sender.send(1).unwrap();
/// drop(sender);
/// let values: IntoIter<i32> = receiver.into_iter();
/// assert_eq!(values.collect::<Vec<_>>(), [1]);
/// ```
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        next(self.receiver)
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        next(&self.receiver)
    }
}

impl<T> FusedIterator for Iter<'_, T> {}
impl<T> FusedIterator for IntoIter<T> {}

/// An iterator that ended without a word where its caller cannot wait would hide a deadlock.
#[inline]
fn next<T>(receiver: &Receiver<T>) -> Option<T> {
    match receiver.recv() {
        Ok(value) => Some(value),
        Err(RecvError::Closed | RecvError::Refused(ParkError::Unwinding)) => None,
        Err(RecvError::Refused(reason)) => refuse(&reason),
    }
}

#[cold]
fn refuse(reason: &ParkError) -> ! {
    panic!("{reason}");
}
