//! What a caller waits for: readable, writable, or both.
//!
//! Error and hang-up are no interests: every hub reports them whenever something is armed (see
//! [`Readiness`](crate::Readiness)).

use std::fmt;
use std::ops::BitOr;

/// A non-empty set of directions to wait for.
///
/// # Examples
///
/// ```
/// use eventlet_hub::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(both, Interest::BOTH);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Data, a connection to accept, or the end of the stream can be read.
    pub const READABLE: Interest = Interest(1);
    /// There is room to write, or a connect has come to its end.
    pub const WRITABLE: Interest = Interest(2);
    /// Either direction.
    pub const BOTH: Interest = Interest(1 | 2);

    /// Whether the set has [`READABLE`](Self::READABLE).
    pub const fn is_readable(self) -> bool {
        self.0 & Self::READABLE.0 != 0
    }

    /// Whether the set has [`WRITABLE`](Self::WRITABLE).
    pub const fn is_writable(self) -> bool {
        self.0 & Self::WRITABLE.0 != 0
    }
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.is_readable(), self.is_writable()) {
            (true, true) => "Interest(readable | writable)",
            (true, false) => "Interest(readable)",
            (false, _) => "Interest(writable)",
        })
    }
}
