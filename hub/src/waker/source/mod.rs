//! The descriptors by which a hub is woken.
//!
//! A hub owns one [`WakeSource`]: a descriptor it watches beside the others. Every [`Waker`] cloned
//! from it makes that descriptor readable. Two mechanisms:
//!
//! * `eventfd`: one descriptor, a counter; Linux.
//! * `pipe`: two descriptors; everywhere else, and on Linux under `--cfg eventlet_pipe_waker`, so
//!   that the fall-back runs the whole suite too.

#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(eventlet_pipe_waker)
))]
mod eventfd;
#[cfg(any(
    not(any(target_os = "linux", target_os = "android")),
    eventlet_pipe_waker
))]
mod pipe;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::{BellTower, Waker};

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

/// The hub's end of its wakers: a descriptor to watch.
///
/// # Examples
///
/// ```
/// use eventlet_hub::WakeSource;
/// use eventlet_hub::fd::AsFd;
///
/// let source = WakeSource::new()?;
/// let _watched = source.as_fd(); // for readability, by whatever facility
/// let waker = source.waker();
/// std::thread::spawn(move || waker.wake()).join().unwrap();
/// assert!(source.acknowledge());
///
/// source.waker().wake();
/// assert!(source.acknowledge_edge(), "what an edge-triggered hub calls");
/// assert!(!source.acknowledge());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct WakeSource {
    tower: BellTower<Mechanism>,
}

impl WakeSource {
    /// Opens the descriptor, non-blocking and close-on-exec.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`), no memory.
    pub fn new() -> io::Result<Self> {
        Ok(WakeSource {
            tower: BellTower::new(Mechanism::new()?),
        })
    }

    /// A handle for other threads.
    pub fn waker(&self) -> Waker {
        self.tower.waker()
    }

    /// Takes note of the wake-ups so far: the hub calls this when the descriptor was reported, and
    /// from then on new wakes make it readable again. Returns whether there were any.
    ///
    /// The descriptor is drained before the flag goes down. A wake that falls between the two
    /// signals nothing, and need not: the wait that acknowledges has yet to return.
    pub fn acknowledge(&self) -> bool {
        self.tower.bell().drain();
        self.tower.acknowledge()
    }

    /// Like [`acknowledge`](Self::acknowledge), for a hub that watches the descriptor
    /// edge-triggered: every signal is a new edge, so an eventfd need not be drained, which saves
    /// a system call per wake-up.
    pub fn acknowledge_edge(&self) -> bool {
        if !Mechanism::EDGE_NEEDS_NO_DRAIN {
            self.tower.bell().drain();
        }
        self.tower.acknowledge()
    }
}

impl AsFd for WakeSource {
    /// The descriptor to watch for readability.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tower.bell().as_fd()
    }
}
