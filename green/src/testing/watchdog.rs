//! What keeps a test that hangs from hanging the whole run: it ends the process, and says who it was.
//!
//! It is a thread, since a loop that hangs cannot look at itself. That a test is slow is not its
//! business.

use std::fmt;
use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long a test may take. Far more than any needs: a test that is cut off on a slow machine is
/// worse than one that is cut off late.
const PATIENCE: Duration = Duration::from_secs(60);

/// The environment variable with the number of seconds that a test may take, for slow machines and
/// tools (valgrind, emulators).
pub const PATIENCE_VARIABLE: &str = "EVENTLET_TEST_PATIENCE";

/// Aborts the process, naming the test, unless it is dropped in time.
///
/// The name is the thread's, which the test harness sets to the test's.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::Watchdog;
///
/// let _watchdog = Watchdog::new("with a cold cache");
/// // … what might hang
/// ```
#[must_use = "it guards only until it is dropped"]
pub struct Watchdog {
    label: String,
    patience: Duration,
    /// Dropping it tells the thread.
    _alive: Sender<()>,
}

impl Watchdog {
    /// Gives the test, of which `what` says the circumstances (a hub), 60 seconds, or as many as
    /// [`PATIENCE_VARIABLE`] says.
    ///
    /// # Panics
    ///
    /// If no thread can be started.
    pub fn new(what: &str) -> Self {
        Self::with_patience(what, patience())
    }

    /// As [`new`](Self::new), with a time of one's own.
    ///
    /// # Panics
    ///
    /// As for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::testing::Watchdog;
    /// use std::time::Duration;
    ///
    /// let watchdog = Watchdog::with_patience("with a cold cache", Duration::from_secs(120));
    /// // … what takes long, and might hang
    /// drop(watchdog);
    /// ```
    pub fn with_patience(what: &str, patience: Duration) -> Self {
        let (alive, ended) = channel();
        let label = label(what);
        let test = label.clone();
        thread::spawn(move || {
            if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                // Not `eprintln`, which the test harness catches.
                let text = format!(
                    "{test} hangs: no end after {patience:?} \
                     ({PATIENCE_VARIABLE} gives a test more seconds)\n"
                );
                // The process ends in any case.
                let _ = io::stderr().write_all(text.as_bytes());
                std::process::abort();
            }
        });
        Watchdog {
            label,
            patience,
            _alive: alive,
        }
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog")
            .field("label", &self.label)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// How long a test may take that does not say so itself.
pub(super) fn patience() -> Duration {
    std::env::var(PATIENCE_VARIABLE)
        .ok()
        .and_then(|text| text.parse().ok())
        .map_or(PATIENCE, Duration::from_secs)
}

/// The test's name with its circumstances.
pub(super) fn label(what: &str) -> String {
    let current = thread::current();
    let test = current.name().unwrap_or("a test");
    format!("{test} [{what}]")
}
