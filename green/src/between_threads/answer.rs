//! One value from one thread to another, once, with one who may wait for it.
//!
//! Either side may go first; the value is dropped by whoever is the last to have to do with it, never
//! under the lock.

use std::mem;

use super::Wake;
use super::primitives::{Mutex, lock};

/// The place for the value.
#[derive(Debug)]
pub struct Answer<T, S> {
    state: Mutex<State<T, S>>,
}

#[derive(Debug)]
enum State<T, S> {
    /// Not there yet; who waits for it.
    Pending(Option<S>),
    Ready(T),
    /// Taken, or nobody wants it any more.
    Over,
}

/// What there was for one who came to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The value, or it was there: there is nothing to wait for.
    Ready,
    /// Nothing yet: the waiter will be woken.
    Nothing,
}

impl<T, S: Wake> Answer<T, S> {
    /// No value yet.
    #[allow(
        clippy::new_without_default,
        reason = "the model checker's primitives have no default"
    )]
    pub fn new() -> Self {
        Answer {
            state: Mutex::new(State::Pending(None)),
        }
    }

    /// Puts the value there and wakes who waits.
    ///
    /// # Errors
    ///
    /// The value, if nobody wants it.
    pub fn give(&self, value: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Over) {
            return Err(value);
        }
        let before = mem::replace(&mut *state, State::Ready(value));
        drop(state);
        if let State::Pending(Some(waiter)) = before {
            waiter.wake();
        }
        Ok(())
    }

    /// Has a waiter woken when the value comes, in place of the one before.
    pub fn enlist(&self, waiter: S) -> Found {
        let mut state = lock(&self.state);
        match &mut *state {
            State::Pending(place) => {
                let before = place.replace(waiter);
                drop(state);
                drop(before);
                Found::Nothing
            }
            _ => Found::Ready,
        }
    }

    /// Takes the waiter off: it has gone.
    pub fn withdraw(&self) {
        let mut state = lock(&self.state);
        let waiter = match &mut *state {
            State::Pending(place) => place.take(),
            _ => None,
        };
        drop(state);
        drop(waiter);
    }

    /// Takes the value, if it is there.
    pub fn take(&self) -> Option<T> {
        let mut state = lock(&self.state);
        match mem::replace(&mut *state, State::Over) {
            State::Ready(value) => Some(value),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Nobody wants the value any more. Gives it, if it is there already.
    pub fn abandon(&self) -> Option<T> {
        let before = mem::replace(&mut *lock(&self.state), State::Over);
        match before {
            State::Ready(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the value has come.
    pub fn is_ready(&self) -> bool {
        !matches!(*lock(&self.state), State::Pending(_))
    }
}
