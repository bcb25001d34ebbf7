//! Where a thread's fibers run, one at a time, and what is asked of one that is suspended.
//!
//! Of no engine: each gives a `Fiber` ([`fiber`](super::fiber)). Who is to run is the scheduler's
//! business.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::hint::black_box;
use std::ptr;
use std::rc::Rc;

use super::fiber::GUARD_PAGES;
use super::memory::{LOOK_NEEDS, page_size};
use super::slot::Act;
use crate::coroutine::{Coroutine, StackBounds};

/// What came of a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It suspended itself and can be resumed again.
    Suspended,
    /// Its body returned; the stack can be taken.
    Finished,
}

/// Where a fiber that is looked at leaves its frames.
pub(super) struct Look {
    /// The lowest address of its stack that can be used.
    end: usize,
    taken: Cell<Result<Backtrace, LookError>>,
}

impl Look {
    pub(super) fn new(end: usize) -> Self {
        Look {
            end,
            taken: Cell::new(Err(LookError::NotSuspended)),
        }
    }

    pub(super) fn into_taken(self) -> Result<Backtrace, LookError> {
        self.taken.into_inner()
    }
}

/// Why a look saw nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookError {
    /// There is nothing to resume.
    NotSuspended,
    /// What is left of its stack is not enough to take the frames on it.
    StackTooFull,
}

/// Runs on the stack that is looked at. What is above it in the frames is cut off by its name; see
/// `backtrace`.
#[cold]
#[inline(never)]
pub(super) fn leave_frames(look: &Look) {
    let here = ptr::from_ref(black_box(&look)).addr();
    look.taken
        .set(if here.saturating_sub(look.end) < LOOK_NEEDS {
            Err(LookError::StackTooFull)
        } else {
            Ok(Backtrace::force_capture())
        });
}

thread_local! {
    static HAS_STAGE: Cell<bool> = const { Cell::new(false) };
}

/// Where a thread's fibers run, one at a time: who is on it, and the way off.
///
/// The ways on and off are inlined as far as they can be. A processor foretells where a return leads to
/// by the calls it has seen, which are those of another stack after a switch: each call between the
/// scheduler's loop and the switch, on either side, costs a wrong guess there and one back.
pub(crate) struct Stage {
    current: Cell<*const Coroutine>,
}

impl Stage {
    /// The stage of this thread.
    ///
    /// # Panics
    ///
    /// If it has one: fibers of a second one would run within those of the first, which could then
    /// be suspended from a stack that is not theirs.
    pub(crate) fn new() -> Self {
        assert!(!HAS_STAGE.replace(true), "a thread has one stage");
        Stage {
            current: Cell::new(ptr::null()),
        }
    }

    /// Whether no coroutine runs.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.current.get().is_null()
    }

    /// Runs a coroutine until it suspends itself or ends.
    ///
    /// # Panics
    ///
    /// If a coroutine is running, or this one cannot be resumed.
    #[inline(always)]
    pub(crate) fn perform(&self, coroutine: &Rc<Coroutine>) -> Progress {
        assert!(
            self.current.get().is_null(),
            "a coroutine cannot resume another"
        );
        self.current.set(Rc::as_ptr(coroutine));
        let progress = coroutine.fiber.resume();
        self.current.set(ptr::null());
        progress
    }

    /// The frames of a suspended coroutine. Whoever runs, or nobody, goes on where it was.
    pub(crate) fn look(&self, coroutine: &Coroutine) -> Result<Backtrace, LookError> {
        let StackBounds { bottom, .. } = coroutine.stack;
        // What runs meanwhile is not the program's, but for its allocator: with nobody on stage,
        // that could neither suspend nor resume anybody.
        let current = self.current.replace(ptr::null());
        let seen = coroutine.fiber.look(bottom + GUARD_PAGES * page_size());
        self.current.set(current);
        seen
    }

    /// Leaves the stage; [`perform`](Self::perform) returns. Comes back with the next `perform`.
    ///
    /// # Panics
    ///
    /// If no coroutine is running.
    #[inline(always)]
    pub(crate) fn suspend(&self) {
        let current = self.current.get();
        assert!(!current.is_null(), "only a coroutine can suspend");
        // SAFETY: the pointer is that of `perform`'s argument, which is borrowed while the
        // coroutine runs, and it does: nothing else runs on this thread until it suspends. As
        // fibers do not nest (asserted there; one stage a thread; in a `look`, nobody is current),
        // it is the innermost, and we are on its stack.
        unsafe { (*current).fiber.suspend() };
    }

    /// Calls `f` with the coroutine that runs; `None` on the thread's own stack.
    ///
    /// `f` may suspend: the registry of the scheduler keeps a suspended coroutine alive.
    #[inline]
    pub(crate) fn with_current<R>(&self, f: impl FnOnce(&Coroutine) -> R) -> Option<R> {
        struct Call<F>(F);
        impl<R, F: FnOnce(&Coroutine) -> R> Act<Coroutine> for Call<F> {
            type Outcome = R;

            #[inline]
            fn act(self, coroutine: &Coroutine) -> R {
                (self.0)(coroutine)
            }
        }
        self.play(Call(f))
    }

    /// The same for an [`Act`].
    #[inline(always)]
    pub(crate) fn play<A: Act<Coroutine>>(&self, act: A) -> Option<A::Outcome> {
        let current = self.current.get();
        if current.is_null() {
            return None;
        }
        // SAFETY: see `suspend`. The reference lives on the coroutine's own stack, so it is used
        // only while the coroutine runs; `perform` then borrows an `Rc` of it.
        Some(act.act(unsafe { &*current }))
    }

    /// The coroutine that runs, as another owner of it.
    #[inline]
    pub(crate) fn share_current(&self) -> Option<Rc<Coroutine>> {
        let current = self.current.get();
        if current.is_null() {
            return None;
        }
        // SAFETY: the pointer comes from `Rc::as_ptr` of an `Rc` that `perform` borrows.
        unsafe {
            Rc::increment_strong_count(current);
            Some(Rc::from_raw(current))
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        HAS_STAGE.set(false);
    }
}
