//! The engine seam: one stack of its own, resumed and suspended. `corosensei` switches.
//!
//! Nothing else in the crate names the engine. What an engine must offer is [`Fiber`]'s six
//! operations: make one with a body, resume it, suspend from within it, tell whether it has
//! finished, get the stack back, and look at a suspended one's frames (resumed with somewhere to put
//! them instead of its own address, it leaves them there and suspends itself again). It knows no scheduler, no wake-up and no kill: those are
//! built on top, out of suspending with a reason and raising a panic after resuming.
//!
//! ```text
//!   new ──resume──► running ──suspend──► suspended ──resume──► running ──body returns──► finished
//! ```

use std::backtrace::Backtrace;
use std::cell::{Cell, UnsafeCell};
use std::hint::black_box;
use std::ptr;
use std::rc::Rc;

use corosensei::stack::StackPointer;
use corosensei::{CoroutineResult, Yielder};

use super::memory::{GUARD_PAGES, Stack, page_size};
use crate::coroutine::{Coroutine, StackBounds};

/// The first and every later resume passes the fiber's own address, so that the first one can note
/// where its yielder is. A look passes the address of a [`Look`].
type Input = *const ();
type Inner = corosensei::Coroutine<Input, (), (), Stack>;

/// What came of a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It suspended itself and can be resumed again.
    Suspended,
    /// Its body returned; the stack can be taken.
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No engine state: never given a body, or its stack was taken.
    Empty,
    Suspended,
    Running,
    Finished,
}

/// An execution with a stack of its own.
pub(crate) struct Fiber {
    inner: UnsafeCell<Option<Inner>>,
    phase: Cell<Phase>,
    /// Where `suspend` finds its way out. Lives at the base of the fiber's stack; set by the first
    /// resume, valid until the body has returned.
    yielder: Cell<*const Yielder<Input, ()>>,
}

impl Fiber {
    /// A fiber without a body: for the root, which runs on the thread's own stack.
    pub(crate) const fn empty() -> Self {
        Fiber {
            inner: UnsafeCell::new(None),
            phase: Cell::new(Phase::Empty),
            yielder: Cell::new(ptr::null()),
        }
    }

    /// A fiber that will run `body` on `stack` once it is resumed.
    ///
    /// The body must not let a panic out (it would end the process).
    pub(crate) fn new(stack: Stack, body: impl FnOnce() + 'static) -> Self {
        let inner = Inner::with_stack(stack, move |yielder: &Yielder<Input, ()>, me: Input| {
            // SAFETY: `resume` passes the address of the fiber that it was called on, which is
            // borrowed, hence alive and in place, for as long as this body is not suspended.
            unsafe { (*me.cast::<Fiber>()).yielder.set(yielder) };
            body();
        });
        Fiber {
            inner: UnsafeCell::new(Some(inner)),
            phase: Cell::new(Phase::Suspended),
            yielder: Cell::new(ptr::null()),
        }
    }

    /// Runs the fiber until it suspends itself or its body returns.
    ///
    /// # Panics
    ///
    /// If the fiber is running, has finished, or has no body.
    #[inline]
    fn resume(&self) -> Progress {
        self.resume_with(ptr::from_ref(self).cast())
    }

    #[inline]
    fn resume_with(&self, input: Input) -> Progress {
        assert_eq!(
            self.phase.get(),
            Phase::Suspended,
            "only a suspended fiber can be resumed"
        );
        self.phase.set(Phase::Running);
        // SAFETY: the phase says that nobody is within this block for this fiber (a second call
        // panicked above), and no other function makes a reference to `inner` while it is
        // `Running`. The reference does not outlive the block.
        let result = unsafe {
            match &mut *self.inner.get() {
                Some(inner) => inner.resume(input),
                None => unreachable!("a suspended fiber has a body"),
            }
        };
        match result {
            CoroutineResult::Yield(()) => {
                self.phase.set(Phase::Suspended);
                Progress::Suspended
            }
            CoroutineResult::Return(()) => {
                self.phase.set(Phase::Finished);
                Progress::Finished
            }
        }
    }

    /// Leaves the fiber; `resume` returns. Comes back when it is resumed again.
    ///
    /// # Safety
    ///
    /// Must be called on the fiber's own stack, while it is the innermost fiber that runs on this
    /// thread.
    #[inline]
    unsafe fn suspend(&self) {
        let me: Input = ptr::from_ref(self).cast();
        loop {
            // SAFETY: the fiber runs (the caller's promise), so the first resume has set the
            // pointer, and the yielder lives until the body returns, which it cannot while we are
            // within it.
            let input = unsafe { (*self.yielder.get()).suspend(()) };
            if input == me {
                return;
            }
            // SAFETY: whoever resumes passes the fiber's address or, in `look`, that of a `Look`,
            // which lives until the fiber is suspended again, and is not used here after that.
            leave_frames(unsafe { &*input.cast::<Look>() });
        }
    }

    /// Whether the body has begun.
    pub(crate) fn has_started(&self) -> bool {
        !self.yielder.get().is_null()
    }

    /// The frames of a suspended fiber, which is resumed only to take them. None of the program's
    /// code runs.
    ///
    /// `end` is the lowest address of its stack that can be used.
    fn look(&self, end: usize) -> Result<Backtrace, LookError> {
        if self.phase.get() != Phase::Suspended || !self.has_started() {
            return Err(LookError::NotSuspended);
        }
        let look = Look {
            end,
            taken: Cell::new(Err(LookError::NotSuspended)),
        };
        self.resume_with(ptr::from_ref(&look).cast());
        look.taken.into_inner()
    }

    /// The stack, once the body has returned; `None` before, and the second time.
    pub(crate) fn take_stack(&self) -> Option<Stack> {
        if self.phase.get() != Phase::Finished {
            return None;
        }
        self.phase.set(Phase::Empty);
        // SAFETY: a finished fiber is not within `resume`, so no reference to `inner` exists; this
        // one ends with the statement.
        let inner = unsafe { (*self.inner.get()).take() };
        inner.map(Inner::into_stack)
    }

    /// Gives the fiber up with everything on its stack, whose memory must then never be used
    /// again. For what would not be unwound.
    pub(crate) fn abandon(&self) {
        if self.phase.get() != Phase::Suspended {
            return;
        }
        self.phase.set(Phase::Empty);
        // SAFETY: a suspended fiber is not within `resume`; see `take_stack`.
        let inner = unsafe { (*self.inner.get()).take() };
        std::mem::forget(inner);
    }
}

/// Where a fiber that is looked at leaves its frames.
struct Look {
    end: usize,
    taken: Cell<Result<Backtrace, LookError>>,
}

/// Why a look saw nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookError {
    /// There is nothing to resume.
    NotSuspended,
    /// What is left of its stack is not enough to take the frames on it.
    StackTooFull,
}

/// Taking frames may need so much stack. Between 3 and 5 KiB were found to be needed on x86-64 with
/// glibc 2.36 or later; less than is needed would run into the guard.
const LOOK_NEEDS: usize = 8 * 1024;

/// Runs on the stack that is looked at. What is above it in the frames is cut off by its name; see
/// `backtrace`.
#[cold]
#[inline(never)]
fn leave_frames(look: &Look) {
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
    #[inline]
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
    #[inline]
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
        let current = self.current.get();
        if current.is_null() {
            return None;
        }
        // SAFETY: see `suspend`. The reference lives on the coroutine's own stack, so it is used
        // only while the coroutine runs; `perform` then borrows an `Rc` of it.
        Some(f(unsafe { &*current }))
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

// SAFETY: a `Stack` is at least MIN_STACK_SIZE of usable memory above a guard, both owned by the
// value (see `memory`); base and limit are page-aligned, which is more than STACK_ALIGNMENT.
unsafe impl corosensei::stack::Stack for Stack {
    fn base(&self) -> StackPointer {
        self.top()
    }

    fn limit(&self) -> StackPointer {
        self.bottom()
    }
}
