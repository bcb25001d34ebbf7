//! A thread's place to sleep, for threads that have no run loop.
//!
//! `std`'s `park` would do, were it not that anybody may unpark a thread for reasons of his own.

use std::time::{Duration, Instant};

use super::primitives::{Condvar, Mutex, PoisonError, lock};

/// The place: for one wait, of one thread.
#[derive(Debug)]
pub struct Bed {
    woken: Mutex<bool>,
    bell: Condvar,
}

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slept {
    /// It was woken.
    Woken,
    /// The time was over first.
    TimedOut,
}

impl Bed {
    /// Nobody has been woken yet.
    #[allow(
        clippy::new_without_default,
        reason = "the model checker's primitives have no default"
    )]
    pub fn new() -> Self {
        Bed {
            woken: Mutex::new(false),
            bell: Condvar::new(),
        }
    }

    /// Ends the sleep, or keeps it from beginning.
    pub fn wake(&self) {
        *lock(&self.woken) = true;
        self.bell.notify_one();
    }

    /// Sleeps until it is woken, or for `limit`; `None` is for ever.
    pub fn sleep(&self, limit: Option<Duration>) -> Slept {
        // One that lies beyond what the clock can say is never reached either.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut woken = lock(&self.woken);
        loop {
            if *woken {
                return Slept::Woken;
            }
            woken = match deadline {
                None => self
                    .bell
                    .wait(woken)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Slept::TimedOut;
                    }
                    let waited = self.bell.wait_timeout(woken, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
