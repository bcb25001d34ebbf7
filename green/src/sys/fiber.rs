//! The default engine: `corosensei` switches between stacks of our own ([`memory`](super::memory)).
//!
//! Nothing else in the crate names it. What an engine must offer is [`Fiber`]'s six
//! operations: make one with a body, resume it, suspend from within it, tell whether it has
//! finished, get the stack back, and look at a suspended one's frames (resumed with somewhere to put
//! them instead of its own address, it leaves them there and suspends itself again). It knows no scheduler, no wake-up and no kill: those are
//! built on top, out of suspending with a reason and raising a panic after resuming. Which of a
//! thread's fibers runs is the business of the [`stage`](super::stage); the other engine is
//! `fiber_may`, and why this one is the default stands in `docs/design/engines.md`.
//!
//! ```text
//!   new ──resume──► running ──suspend──► suspended ──resume──► running ──body returns──► finished
//! ```

use std::backtrace::Backtrace;
use std::cell::{Cell, UnsafeCell};
use std::io;
use std::ptr;

use corosensei::{CoroutineResult, Yielder};

use super::memory::{self, Stack};
use super::stage::{Look, LookError, Progress, leave_frames};
use crate::coroutine::StackBounds;
pub(crate) use crate::stack::StackPool as Stacks;

/// Its name.
pub(crate) const ENGINE: &str = "corosensei";

/// How many pages from the bottom of its bounds a stack has its guard in.
pub(crate) const GUARD_PAGES: usize = memory::GUARD_PAGES;

/// Whether several threads may have a run loop at the same time.
#[cfg(feature = "testing")]
pub(crate) const MANY_LOOPS: bool = true;

/// How much of a stack has been used, in bytes; `None` where nobody tells.
pub(crate) fn touched(stack: StackBounds) -> Option<usize> {
    Stack::touched(stack.bottom, stack.size)
}

/// Whether the calling thread may have a run loop: each may.
pub(crate) fn check_host() -> Result<(), &'static str> {
    Ok(())
}

/// Calls `f` where there may be a run loop: here.
pub(crate) fn enter<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    Ok(f())
}

/// The first and every later resume passes the fiber's own address, so that the first one can note
/// where its yielder is. A look passes the address of a [`Look`].
type Input = *const ();
type Inner = corosensei::Coroutine<Input, (), (), Stack>;

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
    ///
    /// # Errors
    ///
    /// None: the memory is there. (Engines that bring their own may lack it.)
    pub(crate) fn new(
        stack: Stack,
        body: impl FnOnce() + 'static,
    ) -> io::Result<(Self, StackBounds)> {
        let bounds = StackBounds {
            bottom: stack.bottom().get(),
            size: stack.size(),
        };
        let inner = Inner::with_stack(stack, move |yielder: &Yielder<Input, ()>, me: Input| {
            // SAFETY: `resume` passes the address of the fiber that it was called on, which is
            // borrowed, hence alive and in place, for as long as this body is not suspended.
            unsafe { (*me.cast::<Fiber>()).yielder.set(yielder) };
            body();
        });
        let fiber = Fiber {
            inner: UnsafeCell::new(Some(inner)),
            phase: Cell::new(Phase::Suspended),
            yielder: Cell::new(ptr::null()),
        };
        Ok((fiber, bounds))
    }

    /// Runs the fiber until it suspends itself or its body returns.
    ///
    /// # Panics
    ///
    /// If the fiber is running, has finished, or has no body.
    #[inline(always)]
    pub(super) fn resume(&self) -> Progress {
        self.resume_with(ptr::from_ref(self).cast())
    }

    #[inline(always)]
    fn resume_with(&self, input: Input) -> Progress {
        // Not `assert_eq`, which would keep the phase for its message in every switch.
        assert!(
            self.phase.get() == Phase::Suspended,
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
    #[inline(always)]
    pub(super) unsafe fn suspend(&self) {
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
    pub(super) fn look(&self, end: usize) -> Result<Backtrace, LookError> {
        if self.phase.get() != Phase::Suspended || !self.has_started() {
            return Err(LookError::NotSuspended);
        }
        let look = Look::new(end);
        self.resume_with(ptr::from_ref(&look).cast());
        look.into_taken()
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

/// What stacks on Windows are made of: the crate has its own there, with one more duty. See
/// `sys::windows::memory`.
#[cfg(windows)]
pub(crate) mod windows {
    pub(crate) use corosensei::stack::Stack as EngineStack;
    pub(crate) use corosensei::stack::{DefaultStack, StackPointer, StackTebFields};
}

// SAFETY: a `Stack` is at least MIN_STACK_SIZE of usable memory above a guard, both owned by the
// value (see `memory`); base and limit are page-aligned, which is more than STACK_ALIGNMENT.
#[cfg(unix)]
unsafe impl corosensei::stack::Stack for Stack {
    fn base(&self) -> corosensei::stack::StackPointer {
        self.top()
    }

    fn limit(&self) -> corosensei::stack::StackPointer {
        self.bottom()
    }
}
