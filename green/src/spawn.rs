//! Starting coroutines, and what comes of them.
//!
//! The shape is `std::thread`'s: [`spawn`], a [`Builder`], a [`JoinHandle`]. What differs: closures
//! and results need not be `Send`, because a coroutine stays on its thread; and a coroutine can be
//! [killed](JoinHandle::kill). Waiting for the
//! end is in [`join`](crate::JoinHandle); how a stack comes and goes is the scheduler's business.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::TimerId;

use crate::coroutine::after;
use crate::join::{Failure, JoinHandle, Packet, hand_over};
use crate::scheduler;

/// Starts a coroutine on this thread.
///
/// It is queued; the caller goes on. It first runs when the caller waits for something, after those
/// that were spawned before it.
///
/// # Panics
///
/// If there is no memory for its stack, or no run loop can be made; [`Builder::spawn`] gives an
/// error instead.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let count = Rc::new(Cell::new(0));
/// let shared = Rc::clone(&count);
/// let handle = eventlet_green::spawn(move || {
///     shared.set(shared.get() + 1);
///     "done"
/// });
/// assert_eq!(handle.join().unwrap(), "done");
/// assert_eq!(count.get(), 1);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    match Builder::new().spawn(f) {
        Ok(handle) => handle,
        Err(error) => panic!("cannot spawn a coroutine: {error}"),
    }
}

/// Starts a coroutine after a delay. Until then it can be killed like any other, and its body then
/// never runs.
///
/// # Panics
///
/// As for [`spawn`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let handle = eventlet_green::spawn_after(Duration::from_millis(1), || 42);
/// assert_eq!(handle.join().unwrap(), 42);
/// ```
#[track_caller]
pub fn spawn_after<F, T>(delay: Duration, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    match Builder::new().spawn_after(delay, f) {
        Ok(handle) => handle,
        Err(error) => panic!("cannot spawn a coroutine: {error}"),
    }
}

/// Calls a function in a coroutine of its own after a delay. The coroutine is made only then, so a
/// pending call costs no stack.
///
/// # Panics
///
/// If no run loop can be made. When the time has come and there is no memory for a stack, the call
/// is not made and that is reported like a panic of a callback.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let later = eventlet_green::call_after(Duration::from_secs(60), || println!("a minute later"));
/// assert!(later.cancel());
/// ```
#[track_caller]
pub fn call_after<F>(delay: Duration, f: F) -> Timer
where
    F: FnOnce() + 'static,
{
    let spawned_at = Location::caller();
    scheduler::with(|scheduler| {
        let deadline = after(&scheduler.run_loop, delay);
        let id = scheduler.run_loop.call_at(deadline, move |_| {
            if let Err(error) = Builder::new().spawn_located(spawned_at, f) {
                panic!("cannot spawn a coroutine: {error}");
            }
        });
        Timer { id }
    })
}

/// A call that was put off with [`call_after`]. Dropping it does not cancel the call.
#[derive(Debug)]
pub struct Timer {
    id: TimerId,
}

impl Timer {
    /// Cancels the call; says whether it was still pending.
    pub fn cancel(&self) -> bool {
        scheduler::with(|scheduler| scheduler.run_loop.cancel_timer(self.id))
    }
}

/// Settings of a coroutine to be spawned.
///
/// # Examples
///
/// ```
/// let handle = eventlet_green::Builder::new()
///     .name("worker")
///     .stack_size(1024 * 1024)
///     .spawn(|| 6 * 7)?;
/// assert_eq!(handle.name(), Some("worker"));
/// assert_eq!(handle.join().unwrap(), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    name: Option<Box<str>>,
    stack_size: Option<usize>,
}

impl Builder {
    /// Nothing set: no name, the default stack size.
    pub fn new() -> Self {
        Self::default()
    }

    /// A name for messages. Default: none, the id and the spawn place stand for it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// The stack's size in bytes of address space, guard included, rounded up to a power of two.
    /// Default: [`default_stack_size`](crate::default_stack_size), 256 KiB unless it was changed.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Starts a coroutine; see [`spawn`](crate::spawn()).
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: the stack size is out of range.
    /// * `OutOfMemory`: no memory for the stack; the message names the limit that was met.
    /// * `Unsupported`: the thread is ending.
    /// * What [`init`](crate::init) gives, if the thread has no run loop yet.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        self.spawn_located(Location::caller(), f)
    }

    /// Starts a coroutine after a delay; see [`spawn_after`](crate::spawn_after).
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_after<F, T>(self, delay: Duration, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let handle = self.create(Location::caller(), f)?;
        scheduler::with(|scheduler| {
            let deadline = after(&scheduler.run_loop, delay);
            scheduler.start_at(handle.coroutine(), deadline);
        });
        Ok(handle)
    }

    #[inline]
    pub(crate) fn spawn_located<F, T>(
        self,
        spawned_at: &'static Location<'static>,
        f: F,
    ) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let handle = self.create(spawned_at, f)?;
        scheduler::with(|scheduler| scheduler.start(Rc::clone(handle.coroutine())));
        Ok(handle)
    }

    fn create<F, T>(self, spawned_at: &'static Location<'static>, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        crate::setup::ensure()?;
        let packet = Rc::new(Packet {
            outcome: Cell::new(None),
        });
        let theirs = Rc::clone(&packet);
        let body = move || {
            let outcome = catch_unwind(AssertUnwindSafe(move || {
                // Killed before its first turn: `f` is dropped, and never runs.
                crate::sleep::raise_pending();
                f()
            }));
            hand_over(theirs, outcome.map_err(Failure::from_payload));
        };
        let coroutine = scheduler::with(|scheduler| {
            scheduler.create(self.name, self.stack_size, spawned_at, body)
        })?;
        Ok(JoinHandle::new(coroutine, packet))
    }
}
