//! Sending and receiving as operations of a [`select()`](crate::select()).

use std::fmt;
use std::rc::Rc;

use super::error::{RecvError, SendError};
use super::shared::{NotReceived, NotSent, Shared, Told};
use crate::select::private::{Leaving, Manner, Mechanics, Party};
use crate::select::{Operation, Selectable};
use crate::sync::waiters::Place;

/// Receiving, as one of several operations; made by [`Receiver::receiving`](super::Receiver::receiving).
///
/// Can be used again, whether it was chosen or not. A value that it got and that is not
/// [taken](Operation::take) goes back to the channel when this is dropped.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{Receiving, bounded};
/// use eventlet_green::{Operation, select};
///
/// let (sender, receiver) = bounded(1);
/// sender.send("a letter").unwrap();
/// let mut receiving: Receiving<'_, _> = receiver.receiving();
/// select(&mut [&mut receiving])?;
/// assert_eq!(receiving.take().unwrap()?, "a letter");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an operation does nothing until one selects among it and others"]
pub struct Receiving<'a, T> {
    shared: &'a Shared<T>,
    place: Option<Place>,
    outcome: Option<Result<T, RecvError>>,
}

impl<'a, T> Receiving<'a, T> {
    pub(super) fn new(shared: &'a Rc<Shared<T>>) -> Self {
        Receiving {
            shared,
            place: None,
            outcome: None,
        }
    }

    fn return_value(&mut self) {
        if let Some(Ok(value)) = self.outcome.take() {
            self.shared.give_back(value);
        }
    }
}

impl<T> Mechanics for Receiving<'_, T> {
    fn reset(&mut self) {
        self.return_value();
    }

    fn is_ready(&self) -> bool {
        self.shared.can_recv()
    }

    fn perform(&mut self, manner: Manner) {
        let received = match manner {
            Manner::Waiting => self.shared.recv_politely(),
            Manner::Trying => self.shared.try_recv().map(|(value, _)| value),
        };
        self.outcome = match received {
            Ok(value) => Some(Ok(value)),
            Err(NotReceived::Closed) => Some(Err(RecvError::Closed)),
            // Not ready after all.
            Err(NotReceived::Empty) => None,
        };
    }

    fn enter(&mut self, party: &Party) {
        let place = self.shared.receivers.enter(party.share(), Told::Value);
        self.place = Some(place);
    }

    fn leave(&mut self, leaving: Leaving) {
        let Some(place) = self.place.take() else {
            return;
        };
        let (was_chosen, told) = self.shared.receivers.leave(place);
        match leaving {
            _ if !was_chosen => {}
            Leaving::Unwound => self.shared.pass_on(told),
            Leaving::Returning => {
                self.outcome = Some(self.shared.redeem(told).ok_or(RecvError::Closed));
            }
        }
    }

    fn was_called(&self) -> bool {
        let receivers = &self.shared.receivers;
        self.place
            .as_ref()
            .is_some_and(|place| receivers.is_chosen(place))
    }
}

impl<T> Selectable for Receiving<'_, T> {
    fn is_chosen(&self) -> bool {
        self.outcome.is_some()
    }
}

impl<T> Operation for Receiving<'_, T> {
    /// The value, or that the channel is [closed](RecvError::Closed).
    type Output = Result<T, RecvError>;

    fn take(&mut self) -> Option<Self::Output> {
        self.outcome.take()
    }
}

impl<T> Drop for Receiving<'_, T> {
    fn drop(&mut self) {
        self.return_value();
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("chosen", &self.outcome.is_some())
            .finish_non_exhaustive()
    }
}

/// Sending a value, as one of several operations; made by [`Sender::sending`](super::Sender::sending).
///
/// As long as it was not chosen it has the value, and can be used again. Once its value is sent it
/// is never chosen again.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{Sending, bounded};
///
/// let (sender, receiver) = bounded(1);
/// let sending: Sending<'_, _> = sender.sending("a letter");
/// // Never chosen, since nobody has asked: the value is there still.
/// assert_eq!(sending.into_value(), Some("a letter"));
/// assert!(receiver.is_empty());
/// ```
#[must_use = "an operation does nothing until one selects among it and others"]
pub struct Sending<'a, T> {
    shared: &'a Shared<T>,
    place: Option<Place>,
    value: Option<T>,
    outcome: Option<Result<(), SendError<T>>>,
}

impl<'a, T> Sending<'a, T> {
    pub(super) fn new(shared: &'a Rc<Shared<T>>, value: T) -> Self {
        Sending {
            shared,
            place: None,
            value: Some(value),
            outcome: None,
        }
    }

    /// The value, if it was not sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{channel, try_select};
    ///
    /// let (sender, _receiver) = channel::rendezvous();
    /// let mut sending = sender.sending("to nobody");
    /// assert_eq!(try_select(&mut [&mut sending]), None);
    /// assert_eq!(sending.into_value(), Some("to nobody"));
    /// ```
    pub fn into_value(self) -> Option<T> {
        match self.outcome {
            Some(Err(error)) => Some(error.into_value()),
            _ => self.value,
        }
    }
}

impl<T> Mechanics for Sending<'_, T> {
    fn reset(&mut self) {
        if let Some(Err(error)) = self.outcome.take() {
            self.value = Some(error.into_value());
        }
    }

    fn is_ready(&self) -> bool {
        self.value.is_some() && self.shared.can_send()
    }

    fn perform(&mut self, manner: Manner) {
        let Some(value) = self.value.take() else {
            return;
        };
        match self.shared.try_send(value) {
            Ok(met) => {
                self.outcome = Some(Ok(()));
                if manner == Manner::Waiting {
                    self.shared.let_go_first(met);
                }
            }
            Err(NotSent::Closed(value)) => self.outcome = Some(Err(SendError::Closed(value))),
            // Not ready after all.
            Err(NotSent::Full(value)) => self.value = Some(value),
        }
    }

    fn enter(&mut self, party: &Party) {
        // One that was sent is an operation no more.
        if let Some(value) = self.value.take() {
            let place = self.shared.senders.enter(party.share(), Some(value));
            self.place = Some(place);
        }
    }

    fn leave(&mut self, _: Leaving) {
        let Some(place) = self.place.take() else {
            return;
        };
        let (was_chosen, left) = self.shared.senders.leave(place);
        match left {
            None => self.outcome = Some(Ok(())),
            Some(value) if was_chosen => self.outcome = Some(Err(SendError::Closed(value))),
            Some(value) => self.value = Some(value),
        }
    }

    fn was_called(&self) -> bool {
        let senders = &self.shared.senders;
        self.place
            .as_ref()
            .is_some_and(|place| senders.is_chosen(place))
    }
}

impl<T> Selectable for Sending<'_, T> {
    fn is_chosen(&self) -> bool {
        self.outcome.is_some()
    }
}

impl<T> Operation for Sending<'_, T> {
    /// Whether it was sent; if the channel is [closed](SendError::Closed), the value is in the
    /// error.
    type Output = Result<(), SendError<T>>;

    fn take(&mut self) -> Option<Self::Output> {
        self.outcome.take()
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("chosen", &self.outcome.is_some())
            .finish_non_exhaustive()
    }
}
