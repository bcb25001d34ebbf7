//! A pool of threads for calls that block.
//!
//! Threads are started when there is work and none is idle, and end after a while without any. What
//! is handed over must be `Send`; what comes back wakes the caller through its loop's inbox. Which
//! thread takes what, and when one ends, stands in [`jobs`](crate::between_threads::jobs).

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use eventlet_hub::fork::Home;

use super::MAX_THREADS;
use crate::between_threads::Wake;
use crate::between_threads::answer::{Answer, Found};
use crate::between_threads::bed::Slept;
use crate::between_threads::jobs::{Jobs, Pushed};
use crate::coroutine::Wait;
use crate::inbox::Sent;
use crate::sleeper::{Sleeper, sleep_until_woken};

/// How long a thread stays without work, unless something else is asked for: ten seconds.
const IDLE: Duration = Duration::from_secs(10);

/// A pool of threads of one's own for calls that block: so that slow ones of one kind (a database)
/// do not keep others waiting, or to have only so many at a time.
///
/// Shared by its clones, from any thread. When the last one goes, the threads do what there is and
/// end.
///
/// # Examples
///
/// ```
/// use eventlet_green::OffloadPool;
///
/// let database = OffloadPool::builder().name("database").threads(4).build();
/// let answer = database.offload(|| 6 * 7)?;
/// assert_eq!(answer, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::OffloadPool;
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// let database = OffloadPool::builder().threads(2).build();
/// assert_eq!(database.offload_timeout(Duration::from_secs(20), || 6 * 7)?, 42);
/// database.close();
/// let error = database.offload(|| 42).unwrap_err();
/// assert_eq!((error.kind(), database.stats().queued), (ErrorKind::BrokenPipe, 0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct OffloadPool {
    owner: Arc<Owner>,
}

impl OffloadPool {
    /// Settings for a new pool.
    pub fn builder() -> OffloadBuilder {
        OffloadBuilder {
            threads: MAX_THREADS,
            idle: IDLE,
            name: "offload".into(),
        }
    }

    /// Runs a call on a thread of the pool; see [`offload`](crate::offload()). Calls are taken first
    /// come, first served.
    ///
    /// Called on a thread of the same pool it makes the call in place, and so it does in a pool
    /// without threads.
    ///
    /// # Errors
    ///
    /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
    /// * No thread could be started (`EAGAIN`), and there is none to wait for.
    /// * `BrokenPipe`: the pool is [closed](Self::close).
    /// * `Unsupported`: in a forked child; a pool's threads stay with the parent.
    pub fn offload<T, F>(&self, f: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.call(None, f)
    }

    /// [`offload`](Self::offload), but waits at most `limit` for the result.
    ///
    /// # Errors
    ///
    /// As for [`offload`](Self::offload); `TimedOut` when the time was over. The call goes on, and its
    /// result is dropped.
    pub fn offload_timeout<T, F>(&self, limit: Duration, f: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.call(Some(limit), f)
    }

    fn call<T, F>(&self, limit: Option<Duration>, f: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let pool = &self.owner.pool;
        pool.home.check("offload pool")?;
        if WORKS_FOR.get() == Some(pool.number) {
            return Ok(f());
        }
        let answer: Arc<Reply<T>> = Arc::new(Answer::new());
        let wanted = Wanted(&answer);
        let theirs = Arc::clone(&answer);
        let job = Box::new(move || {
            let outcome = catch_unwind(AssertUnwindSafe(f));
            // Dropped here, if nobody wants it any more.
            drop(theirs.give(outcome));
        });
        let mut refused = Ok(None);
        let slept = sleep_until_woken(Wait::Offload, limit, |sleeper| {
            if answer.enlist(sleeper) == Found::Ready {
                return Sent::NotNeeded;
            }
            refused = pool.submit(job);
            match refused {
                Ok(None) => Sent::Out,
                _ => Sent::NotNeeded,
            }
        })?;
        if let Some(in_place) = refused? {
            in_place();
        }
        match answer.take() {
            Some(Ok(value)) => Ok(value),
            Some(Err(panic)) => resume_unwind(panic),
            None => {
                debug_assert_eq!(slept, Slept::TimedOut);
                drop(wanted);
                let text = "the call on another thread has not ended in time; it goes on";
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
        }
    }

    /// Changes how many threads there may be. More are started if calls wait; those that are too many
    /// end when they have done what they do. With 0, calls are made in place from now on.
    pub fn resize(&self, threads: usize) {
        let pool = &self.owner.pool;
        for _ in 0..pool.jobs.set_limit(threads) {
            if pool.start().is_err() {
                // Those there are will get to it.
                let _ = pool.jobs.start_failed(NO_JOB);
            }
        }
    }

    /// Takes no more calls. Those that were made are seen to, and answered; then the threads end.
    /// Does nothing to the [shared](Self::shared) pool.
    pub fn close(&self) {
        if self.owner.closable {
            self.owner.pool.jobs.close();
        }
    }

    /// What it has and does.
    pub fn stats(&self) -> OffloadStats {
        let counts = self.owner.pool.jobs.counts();
        OffloadStats {
            limit: counts.limit,
            threads: counts.threads,
            idle: counts.idle,
            queued: counts.queued,
            taken: counts.taken,
        }
    }
}

impl fmt::Debug for OffloadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OffloadPool")
            .field("name", &self.owner.pool.name)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// What [`OffloadPool::stats`] found.
///
/// # Examples
///
/// ```
/// use eventlet_green::{OffloadPool, OffloadStats};
///
/// let pool = OffloadPool::builder().threads(2).build();
/// pool.offload(|| ())?;
/// let OffloadStats { limit, taken, queued, .. } = pool.stats();
/// assert_eq!((limit, taken, queued), (2, 1, 0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffloadStats {
    /// How many threads there may be.
    pub limit: usize,
    /// How many there are.
    pub threads: usize,
    /// How many of them wait for work.
    pub idle: usize,
    /// Calls that no thread has taken yet.
    pub queued: usize,
    /// Calls that threads have taken since the beginning.
    pub taken: u64,
}

/// Settings of an [`OffloadPool`] to be made.
///
/// # Examples
///
/// ```
/// use eventlet_green::{OffloadBuilder, OffloadPool};
/// use std::time::Duration;
///
/// let settings: OffloadBuilder = OffloadPool::builder();
/// let disk = settings.threads(4).idle(Duration::from_secs(1)).name("disk").build();
/// let name = disk.offload(|| std::thread::current().name().map(str::to_owned))?;
/// assert_eq!(name.as_deref(), Some("disk"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is built"]
pub struct OffloadBuilder {
    threads: usize,
    idle: Duration,
    name: String,
}

impl OffloadBuilder {
    /// How many threads there may be at once; 0 makes every call in place, which holds up every
    /// coroutine of the thread (for debugging). Default: [`MAX_THREADS`], 16.
    pub fn threads(mut self, most: usize) -> Self {
        self.threads = most;
        self
    }

    /// How long a thread stays without work. Default: ten seconds, so that a burst finds the threads
    /// of the one before, and a quiet process has none.
    pub fn idle(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// The name of its threads. Default: `offload`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Makes the pool, without a thread yet.
    pub fn build(self) -> OffloadPool {
        self.finish(true)
    }

    pub(super) fn build_shared(self) -> OffloadPool {
        self.finish(false)
    }

    fn finish(self, closable: bool) -> OffloadPool {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let pool = Pool {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            home: Home::new(),
            jobs: Jobs::new(self.threads),
            idle: self.idle,
            name: self.name,
        };
        OffloadPool {
            owner: Arc::new(Owner {
                pool: Arc::new(pool),
                closable,
            }),
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;
type Reply<T> = Answer<Result<T, Box<dyn Any + Send>>, Sleeper>;

/// What stands for no job, where one is asked for.
const NO_JOB: u64 = u64::MAX;

thread_local! {
    /// The number of the pool whose thread this is.
    static WORKS_FOR: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What the clones share; the threads do not, so that the last clone can go.
struct Owner {
    pool: Arc<Pool>,
    closable: bool,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // In a forked child a lock may be held by a thread that is not there.
        if self.pool.home.is_here() {
            self.pool.jobs.close();
        }
    }
}

struct Pool {
    number: u64,
    home: Home,
    jobs: Jobs<Job>,
    idle: Duration,
    name: String,
}

impl Pool {
    /// Queues a job and sees to it that a thread will take it. Gives it back if it is to be done in
    /// place.
    fn submit(self: &Arc<Self>, job: Job) -> io::Result<Option<Job>> {
        match self.jobs.push(job) {
            Pushed::Queued => Ok(None),
            Pushed::NoThreads(job) => Ok(Some(job)),
            Pushed::Closed(_) => {
                let text = "the pool of threads is closed";
                Err(io::Error::new(io::ErrorKind::BrokenPipe, text))
            }
            Pushed::StartOne(number) => match self.start() {
                Ok(()) => Ok(None),
                Err(error) => match self.jobs.start_failed(number) {
                    Some(_) => Err(error),
                    // The threads there are will get to it.
                    None => Ok(None),
                },
            },
        }
    }

    /// Starts a thread, which is counted already.
    fn start(self: &Arc<Self>) -> io::Result<()> {
        let pool = Arc::clone(self);
        let thread = thread::Builder::new().name(self.name.clone());
        thread.spawn(move || pool.work()).map(drop)
    }

    fn work(&self) {
        WORKS_FOR.set(Some(self.number));
        while let Some(job) = self.jobs.next(self.idle) {
            // What the call panics with is its caller's; this is the drop of a result that nobody
            // wants, of which the panic hook has told.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }
}

/// The caller still wants the answer, until this is dropped: when it has it, or is unwound.
struct Wanted<'a, T, S: Wake>(&'a Answer<T, S>);

impl<T, S: Wake> Drop for Wanted<'_, T, S> {
    fn drop(&mut self) {
        drop(self.0.abandon());
    }
}
