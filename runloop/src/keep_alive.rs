//! Word from outside that the loop may yet be woken, so that it does not count as idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventlet_hub::Waker;

/// Keeps a [`run`](crate::RunLoop::run) from ending for lack of work, for as long as it, or a
/// clone, lives.
///
/// Whoever will wake the loop later holds one, on any thread. When the last one goes, the loop is
/// woken, so that it looks again whether anything is left to do.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Ended, RunLoop};
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// let guard = run_loop.keep_alive();
/// let worker = std::thread::spawn(move || drop(guard)); // and the loop is woken
/// assert_eq!(run_loop.run()?, Ended::Idle);
/// # worker.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct KeepAlive {
    shared: Arc<Shared>,
}

impl KeepAlive {
    /// Ends the loop's wait; see [`Waker::wake`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{RunLoop, Turned};
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let guard = run_loop.keep_alive();
    /// let worker = std::thread::spawn(move || {
    ///     guard.wake();
    ///     guard
    /// });
    /// assert_eq!(run_loop.turn(None)?, Turned::Complete); // It would have waited for ever.
    /// drop(worker.join().unwrap());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wake(&self) {
        self.shared.waker.wake();
    }
}

impl Clone for KeepAlive {
    fn clone(&self) -> Self {
        self.shared.guard()
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        // Release: what this thread did before is seen by the loop that finds itself idle.
        if self.shared.guards.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.waker.wake();
        }
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    guards: AtomicUsize,
    waker: Waker,
}

impl Shared {
    pub(crate) fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Shared {
            guards: AtomicUsize::new(0),
            waker,
        })
    }

    pub(crate) fn guard(self: &Arc<Self>) -> KeepAlive {
        self.guards.fetch_add(1, Ordering::Relaxed);
        KeepAlive {
            shared: Arc::clone(self),
        }
    }

    pub(crate) fn guards(&self) -> usize {
        self.guards.load(Ordering::Acquire)
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

const _: () = {
    const fn shared_across_threads<T: Send + Sync>() {}
    shared_across_threads::<KeepAlive>();
};
