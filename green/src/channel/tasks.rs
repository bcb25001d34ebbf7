//! Who waits until everything that was sent has been dealt with, and the guard that says of one
//! value that it has.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use eventlet_runloop::Time;

use super::shared::Shared;
use crate::coroutine::Wait;
use crate::error::ParkError;
use crate::sync::waiters::{Outcome, Waiters};

/// The count of what was sent and is not done.
#[derive(Default)]
pub(super) struct Tasks {
    unfinished: Cell<usize>,
    /// How many [`Task`]s there are: each will be done.
    guards: Cell<usize>,
    joiners: Waiters,
}

impl Tasks {
    #[inline]
    pub(super) fn unfinished(&self) -> usize {
        self.unfinished.get()
    }

    #[inline]
    pub(super) fn add(&self) {
        self.unfinished.set(self.unfinished.get() + 1);
    }

    /// So many are done; says whether there were so many.
    pub(super) fn finish(&self, count: usize) -> bool {
        let Some(left) = self.unfinished.get().checked_sub(count) else {
            return false;
        };
        self.unfinished.set(left);
        if left == 0 {
            self.wake_joiners();
        }
        true
    }

    /// Lets those who wait look again.
    pub(super) fn wake_joiners(&self) {
        // Those who wait again come after these.
        for _ in 0..self.joiners.len() {
            if !self.joiners.choose_first() {
                break;
            }
        }
    }

    pub(super) fn wait(
        &self,
        has_receivers: impl Fn() -> bool,
        deadline: Option<Time>,
    ) -> Result<(), JoinTasksError> {
        loop {
            if self.unfinished.get() == 0 {
                return Ok(());
            }
            if !has_receivers() && self.guards.get() == 0 {
                return Err(JoinTasksError::Abandoned);
            }
            if self.joiners.wait(Wait::Tasks, deadline, || ())? == Outcome::TimedOut {
                return Err(JoinTasksError::TimedOut);
            }
        }
    }
}

/// Why waiting for the end of the tasks of a channel gave up.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{JoinTasksError, unbounded};
///
/// let (sender, receiver) = unbounded();
/// sender.send("a job").unwrap();
/// receiver.recv().unwrap();
/// drop(receiver); // Without a word about the job.
/// assert!(matches!(sender.join(), Err(JoinTasksError::Abandoned)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JoinTasksError {
    /// Some are not done, and nobody is left who could receive them or say that they are.
    Abandoned,
    /// The time was over.
    TimedOut,
    /// The caller could not wait.
    Refused(ParkError),
}

impl From<ParkError> for JoinTasksError {
    fn from(reason: ParkError) -> Self {
        JoinTasksError::Refused(reason)
    }
}

impl fmt::Display for JoinTasksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinTasksError::Abandoned => {
                f.write_str("the receivers are gone, and not all tasks were done")
            }
            JoinTasksError::TimedOut => f.write_str("not all tasks were done in time"),
            JoinTasksError::Refused(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for JoinTasksError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JoinTasksError::Refused(reason) => Some(reason),
            _ => None,
        }
    }
}

/// More tasks were said to be done than were received.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{TooManyDone, unbounded};
///
/// let (sender, receiver) = unbounded();
/// sender.send("a job").unwrap();
/// receiver.recv().unwrap();
/// assert_eq!(receiver.task_done(), Ok(()));
/// assert_eq!(receiver.task_done(), Err(TooManyDone));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyDone;

impl fmt::Display for TooManyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more tasks were said to be done than were sent")
    }
}

impl std::error::Error for TooManyDone {}

/// A received value that is [done](super::Receiver::task_done) when this is dropped, on whatever
/// way: a worker that panics or is killed leaves nobody waiting.
///
/// # Examples
///
/// ```
/// use eventlet_green::{channel, spawn};
///
/// let (jobs, queue) = channel::unbounded();
/// spawn(move || {
///     while let Ok(job) = queue.recv_task() {
///         assert_eq!(*job, "sweep");
///     }
/// });
/// jobs.send("sweep")?;
/// jobs.join()?;
/// assert_eq!(jobs.unfinished(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Task<T> {
    value: Option<T>,
    shared: Rc<Shared<T>>,
}

impl<T> Task<T> {
    pub(super) fn new(value: T, shared: Rc<Shared<T>>) -> Self {
        let guards = &shared.tasks.guards;
        guards.set(guards.get() + 1);
        Task {
            value: Some(value),
            shared,
        }
    }

    /// The value; the task is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::channel::unbounded;
    ///
    /// let (sender, receiver) = unbounded();
    /// sender.send("a job").unwrap();
    /// assert_eq!(receiver.recv_task().unwrap().into_value(), "a job");
    /// assert_eq!(sender.unfinished(), 0);
    /// ```
    pub fn into_value(mut self) -> T {
        match self.value.take() {
            Some(value) => value,
            None => unreachable!("the value is taken once"),
        }
    }
}

impl<T> Deref for Task<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("the value is there until the task is done"),
        }
    }
}

impl<T> DerefMut for Task<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.value {
            Some(value) => value,
            None => unreachable!("the value is there until the task is done"),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let tasks = &self.shared.tasks;
        tasks.guards.set(tasks.guards.get() - 1);
        tasks.finish(1);
        if tasks.guards.get() == 0 && !self.shared.has_receivers() {
            // Nobody is left who could finish the rest.
            tasks.wake_joiners();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&**self).finish()
    }
}
