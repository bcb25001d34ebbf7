//! Why a join gave no result, without and with a time limit.

use std::any::Any;
use std::fmt;

use super::{JoinHandle, panic_text};
use crate::error::ParkError;

/// Why a join gave no result.
#[non_exhaustive]
pub enum JoinError {
    /// The coroutine panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    /// The coroutine was killed.
    Killed,
    /// A coroutine waited for its own end.
    Itself,
    /// The caller could not wait.
    Refused(ParkError),
    /// The loop that was to run it has ended before it began; of a
    /// [`RemoteHandle`](crate::RemoteHandle) only.
    LoopGone,
    /// The loop that was to run it could not start it: no memory for its stack. Of a
    /// [`RemoteHandle`](crate::RemoteHandle) only.
    NotStarted(std::io::Error),
}

impl JoinError {
    /// The message of the panic, if it was one and has one.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::spawn;
    ///
    /// let error = spawn(|| panic!("no luck")).join().unwrap_err();
    /// assert_eq!(error.panic_text(), Some("no luck"));
    /// ```
    pub fn panic_text(&self) -> Option<&str> {
        match self {
            JoinError::Panicked(payload) => panic_text(&**payload),
            _ => None,
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Panicked(payload) => {
                let text = panic_text(&**payload).unwrap_or("a payload that is no text");
                write!(f, "the coroutine panicked: {text}")
            }
            JoinError::Killed => f.write_str("the coroutine was killed"),
            JoinError::Itself => f.write_str("a coroutine cannot join itself"),
            JoinError::Refused(reason) => reason.fmt(f),
            JoinError::LoopGone => f.write_str("the loop ended before the coroutine began"),
            JoinError::NotStarted(error) => {
                write!(f, "the coroutine could not be started: {error}")
            }
        }
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JoinError::Refused(reason) => Some(reason),
            JoinError::NotStarted(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ParkError> for JoinError {
    fn from(reason: ParkError) -> Self {
        JoinError::Refused(reason)
    }
}

/// Why a join with a time limit gave no result.
#[derive(Debug)]
pub enum JoinTimeoutError<T> {
    /// The time was over first. The handle, for another try.
    Elapsed(JoinHandle<T>),
    /// There will be no result.
    Failed(JoinError),
}

impl<T> fmt::Display for JoinTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinTimeoutError::Elapsed(_) => f.write_str("the coroutine has not ended in time"),
            JoinTimeoutError::Failed(error) => error.fmt(f),
        }
    }
}

impl<T: fmt::Debug> std::error::Error for JoinTimeoutError<T> {}
