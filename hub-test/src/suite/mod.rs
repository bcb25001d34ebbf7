//! The areas of the contract, one file each, and the promise each checks.
//!
//! * `registration`: one descriptor, one slot, one tenant; what ended is unknown.
//! * `readiness`: what is or becomes ready is reported, to whom it concerns, as what it is.
//! * `drain`: nothing is missed between `WouldBlock`, arming and waiting.
//! * `hang_up`: half-close, close, reset, a refused connect; both sides wake.
//! * `timeouts`: never early; zero looks; for ever is for ever.
//! * `wake_up`: before, during and after a wait, from threads and from a signal handler.
//! * `changes`: registering, arming and deregistering while a batch is handled.
//! * `reuse`: a number closed and opened again: no event crosses over.
//! * `many`: thousands of descriptors, few of them ready.
//! * `batches`: bounded, complete and fair.
//! * `forks`: a child does not disturb its parent; nothing survives an `exec`.
//! * `signals`: interruptions neither end a wait nor prolong it.
//! * `errors`: each documented error, in its situation.
//! * [`random_ops`](crate::random_ops): random operations, against the oracle.

mod batches;
mod changes;
mod drain;
mod errors;
mod forks;
mod hang_up;
mod many;
mod readiness;
mod registration;
mod reuse;
mod signals;
mod timeouts;
mod wake_up;

use crate::Subject;

/// A part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// One descriptor, one slot, one tenant.
    Registration,
    /// What is or becomes ready is reported.
    Readiness,
    /// Nothing is missed between `WouldBlock`, arming and waiting.
    Drain,
    /// Half-close, close, reset, a refused connect.
    HangUp,
    /// Never early.
    Timeouts,
    /// Wakers.
    WakeUp,
    /// Changes while a batch is handled.
    Changes,
    /// Descriptor numbers and slots that are used again.
    Reuse,
    /// Thousands of descriptors.
    Many,
    /// Batches are bounded, complete and fair.
    Batches,
    /// Forked children, and close-on-exec.
    Fork,
    /// `EINTR`.
    Signals,
    /// Each documented error.
    Errors,
    /// Random operations, against the oracle.
    Random,
}

impl Area {
    /// Every area.
    pub const ALL: [Area; 14] = [
        Area::Registration,
        Area::Readiness,
        Area::Drain,
        Area::HangUp,
        Area::Timeouts,
        Area::WakeUp,
        Area::Changes,
        Area::Reuse,
        Area::Many,
        Area::Batches,
        Area::Fork,
        Area::Signals,
        Area::Errors,
        Area::Random,
    ];

    pub(crate) fn cases(self) -> &'static [Case] {
        match self {
            Area::Registration => registration::CASES,
            Area::Readiness => readiness::CASES,
            Area::Drain => drain::CASES,
            Area::HangUp => hang_up::CASES,
            Area::Timeouts => timeouts::CASES,
            Area::WakeUp => wake_up::CASES,
            Area::Changes => changes::CASES,
            Area::Reuse => reuse::CASES,
            Area::Many => many::CASES,
            Area::Batches => batches::CASES,
            Area::Fork => forks::CASES,
            Area::Signals => signals::CASES,
            Area::Errors => errors::CASES,
            Area::Random => crate::random_ops::CASES,
        }
    }
}

/// One situation. It panics if the hub does not keep the contract in it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Subject) -> Outcome,
}

/// How a case ended that did not panic.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    /// The hub declares that it cannot do this, or the machine lacks something; with the reason.
    Skipped(String),
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Outcome::Passed
    }
}

/// The list of a file's cases, named after their functions.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(crate) const CASES: &[$crate::suite::Case] = &[
            $($crate::suite::Case { name: stringify!($name), run: |subject| $name(subject).into() }),*
        ];
    };
}
pub(crate) use cases;
