//! How slow a peer may be over the whole of a message, however busily it trickles.
//!
//! A limit for each wait alone is met by a byte a minute, for ever. So there is also a budget of
//! waiting: it begins full, with as much as one wait may take; each wait is paid from it, and each
//! byte that is moved earns a little back, never beyond what it began with.
//!
//! ```text
//!  budget ▲
//!   limit ┤▔▔╲      ╱╲            a message at the least rate or faster never runs dry
//!         │   ╲    ╱  ╲
//!         │    ╲__╱    ╲____      one that is slower does, one limit after its last good moment
//!       0 ┼─────────────────╲─► time out
//!           wait  bytes  waits
//! ```
//!
//! Only reading and writing costs: what the program does between is its own affair.

use std::io;
use std::num::NonZeroU32;
use std::time::Duration;

use eventlet_green::now;

/// The budget of one direction of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    left: Duration,
}

/// The settings it goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The longest wait, and the most there is to spend.
    pub(super) limit: Duration,
    /// Bytes a second that keep the budget as it is; `None` for no budget.
    pub(super) rate: Option<NonZeroU32>,
}

impl Pace {
    pub(super) fn full(patience: Patience) -> Self {
        Pace {
            left: patience.limit,
        }
    }

    /// Bytes were moved.
    pub(super) fn earn(&mut self, patience: Patience, bytes: u64) {
        let Some(rate) = patience.rate else {
            return;
        };
        let nanos = u128::from(bytes) * NANOS_IN_SECOND / u128::from(rate.get());
        let earned = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.left = self.left.saturating_add(earned).min(patience.limit);
    }

    /// Waits, by calling `wait` with how long it may take; what it takes is paid.
    ///
    /// # Errors
    ///
    /// `TimedOut` without a call if nothing is left; else what `wait` gives.
    pub(super) fn spend<T>(
        &mut self,
        patience: Patience,
        wait: impl FnOnce(Duration) -> io::Result<T>,
    ) -> io::Result<T> {
        if patience.rate.is_none() {
            return wait(patience.limit);
        }
        if self.left.is_zero() {
            let text = "the peer is slower than the least rate";
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        let begun = now();
        let outcome = wait(self.left);
        self.left = self.left.saturating_sub(now() - begun);
        outcome
    }
}

const NANOS_IN_SECOND: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience(rate: u32) -> Patience {
        Patience {
            limit: 10 * SECOND,
            rate: NonZeroU32::new(rate),
        }
    }

    #[test]
    fn bytes_earn_by_the_rate_up_to_the_limit() {
        let patience = patience(100);
        let mut pace = Pace {
            left: Duration::ZERO,
        };
        pace.earn(patience, 0);
        assert_eq!(pace.left, Duration::ZERO);
        pace.earn(patience, 50);
        assert_eq!(pace.left, SECOND / 2);
        pace.earn(patience, 949);
        assert_eq!(pace.left, 9990 * SECOND / 1000);
        pace.earn(patience, 2);
        assert_eq!(pace.left, 10 * SECOND);
        pace.earn(patience, u64::MAX);
        assert_eq!(pace.left, 10 * SECOND);
    }

    #[test]
    fn an_empty_budget_waits_no_more() {
        let patience = patience(100);
        let mut pace = Pace { left: SECOND };
        assert_eq!(pace.spend(patience, Ok).unwrap(), SECOND);
        pace.left = Duration::ZERO;
        let refused = pace.spend(patience, |_| -> io::Result<()> { unreachable!() });
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn without_a_rate_each_wait_has_the_limit() {
        let patience = patience(0);
        let mut pace = Pace {
            left: Duration::ZERO,
        };
        assert_eq!(pace.spend(patience, Ok).unwrap(), 10 * SECOND);
    }
}
