//! What a wait reports of one descriptor.
//!
//! Four facts are told apart: readable, writable, error, hang-up, and, as a detail of the third
//! kind, that the peer has shut down its writing side. Which kernel flag stands behind each:
//!
//! | predicate | epoll | poll | select | kqueue |
//! |---|---|---|---|---|
//! | [`is_readable`](Readiness::is_readable) | `EPOLLIN`, or any closing flag, or `EPOLLERR` | `POLLIN`, or any closing flag, or `POLLERR` | in the read set | `EVFILT_READ`, or `EV_EOF` |
//! | [`is_writable`](Readiness::is_writable) | `EPOLLOUT`, or `EPOLLHUP`/`EPOLLERR` | `POLLOUT`, or `POLLHUP`/`POLLERR` | in the write set | `EVFILT_WRITE`, or `EV_EOF` on it |
//! | [`is_error`](Readiness::is_error) | `EPOLLERR` | `POLLERR`, `POLLNVAL` | never (the next call on the descriptor tells) | `EV_EOF` with `fflags` |
//! | [`is_hang_up`](Readiness::is_hang_up) | `EPOLLHUP` | `POLLHUP` | never | `EV_EOF` on both filters |
//! | [`is_read_closed`](Readiness::is_read_closed) | `EPOLLRDHUP`, `EPOLLHUP` | `POLLRDHUP` (Linux), `POLLHUP` | never | `EV_EOF` on `EVFILT_READ` |
//!
//! Urgent data (`EPOLLPRI`, `POLLPRI`, the exception set of select) is none of these. Epoll tells of
//! it apart ([`is_urgent`](Readiness::is_urgent)), because a read stops short at it. The
//! level-triggered hubs do not watch it: an ordinary read does not take it, so they would spin on
//! it, at a peer's will.
//!
//! A hang-up or an error wakes both sides: it implies readable and writable, so a layer that only
//! looks at the two directions never misses one.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of facts about a descriptor. Hints, not promises: the layer above tries the operation.
///
/// # Examples
///
/// ```
/// use eventlet_hub::Readiness;
///
/// let gone = Readiness::HANG_UP;
/// assert!(gone.is_hang_up() && gone.is_readable() && gone.is_writable());
/// assert!(!Readiness::READABLE.is_writable());
/// ```
///
/// ```
/// use eventlet_hub::Readiness;
///
/// let ready = Readiness::ERROR | Readiness::URGENT;
/// assert!(ready.is_error() && ready.is_urgent() && !ready.is_read_closed());
/// assert!(ready.contains(Readiness::READABLE), "an error wakes both sides");
/// assert!(Readiness::HANG_UP.is_read_closed());
/// assert!(Readiness::NONE.is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Readiness = Readiness(0);
    /// A read, an accept, would not block now.
    pub const READABLE: Readiness = Readiness(1);
    /// A write would not block now; a connect has ended.
    pub const WRITABLE: Readiness = Readiness(1 << 1);
    /// An error is pending on the descriptor. Implies both directions.
    pub const ERROR: Readiness = Readiness(1 << 2 | 1 << 1 | 1);
    /// Both directions are closed. Implies both directions, and [`READ_CLOSED`](Self::READ_CLOSED).
    pub const HANG_UP: Readiness = Readiness(1 << 3 | 1 << 4 | 1 << 1 | 1);
    /// Urgent data stands in the stream (tcp(7)). Implies no direction: an ordinary read does not
    /// take it, but stops short at it.
    pub const URGENT: Readiness = Readiness(1 << 5);
    /// The peer will send no more; what it sent before can still be read. Implies readable.
    pub const READ_CLOSED: Readiness = Readiness(1 << 4 | 1);

    /// A read, an accept, would not block.
    pub const fn is_readable(self) -> bool {
        self.0 & Self::READABLE.0 != 0
    }

    /// A write would not block, or a connect has come to its end.
    pub const fn is_writable(self) -> bool {
        self.0 & Self::WRITABLE.0 != 0
    }

    /// An error is pending (`SO_ERROR` tells which).
    pub const fn is_error(self) -> bool {
        self.0 & (1 << 2) != 0
    }

    /// Both directions are closed.
    pub const fn is_hang_up(self) -> bool {
        self.0 & (1 << 3) != 0
    }

    /// The reading direction has come to its end (data may still be buffered).
    pub const fn is_read_closed(self) -> bool {
        self.0 & (1 << 4) != 0
    }

    /// Urgent data stands in the stream, so that a read that stops short need not have drained it.
    /// Told by edge-triggered hubs only.
    pub const fn is_urgent(self) -> bool {
        self.0 & Self::URGENT.0 != 0
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every fact of `other` is in this set too.
    pub const fn contains(self, other: Readiness) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Readiness {
    type Output = Readiness;

    fn bitor(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }
}

impl BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Readiness) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        for (is, name) in [
            (self.is_readable(), "readable"),
            (self.is_writable(), "writable"),
            (self.is_error(), "error"),
            (self.is_hang_up(), "hang-up"),
            (self.is_read_closed(), "read-closed"),
            (self.is_urgent(), "urgent"),
        ] {
            if is {
                set.entry(&format_args!("{name}"));
            }
        }
        set.finish()
    }
}
