//! Waiting until something happened or the time is really over, whatever interrupts the kernel.
//!
//! Shared by every hub: a signal (`EINTR`), a timeout that had to be clamped, and a report that
//! turned out to be nothing all lead to another system call, with what is left of the timeout. What
//! the system call is, is the hub's business.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use crate::Events;

/// What one system call brought.
///
/// # Examples
///
/// ```
/// use eventlet_hub::retry::{Attempt, persist};
/// use std::io;
///
/// let mut answers = [0, 0, 3].into_iter();
/// persist(None, |_timeout| match answers.next() {
///     Some(0) | None => Ok(Attempt::Fruitless),
///     Some(_ready) => Ok(Attempt::Fruitful),
/// })?;
/// assert_eq!(answers.next(), None);
/// # Ok::<(), io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Something to report: the wait is over.
    Fruitful,
    /// Nothing: the kernel's timeout was over, or what it reported was of no interest.
    Fruitless,
}

impl Attempt {
    /// Fruitful if the batch holds an event or a wake-up.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::Events;
    /// use eventlet_hub::retry::Attempt;
    ///
    /// let mut events = Events::new();
    /// assert_eq!(Attempt::of(&events), Attempt::Fruitless);
    /// events.set_woken();
    /// assert_eq!(Attempt::of(&events), Attempt::Fruitful);
    /// ```
    #[inline]
    pub fn of(events: &Events) -> Self {
        if events.is_empty() && !events.is_woken() {
            Attempt::Fruitless
        } else {
            Attempt::Fruitful
        }
    }
}

/// Calls `attempt` with what is left of `timeout` until it is fruitful, fails with something else
/// than `EINTR`, or the time is over.
///
/// The wait never ends before `timeout` is over, and signals, however many, do not prolong it: the
/// deadline is fixed once, at the start. The clock is read only if `timeout` is neither `None` nor
/// zero. After an interruption the descriptors are looked at once more even if the time is over,
/// because an interrupted call may have hidden what was ready.
///
/// # Errors
///
/// What `attempt` gives, except `Interrupted`.
///
/// # Examples
///
/// ```
/// use eventlet_hub::retry::{Attempt, persist};
/// use std::io;
///
/// let mut calls = 0;
/// persist(None, |_timeout| {
///     calls += 1;
///     match calls {
///         1 => Err(io::Error::from(io::ErrorKind::Interrupted)),
///         2 => Ok(Attempt::Fruitless),
///         _ => Ok(Attempt::Fruitful),
///     }
/// })?;
/// assert_eq!(calls, 3);
/// # Ok::<(), io::Error>(())
/// ```
#[inline]
pub fn persist(
    timeout: Option<Duration>,
    mut attempt: impl FnMut(Option<Duration>) -> io::Result<Attempt>,
) -> io::Result<()> {
    let deadline = match timeout {
        None => Deadline::Never,
        Some(Duration::ZERO) => Deadline::Now,
        // A time too far away to be told is as good as never.
        Some(timeout) => Instant::now()
            .checked_add(timeout)
            .map_or(Deadline::Never, Deadline::At),
    };
    let mut left = timeout;
    loop {
        let interrupted = match attempt(left) {
            Ok(Attempt::Fruitful) => return Ok(()),
            Ok(Attempt::Fruitless) => false,
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(error) => return Err(error),
        };
        let remaining = match deadline {
            Deadline::Never => continue,
            Deadline::Now => Duration::ZERO,
            Deadline::At(end) => end.saturating_duration_since(Instant::now()),
        };
        if remaining.is_zero() && !interrupted {
            return Ok(());
        }
        left = Some(remaining);
    }
}

#[derive(Clone, Copy)]
enum Deadline {
    Never,
    Now,
    At(Instant),
}
