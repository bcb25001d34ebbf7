//! Starting coroutines, and what comes of them.
//!
//! The shape is `std::thread`'s: [`spawn`], a [`Builder`], a [`JoinHandle`]. What differs: closures
//! and results need not be `Send`, because a coroutine stays on its thread; and a coroutine can be
//! [killed](JoinHandle::kill). Waiting for the
//! end is in [`join`](crate::JoinHandle); how a stack comes and goes is the scheduler's business.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Hub;
use eventlet_runloop::{Task, TimerId};

use crate::coroutine::{Coroutine, Loop, State, after};
use crate::join::{Failure, JoinHandle, Packet, hand_over, report_unjoined};
use crate::local::Heritage;
use crate::scheduler;
use crate::sys::slot;

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

/// Starts a coroutine after a delay, if the caller is still alive by then: a coroutine's own later
/// business, which is void when it has ended. The result is `None` if it was. On the root stack, which
/// does not end, this is a [`spawn_after`].
///
/// # Panics
///
/// As for [`spawn`]; and in a callback of the run loop, which is no coroutine.
///
/// # Examples
///
/// ```
/// use eventlet_green::{spawn, spawn_after_local};
/// use std::time::Duration;
///
/// let reminder = spawn(|| spawn_after_local(Duration::from_millis(1), || "still there?"));
/// let reminder = reminder.join().unwrap();
/// assert_eq!(reminder.join().unwrap(), None, "nobody to be reminded");
/// ```
#[track_caller]
pub fn spawn_after_local<F, T>(delay: Duration, f: F) -> JoinHandle<Option<T>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let Some(asker) = scheduler::with(|scheduler| scheduler.current()) else {
        panic!("{}", crate::error::ParkError::InCallback);
    };
    spawn_after(delay, move || {
        (asker.state.get() != State::Finished).then(f)
    })
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
        let call = Rc::new(PutOff {
            f: Cell::new(Some(f)),
            heritage: Cell::new(scheduler::heritage()),
            spawned_at,
        });
        let id = scheduler.run_loop.arm_timer(deadline, call);
        Timer { id }
    })
}

/// A call that is spawned when its time has come.
struct PutOff<F> {
    f: Cell<Option<F>>,
    /// Taken when it was asked for.
    heritage: Cell<Heritage>,
    spawned_at: &'static Location<'static>,
}

impl<F: FnOnce() + 'static> Task<Box<dyn Hub>> for PutOff<F> {
    fn run(self: Rc<Self>, _: &Loop) {
        if let Some(f) = self.f.take()
            && let Err(error) =
                Builder::new().spawn_inheriting(self.spawned_at, self.heritage.take(), f)
        {
            panic!("cannot spawn a coroutine: {error}");
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a call put off at {}", self.spawned_at)
    }
}

/// A call that was put off with [`call_after`]. Dropping it does not cancel the call.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Timer, call_after};
/// use std::time::Duration;
///
/// let timer: Timer = call_after(Duration::from_secs(60), || unreachable!());
/// assert!(timer.cancel());
/// assert!(!timer.cancel(), "it is not pending any more");
/// ```
#[derive(Debug)]
pub struct Timer {
    id: TimerId,
}

impl Timer {
    /// Cancels the call; says whether it was still pending. When the thread has ended so far that its
    /// loop is gone, nothing is.
    pub fn cancel(&self) -> bool {
        slot::with(|scheduler| scheduler.run_loop.cancel_timer(self.id)).unwrap_or(false)
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
    pub(crate) name: Option<Box<str>>,
    pub(crate) stack_size: Option<usize>,
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
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::Builder;
    /// use std::time::Duration;
    ///
    /// let later = Builder::new().name("later").spawn_after(Duration::from_millis(1), || 42)?;
    /// assert_eq!(later.join().unwrap(), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_after<F, T>(self, delay: Duration, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let handle = self.create(Location::caller(), scheduler::heritage(), f)?;
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
        self.spawn_inheriting(spawned_at, scheduler::heritage(), f)
    }

    #[inline]
    fn spawn_inheriting<F, T>(
        self,
        spawned_at: &'static Location<'static>,
        heritage: Heritage,
        f: F,
    ) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let handle = self.create(spawned_at, heritage, f)?;
        scheduler::with(|scheduler| scheduler.start(Rc::clone(handle.coroutine())));
        Ok(handle)
    }

    /// Makes the coroutine, which whoever calls then starts.
    pub(crate) fn create<F, T>(
        self,
        spawned_at: &'static Location<'static>,
        heritage: Heritage,
        f: F,
    ) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        crate::setup::ensure()?;
        let packet = Rc::new(Packet::empty());
        let theirs = Rc::clone(&packet);
        let body = body_of(f, theirs, report_unjoined);
        let coroutine = scheduler::with(|scheduler| {
            scheduler.create(self.name, self.stack_size, spawned_at, body)
        })?;
        coroutine.inherit(heritage);
        Ok(JoinHandle::new(coroutine, packet))
    }
}

/// All that a coroutine does: runs `f`, and leaves what came of it.
#[inline]
pub(crate) fn body_of<F, T>(
    f: F,
    packet: Rc<Packet<T>>,
    unjoined: impl FnOnce(&Rc<Coroutine>, Box<dyn Any + Send>),
) -> impl FnOnce()
where
    F: FnOnce() -> T,
{
    move || {
        let outcome = catch_unwind(AssertUnwindSafe(move || {
            // Killed before its first turn: `f` is dropped, and never runs.
            crate::sleep::raise_pending();
            f()
        }));
        hand_over(packet, outcome.map_err(Failure::from_payload), unjoined);
    }
}
