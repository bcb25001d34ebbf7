//! What can go wrong with an [`Event`]: for those who wait, and for those who send.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

#[cfg(doc)]
use super::Event;
use crate::error::ParkError;

/// Why waiting for an [`Event`] gave no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventError {
    /// This error was sent, to everybody.
    Sent(Arc<dyn Error + Send + Sync>),
    /// Whoever called [`Event::cancel`] ended this one wait.
    Cancelled,
    /// The caller could not wait.
    Refused(ParkError),
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventError::Sent(error) => error.fmt(f),
            EventError::Cancelled => f.write_str("the wait for the event was cancelled"),
            EventError::Refused(reason) => reason.fmt(f),
        }
    }
}

impl Error for EventError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            EventError::Sent(error) => error.source(),
            EventError::Refused(reason) => reason.source(),
            EventError::Cancelled => None,
        }
    }
}

impl From<ParkError> for EventError {
    fn from(reason: ParkError) -> Self {
        EventError::Refused(reason)
    }
}

/// An [`Event`] was sent to a second time without a reset; with what was to be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AlreadySent<T>(pub(super) T);

impl<T> AlreadySent<T> {
    /// What was to be sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Event;
    ///
    /// let event = Event::new();
    /// event.send("first").unwrap();
    /// assert_eq!(event.send("second").unwrap_err().into_inner(), "second");
    /// ```
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for AlreadySent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlreadySent(..)")
    }
}

impl<T> fmt::Display for AlreadySent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something was sent to this event already, and it was not reset")
    }
}

impl<T> Error for AlreadySent<T> {}

/// An [`Event`] was to be reset that nothing was sent to.
///
/// # Examples
///
/// ```
/// use eventlet_green::sync::{Event, NotSent};
///
/// let event = Event::<u32>::new();
/// assert!(matches!(event.reset(), Err(NotSent { .. })), "there is nothing to take back");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent;

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was sent to this event, so there is nothing to reset")
    }
}

impl Error for NotSent {}
