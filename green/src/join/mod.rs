//! The handle of a coroutine: waiting for its end, and ending it early.
//!
//! * `outcome`: what a coroutine leaves behind for its handle, and who hears of a panic.
//! * `error`: why a join gave no result.
//! * `all`, `first`: joining many, or whichever ends first.
//! * `future`: the handle in async code.
//!
//! Who else is told of the end (links, groups) is in [`ends`](crate::ends).

mod all;
mod error;
mod first;
mod future;
mod outcome;

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::Time;

pub use self::all::{join_all, join_all_timeout};
pub use self::error::{JoinError, JoinTimeoutError};
pub use self::first::{FirstError, first_of, first_of_timeout, race, race_timeout};
pub use self::future::Joined;
pub use self::outcome::catch_panic;
pub(crate) use self::outcome::{
    Failure, Packet, hand_over, leave_behind, panic_text, report_panic, report_unjoined,
};
use crate::coroutine::{Coroutine, State, Wait, Woken, deadline_in};
use crate::ends::kill::kill;
use crate::error::{NeedsUnwinding, ParkError};
use crate::scheduler::{self, Scheduler};
use crate::sys::slot::Act;

/// Owns the right to join a coroutine. Dropping it lets the coroutine go on by itself.
///
/// Stays on its thread:
///
/// ```compile_fail
/// fn send<T: Send>(_: T) {}
/// send(eventlet_green::spawn(|| ()));
/// ```
///
/// # Examples
///
/// ```
/// use eventlet_green::{Builder, State, Wait, sleep, yield_now};
/// use std::time::Duration;
///
/// let handle = Builder::new().name("sleeper").spawn(|| sleep(Duration::from_secs(60)))?;
/// assert_eq!((handle.name(), handle.state()), (Some("sleeper"), State::New));
/// assert!(handle.spawned_at().line() > 0 && handle.id() > 0);
/// yield_now();
/// assert_eq!(handle.waits_for(), Wait::Sleep);
/// assert!(!handle.is_finished());
/// assert!(handle.kill()?);
/// assert!(handle.join().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JoinHandle<T> {
    coroutine: Rc<Coroutine>,
    packet: Rc<Packet<T>>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(coroutine: Rc<Coroutine>, packet: Rc<Packet<T>>) -> Self {
        JoinHandle { coroutine, packet }
    }

    #[inline]
    pub(crate) fn coroutine(&self) -> &Rc<Coroutine> {
        &self.coroutine
    }

    /// Waits for the coroutine's end and gives its result.
    ///
    /// # Errors
    ///
    /// * [`JoinError::Panicked`]: it panicked; the error has the payload.
    /// * [`JoinError::Killed`]: it was killed.
    /// * [`JoinError::Itself`]: a coroutine cannot wait for its own end.
    /// * [`JoinError::Refused`]: the caller could not wait; among the reasons is a deadlock, whose
    ///   report says who waits for what. The coroutine goes on, unjoined.
    ///
    /// # Examples
    ///
    /// ```
    /// let sum = eventlet_green::spawn(|| 1 + 2);
    /// assert_eq!(sum.join().unwrap(), 3);
    ///
    /// let broken = eventlet_green::spawn(|| panic!("no luck"));
    /// let error = broken.join().unwrap_err();
    /// assert_eq!(error.panic_text(), Some("no luck"));
    /// ```
    pub fn join(self) -> Result<T, JoinError> {
        self.join_once()
    }

    /// Waits for the end and takes the result. Only once: a second time there is none.
    pub(crate) fn join_once(&self) -> Result<T, JoinError> {
        self.wait(None)?;
        self.take()
    }

    /// Waits for the coroutine's end, at most for `limit`; hands itself back if that was not
    /// enough.
    ///
    /// # Errors
    ///
    /// * [`JoinTimeoutError::Elapsed`]: with the handle, for another try.
    /// * [`JoinTimeoutError::Failed`]: as for [`join`](Self::join).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{JoinTimeoutError, sleep, spawn};
    /// use std::time::Duration;
    ///
    /// let slow = spawn(|| sleep(Duration::from_secs(60)));
    /// match slow.join_timeout(Duration::from_millis(1)) {
    ///     Err(JoinTimeoutError::Elapsed(handle)) => assert!(handle.kill()?),
    ///     _ => unreachable!(),
    /// }
    /// # Ok::<(), eventlet_green::NeedsUnwinding>(())
    /// ```
    pub fn join_timeout(self, limit: Duration) -> Result<T, JoinTimeoutError<T>> {
        self.join_until(deadline_in(limit))
    }

    /// As [`join_timeout`](Self::join_timeout), with the time when it is over.
    pub(crate) fn join_until(self, deadline: Time) -> Result<T, JoinTimeoutError<T>> {
        match self.wait(Some(deadline)) {
            Ok(Woken::TimedOut) => Err(JoinTimeoutError::Elapsed(self)),
            Ok(_) => self.take().map_err(JoinTimeoutError::Failed),
            Err(error) => Err(JoinTimeoutError::Failed(error)),
        }
    }

    /// Ends the coroutine: at the place where it waits, or will wait next, its stack unwinds and
    /// its destructors run. Says whether it was still alive.
    ///
    /// | the coroutine | what happens |
    /// |---|---|
    /// | has not run yet | its body is dropped and never runs |
    /// | waits | it unwinds when its turn comes, before anything it waited for |
    /// | is ready | it unwinds when its turn comes |
    /// | is the caller | it unwinds now, unless it is unwinding already |
    /// | has finished | nothing |
    /// | is being joined | whoever joins gets [`JoinError::Killed`] |
    ///
    /// The caller does not wait for it; [`join`](Self::join) does. A kill is sticky: if the
    /// coroutine swallows it with `catch_unwind`, it is raised again where it waits next.
    ///
    /// # Errors
    ///
    /// [`NeedsUnwinding`] in a program built with `panic = "abort"`.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{JoinError, sleep, spawn, yield_now};
    /// use std::time::Duration;
    ///
    /// let sleeper = spawn(|| sleep(Duration::from_secs(3600)));
    /// yield_now();
    /// assert!(sleeper.kill()?);
    /// assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
    /// # Ok::<(), eventlet_green::NeedsUnwinding>(())
    /// ```
    pub fn kill(&self) -> Result<bool, NeedsUnwinding> {
        kill(&self.coroutine)
    }

    /// Keeps the coroutine from starting; says whether it could. Once it has started, nothing
    /// happens: what is under way is ended by [`kill`](Self::kill) only. Its body is dropped, and
    /// whoever joins gets [`JoinError::Killed`].
    ///
    /// # Errors
    ///
    /// [`NeedsUnwinding`] in a program built with `panic = "abort"`.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{sleep, spawn, spawn_after, yield_now};
    /// use std::time::Duration;
    ///
    /// let hour = Duration::from_secs(3600);
    /// assert!(spawn_after(hour, || ()).cancel()?);
    ///
    /// let started = spawn(move || sleep(hour));
    /// yield_now();
    /// assert!(!started.cancel()?);
    /// # Ok::<(), eventlet_green::NeedsUnwinding>(())
    /// ```
    pub fn cancel(&self) -> Result<bool, NeedsUnwinding> {
        if self.is_finished() || self.coroutine.fiber.has_started() {
            return Ok(false);
        }
        self.kill()
    }

    /// Whether the coroutine has ended: [`join`](Self::join) would not wait.
    pub fn is_finished(&self) -> bool {
        self.coroutine.state.get() == State::Finished
    }

    /// The coroutine's number: unique in its thread, counting from 1.
    pub fn id(&self) -> u64 {
        self.coroutine.id
    }

    /// The name it was given.
    pub fn name(&self) -> Option<&str> {
        self.coroutine.name.as_deref()
    }

    /// Where it was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.coroutine.spawned_at
    }

    /// Where in its life it is.
    pub fn state(&self) -> State {
        self.coroutine.state.get()
    }

    /// What it waits for.
    pub fn waits_for(&self) -> Wait {
        self.coroutine.wait.get()
    }

    /// Waits for the end; [`Woken::TimedOut`] if the deadline has passed before.
    pub(crate) fn wait(&self, deadline: Option<Time>) -> Result<Woken, JoinError> {
        let coroutine = &self.coroutine;
        if self.is_finished() {
            return Ok(Woken::Ready);
        }
        scheduler::act(AwaitEnd {
            coroutine,
            deadline,
        })
    }

    /// The payload, if it has panicked and nobody has taken that yet.
    pub(crate) fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        match self.packet.outcome.take() {
            Some(Err(Failure::Panicked(payload))) => Some(payload),
            other => {
                self.packet.outcome.set(other);
                None
            }
        }
    }

    /// The result of one that has ended.
    pub(crate) fn take(&self) -> Result<T, JoinError> {
        match self.packet.outcome.take() {
            Some(Ok(value)) => Ok(value),
            Some(Err(Failure::Panicked(payload))) => Err(JoinError::Panicked(payload)),
            // Nothing there: it was given up while it refused to unwind.
            Some(Err(Failure::Killed)) | None => Err(JoinError::Killed),
        }
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(payload) = self.take_panic() {
            report_unjoined(&self.coroutine, payload);
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinHandle").field(&self.coroutine).finish()
    }
}

/// Takes the joiner's name off the coroutine, however the wait ends.
struct Joining<'a>(&'a Coroutine);

/// What [`JoinHandle::wait`] does while the coroutine has not ended.
struct AwaitEnd<'a> {
    coroutine: &'a Rc<Coroutine>,
    deadline: Option<Time>,
}

impl Act<Scheduler> for AwaitEnd<'_> {
    type Outcome = Result<Woken, JoinError>;

    #[inline(always)] // it parks: see `Stage`
    fn act(self, scheduler: &Scheduler) -> Self::Outcome {
        let AwaitEnd {
            coroutine,
            deadline,
        } = self;
        let is_finished = || coroutine.state.get() == State::Finished;
        let caller = scheduler.current().ok_or(ParkError::InCallback)?;
        if Rc::ptr_eq(&caller, coroutine) {
            return Err(JoinError::Itself);
        }
        coroutine.joiner.set(Some(caller));
        let _withdrawn_at_the_end = Joining(coroutine);
        while !is_finished() {
            if scheduler.park(Wait::Join(coroutine.id), deadline)? == Woken::TimedOut {
                return Ok(if is_finished() {
                    Woken::Ready
                } else {
                    Woken::TimedOut
                });
            }
        }
        Ok(Woken::Ready)
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        self.0.joiner.take();
    }
}
