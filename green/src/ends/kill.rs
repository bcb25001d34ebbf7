//! Ending a coroutine early, from wherever a handle to it is.
//!
//! How a kill is raised in its victim is the business of the [`scheduler`](crate::scheduler) and of
//! [`coroutine`](crate::coroutine); what becomes of the result, of [`join`](crate::JoinHandle).

use std::fmt;
use std::rc::Rc;

use crate::coroutine::{Coroutine, State, Woken};
use crate::error::{NeedsUnwinding, ParkError};
use crate::scheduler;

/// Ends a coroutine; see [`JoinHandle::kill`](crate::JoinHandle::kill).
pub(crate) fn kill(coroutine: &Rc<Coroutine>) -> Result<bool, NeedsUnwinding> {
    NeedsUnwinding::check()?;
    if coroutine.state.get() == State::Finished {
        return Ok(false);
    }
    kill_in_its_turn(coroutine);
    if coroutine.state.get() == State::Running {
        crate::sleep::raise_pending();
    }
    Ok(true)
}

/// Marks a coroutine for a kill, unless it has ended. If it is the caller's own, it goes on until it
/// waits. Unwinding must be possible.
pub(crate) fn kill_in_its_turn(coroutine: &Rc<Coroutine>) {
    if coroutine.state.get() != State::Finished {
        coroutine.mark_killed();
        scheduler::wake(coroutine, Woken::Interrupted);
    }
}

/// The right to end a coroutine, without that to join it: what a coroutine can give away of itself.
///
/// # Examples
///
/// ```
/// use eventlet_green::{JoinError, KillHandle, spawn, yield_now};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let way_out = Rc::new(Cell::new(None));
/// let theirs = Rc::clone(&way_out);
/// let worker = spawn(move || {
///     theirs.set(Some(KillHandle::of_current()?));
///     eventlet_green::sleep(std::time::Duration::from_secs(3600));
///     Ok::<(), eventlet_green::ParkError>(())
/// });
/// yield_now();
/// assert!(way_out.take().unwrap().kill()?);
/// assert!(matches!(worker.join(), Err(JoinError::Killed)));
/// # Ok::<(), eventlet_green::NeedsUnwinding>(())
/// ```
#[derive(Clone)]
pub struct KillHandle {
    coroutine: Rc<Coroutine>,
}

impl KillHandle {
    /// The caller's.
    ///
    /// # Errors
    ///
    /// [`ParkError::InCallback`]: a callback of the run loop is no coroutine.
    pub fn of_current() -> Result<Self, ParkError> {
        let current = scheduler::with(|scheduler| scheduler.current());
        let coroutine = current.ok_or(ParkError::InCallback)?;
        Ok(KillHandle { coroutine })
    }

    /// That of the coroutine of this thread with this number, unless it has ended; 0 is the root
    /// stack. For who has it from a [`snapshot`](crate::snapshot()); costs time linear in the number of
    /// coroutines.
    ///
    /// # Panics
    ///
    /// If no run loop can be made; see [`init`](crate::init).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{JoinError, KillHandle, sleep, spawn, yield_now};
    /// use std::time::Duration;
    ///
    /// let sleeper = spawn(|| sleep(Duration::from_secs(3600)));
    /// yield_now();
    /// assert!(KillHandle::find(sleeper.id()).unwrap().kill()?);
    /// let id = sleeper.id();
    /// assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
    /// assert!(KillHandle::find(id).is_none());
    /// # Ok::<(), eventlet_green::NeedsUnwinding>(())
    /// ```
    pub fn find(id: u64) -> Option<Self> {
        let coroutine = scheduler::with(|scheduler| scheduler.find(id))?;
        Some(KillHandle { coroutine })
    }

    /// Ends the coroutine, as [`JoinHandle::kill`](crate::JoinHandle::kill) does.
    ///
    /// # Errors
    ///
    /// [`NeedsUnwinding`] in a program built with `panic = "abort"`.
    pub fn kill(&self) -> Result<bool, NeedsUnwinding> {
        kill(&self.coroutine)
    }

    /// Whether the coroutine has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{KillHandle, channel, spawn};
    ///
    /// let (sender, receiver) = channel::bounded(1);
    /// let job = spawn(move || sender.send(KillHandle::of_current().unwrap()).is_ok());
    /// let handle = receiver.recv().unwrap();
    /// job.join().unwrap();
    /// assert!(handle.is_finished() && !handle.kill()?);
    /// # Ok::<(), eventlet_green::NeedsUnwinding>(())
    /// ```
    pub fn is_finished(&self) -> bool {
        self.coroutine.state.get() == State::Finished
    }

    /// The coroutine's number; 0 for the root stack.
    pub fn id(&self) -> u64 {
        self.coroutine.id
    }
}

impl fmt::Debug for KillHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KillHandle({:?})", self.coroutine)
    }
}
