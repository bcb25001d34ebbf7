//! The flag by which wake-ups coalesce: up from the first wake until the hub acknowledges.
//!
//! Its one atomic is the model checker's in a build with `--cfg loom`, in which this module is public:
//! `green`'s models go through it. How a wait is ended is the mechanism's business.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a wake-up is on its way.
#[derive(Debug)]
pub struct Pending(AtomicBool);

/// What whoever wakes owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The flag was down: the hub's wait must be ended.
    First,
    /// A wait is going to end that has not been acknowledged yet.
    Already,
}

impl Pending {
    /// Down.
    #[allow(
        clippy::new_without_default,
        reason = "the model checker's primitives have no default"
    )]
    pub fn new() -> Self {
        Pending(AtomicBool::new(false))
    }

    /// Raises it, before a wait is ended.
    pub fn raise(&self) -> Raised {
        // Release: what this thread did before is seen by the thread whose wait ends.
        if self.0.swap(true, Ordering::AcqRel) {
            Raised::Already
        } else {
            Raised::First
        }
    }

    /// Takes it down, after a wait was ended; says whether it was up.
    pub fn lower(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }

    /// Whether it is up.
    pub fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
