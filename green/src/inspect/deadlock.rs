//! The report for a root stack that nothing can wake any more: who waits for what.

use std::fmt;
use std::sync::Arc;

use super::StackTrace;
use crate::coroutine::{Coroutine, Wait};
use crate::scheduler::Scheduler;

/// What a [`Deadlock`] tells of each that waits; see [`Setup::deadlock_detail`].
///
/// [`Setup::deadlock_detail`]: crate::Setup::deadlock_detail
///
/// # Examples
///
/// ```
/// use eventlet_green::{DeadlockDetail, ParkError, Setup, channel};
///
/// Setup::new().deadlock_detail(DeadlockDetail::Stacks).install()?;
/// let (_sender, receiver) = channel::bounded::<u32>(1);
/// let Err(channel::RecvError::Refused(ParkError::Deadlock(deadlock))) = receiver.recv() else {
///     panic!("nobody will ever send");
/// };
/// assert!(deadlock.root_stack().is_some());
/// # Ok::<(), eventlet_green::SetupError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadlockDetail {
    /// What it waits for. The default, since programs may expect deadlocks.
    #[default]
    Waits,
    /// Its stack as well: some ten microseconds each to take, and a tenth of a second for the
    /// first one that is shown.
    Stacks,
}

/// How many coroutines a report names; of the rest it gives the number.
const LISTED: usize = 50;

/// Everybody waits, and nothing is left that could wake anybody.
///
/// Go says "all goroutines are asleep" of the same situation. It is noticed when the root stack has
/// to wait: no coroutine is ready, no timer is set, nobody waits for a descriptor, and no other
/// thread holds anything that could wake this one.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Deadlock, ParkError, Wait, channel, spawn};
///
/// let (_sender, receiver) = channel::bounded::<u32>(1);
/// let other = receiver.clone();
/// let _waits_too = spawn(move || other.recv().is_ok());
/// let Err(channel::RecvError::Refused(ParkError::Deadlock(deadlock))) = receiver.recv() else {
///     panic!("nobody will ever send");
/// };
/// let deadlock: &Deadlock = &deadlock;
/// assert_eq!((deadlock.root(), deadlock.waiters().len()), (Wait::Receive, 1));
/// assert!(deadlock.root_stack().is_none(), "not asked for");
/// ```
#[derive(Clone, Debug)]
pub struct Deadlock {
    root: Wait,
    root_stack: Option<Arc<StackTrace>>,
    waiters: Vec<Waiter>,
    unlisted: usize,
}

/// One of those who wait.
///
/// # Examples
///
/// ```
/// use eventlet_green::{ParkError, Wait, Waiter, channel, spawn};
///
/// let (_sender, receiver) = channel::bounded::<u32>(1);
/// let other = receiver.clone();
/// let _waits_too = spawn(move || other.recv().is_ok());
/// let Err(channel::RecvError::Refused(ParkError::Deadlock(deadlock))) = receiver.recv() else {
///     panic!("nobody will ever send");
/// };
/// let waiter: &Waiter = &deadlock.waiters()[0];
/// assert!(waiter.label().contains("#1") && waiter.stack().is_none());
/// assert_eq!(waiter.wait(), Wait::Receive);
/// ```
#[derive(Clone, Debug)]
pub struct Waiter {
    label: String,
    wait: Wait,
    stack: Option<Arc<StackTrace>>,
}

impl Waiter {
    /// Its name, id and spawn place, as messages give them.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What it waits for.
    pub fn wait(&self) -> Wait {
        self.wait
    }

    /// Its stack, if that [was asked for](DeadlockDetail::Stacks).
    pub fn stack(&self) -> Option<&StackTrace> {
        self.stack.as_deref()
    }
}

impl Deadlock {
    #[cold]
    pub(crate) fn new(scheduler: &Scheduler, detail: DeadlockDetail) -> Self {
        let stack = |coroutine: &Coroutine| match detail {
            DeadlockDetail::Waits => None,
            DeadlockDetail::Stacks => scheduler.stack_of(coroutine).ok().map(Arc::new),
        };
        let all = scheduler.all();
        let (root, spawned) = all.split_first().expect("there is a root");
        let waiters = spawned.iter().take(LISTED).map(|coroutine| Waiter {
            label: coroutine.label().to_string(),
            wait: coroutine.wait.get(),
            stack: stack(coroutine),
        });
        Deadlock {
            root: root.wait.get(),
            root_stack: stack(root),
            waiters: waiters.collect(),
            unlisted: spawned.len().saturating_sub(LISTED),
        }
    }

    /// The stack of the root, if that [was asked for](DeadlockDetail::Stacks).
    pub fn root_stack(&self) -> Option<&StackTrace> {
        self.root_stack.as_deref()
    }

    /// What the root stack waits for.
    pub fn root(&self) -> Wait {
        self.root
    }

    /// The coroutines that wait, at most fifty of them.
    pub fn waiters(&self) -> &[Waiter] {
        &self.waiters
    }
}

/// One line each; in the alternate form (`{:#}`) with the stacks, if they were asked for.
impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "deadlock: nothing is left that could wake anybody; the root stack waits for {}",
            self.root
        )?;
        write_stack(f, self.root_stack())?;
        for waiter in &self.waiters {
            write!(f, "\n  {} waits for {}", waiter.label, waiter.wait)?;
            write_stack(f, waiter.stack())?;
        }
        if self.unlisted > 0 {
            write!(f, "\n  and {} more", self.unlisted)?;
        }
        Ok(())
    }
}

fn write_stack(f: &mut fmt::Formatter<'_>, stack: Option<&StackTrace>) -> fmt::Result {
    match stack {
        Some(stack) if f.alternate() => write!(f, "\n{stack}"),
        _ => Ok(()),
    }
}

impl std::error::Error for Deadlock {}

// Its tests have no need of `run`.
#[cfg(all(test, not(feature = "engine-may")))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Builder, JoinError, ParkError, scheduler, spawn};

    /// Parks for good: nothing ever wakes it.
    fn park() {
        let _ = scheduler::with(|scheduler| scheduler.park(Wait::Join(99), None));
    }

    fn report(outcome: Result<(), JoinError>) -> Arc<Deadlock> {
        match outcome {
            Err(JoinError::Refused(ParkError::Deadlock(report))) => report,
            other => panic!("no deadlock: {other:?}"),
        }
    }

    #[test]
    fn a_report_says_who_waits_for_what() {
        let named = Builder::new().name("stuck").spawn(park).unwrap();
        let line = line!() + 1;
        let joiner = spawn(move || named.join().unwrap());
        let report = report(joiner.join());
        assert_eq!(report.root(), Wait::Join(2));
        let waits: Vec<_> = report.waiters().iter().map(Waiter::wait).collect();
        assert_eq!(waits, [Wait::Join(99), Wait::Join(1)]);
        let text = report.to_string();
        for part in [
            "deadlock",
            "the root stack waits for the end of coroutine #2",
            "coroutine \"stuck\" (#1, spawned at ",
            &format!("deadlock.rs:{line}:"),
            "waits for the end of coroutine #99",
        ] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        // The thread can be used further, and the root waits for nothing now.
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    }

    #[test]
    fn a_long_report_is_cut() {
        let handles: Vec<_> = (0..LISTED + 3).map(|_| spawn(park)).collect();
        let report = report(handles.into_iter().next_back().unwrap().join());
        assert_eq!(report.waiters().len(), LISTED);
        assert!(report.to_string().ends_with("\n  and 3 more"));
    }
}
