//! What takes records: the one interface of files, syslog, consoles and a program's own sinks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::record::Record;

/// Takes records, from any thread and any coroutine, also while these are unwound.
///
/// What an implementor promises: [`record`](Self::record) never waits (a record that there is no room
/// for is dropped, counted, and told of later), and does not fail. It may be called by itself, when it
/// logs. What a program writes for itself may do as it likes, and holds up who logs.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Record, Sink};
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
///
/// #[derive(Default)]
/// struct Errors(AtomicU64);
///
/// impl Sink for Errors {
///     fn record(&self, record: &Record<'_>) {
///         if record.level == log::Level::Error {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
///
///     fn flush(&self, _: Duration) -> std::io::Result<()> {
///         Ok(())
///     }
/// }
///
/// let errors = Errors::default();
/// errors.record(&Record::new(log::Level::Error, "app", "no"));
/// assert_eq!(errors.0.into_inner(), 1);
/// ```
pub trait Sink: Send + Sync {
    /// Takes a record.
    fn record(&self, record: &Record<'_>);

    /// Waits until what was taken so far is out, but at most for `limit`. The caller's coroutine is
    /// parked for that, or its thread blocks if it has no run loop.
    ///
    /// # Errors
    ///
    /// * `TimedOut`: it was not out by then.
    /// * How writing failed, since the last flush.
    /// * Why the caller could not wait: see [`ParkError`](eventlet_green::ParkError).
    fn flush(&self, limit: Duration) -> io::Result<()>;
}

impl<T: Sink + ?Sized> Sink for Arc<T> {
    fn record(&self, record: &Record<'_>) {
        (**self).record(record);
    }

    fn flush(&self, limit: Duration) -> io::Result<()> {
        (**self).flush(limit)
    }
}

/// A console's sessions: those that have called `log_here()` show the records.
#[cfg(feature = "backdoor")]
impl Sink for crate::backdoor::LogTap {
    fn record(&self, record: &Record<'_>) {
        if self.has_listeners() {
            let mut line = String::new();
            super::Layout::Full.write(record, super::DEFAULT_RECORD_LIMIT, &mut line);
            self.line(&line);
        }
    }

    /// There is nothing to wait for: a session's lines wait for its client.
    fn flush(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}
