//! The other engine, with the feature `engine-may`: the package `may` switches, on its one worker.
//!
//! Nothing else in the crate names it. It offers what [`fiber`](super::fiber) does, under the same
//! names; what each [`Fiber`] here is made of is a coroutine of `may`'s. The root stack is one as
//! well, the only one that `may` schedules by itself: [`enter`] starts it and waits for its end.
//!
//! ```text
//!   root: resume ──► wake the fiber, then yield ──► [root, fiber] in the worker's queue
//!     ▲                                                   │ the fiber runs
//!     └──────────── its turn again ◄──────────────────────┘ and parks, or ends
//! ```
//!
//! # Why this is sound
//!
//! `may`'s spawn is unsafe since its coroutines may go on in another thread than they stopped in,
//! with references to thread-local values, and values that are not `Send`, on their stacks. Here:
//!
//! * There is one worker. It is asked for before `may` starts; when the process has started it
//!   otherwise, [`enter`] finds that out and refuses.
//! * `may` also resumes coroutines in its timer's thread, after its own sleeps and time limits. None
//!   of those is used here: a fiber only parks without a limit, and is woken by this file, on the
//!   worker.
//! * Both are checked, not trusted: a fiber or root that comes back looks first whether it is in the
//!   thread that made it and, before it parks, whether the stack it is on is its own. If not, the process
//!   is ended before any other code runs.
//! * `may`'s cancelling is not used: kills unwind by this crate's own panics.
//!
//! What remains is the program's part: it must not use `may` itself beside this crate. A call of one
//! of `may`'s own that waits, made in a fiber, comes back in the timer's thread, and nothing here
//! can see that before the fiber next parks. This is one reason why this engine is not the default.
//! `docs/design/engines.md` tells the others.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, OnceCell};
use std::hint::black_box;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::abort;
use std::ptr;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use may::coroutine::{self as theirs, JoinHandle};

use super::memory::{self, page_size};
use super::slot;
use super::stage::{Look, LookError, Progress, leave_frames};
use crate::coroutine::StackBounds;
use crate::stack;

/// Its name.
pub(crate) const ENGINE: &str = "may";

/// Whether several threads may have a run loop at the same time.
#[cfg(feature = "testing")]
pub(crate) const MANY_LOOPS: bool = false;

/// The root's stack, in bytes: what a main thread usually has. Only pages that are touched take
/// memory.
const ROOT_STACK: usize = 8 << 20;

/// How many stacks of the default size `may` keeps. It makes them all when it starts, two system
/// calls each, so not its own default of 1,000.
const POOLED_STACKS: usize = 128;

/// How many pages from the bottom of its bounds a stack has its guard in. It is one page, the last
/// of as many as the other engine has, or, since where a stack ends is known up to a page, the one
/// above it.
pub(crate) const GUARD_PAGES: usize = memory::GUARD_PAGES + 1;

thread_local! {
    /// This is the worker, within a call of `enter`.
    static IS_HOST: Cell<bool> = const { Cell::new(false) };
}

/// How much of a stack has been used: not known, since `may` marks the deepest page of each.
pub(crate) fn touched(_: StackBounds) -> Option<usize> {
    None
}

/// Whether the calling thread may have a run loop: the worker, within [`enter`].
pub(crate) fn check_host() -> Result<(), &'static str> {
    if IS_HOST.get() {
        Ok(())
    } else {
        Err(
            "coroutines run on one thread of its own, and what uses them is to be called within \
             eventlet's `run`; there is one run loop in a process",
        )
    }
}

/// Calls `f` on the worker, as the root of a fresh run loop, which ends with it; the caller waits.
/// Within such a call, calls `f` in place.
pub(crate) fn enter<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    static IS_TAKEN: AtomicBool = AtomicBool::new(false);
    struct Turn;
    impl Drop for Turn {
        fn drop(&mut self) {
            IS_TAKEN.store(false, Ordering::Release);
        }
    }
    if IS_HOST.get() {
        return Ok(f());
    }
    if IS_TAKEN.swap(true, Ordering::Acquire) {
        return Err("there is one run loop in a process at a time, and another thread has it");
    }
    let _turn = Turn;
    if !has_one_worker() {
        return Err(
            "`may` must have one worker, and this process has started it with more: call \
             eventlet's `run` first, or `may::config().set_workers(1)` before any use of `may`",
        );
    }
    match on_worker(f) {
        Ok(result) => Ok(result),
        Err(panic) => resume_unwind(panic),
    }
}

fn on_worker<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T, Box<dyn Any + Send>> {
    let mut outcome = None;
    let place = &mut outcome;
    let main: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
        let home = this_thread();
        IS_HOST.set(true);
        let result = catch_unwind(AssertUnwindSafe(f));
        check_thread(home);
        // A panic of a destructor there: as at the end of a thread, nobody can go on from it.
        if catch_unwind(slot::end).is_err() {
            abort();
        }
        IS_HOST.set(false);
        *place = Some(result);
    });
    // SAFETY: only the lifetime changes. What the closure borrows outlives this call, which returns
    // only after `wait` below has seen the end of the coroutine that owns the closure, or not at
    // all: a root that did not come to its end has overflowed its stack, and ends the process.
    let main: Box<dyn FnOnce() + Send> = unsafe { mem::transmute(main) };
    let builder = theirs::Builder::new().stack_size(words(ROOT_STACK));
    // SAFETY: the closure is `Send` and runs on the one worker, whose thread-local values it sees
    // throughout; see the head of this file for what keeps it there.
    match unsafe { builder.spawn(main) } {
        Ok(root) => root.wait(),
        Err(error) => panic!("may cannot start a coroutine: {error}"),
    }
    match outcome {
        Some(result) => result,
        None => give_up("the root stack has overflowed, or was cancelled"),
    }
}

/// Asks `may` for one worker, if it has not started, and looks whether it has one. Starts it.
fn has_one_worker() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let config = may::config();
        config.set_workers(1);
        // Threads that are started from the worker would inherit its place.
        config.set_worker_pin(false);
        config.set_pool_capacity(POOLED_STACKS);
        config.set_stack_size(words(usable(stack::DEFAULT_STACK_SIZE)));
        // Each number is another worker's, where there are so many.
        let workers = [0, 1].map(|number| {
            // SAFETY: the closure touches nothing.
            unsafe { theirs::Builder::new().id(number).spawn(this_thread) }
                .ok()
                .and_then(|asked| asked.join().ok())
        });
        workers[0].is_some() && workers[0] == workers[1]
    })
}

/// A number of the calling thread.
fn this_thread() -> usize {
    // Not by a thread-local value: the compiler may keep the address of one across a switch.
    // SAFETY: always answers, and no pointer is passed.
    unsafe { libc::pthread_self() as usize }
}

/// Sees that whoever calls is still in the thread that it was in.
#[inline]
fn check_thread(home: usize) {
    if this_thread() != home {
        give_up(
            "a coroutine was resumed in another thread: `may` has more than one worker, or one of \
             its own waits was called in a coroutine",
        );
    }
}

/// A stack's size in the unit that `may` counts in.
fn words(bytes: usize) -> usize {
    bytes / size_of::<usize>()
}

/// How much of a stack of so many bytes, guard included, can be used.
fn usable(size: usize) -> usize {
    size - memory::GUARD_PAGES * page_size()
}

/// An address on the stack of whoever calls.
#[inline(never)]
fn here() -> usize {
    let mark = 0_u8;
    ptr::from_ref(black_box(&mark)).addr()
}

#[cold]
fn give_up(why: &str) -> ! {
    eprintln!("eventlet: with the engine {ENGINE}, {why}");
    abort()
}

/// The size of a stack that `may` makes.
#[derive(Debug)]
pub(crate) struct Stack {
    size: usize,
}

/// Where stacks come from: `may` makes, keeps and frees them. Here are only sizes.
#[derive(Debug, Default)]
pub(crate) struct Stacks {}

impl Stacks {
    /// # Errors
    ///
    /// `InvalidInput`: the size is out of range.
    pub(crate) fn acquire(&mut self, bytes: Option<usize>) -> io::Result<Stack> {
        stack::size_for(bytes).map(|size| Stack { size })
    }

    pub(crate) fn release(&mut self, _: Stack) {}

    /// Gives nothing back: what `may` keeps, it keeps.
    pub(crate) fn trim(&mut self) -> usize {
        0
    }

    pub(crate) fn release_regions(&mut self) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its stack was taken, or it was given up.
    Empty,
    Suspended,
    Running,
    Finished,
}

/// An execution with a stack of its own.
pub(crate) struct Fiber {
    /// Shared with the coroutine that it is. `None`: without a body.
    inner: Option<Rc<Inner>>,
}

struct Inner {
    phase: Cell<Phase>,
    has_started: Cell<bool>,
    /// Set for a resume that is only to look.
    look: Cell<*const Look>,
    /// The thread that made it.
    home: usize,
    /// The end of its stack, or a page less: where it begins to run, rounded up.
    top: Cell<usize>,
    /// With the guard.
    size: usize,
    handle: OnceCell<JoinHandle<()>>,
}

/// Sees that also a coroutine that panics in another thread's keeping ends the process, before the
/// counts of its references are touched there.
struct OnItsThread(Rc<Inner>);

impl Drop for OnItsThread {
    fn drop(&mut self) {
        check_thread(self.0.home);
    }
}

/// A body, on its way to the coroutine that runs it.
struct Body<F>(F);

// SAFETY: `may` wants this since it may run a coroutine in any of its threads. This one is run at
// once by the thread that makes it, and comes back in that thread or not at all: see the head of
// this file.
unsafe impl<F> Send for Body<F> {}

impl<F: FnOnce()> Body<F> {
    fn run(self) {
        (self.0)();
    }
}

impl Fiber {
    /// A fiber without a body: for the root.
    pub(crate) const fn empty() -> Self {
        Fiber { inner: None }
    }

    /// A fiber that will run `body` once it is resumed.
    ///
    /// The body must not let a panic out (it would end the process).
    ///
    /// # Errors
    ///
    /// `OutOfMemory`: `may` could not make a stack, which it has then reported as a panic.
    pub(crate) fn new(
        stack: Stack,
        body: impl FnOnce() + 'static,
    ) -> io::Result<(Self, StackBounds)> {
        let inner = Rc::new(Inner {
            phase: Cell::new(Phase::Suspended),
            has_started: Cell::new(false),
            look: Cell::new(ptr::null()),
            home: this_thread(),
            top: Cell::new(0),
            size: stack.size,
            handle: OnceCell::new(),
        });
        let own = Rc::clone(&inner);
        let body = Body(move || {
            let own = OnItsThread(own);
            let inner = &*own.0;
            inner.top.set(here().next_multiple_of(page_size()));
            inner.rest();
            inner.has_started.set(true);
            body();
            check_thread(inner.home);
            inner.phase.set(Phase::Finished);
        });
        let builder = theirs::Builder::new().stack_size(words(usable(stack.size)));
        // SAFETY: runs the coroutine here and now, until it rests; what it comes back to is the head
        // of this file's matter. Its stack has a guard.
        let spawn = || unsafe { builder.spawn_local(move || body.run()) };
        match catch_unwind(AssertUnwindSafe(spawn)) {
            Ok(Ok(handle)) => {
                let first = inner.handle.set(handle);
                debug_assert!(first.is_ok(), "made just now");
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                let text = "the engine may cannot make another coroutine's stack: no memory or no \
                            mapping is left (each takes two; vm.max_map_count on Linux)";
                return Err(io::Error::new(io::ErrorKind::OutOfMemory, text));
            }
        }
        let bounds = StackBounds {
            bottom: inner.top.get() - inner.size,
            size: inner.size,
        };
        Ok((Fiber { inner: Some(inner) }, bounds))
    }

    /// Runs the fiber until it suspends itself or its body returns.
    ///
    /// # Panics
    ///
    /// If the fiber is running, has finished, or has no body.
    #[inline]
    pub(super) fn resume(&self) -> Progress {
        match &self.inner {
            Some(inner) => inner.resume(),
            None => panic!("only a fiber with a body can be resumed"),
        }
    }

    /// Leaves the fiber; `resume` returns. Comes back when it is resumed again.
    #[inline]
    pub(super) fn suspend(&self) {
        if let Some(inner) = &self.inner {
            inner.check_stack();
            inner.phase.set(Phase::Suspended);
            inner.rest();
        }
    }

    /// Whether the body has begun.
    pub(crate) fn has_started(&self) -> bool {
        self.inner
            .as_ref()
            .is_some_and(|inner| inner.has_started.get())
    }

    fn phase(&self) -> Phase {
        self.inner
            .as_ref()
            .map_or(Phase::Empty, |inner| inner.phase.get())
    }

    /// The frames of a suspended fiber, which is resumed only to take them. None of the program's
    /// code runs.
    ///
    /// `end` is the lowest address of its stack that can be used.
    pub(super) fn look(&self, end: usize) -> Result<Backtrace, LookError> {
        match &self.inner {
            Some(inner) if self.phase() == Phase::Suspended && self.has_started() => {
                let look = Look::new(end);
                inner.look.set(&look);
                inner.resume();
                look.into_taken()
            }
            _ => Err(LookError::NotSuspended),
        }
    }

    /// The stack, once the body has returned; `None` before, and the second time.
    pub(crate) fn take_stack(&self) -> Option<Stack> {
        let inner = self.inner.as_ref()?;
        if inner.phase.get() != Phase::Finished {
            return None;
        }
        inner.phase.set(Phase::Empty);
        Some(Stack { size: inner.size })
    }

    /// Gives the fiber up with everything on its stack. For what would not be unwound: it stays
    /// parked for ever.
    pub(crate) fn abandon(&self) {
        if let Some(inner) = &self.inner
            && inner.phase.get() == Phase::Suspended
        {
            inner.phase.set(Phase::Empty);
        }
    }
}

impl Inner {
    fn resume(&self) -> Progress {
        assert_eq!(
            self.phase.get(),
            Phase::Suspended,
            "only a suspended fiber can be resumed"
        );
        let Some(handle) = self.handle.get() else {
            unreachable!("a fiber with a body has a coroutine");
        };
        self.phase.set(Phase::Running);
        handle.coroutine().unpark();
        loop {
            // The fiber is ahead in the queue.
            theirs::yield_now();
            check_thread(self.home);
            match self.phase.get() {
                Phase::Suspended => return Progress::Suspended,
                Phase::Finished => return Progress::Finished,
                _ if handle.is_done() => {
                    give_up("a coroutine has overflowed its stack, or was cancelled")
                }
                // It looks at another one, and so yields itself.
                _ => {}
            }
        }
    }

    /// Parks until a resume that is more than a look.
    fn rest(&self) {
        loop {
            theirs::park();
            check_thread(self.home);
            if self.phase.get() != Phase::Running {
                continue;
            }
            let look = self.look.replace(ptr::null());
            if look.is_null() {
                return;
            }
            // SAFETY: `look` set the pointer, and waits within `resume` until the phase below is
            // seen; the pointer is not used after that.
            leave_frames(unsafe { &*look });
            self.phase.set(Phase::Suspended);
        }
    }

    /// A coroutine of somebody else's that calls this crate would park under this one's name.
    #[inline]
    fn check_stack(&self) {
        if self.top.get().wrapping_sub(here()) > usable(self.size) {
            give_up("this crate was called in a coroutine that `may` was asked for directly");
        }
    }
}
