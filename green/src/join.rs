//! The handle of a coroutine: waiting for its end, ending it early, and what it leaves behind.
//!
//! A panic ends its coroutine only. Whoever joins is given it; if nobody will, because the handle
//! was dropped, it is reported once on standard error. A kill is no failure to be reported.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_runloop::Time;

use crate::coroutine::{Coroutine, Killed, State, Wait, Woken, deadline_in};
use crate::ends::Ending;
use crate::error::{NeedsUnwinding, ParkError};
use crate::kill::kill;
use crate::scheduler::{self, Scheduler};
use crate::sys::slot::Act;
use crate::timeout::ScopeExpired;

/// Owns the right to join a coroutine. Dropping it lets the coroutine go on by itself.
///
/// Stays on its thread:
///
/// ```compile_fail
/// fn send<T: Send>(_: T) {}
/// send(eventlet_green::spawn(|| ()));
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

/// Calls `f` and catches a panic of its own. What the scheduler raises, a kill or an expired
/// [`timeout`](crate::timeout()), passes through, as it would not with
/// [`catch_unwind`](std::panic::catch_unwind).
///
/// # Errors
///
/// The payload of the panic.
///
/// # Examples
///
/// ```
/// let outcome = eventlet_green::catch_panic(|| panic!("broken"));
/// assert!(outcome.is_err());
/// ```
pub fn catch_panic<T>(f: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Ok(value),
        Err(payload) if payload.is::<Killed>() || payload.is::<ScopeExpired>() => {
            resume_unwind(payload)
        }
        Err(payload) => Err(payload),
    }
}

/// What a coroutine leaves behind for whoever joins it.
pub(crate) struct Packet<T> {
    pub(crate) outcome: Cell<Option<Result<T, Failure>>>,
}

impl<T> Packet<T> {
    pub(crate) fn empty() -> Self {
        Packet {
            outcome: Cell::new(None),
        }
    }
}

/// How a coroutine can fail.
pub(crate) enum Failure {
    Killed,
    Panicked(Box<dyn Any + Send>),
}

impl Failure {
    pub(crate) fn from_payload(payload: Box<dyn Any + Send>) -> Self {
        if payload.is::<Killed>() {
            Failure::Killed
        } else {
            Failure::Panicked(payload)
        }
    }

    fn ending(&self) -> Ending {
        match self {
            Failure::Killed => Ending::Killed,
            Failure::Panicked(_) => Ending::Panicked,
        }
    }
}

impl<T> JoinHandle<T> {
    /// The handle of something that has run already, on its caller's stack.
    pub(crate) fn of_finished(
        spawned_at: &'static Location<'static>,
        outcome: Result<T, Failure>,
    ) -> Self {
        let ending = match &outcome {
            Ok(_) => Ending::Returned,
            Err(failure) => failure.ending(),
        };
        let coroutine = scheduler::with(|scheduler| scheduler.finished(spawned_at, ending));
        let packet = Rc::new(Packet::empty());
        packet.outcome.set(Some(outcome));
        JoinHandle::new(coroutine, packet)
    }
}

/// The last thing a coroutine does: leaves its outcome to its handle. If that is gone, the value is
/// dropped here, on the coroutine's own stack, and `unjoined` is called with a panic.
pub(crate) fn hand_over<T>(
    packet: Rc<Packet<T>>,
    outcome: Result<T, Failure>,
    unjoined: impl FnOnce(&Rc<Coroutine>, Box<dyn Any + Send>),
) {
    if let Err(failure) = &outcome
        && let Some(coroutine) = scheduler::with(|scheduler| scheduler.current())
    {
        coroutine.ending.set(failure.ending());
    }
    if Rc::strong_count(&packet) > 1 {
        packet.outcome.set(Some(outcome));
        return;
    }
    drop(packet);
    leave_behind(outcome, unjoined);
}

/// What becomes of an outcome that nobody waits for.
pub(crate) fn leave_behind<T>(
    outcome: Result<T, Failure>,
    unjoined: impl FnOnce(&Rc<Coroutine>, Box<dyn Any + Send>),
) {
    let dropped = match outcome {
        Ok(value) => catch_unwind(AssertUnwindSafe(|| drop(value))),
        Err(Failure::Killed) => Ok(()),
        Err(Failure::Panicked(payload)) => Err(payload),
    };
    if let Err(payload) = dropped
        && !payload.is::<Killed>()
    {
        let current = scheduler::with(|scheduler| scheduler.current());
        if let Some(coroutine) = current {
            unjoined(&coroutine, payload);
        }
    }
}

/// The last resort for a panic that nobody asks for.
pub(crate) fn report_unjoined(coroutine: &Rc<Coroutine>, payload: Box<dyn Any + Send>) {
    report_panic(&coroutine.label(), &*payload);
}

/// As [`report_unjoined`], of whatever has that label.
pub(crate) fn report_panic(label: &dyn fmt::Display, payload: &(dyn Any + Send)) {
    let text = panic_text(payload).unwrap_or("a payload that is no text");
    eprintln!("eventlet: {label} panicked, and nobody joins it: {text}");
}

/// The message of a panic, if it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    match payload.downcast_ref::<&'static str>() {
        Some(text) => Some(text),
        None => payload.downcast_ref::<String>().map(String::as_str),
    }
}

/// Why a join gave no result.
#[non_exhaustive]
pub enum JoinError {
    /// The coroutine panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    /// The coroutine was killed.
    Killed,
    /// A coroutine waited for its own end.
    Itself,
    /// The caller could not wait.
    Refused(ParkError),
    /// The loop that was to run it has ended before it began; of a
    /// [`RemoteHandle`](crate::RemoteHandle) only.
    LoopGone,
    /// The loop that was to run it could not start it: no memory for its stack. Of a
    /// [`RemoteHandle`](crate::RemoteHandle) only.
    NotStarted(std::io::Error),
}

impl JoinError {
    /// The message of the panic, if it was one and has one.
    pub fn panic_text(&self) -> Option<&str> {
        match self {
            JoinError::Panicked(payload) => panic_text(&**payload),
            _ => None,
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Panicked(payload) => {
                let text = panic_text(&**payload).unwrap_or("a payload that is no text");
                write!(f, "the coroutine panicked: {text}")
            }
            JoinError::Killed => f.write_str("the coroutine was killed"),
            JoinError::Itself => f.write_str("a coroutine cannot join itself"),
            JoinError::Refused(reason) => reason.fmt(f),
            JoinError::LoopGone => f.write_str("the loop ended before the coroutine began"),
            JoinError::NotStarted(error) => {
                write!(f, "the coroutine could not be started: {error}")
            }
        }
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JoinError::Refused(reason) => Some(reason),
            JoinError::NotStarted(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ParkError> for JoinError {
    fn from(reason: ParkError) -> Self {
        JoinError::Refused(reason)
    }
}

/// Why a join with a time limit gave no result.
#[derive(Debug)]
pub enum JoinTimeoutError<T> {
    /// The time was over first. The handle, for another try.
    Elapsed(JoinHandle<T>),
    /// There will be no result.
    Failed(JoinError),
}

impl<T> fmt::Display for JoinTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinTimeoutError::Elapsed(_) => f.write_str("the coroutine has not ended in time"),
            JoinTimeoutError::Failed(error) => error.fmt(f),
        }
    }
}

impl<T: fmt::Debug> std::error::Error for JoinTimeoutError<T> {}
