//! What ends a wait: the seam between a [`Waker`] and the means of the facility behind it.
//!
//! Which wake-ups need the means at all (the first only, until the hub takes note) is decided here,
//! once for all of them. A hub whose facility watches descriptors takes a
//! [`WakeSource`](crate::WakeSource), which is this over an eventfd or a pipe; one whose facility has
//! a wake-up of its own (`EVFILT_USER`, a completion posted to a port) puts a [`Bell`] of its own in.

use std::fmt;
use std::sync::Arc;

use super::pending::{Pending, Raised};
use crate::fork::Home;
use crate::sys;

/// A facility's own way of ending its wait.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Bell, BellTower};
/// use std::io::{PipeWriter, Write};
///
/// /// As where there is no eventfd.
/// struct Pipe(PipeWriter);
///
/// impl Bell for Pipe {
///     fn ring(&self) {
///         // One system call, no lock, no memory. A pipe that is full, and does not block, wakes as well.
///         let _ = (&self.0).write(&[0]);
///     }
/// }
///
/// let (reader, writer) = std::io::pipe()?;
/// let tower = BellTower::new(Pipe(writer));
/// tower.waker().wake();
/// // A hub would watch `reader`, and empty it before it acknowledges.
/// # drop(reader);
/// assert!(tower.acknowledge());
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Bell: Send + Sync {
    /// Ends the current wait, or the next one.
    ///
    /// Called from any thread and from signal handlers, so it must be async-signal-safe: no lock, no
    /// memory asked for. It need not leave `errno` alone, which its caller puts back. It is not
    /// called in a forked child. Failure has nobody to be told to.
    fn ring(&self);
}

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
    shared: Arc<Shared<dyn Bell>>,
}

impl Waker {
    /// Ends the current wait of the hub, or its next one.
    ///
    /// Async-signal-safe: an atomic exchange and at most one system call; `errno` stays as it was.
    pub fn wake(&self) {
        if !self.shared.home.is_here() {
            return;
        }
        if self.shared.pending.raise() == Raised::First {
            sys::keeping_errno(|| self.shared.bell.ring());
        }
    }

    /// Whether both wake the same hub.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::WakeSource;
    ///
    /// let (one, other) = (WakeSource::new()?, WakeSource::new()?);
    /// let waker = one.waker();
    /// assert!(waker.will_wake(&waker.clone()) && waker.will_wake(&one.waker()));
    /// assert!(!waker.will_wake(&other.waker()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn will_wake(&self, other: &Waker) -> bool {
        // By address alone: the same type may have several tables of methods.
        std::ptr::addr_eq(Arc::as_ptr(&self.shared), Arc::as_ptr(&other.shared))
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker")
            .field("pending", &self.shared.pending.is_up())
            .finish_non_exhaustive()
    }
}

/// A hub's end of its wakers, over a [`Bell`] of its own.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Bell, BellTower};
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// /// Counts, where a facility would make a system call.
/// struct Strokes(AtomicU32);
///
/// impl Bell for Strokes {
///     fn ring(&self) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// let tower = BellTower::new(Strokes(AtomicU32::new(0)));
/// let waker = tower.waker();
/// waker.wake();
/// waker.wake();
/// assert_eq!(tower.bell().0.load(Ordering::Relaxed), 1, "one wait, one stroke");
/// assert!(tower.acknowledge());
/// ```
pub struct BellTower<B> {
    shared: Arc<Shared<B>>,
}

impl<B: Bell + 'static> BellTower<B> {
    /// Hangs the bell up.
    pub fn new(bell: B) -> Self {
        BellTower {
            shared: Arc::new(Shared {
                home: Home::new(),
                pending: Pending::new(),
                bell,
            }),
        }
    }

    /// A handle for other threads. It keeps the bell, and what the bell needs, for as long as it lives.
    pub fn waker(&self) -> Waker {
        Waker {
            shared: Arc::<Shared<B>>::clone(&self.shared),
        }
    }

    /// The bell.
    pub fn bell(&self) -> &B {
        &self.shared.bell
    }

    /// Takes note of the wake-ups so far: the hub calls this after a wait that the bell may have
    /// ended, and from then on the next wake rings again. Returns whether there were any.
    ///
    /// What the bell left behind must be taken away before. A wake that falls between the two rings
    /// nothing, and need not: the wait that acknowledges has yet to return.
    pub fn acknowledge(&self) -> bool {
        self.shared.pending.lower()
    }
}

impl<B> fmt::Debug for BellTower<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BellTower")
            .field("pending", &self.shared.pending.is_up())
            .finish_non_exhaustive()
    }
}

struct Shared<B: ?Sized> {
    home: Home,
    /// Up from the first wake until the hub acknowledges: later wakes need no system call.
    pending: Pending,
    bell: B,
}

const _: () = {
    const fn shared_across_threads<T: Send + Sync>() {}
    shared_across_threads::<Waker>();
};
