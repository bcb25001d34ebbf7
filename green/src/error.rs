//! Why a call that would have had to wait could not, and the errors made of it.
//!
//! | situation | as [`ParkError`] | as [`io::ErrorKind`] |
//! |---|---|---|
//! | in a destructor, while a panic or a kill unwinds | `Unwinding` | `Other` |
//! | in a callback of the run loop | `InCallback` | `Unsupported` |
//! | in a hook of a context | `InContext` | `Unsupported` |
//! | on the root stack, with nothing left that could wake it | `Deadlock` | `Deadlock` |
//! | the hub's wait failed | `HubFailed` | the hub's |
//! | the thread is ending | `ThreadEnding` | `Unsupported` |
//! | what it would have waited for is closed | `Closed` | `NotConnected`, as for a closed socket |
//!
//! Never `WouldBlock` or `Interrupted`: callers such as `write_all` would try again for ever.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::inspect::deadlock::Deadlock;

/// Why a call could not wait.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ParkError {
    /// The thread is unwinding: a coroutine that waited now would take the thread's panic count
    /// with it to others. What does not have to wait still works in a destructor.
    Unwinding,
    /// The caller is a callback of the run loop, which has no stack of its own to park. Spawn a
    /// coroutine from it instead.
    InCallback,
    /// The caller is a hook of a [`Context`](crate::context::Context), in the middle of a switch.
    InContext,
    /// The root stack waits, and no coroutine is ready, no timer is set, nobody waits for a
    /// descriptor or for another thread.
    Deadlock(Arc<Deadlock>),
    /// The hub cannot wait any more.
    HubFailed(Arc<io::Error>),
    /// The thread is ending and unwinds its coroutines; no new ones can be made.
    ThreadEnding,
    /// What the caller waited for, or would have, was closed: it will never come.
    Closed,
}

impl fmt::Display for ParkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParkError::Unwinding => f.write_str(
                "this would have had to wait, which is not possible while a panic or a kill \
                 unwinds the stack",
            ),
            ParkError::InCallback => f.write_str(
                "this would have had to wait, which is not possible in a callback of the run \
                 loop; spawn a coroutine from it",
            ),
            ParkError::InContext => f.write_str(
                "this would have had to wait, which is not possible in a hook of a context",
            ),
            ParkError::Deadlock(deadlock) => deadlock.fmt(f),
            ParkError::HubFailed(error) => write!(f, "the hub cannot wait: {error}"),
            ParkError::ThreadEnding => {
                f.write_str("the thread is ending and takes no new coroutines")
            }
            ParkError::Closed => f.write_str("closed: what this waited for will never come"),
        }
    }
}

impl std::error::Error for ParkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ParkError::HubFailed(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<ParkError> for io::Error {
    fn from(error: ParkError) -> io::Error {
        let kind = match &error {
            ParkError::Unwinding => io::ErrorKind::Other,
            ParkError::InCallback | ParkError::InContext | ParkError::ThreadEnding => {
                io::ErrorKind::Unsupported
            }
            ParkError::Deadlock(_) => io::ErrorKind::Deadlock,
            ParkError::HubFailed(error) => error.kind(),
            ParkError::Closed => io::ErrorKind::NotConnected,
        };
        io::Error::new(kind, error)
    }
}

/// A feature that unwinding is needed for was used in a program built with `panic = "abort"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedsUnwinding;

impl NeedsUnwinding {
    /// Whether this build lacks unwinding.
    pub(crate) const fn check() -> Result<(), NeedsUnwinding> {
        if cfg!(panic = "unwind") {
            Ok(())
        } else {
            Err(NeedsUnwinding)
        }
    }
}

impl fmt::Display for NeedsUnwinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "kill and timeout unwind the coroutine's stack, which a program built with \
             panic = \"abort\" cannot; use the deadlines of sockets, or build with unwinding",
        )
    }
}

impl std::error::Error for NeedsUnwinding {}
