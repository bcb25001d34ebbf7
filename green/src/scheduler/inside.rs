//! What can be seen of a scheduler, and what its coroutines carry with them.

use std::backtrace::Backtrace;
use std::rc::Rc;

use super::{Scheduler, with};
use crate::coroutine::{Coroutine, ROOT_ID, State};
use crate::inspect::deadlock::DeadlockDetail;
use crate::inspect::{BacktraceError, Part, StackTrace};
use crate::local::{AccessError, Heritage};
use crate::setup;
use crate::sys::slot;
use crate::sys::stage::{LookError, Progress};

/// Who has the thread.
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) enum Running<'a> {
    Root,
    Callback,
    Coroutine(&'a Coroutine),
}

/// Calls `f` with the coroutine whose local values the caller uses.
///
/// # Panics
///
/// As for [`with`], but for a thread that is ending.
pub(crate) fn with_owner_of_locals<R>(
    f: impl FnOnce(&Coroutine) -> Result<R, AccessError>,
) -> Result<R, AccessError> {
    if !slot::is_installed() && matches!(setup::init(), Err(setup::SetupError::ThreadEnding)) {
        return Err(AccessError::Dropped);
    }
    with(|scheduler| {
        scheduler
            .with_self(f)
            .unwrap_or(Err(AccessError::InCallback))
    })
}

/// What a coroutine that is spawned now inherits.
#[inline]
pub(crate) fn heritage() -> Heritage {
    slot::with(|scheduler| scheduler.with_self(|spawner| spawner.locals.get()?.bequeath()))
        .flatten()
        .flatten()
}

/// The last that a coroutine does, on its own stack: its contexts end, and its local values are
/// dropped.
#[inline]
pub(super) fn end_belongings() {
    with(|scheduler| {
        scheduler.stage.with_current(|coroutine| {
            if let Some(contexts) = coroutine.contexts.get() {
                contexts.end_all(coroutine);
            }
            if let Some(locals) = coroutine.locals.get() {
                locals.end_all(coroutine);
            }
            #[cfg(feature = "tracing")]
            crate::spans::leave_for_good(coroutine);
        })
    });
}

impl Scheduler {
    /// Calls `f` with the coroutine that runs, or the root if its own code does, or has ended.
    #[inline]
    pub(super) fn with_self<R>(&self, f: impl FnOnce(&Coroutine) -> R) -> Option<R> {
        if self.stage.is_empty() {
            (self.at_root.get() || self.ending.get()).then(|| f(&self.root))
        } else {
            self.stage.with_current(f)
        }
    }

    /// The end of the root's own code.
    pub(super) fn end_root(&self) {
        if let Some(contexts) = self.root.contexts.get() {
            contexts.end_all(&self.root);
        }
    }

    /// The last that is done for the root: its local values are dropped.
    pub(super) fn end_root_locals(&self) {
        if let Some(locals) = self.root.locals.get() {
            locals.end_all(&self.root);
        }
    }

    /// The root, and every coroutine that has not finished, in no order.
    pub(crate) fn all(&self) -> Vec<Rc<Coroutine>> {
        let coroutines = self.coroutines.borrow();
        let spawned = coroutines.iter().map(|(_, coroutine)| coroutine);
        std::iter::once(&self.root)
            .chain(spawned)
            .cloned()
            .collect()
    }

    /// A coroutine by its id.
    pub(crate) fn find(&self, id: u64) -> Option<Rc<Coroutine>> {
        if id == ROOT_ID {
            return Some(Rc::clone(&self.root));
        }
        let coroutines = self.coroutines.borrow();
        let mut spawned = coroutines.iter().map(|(_, coroutine)| coroutine);
        spawned.find(|coroutine| coroutine.id == id).cloned()
    }

    /// The frames of a suspended coroutine, or of whoever runs.
    pub(crate) fn stack_of(&self, coroutine: &Coroutine) -> Result<StackTrace, BacktraceError> {
        let running = self.stage.with_current(|current| current.id);
        match (running, coroutine.is_root()) {
            (Some(id), false) if id == coroutine.id => Ok(StackTrace::here(coroutine, Part::Upper)),
            (Some(_), true) if cfg!(feature = "engine-may") => Err(BacktraceError::Unsupported),
            (Some(_), true) => Ok(StackTrace::here(coroutine, Part::Lower)),
            (None, true) => Ok(StackTrace::here(coroutine, Part::All)),
            (_, false) => match self.look(coroutine) {
                Ok(taken) => Ok(StackTrace::new(coroutine, taken, Part::Upper)),
                Err(LookError::StackTooFull) => Err(BacktraceError::StackTooFull),
                Err(LookError::NotSuspended) if coroutine.state.get() == State::Finished => {
                    Err(BacktraceError::NoSuchCoroutine)
                }
                Err(LookError::NotSuspended) => Err(BacktraceError::NotStarted),
            },
        }
    }

    fn look(&self, coroutine: &Coroutine) -> Result<Backtrace, LookError> {
        // Nobody's own code runs meanwhile; see `Stage::look`.
        let at_root = self.at_root.replace(false);
        let seen = self.stage.look(coroutine);
        self.at_root.set(at_root);
        seen
    }

    /// Calls `f` with who has the thread. May be called in a signal handler.
    #[cfg(all(
        feature = "watchdog",
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    pub(crate) fn with_running(&self, f: impl FnOnce(Running<'_>)) {
        if !self.stage.is_empty() {
            self.stage
                .with_current(|coroutine| f(Running::Coroutine(coroutine)));
        } else if self.at_root.get() {
            f(Running::Root);
        } else {
            f(Running::Callback);
        }
    }

    /// Resumes a coroutine, and notes how long it runs.
    #[cold]
    pub(super) fn perform_measured(&self, coroutine: &Rc<Coroutine>) -> Progress {
        let begun = self.run_loop.now();
        let progress = self.stage.perform(coroutine);
        let ran = coroutine.ran.get() + (self.run_loop.now() - begun);
        coroutine.ran.set(ran);
        progress
    }

    /// How many times a coroutine was resumed.
    pub(crate) fn switch_count(&self) -> u64 {
        self.pulse.switches()
    }

    /// How many coroutines were made.
    pub(crate) fn spawn_count(&self) -> u64 {
        self.next_id.get() - ROOT_ID - 1
    }

    pub(crate) fn set_deadlock_detail(&self, detail: DeadlockDetail) {
        self.deadlock_detail.set(detail);
    }
}

#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
impl Drop for Scheduler {
    fn drop(&mut self) {
        self.pulse.end();
    }
}
