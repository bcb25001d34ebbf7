//! Reaching a loop from other threads: spawning onto it, with a handle to the result.
//!
//! A coroutine stays on the thread of its loop; what crosses is the closure on the way there, and the
//! result on the way back, and both must be `Send`. How word gets to a loop stands in
//! [`inbox`](crate::inbox); waiting for the result in [`handle`](RemoteHandle).

mod handle;
mod order;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use eventlet_runloop::KeepAlive;

pub use handle::{RemoteHandle, RemoteJoin, RemoteJoinTimeoutError};
use order::{Shared, Spawn};

use crate::inbox::Inbox;
use crate::scheduler;
use crate::spawn::Builder;
use crate::sys::slot;

/// The way to this thread's loop, for other threads. Makes the loop if there is none.
///
/// As long as any thread holds it (this one, too), the loop may be woken from outside: a root stack
/// that waits is not told of a deadlock, but waits on.
///
/// # Panics
///
/// If no run loop can be made; see [`init`](crate::init).
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// let home = eventlet_green::remote();
/// let (done, waits) = eventlet_green::cross::bounded(0);
/// let worker = thread::spawn(move || {
///     // Runs on the main thread, while that waits.
///     let sum = home.spawn(|| 1 + 2).unwrap().join().unwrap();
///     done.send(sum).unwrap();
/// });
/// assert_eq!(waits.recv().unwrap(), 3);
/// # worker.join().unwrap();
/// ```
pub fn remote() -> Remote {
    scheduler::with(|scheduler| Remote {
        line: Arc::new(Line {
            inbox: Arc::clone(&scheduler.inbox),
            _hope: scheduler.run_loop.keep_alive(),
        }),
    })
}

/// The way to a loop, from any thread; see [`remote()`]. A clone is a reference count.
///
/// The loop gets to what it is sent while its root stack waits for something: a thread that only
/// serves others should have its root wait, say for a [channel](crate::cross)'s end. In a forked
/// child, nothing comes through to the parent's loop.
///
/// ```
/// fn crosses<T: Send + Sync + Clone>(_: T) {}
/// crosses(eventlet_green::remote());
/// ```
#[derive(Clone)]
pub struct Remote {
    line: Arc<Line>,
}

struct Line {
    inbox: Arc<Inbox>,
    /// Wakes the loop when the last one goes, so that it looks whether there is any hope left.
    _hope: KeepAlive,
}

impl Remote {
    /// Starts a coroutine on that loop, after those that were spawned so before. The caller does not
    /// wait for it.
    ///
    /// # Errors
    ///
    /// [`LoopGone`] with the closure, when the loop's thread has ended. (One that ends before it gets
    /// to it says so through the handle.)
    ///
    /// # Examples
    ///
    /// ```
    /// # let home = eventlet_green::remote();
    /// let handle = home.spawn(|| "on its own loop, too").unwrap();
    /// assert!(handle.join().is_ok());
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> Result<RemoteHandle<T>, LoopGone<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_with(Builder::new(), f)
    }

    /// [`spawn`](Self::spawn) with a name or a stack size. That the size is out of range, is told
    /// through the handle.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::Builder;
    ///
    /// let deep = Builder::new().name("deep").stack_size(1 << 20);
    /// let handle = eventlet_green::remote().spawn_with(deep, || 7).unwrap();
    /// assert_eq!(handle.join().unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn spawn_with<F, T>(&self, settings: Builder, f: F) -> Result<RemoteHandle<T>, LoopGone<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let spawned_at = Location::caller();
        let shared = Arc::new(Shared::new());
        let order = Spawn::new(f, settings, spawned_at, Arc::clone(&shared));
        match self.line.inbox.order(Box::new(order)) {
            Ok(()) => Ok(RemoteHandle::new(shared, self.clone(), spawned_at)),
            Err(order) => Err(LoopGone(Spawn::<F, T>::closure_of(order))),
        }
    }

    /// Whether the loop has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::remote;
    ///
    /// assert!(!remote().is_gone());
    /// let gone = std::thread::spawn(remote).join().unwrap();
    /// assert!(gone.is_gone());
    /// ```
    pub fn is_gone(&self) -> bool {
        self.line.inbox.is_closed()
    }

    /// Whether this is the way to the calling thread's own loop.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::remote;
    ///
    /// let here = remote();
    /// assert!(here.is_here());
    /// let there = here.clone();
    /// assert!(!std::thread::spawn(move || there.is_here()).join().unwrap());
    /// ```
    pub fn is_here(&self) -> bool {
        slot::with(|scheduler| scheduler.owns(&self.line.inbox)) == Some(true)
    }

    fn inbox(&self) -> &Inbox {
        &self.line.inbox
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("is_gone", &self.is_gone())
            .field("is_here", &self.is_here())
            .finish_non_exhaustive()
    }
}

/// The loop that something was meant for has ended with its thread. Here is the closure back.
///
/// # Examples
///
/// ```
/// use eventlet_green::{LoopGone, remote};
///
/// let gone = std::thread::spawn(remote).join().unwrap();
/// assert!(gone.is_gone() && !gone.is_here());
/// let Err(LoopGone(closure)) = gone.spawn(|| 42) else { panic!("its thread has ended") };
/// assert_eq!(closure(), 42); // Nothing is lost.
/// assert!(remote().is_here());
/// ```
pub struct LoopGone<F>(pub F);

impl<F> fmt::Debug for LoopGone<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoopGone(..)")
    }
}

impl<F> fmt::Display for LoopGone<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the loop has ended with its thread")
    }
}

impl<F> std::error::Error for LoopGone<F> {}
