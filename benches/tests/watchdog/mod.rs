//! What keeps a test that hangs from hanging the whole run.

use std::process::abort;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Longer than any test here takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Ends the process, naming the test, unless what it gives back is dropped in time.
#[must_use]
pub fn watchdog(test: &'static str) -> Sender<()> {
    let (owner, watched) = mpsc::channel();
    thread::spawn(move || {
        if watched.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{test}: hangs, not done after {LIMIT:?}");
            abort();
        }
    });
    owner
}
