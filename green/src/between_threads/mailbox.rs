//! Letters from many threads to one reader, who need be rung for only when the box was empty.
//!
//! The bell is the poster's business, after the post: ringing is a system call. Where the bell is
//! (the hub's waker) and what a letter says is the `inbox`'s.

use std::mem;

use super::primitives::{AtomicBool, Mutex, Ordering, lock};

/// The box.
#[derive(Debug)]
pub struct Mailbox<M> {
    letters: Mutex<Letters<M>>,
    /// Whether there are letters, so that looking is free when there are none. Changed under the
    /// lock.
    any: AtomicBool,
}

#[derive(Debug)]
struct Letters<M> {
    waiting: Vec<M>,
    closed: bool,
}

/// What the poster owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the first letter in an empty box is not read unless the bell is rung"]
pub enum Posted {
    /// The box was empty: ring.
    First,
    /// Whoever posted the first one rings, or has rung, and the reader has not been there since.
    Behind,
}

impl<M> Mailbox<M> {
    /// An empty box.
    #[allow(
        clippy::new_without_default,
        reason = "the model checker's primitives have no default"
    )]
    pub fn new() -> Self {
        Mailbox {
            letters: Mutex::new(Letters {
                waiting: Vec::new(),
                closed: false,
            }),
            any: AtomicBool::new(false),
        }
    }

    /// Posts a letter.
    ///
    /// # Errors
    ///
    /// The letter, if the box is closed.
    pub fn post(&self, letter: M) -> Result<Posted, M> {
        let mut letters = lock(&self.letters);
        if letters.closed {
            return Err(letter);
        }
        letters.waiting.push(letter);
        if letters.waiting.len() > 1 {
            return Ok(Posted::Behind);
        }
        self.any.store(true, Ordering::Release);
        Ok(Posted::First)
    }

    /// Whether there may be letters. Sure to see a letter whose bell has been heard; one that it
    /// does not see is yet to be rung for.
    #[inline]
    pub fn has_any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Empties the box, in the order of posting.
    pub fn take(&self) -> Vec<M> {
        let mut letters = lock(&self.letters);
        self.any.store(false, Ordering::Relaxed);
        mem::take(&mut letters.waiting)
    }

    /// Takes no more letters, and gives those that are there.
    pub fn close(&self) -> Vec<M> {
        let mut letters = lock(&self.letters);
        letters.closed = true;
        self.any.store(false, Ordering::Relaxed);
        mem::take(&mut letters.waiting)
    }

    /// Whether it takes no more letters.
    pub fn is_closed(&self) -> bool {
        lock(&self.letters).closed
    }
}
