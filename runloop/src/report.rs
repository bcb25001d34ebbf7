//! What is said of a callback that panicked.
//!
//! The loop goes on after a panic; this is how the program learns of it. The message and place that
//! the panic hook prints are not repeated here.

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use eventlet_hub::{Hub, Token};

use crate::turn::increment;
use crate::{Activity, ObserverId, RunLoop, TimerId};

/// Whose callback panicked.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Culprit, RunLoop};
/// use std::time::Duration;
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// let timer = run_loop.call_after(Duration::ZERO, |_| panic!("no luck"));
/// run_loop.set_panic_reporter(move |report| assert_eq!(report.culprit(), Culprit::Timer(timer)));
/// run_loop.run()?;
/// # assert_eq!(run_loop.counters().panics, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Culprit {
    /// A ready call. It is gone, as after any run.
    Call,
    /// A timer. It is gone, as after any expiry.
    Timer(TimerId),
    /// A descriptor's callback. The descriptor has been deregistered.
    Descriptor(Token),
    /// An observer, called for this activity. It has been removed.
    Observer(ObserverId, Activity),
}

/// A panic in a callback; see [`RunLoop::set_panic_reporter`](crate::RunLoop::set_panic_reporter).
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Culprit, PanicReport, RunLoop};
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// run_loop.set_panic_reporter(|report: &PanicReport| {
///     assert_eq!((report.culprit(), report.text()), (Culprit::Call, "no luck"));
///     assert_eq!(report.to_string(), "a ready call panicked: no luck");
/// });
/// run_loop.call_soon(|_| panic!("no luck"));
/// run_loop.run()?;
/// # assert_eq!(run_loop.counters().panics, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PanicReport {
    culprit: Culprit,
    text: String,
}

impl PanicReport {
    /// Takes a payload in. Its destructor is the program's code and may panic in its turn.
    pub(crate) fn new(culprit: Culprit, payload: Box<dyn Any + Send>) -> Self {
        let text = match (
            payload.downcast_ref::<&str>(),
            payload.downcast_ref::<String>(),
        ) {
            (Some(text), _) => (*text).to_owned(),
            (_, Some(text)) => text.clone(),
            _ => "a payload that is no text".to_owned(),
        };
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // A payload that panics when dropped may hold another such; leaking ends it.
            std::mem::forget(second);
        }
        PanicReport { culprit, text }
    }

    /// Whose callback it was.
    pub fn culprit(&self) -> Culprit {
        self.culprit
    }

    /// What the panic said, if that was text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.culprit {
            Culprit::Call => f.write_str("a ready call panicked")?,
            Culprit::Timer(_) => f.write_str("a timer's callback panicked")?,
            Culprit::Descriptor(token) => {
                write!(f, "the callback of {token:?} panicked; it is deregistered")?;
            }
            Culprit::Observer(_, activity) => {
                write!(f, "an observer of {activity:?} panicked; it is removed")?;
            }
        }
        write!(f, ": {}", self.text)
    }
}

impl<H: Hub> RunLoop<H> {
    /// Calls the program's code and reports a panic.
    pub(crate) fn contain(&self, culprit: Culprit, f: impl FnOnce()) -> Contained {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(()) => Contained::Returned,
            Err(payload) => {
                self.report(culprit, payload);
                Contained::Panicked
            }
        }
    }

    #[cold]
    pub(crate) fn report(&self, culprit: Culprit, payload: Box<dyn Any + Send>) {
        increment(&self.counters.panics);
        let report = PanicReport::new(culprit, payload);
        let reporter = self.panic_reporter.borrow().clone();
        let heard = reporter
            .is_some_and(|reporter| catch_unwind(AssertUnwindSafe(|| reporter(&report))).is_ok());
        if !heard {
            // A standard error that cannot be written to must not end the loop.
            let _ = writeln!(io::stderr(), "eventlet: {report}");
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contained {
    Returned,
    Panicked,
}
