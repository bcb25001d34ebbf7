//! What stands behind the waker of a future: a note that it is worth polling again.
//!
//! ```text
//!            prepare(ticket)              notify: gives the ticket, to be redeemed
//!   Empty ────────────────────► Waiting ───────────────────────────────────────────► Noted
//!     │ ▲                          │ clear (killed, timed out)                          │ ▲
//!     │ └──────────────────────────┴──────────────────── clear, or prepare (refused) ───┘ │
//!     └──────────────────────────────── notify ───────────────────────────────────────────┘
//! ```
//!
//! The ticket stands for one wait: a notice that outlives the future wakes nobody.

use super::primitives::{AtomicU64, Ordering};

const EMPTY: u64 = 0;
const NOTED: u64 = 1;
/// What is added to a ticket, so that it is none of the above.
const BIAS: u64 = 2;

/// The note.
#[derive(Debug)]
pub struct Notice {
    state: AtomicU64,
}

/// Whether one may go to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "whoever sleeps although it was noted is not woken"]
pub enum Prepared {
    /// The ticket will be redeemed.
    MaySleep,
    /// It was noted in the meantime, and the note is off now: poll.
    WasNoted,
}

impl Notice {
    /// Nothing is noted.
    #[allow(
        clippy::new_without_default,
        reason = "the model checker's primitives have no default"
    )]
    pub fn new() -> Self {
        Notice {
            state: AtomicU64::new(EMPTY),
        }
    }

    /// Notes that it is worth polling. Gives the ticket of whoever sleeps, to be redeemed by the
    /// caller.
    pub fn notify(&self) -> Option<u64> {
        // Release: what the caller did before is seen by the poll. Acquire: for the ticket.
        let before = self.state.swap(NOTED, Ordering::AcqRel);
        before.checked_sub(BIAS)
    }

    /// Whether something is noted.
    pub fn is_noted(&self) -> bool {
        self.state.load(Ordering::Acquire) == NOTED
    }

    /// Leaves a ticket, before a sleep.
    pub fn prepare(&self, ticket: u64) -> Prepared {
        let waiting = ticket + BIAS;
        let outcome =
            self.state
                .compare_exchange(EMPTY, waiting, Ordering::AcqRel, Ordering::Acquire);
        if outcome.is_ok() {
            return Prepared::MaySleep;
        }
        self.clear();
        Prepared::WasNoted
    }

    /// Takes the note, or the ticket, off: before a poll, and when the sleeper has gone.
    pub fn clear(&self) {
        // Acquire: the poll sees what was done before the note.
        self.state.swap(EMPTY, Ordering::AcqRel);
    }
}
