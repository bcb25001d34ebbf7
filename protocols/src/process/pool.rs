//! Programs that are kept running, each for one user at a time.
//!
//! Waiting for one, handing it over and counting are green's [`Pool`]; here is what is special about
//! programs: they die while nobody looks, and one that dies at once is not to be started again and
//! again without a pause.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::pool::{Item, Pool, PoolError};
use eventlet_green::{Time, now, sleep};

use super::child::OnDrop;
use super::command::Command;
use super::conversation::Process;

/// How long the first new start waits after a program has failed.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// How long a new start waits at the most: each failure in a row doubles it until then.
pub const LAST_BACKOFF: Duration = Duration::from_secs(10);

/// A program that fails after it has run for so long is not failing in a row.
pub const STEADY: Duration = Duration::from_secs(1);

/// At most so many copies of a program, started when they are needed and used again; shared by its
/// clones.
///
/// One that has died, in use or idle, is replaced for the next who asks. If it died with a failure
/// within [`STEADY`] of its start, or could not be started, the next start waits: for
/// [`FIRST_BACKOFF`], then twice as long each time, up to [`LAST_BACKOFF`]. One that is given up (its
/// user was unwound, the pool is dropped) is killed.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, ProcessPool};
///
/// let pool = ProcessPool::new(2, Command::new("cat"));
/// let first = {
///     let mut cat = pool.acquire()?;
///     cat.write(b"hello\n")?;
///     assert_eq!(cat.read_line()?, b"hello\n");
///     cat.id()
/// };
/// assert_eq!(pool.acquire()?.id(), first, "used again");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::process::{Command, ProcessPool};
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// let pool = ProcessPool::new(1, Command::new("cat"));
/// let cat = pool.acquire()?;
/// assert_eq!((pool.max_size(), pool.in_use(), pool.free()), (1, 1, 0));
/// let error = pool.acquire_timeout(Duration::from_millis(1)).unwrap_err();
/// assert_eq!((error.kind(), pool.waiting()), (ErrorKind::TimedOut, 0));
/// pool.resize(2);
/// assert_eq!(pool.free(), 1);
/// drop(cat);
/// assert_eq!((pool.idle(), pool.in_use()), (1, 0));
/// pool.clear();
/// assert_eq!(pool.idle(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ProcessPool {
    pool: Pool<Process, io::Error>,
    starter: Rc<Starter>,
}

impl ProcessPool {
    /// A pool of at most so many. None is started yet.
    pub fn new(max_size: usize, mut command: Command) -> Self {
        command.on_drop(OnDrop::Kill);
        let starter = Rc::new(Starter {
            command,
            backoff: Cell::new(FIRST_BACKOFF),
            not_before: Cell::new(None),
        });
        let theirs = Rc::clone(&starter);
        ProcessPool {
            pool: Pool::new(max_size, move || theirs.start()),
            starter,
        }
    }

    /// An idle process, or a new one if there may be more; else waits for one. It is given back when
    /// it is dropped.
    ///
    /// # Errors
    ///
    /// * What starting one gives: see [`Process::start`].
    /// * Why the caller could not wait: see [`ParkError`](eventlet_green::ParkError).
    pub fn acquire(&self) -> io::Result<PooledProcess> {
        self.seated(self.pool.acquire())
    }

    /// [`acquire`](Self::acquire), waiting at most `limit` for others to give one back; starting one
    /// is not limited by it.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire); `TimedOut`.
    pub fn acquire_timeout(&self, limit: Duration) -> io::Result<PooledProcess> {
        self.seated(self.pool.acquire_timeout(limit))
    }

    fn seated(
        &self,
        item: Result<Item<Process>, PoolError<io::Error>>,
    ) -> io::Result<PooledProcess> {
        let item = item.map_err(|error| match error {
            PoolError::Create(error) => error,
            error => error.into(),
        })?;
        let mut process = PooledProcess {
            item: Some(item),
            starter: Rc::clone(&self.starter),
        };
        if process.served && process.is_dead() {
            // It died while nobody used it.
            self.starter.note_end(&process);
            process.served = false;
            *process = self.starter.start()?;
        }
        process.served = true;
        Ok(process)
    }

    /// How many there may be.
    pub fn max_size(&self) -> usize {
        self.pool.max_size()
    }

    /// Changes how many there may be; see [`Pool::resize`].
    pub fn resize(&self, max_size: usize) {
        self.pool.resize(max_size);
    }

    /// How many could be had without waiting for others.
    pub fn free(&self) -> usize {
        self.pool.free()
    }

    /// How many are idle.
    pub fn idle(&self) -> usize {
        self.pool.idle()
    }

    /// How many are in use.
    pub fn in_use(&self) -> usize {
        self.pool.in_use()
    }

    /// How many coroutines wait for one.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// Kills those that are idle.
    pub fn clear(&self) {
        self.pool.clear();
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPool")
            .field("command", &self.starter.command)
            .field("pool", &self.pool)
            .finish()
    }
}

/// Starts programs, with pauses between failures.
struct Starter {
    command: Command,
    /// How long the start after the next failure waits.
    backoff: Cell<Duration>,
    not_before: Cell<Option<Time>>,
}

impl Starter {
    fn start(&self) -> io::Result<Process> {
        while let Some(time) = self.not_before.get() {
            let now = now();
            if time <= now {
                self.not_before.set(None);
            } else {
                sleep(time - now);
            }
        }
        Process::start(&self.command).inspect_err(|_| self.put_off())
    }

    fn put_off(&self) {
        let pause = self.backoff.get();
        self.backoff.set((pause * 2).min(LAST_BACKOFF));
        self.not_before.set(Some(now() + pause));
    }

    /// Takes note of one that was found dead.
    fn note_end(&self, process: &Process) {
        let well = process.status().is_some_and(|status| status.success());
        if well || now() - process.started >= STEADY {
            self.backoff.set(FIRST_BACKOFF);
        } else {
            self.put_off();
        }
    }
}

/// A process of a [`ProcessPool`], in use. Dropping it gives it back; if it is dead, or the stack
/// unwinds, it is replaced.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, PooledProcess, ProcessPool};
///
/// let pool = ProcessPool::new(1, Command::new("cat"));
/// let mut cat: PooledProcess = pool.acquire()?;
/// let first = cat.id();
/// cat.write(b"half a question")?;
/// cat.discard(); // Nobody is to get the answer to it.
/// assert_ne!(pool.acquire()?.id(), first);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct PooledProcess {
    /// `None` only within `drop`.
    item: Option<Item<Process>>,
    starter: Rc<Starter>,
}

impl PooledProcess {
    /// Kills it instead of giving it back: the conversation has gone wrong.
    pub fn discard(mut self) {
        if let Some(item) = self.item.take() {
            item.discard();
        }
    }
}

impl Drop for PooledProcess {
    fn drop(&mut self) {
        let Some(item) = self.item.take() else { return };
        if item.is_dead() {
            // The one that could not be replaced is known already.
            if item.served {
                self.starter.note_end(&item);
            }
            item.discard();
        }
    }
}

impl Deref for PooledProcess {
    type Target = Process;

    fn deref(&self) -> &Process {
        self.item.as_ref().expect("lent until it is given back")
    }
}

impl DerefMut for PooledProcess {
    fn deref_mut(&mut self) -> &mut Process {
        self.item.as_mut().expect("lent until it is given back")
    }
}

impl fmt::Debug for PooledProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PooledProcess").field(&**self).finish()
    }
}
