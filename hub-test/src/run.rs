//! Running cases: one at a time, each with a watchdog, panics caught and told apart.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Subject;
use crate::suite::{Area, Case, Outcome};

/// Longer than any sound case takes, and any broken one with the patience it is given.
const WATCHDOG: Duration = Duration::from_secs(120);

/// A case that a hub did not pass.
///
/// # Examples
///
/// ```
/// use eventlet_hub_test::{Area, Broken, Failure, Fault, Subject, failures};
///
/// let subject = Subject::new(|| Broken::new(Fault::AcceptsTwice));
/// let Failure { area, case, message } = failures(Area::Registration, &subject).remove(0);
/// assert_eq!(area, Area::Registration);
/// assert!(!case.is_empty() && !message.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The area of the contract.
    pub area: Area,
    /// The case's name.
    pub case: &'static str,
    /// What it said.
    pub message: String,
}

/// Runs an area's cases and says which failed.
///
/// # Examples
///
/// ```
/// use eventlet_hub_test::{Area, Oracle, Subject, failures};
///
/// let subject = Subject::new(Oracle::new);
/// assert!(failures(Area::Drain, &subject).is_empty());
/// ```
pub fn failures(area: Area, subject: &Subject) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut skipped = 0;
    for case in area.cases() {
        match run(area, case, subject) {
            Ok(Outcome::Passed) => {}
            Ok(Outcome::Skipped(why)) => {
                skipped += 1;
                say(&format!(
                    "SKIPPED under {}: {area:?}::{}: {why}",
                    subject.hub().name(),
                    case.name
                ));
            }
            Err(message) => failures.push(Failure {
                area,
                case: case.name,
                message,
            }),
        }
    }
    if skipped > 0 {
        let total = area.cases().len();
        say(&format!("{skipped} of {total} cases of {area:?} skipped"));
    }
    failures
}

/// Runs an area's cases as a test.
///
/// # Panics
///
/// If any failed, with all that did.
///
/// # Examples
///
/// ```
/// use eventlet_hub_test::{Area, Oracle, Subject, check};
///
/// // In a test of its own; `conformance!` makes one for each area.
/// check(Area::Timeouts, &Subject::new(Oracle::new));
/// ```
pub fn check(area: Area, subject: &Subject) {
    let failures = failures(area, subject);
    let list: Vec<_> = failures
        .iter()
        .map(|failure| format!("  {}: {}", failure.case, failure.message))
        .collect();
    assert!(
        failures.is_empty(),
        "{} does not keep the contract of {area:?}:\n{}",
        subject.hub().name(),
        list.join("\n")
    );
}

fn run(area: Area, case: &Case, subject: &Subject) -> Result<Outcome, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    // A case that panicked leaves nothing behind that the next one would see.
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (done, is_done) = channel::<()>();
    let name = format!("{area:?}::{}", case.name);
    let watchdog = std::thread::spawn(move || {
        if is_done.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout) {
            say(&format!("{name} did not end within {WATCHDOG:?}; aborting"));
            std::process::abort();
        }
    });
    let outcome = catch_unwind(AssertUnwindSafe(|| (case.run)(subject)));
    drop(done);
    watchdog.join().expect("the watchdog ends");
    outcome.map_err(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied());
        text.unwrap_or("a panic without a message").to_owned()
    })
}

/// One line on standard error that the test harness does not swallow.
pub(crate) fn say(line: &str) {
    // Nothing can be done about a closed standard error.
    let _ = writeln!(std::io::stderr(), "hub-test: {line}");
}
