//! Why a send or a receive gave nothing. A value that was not sent is in the error.

use std::fmt;

use crate::error::ParkError;

/// Why a value was not sent. It is in here.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{SendError, bounded};
///
/// let (sender, receiver) = bounded(1);
/// drop(receiver);
/// let error: SendError<_> = sender.send("a letter").unwrap_err();
/// assert!(error.is_closed());
/// assert_eq!(error.into_value(), "a letter"); // Nothing is lost.
/// ```
#[non_exhaustive]
pub enum SendError<T> {
    /// The channel was closed, or its last receiver is gone.
    Closed(T),
    /// The caller could not wait.
    Refused(T, ParkError),
}

/// Why a value was not sent at once. It is in here.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{TrySendError, bounded};
///
/// let (sender, receiver) = bounded(1);
/// sender.try_send(1)?;
/// let error = sender.try_send(2).unwrap_err();
/// assert!(error.is_full() && !error.is_closed());
/// assert_eq!(error.into_value(), 2);
/// drop(receiver);
/// assert!(matches!(sender.try_send(3), Err(TrySendError::Closed(3))));
/// # Ok::<(), TrySendError<i32>>(())
/// ```
#[non_exhaustive]
pub enum TrySendError<T> {
    /// There is no room; or, in a channel without any, no receiver that waits.
    Full(T),
    /// The channel was closed, or its last receiver is gone.
    Closed(T),
}

/// Why a value was not sent in time. It is in here.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{SendTimeoutError, rendezvous};
/// use std::time::Duration;
///
/// let (sender, _receiver) = rendezvous();
/// let error: SendTimeoutError<_> = sender.send_timeout(1, Duration::from_millis(1)).unwrap_err();
/// assert!(error.is_timed_out() && !error.is_closed());
/// assert_eq!(error.into_value(), 1);
/// ```
#[non_exhaustive]
pub enum SendTimeoutError<T> {
    /// The time was over, and nobody had taken it.
    TimedOut(T),
    /// The channel was closed, or its last receiver is gone.
    Closed(T),
    /// The caller could not wait.
    Refused(T, ParkError),
}

/// Why no value was received.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{RecvError, bounded};
///
/// let (sender, receiver) = bounded(1);
/// sender.send(1).unwrap();
/// drop(sender);
/// assert_eq!(receiver.recv().unwrap(), 1); // What was sent is not lost.
/// let error: RecvError = receiver.recv().unwrap_err();
/// assert!(error.is_closed());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RecvError {
    /// The channel was closed, or its last sender is gone, and what was queued has been received.
    Closed,
    /// The caller could not wait.
    Refused(ParkError),
}

/// Why no value was received at once.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{TryRecvError, bounded};
///
/// let (sender, receiver) = bounded::<u32>(1);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// There is none now.
    Empty,
    /// The channel was closed, or its last sender is gone, and what was queued has been received.
    Closed,
}

/// Why no value was received in time.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{RecvTimeoutError, bounded};
/// use std::time::Duration;
///
/// let (_sender, receiver) = bounded::<u32>(1);
/// let error: RecvTimeoutError = receiver.recv_timeout(Duration::from_millis(1)).unwrap_err();
/// assert!(error.is_timed_out() && !error.is_closed());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RecvTimeoutError {
    /// The time was over.
    TimedOut,
    /// The channel was closed, or its last sender is gone, and what was queued has been received.
    Closed,
    /// The caller could not wait.
    Refused(ParkError),
}

const CLOSED: &str = "the channel is closed";
const FULL: &str = "the channel is full";
const EMPTY: &str = "the channel is empty";
const NOT_SENT_IN_TIME: &str = "nobody took the value in time";
const NOT_RECEIVED_IN_TIME: &str = "no value came in time";

impl<T> SendError<T> {
    /// The value.
    pub fn into_value(self) -> T {
        match self {
            SendError::Closed(value) | SendError::Refused(value, _) => value,
        }
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, SendError::Closed(_))
    }
}

impl<T> TrySendError<T> {
    /// The value.
    pub fn into_value(self) -> T {
        match self {
            TrySendError::Full(value) | TrySendError::Closed(value) => value,
        }
    }

    /// Whether there was no room.
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, TrySendError::Closed(_))
    }
}

impl<T> SendTimeoutError<T> {
    /// The value.
    pub fn into_value(self) -> T {
        match self {
            SendTimeoutError::TimedOut(value)
            | SendTimeoutError::Closed(value)
            | SendTimeoutError::Refused(value, _) => value,
        }
    }

    /// Whether the time was over.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, SendTimeoutError::TimedOut(_))
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, SendTimeoutError::Closed(_))
    }
}

impl RecvError {
    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, RecvError::Closed)
    }
}

impl RecvTimeoutError {
    /// Whether the time was over.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, RecvTimeoutError::TimedOut)
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, RecvTimeoutError::Closed)
    }
}

// Values are not asked for a `Debug` of theirs: an error of any channel can be unwrapped.

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(_) => f.write_str("Closed(..)"),
            SendError::Refused(_, reason) => write!(f, "Refused(.., {reason:?})"),
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "Full(..)",
            TrySendError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendTimeoutError::TimedOut(_) => f.write_str("TimedOut(..)"),
            SendTimeoutError::Closed(_) => f.write_str("Closed(..)"),
            SendTimeoutError::Refused(_, reason) => write!(f, "Refused(.., {reason:?})"),
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(_) => f.write_str(CLOSED),
            SendError::Refused(_, reason) => reason.fmt(f),
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => FULL,
            TrySendError::Closed(_) => CLOSED,
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendTimeoutError::TimedOut(_) => f.write_str(NOT_SENT_IN_TIME),
            SendTimeoutError::Closed(_) => f.write_str(CLOSED),
            SendTimeoutError::Refused(_, reason) => reason.fmt(f),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Closed => f.write_str(CLOSED),
            RecvError::Refused(reason) => reason.fmt(f),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => EMPTY,
            TryRecvError::Closed => CLOSED,
        })
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvTimeoutError::TimedOut => f.write_str(NOT_RECEIVED_IN_TIME),
            RecvTimeoutError::Closed => f.write_str(CLOSED),
            RecvTimeoutError::Refused(reason) => reason.fmt(f),
        }
    }
}

impl<T> std::error::Error for SendError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SendError::Refused(_, reason) => Some(reason),
            SendError::Closed(_) => None,
        }
    }
}

impl<T> std::error::Error for TrySendError<T> {}

impl<T> std::error::Error for SendTimeoutError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SendTimeoutError::Refused(_, reason) => Some(reason),
            _ => None,
        }
    }
}

impl std::error::Error for RecvError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RecvError::Refused(reason) => Some(reason),
            RecvError::Closed => None,
        }
    }
}

impl std::error::Error for TryRecvError {}

impl std::error::Error for RecvTimeoutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RecvTimeoutError::Refused(reason) => Some(reason),
            _ => None,
        }
    }
}
