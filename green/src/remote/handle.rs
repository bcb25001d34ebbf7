//! The handle of a coroutine on another thread's loop.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Remote;
use super::order::{Kill, Shared};
use crate::between_threads::answer::Found;
use crate::between_threads::bed::Slept;
use crate::coroutine::Wait;
use crate::error::NeedsUnwinding;
use crate::inbox::Sent;
use crate::join::{JoinError, report_panic};
use crate::sleeper::{Sleeper, sleep_until_woken};
use crate::sys::slot;

/// Owns the right to join a coroutine that was [spawned](Remote::spawn) onto a loop from anywhere.
/// Dropping it lets the coroutine go on by itself; a panic is then reported once on standard error.
///
/// Usable from any thread: on one with a run loop, whoever joins is parked; on one without, the
/// thread blocks. In async code it can be awaited, under any executor.
///
/// # Examples
///
/// ```
/// use eventlet_green::{RemoteHandle, cores};
/// use std::time::Duration;
///
/// let loops = cores::Builder::new().threads(1).start(|core| core.wait_for_stop())?;
/// let handle: RemoteHandle<u32> = loops.remotes()[0].spawn(|| 42)?;
/// assert!(handle.spawned_at().line() > 0);
/// let other = loops.remotes()[0].spawn(|| eventlet_green::sleep(Duration::from_secs(60)))?;
/// let other = match other.join_timeout(Duration::from_millis(1)) {
///     Err(eventlet_green::RemoteJoinTimeoutError::Elapsed(handle)) => handle,
///     ended => panic!("it sleeps: {ended:?}"),
/// };
/// assert!(!other.is_finished());
/// let _number: Option<u64> = other.id(); // As soon as that loop has begun it.
/// assert!(other.kill()?);
/// assert_eq!(handle.join().unwrap(), 42);
/// loops.stop();
/// loops.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RemoteHandle<T> {
    shared: Arc<Shared<T>>,
    /// For the kill. Given up by whoever joins: there is nothing more to hope for from him.
    remote: Option<Remote>,
    spawned_at: &'static Location<'static>,
}

impl<T> RemoteHandle<T> {
    pub(super) fn new(
        shared: Arc<Shared<T>>,
        remote: Remote,
        spawned_at: &'static Location<'static>,
    ) -> Self {
        RemoteHandle {
            shared,
            remote: Some(remote),
            spawned_at,
        }
    }

    /// Waits for the coroutine's end and gives its result.
    ///
    /// # Errors
    ///
    /// As for [`JoinHandle::join`](crate::JoinHandle::join); [`JoinError::Killed`] also when its
    /// thread has ended, [`JoinError::LoopGone`] when that was so before it began, and
    /// [`JoinError::NotStarted`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let home = eventlet_green::remote();
    /// let broken = home.spawn(|| panic!("no luck")).unwrap();
    /// assert_eq!(broken.join().unwrap_err().panic_text(), Some("no luck"));
    /// ```
    pub fn join(mut self) -> Result<T, JoinError> {
        let is_itself = self.is_itself();
        self.remote = None;
        self.wait(None, is_itself)?;
        self.take()
    }

    /// Waits for the coroutine's end, at most for `limit`; hands itself back if that was not enough.
    ///
    /// # Errors
    ///
    /// * [`RemoteJoinTimeoutError::Elapsed`]: with the handle, for another try.
    /// * [`RemoteJoinTimeoutError::Failed`]: as for [`join`](Self::join).
    pub fn join_timeout(self, limit: Duration) -> Result<T, RemoteJoinTimeoutError<T>> {
        let slept = self.wait(Some(limit), self.is_itself());
        match slept.map_err(RemoteJoinTimeoutError::Failed)? {
            Slept::TimedOut if !self.is_finished() => Err(RemoteJoinTimeoutError::Elapsed(self)),
            _ => self.take().map_err(RemoteJoinTimeoutError::Failed),
        }
    }

    /// Has the coroutine [killed](crate::JoinHandle::kill), when its loop gets to it. Says whether
    /// that was sent: it had not ended yet, as far as could be seen from here.
    ///
    /// # Errors
    ///
    /// [`NeedsUnwinding`] in a program built with `panic = "abort"`.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{JoinError, remote, sleep};
    /// use std::time::Duration;
    ///
    /// let sleeper = remote().spawn(|| sleep(Duration::from_secs(3600))).unwrap();
    /// assert!(sleeper.kill()?);
    /// assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
    /// # Ok::<(), eventlet_green::NeedsUnwinding>(())
    /// ```
    pub fn kill(&self) -> Result<bool, NeedsUnwinding>
    where
        T: Send + 'static,
    {
        NeedsUnwinding::check()?;
        let Some(remote) = self.remote.as_ref().filter(|_| !self.is_finished()) else {
            return Ok(false);
        };
        self.shared.mark_killed();
        let order = Kill(Arc::clone(&self.shared));
        Ok(remote.inbox().order(Box::new(order)).is_ok())
    }

    /// Whether the coroutine has ended, or never will begin: [`join`](Self::join) would not wait.
    pub fn is_finished(&self) -> bool {
        self.shared.answer.is_ready()
    }

    /// The coroutine's number on its loop, as soon as it has one.
    pub fn id(&self) -> Option<u64> {
        self.shared.id()
    }

    /// Where it was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// Whether the caller is the very coroutine.
    fn is_itself(&self) -> bool {
        let Some(id) = self.shared.id() else {
            return false;
        };
        let is_here = self.remote.as_ref().is_some_and(Remote::is_here);
        let current = slot::with(|scheduler| scheduler.current().map(|current| current.id));
        is_here && current.flatten() == Some(id)
    }

    fn wait(&self, limit: Option<Duration>, is_itself: bool) -> Result<Slept, JoinError> {
        if self.is_finished() {
            return Ok(Slept::Woken);
        }
        if is_itself {
            return Err(JoinError::Itself);
        }
        let answer = &self.shared.answer;
        let _withdrawn_at_the_end = Joining(&self.shared);
        let wait = Wait::RemoteJoin(self.shared.id().unwrap_or_default());
        let slept = sleep_until_woken(wait, limit, |sleeper| match answer.enlist(sleeper) {
            Found::Ready => Sent::NotNeeded,
            Found::Nothing => Sent::Out,
        })?;
        Ok(slept)
    }

    fn take(&self) -> Result<T, JoinError> {
        // It is there: whoever gets here has seen it, and there is no other handle.
        self.shared.answer.take().unwrap_or(Err(JoinError::Killed))
    }
}

impl<T> Drop for RemoteHandle<T> {
    fn drop(&mut self) {
        if let Some(Err(JoinError::Panicked(payload))) = self.shared.answer.abandon() {
            let id = self.shared.id().unwrap_or_default();
            let place = self.spawned_at;
            let label = format!("a coroutine of another thread (#{id}, spawned at {place})");
            report_panic(&label, &*payload);
        }
    }
}

impl<T> fmt::Debug for RemoteHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteHandle")
            .field("id", &self.id())
            .field("spawned_at", &self.spawned_at)
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl<T> IntoFuture for RemoteHandle<T> {
    type Output = Result<T, JoinError>;
    type IntoFuture = RemoteJoin<T>;

    fn into_future(self) -> RemoteJoin<T> {
        RemoteJoin { handle: self }
    }
}

/// The end of a coroutine of another thread, as a future; made by awaiting a [`RemoteHandle`].
/// Dropping it lets the coroutine go on.
///
/// # Examples
///
/// ```
/// use eventlet_green::{RemoteJoin, block_on, cores};
///
/// let loops = cores::Builder::new().threads(1).start(|core| core.wait_for_stop())?;
/// let answer: RemoteJoin<u32> = loops.remotes()[0].spawn(|| 42)?.into_future();
/// assert_eq!(block_on(answer)?.unwrap(), 42); // Or under any executor.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct RemoteJoin<T> {
    handle: RemoteHandle<T>,
}

impl<T> Future for RemoteJoin<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let handle = &self.handle;
        if !handle.is_finished() {
            if handle.is_itself() {
                return Poll::Ready(Err(JoinError::Itself));
            }
            let waiter = Sleeper::Future(context.waker().clone());
            if handle.shared.answer.enlist(waiter) == Found::Nothing {
                return Poll::Pending;
            }
        }
        Poll::Ready(handle.take())
    }
}

/// Takes the joiner off, however the wait ends.
struct Joining<'a, T>(&'a Shared<T>);

impl<T> Drop for Joining<'_, T> {
    fn drop(&mut self) {
        self.0.answer.withdraw();
    }
}

/// Why a join with a time limit gave no result.
///
/// # Examples
///
/// ```
/// use eventlet_green::{RemoteJoinTimeoutError, remote, sleep};
/// use std::time::Duration;
///
/// let sleeper = remote().spawn(|| sleep(Duration::from_millis(20)))?;
/// match sleeper.join_timeout(Duration::from_millis(1)) {
///     Err(RemoteJoinTimeoutError::Elapsed(handle)) => handle.join().unwrap(), // Another try.
///     other => panic!("it sleeps: {other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum RemoteJoinTimeoutError<T> {
    /// The time was over first. The handle, for another try.
    Elapsed(RemoteHandle<T>),
    /// There will be no result.
    Failed(JoinError),
}

impl<T> fmt::Display for RemoteJoinTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteJoinTimeoutError::Elapsed(_) => {
                f.write_str("the coroutine has not ended in time")
            }
            RemoteJoinTimeoutError::Failed(error) => error.fmt(f),
        }
    }
}

impl<T: fmt::Debug> std::error::Error for RemoteJoinTimeoutError<T> {}
