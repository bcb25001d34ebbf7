//! Ending a wait from another thread, or from a signal handler.
//!
//! A hub owns one [`WakeSource`]: a descriptor it watches beside the others. Every [`Waker`] cloned
//! from it makes that descriptor readable. Wake-ups coalesce: between two waits, a thousand cost
//! one system call. Two mechanisms:
//!
//! * `eventfd`: one descriptor, a counter; Linux.
//! * `pipe`: two descriptors; everywhere else, and on Linux under `--cfg eventlet_pipe_waker`, so
//!   that the fall-back runs the whole suite too.

#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(eventlet_pipe_waker)
))]
mod eventfd;
pub mod pending;
#[cfg(any(
    not(any(target_os = "linux", target_os = "android")),
    eventlet_pipe_waker
))]
mod pipe;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use self::pending::{Pending, Raised};
use crate::fork::Home;

#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(eventlet_pipe_waker)
))]
use eventfd::Mechanism;
#[cfg(any(
    not(any(target_os = "linux", target_os = "android")),
    eventlet_pipe_waker
))]
use pipe::Mechanism;

/// Ends the wait of the hub it came from: cheap to clone, usable from any thread.
///
/// A wake that comes before a wait ends that wait at once; many wakes before or during one wait
/// end just that one. Waking a hub that is gone does nothing, and neither does waking from a forked
/// child, which shares the descriptor with its parent.
///
/// # Examples
///
/// ```
/// use eventlet_hub::WakeSource;
///
/// let source = WakeSource::new()?;
/// let waker = source.waker();
/// waker.wake();
/// waker.wake();
/// assert!(source.acknowledge());
/// assert!(!source.acknowledge());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Waker {
    shared: Arc<Shared>,
}

impl Waker {
    /// Ends the current wait of the hub, or its next one.
    ///
    /// Async-signal-safe: an atomic exchange and at most one `write`, which leaves `errno` as it
    /// was.
    pub fn wake(&self) {
        if !self.shared.home.is_here() {
            return;
        }
        if self.shared.pending.raise() == Raised::First {
            self.shared.mechanism.signal();
        }
    }

    /// Whether both wake the same hub.
    pub fn will_wake(&self, other: &Waker) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker")
            .field("pending", &self.shared.pending.is_up())
            .finish_non_exhaustive()
    }
}

/// The hub's end of its wakers.
#[derive(Debug)]
pub struct WakeSource {
    waker: Waker,
}

impl WakeSource {
    /// Opens the descriptor, non-blocking and close-on-exec.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`), no memory.
    pub fn new() -> io::Result<Self> {
        let shared = Shared {
            home: Home::new(),
            pending: Pending::new(),
            mechanism: Mechanism::new()?,
        };
        Ok(WakeSource {
            waker: Waker {
                shared: Arc::new(shared),
            },
        })
    }

    /// A handle for other threads.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Takes note of the wake-ups so far: the hub calls this when the descriptor was reported, and
    /// from then on new wakes make it readable again. Returns whether there were any.
    ///
    /// The descriptor is drained before the flag goes down. A wake that falls between the two
    /// signals nothing, and need not: the wait that acknowledges has yet to return.
    pub fn acknowledge(&self) -> bool {
        self.waker.shared.mechanism.drain();
        self.waker.shared.pending.lower()
    }

    /// Like [`acknowledge`](Self::acknowledge), for a hub that watches the descriptor
    /// edge-triggered: every signal is a new edge, so an eventfd need not be drained, which saves
    /// a system call per wake-up.
    pub fn acknowledge_edge(&self) -> bool {
        if !Mechanism::EDGE_NEEDS_NO_DRAIN {
            self.waker.shared.mechanism.drain();
        }
        self.waker.shared.pending.lower()
    }
}

impl AsFd for WakeSource {
    /// The descriptor to watch for readability.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.waker.shared.mechanism.as_fd()
    }
}

struct Shared {
    home: Home,
    /// Up from the first wake until the hub acknowledges: later wakes need no system call.
    pending: Pending,
    mechanism: Mechanism,
}

const _: () = {
    const fn shared_across_threads<T: Send + Sync>() {}
    shared_across_threads::<Waker>();
};
