//! The thread's scheduler: who runs, who is parked, and turning the run loop when nobody can.
//!
//! The root stack (the thread's own) is coroutine zero. It turns the run loop whenever it has to
//! wait; the loop's ready queue resumes coroutines, which come back when they park. So control goes
//! root → coroutine → root → coroutine, one switch each way, and a coroutine never resumes another.
//!
//! ```text
//!  root: park ──► turn ┬─ timers due ──► wake ─┐
//!    ▲                 ├─ ready queue ◄────────┤
//!    │ root's turn     │     └─ run: resume ──► coroutine … park/finish ──► back
//!    └─────────────────┤                       │
//!                      └─ hub.wait ──► events ─┘
//! ```
//!
//! One rule keeps this simple: a wake-up only ever queues. Nobody runs inside of the one who woke
//! him. What can be waited for is the business of the other modules; each parks through
//! [`Scheduler::park`], the one suspension point there is. How it parks, how the root waits, how it ends
//! with its thread, how an overflow is told and what can be seen of it stand in `parking`, `root`,
//! `ending`, `overflow` and `inside`.

mod count;
mod ending;
mod inline;
mod inside;
mod lookup;
#[cfg(unix)]
mod overflow;
mod parking;
mod root;
#[cfg(feature = "testing")]
mod settling;

#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) use inside::Running;
pub(crate) use inside::{heritage, with_owner_of_locals};

use std::cell::{Cell, RefCell};
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use eventlet_hub::Trigger;
use eventlet_runloop::Time;
use slab::Slab;

pub(crate) use self::count::CountGuard;
use crate::coroutine::{Coroutine, Loop, ROOT_ID, StackBounds, State, Wait, Woken};
use crate::error::ParkError;
use crate::inbox::{Inbox, Outside};
use crate::inspect::deadlock::DeadlockDetail;
use crate::inspect::pulse::Pulse;
use crate::setup;
use crate::sys::fiber::{Fiber, Stacks};
use crate::sys::overflow::AlternateStack;
use crate::sys::slot::{self, Act};
use crate::sys::stage::{Progress, Stage};
use crate::watch::Watchers;

/// Operations on descriptors that a coroutine may do in a row without waiting, before it is made to
/// let others run. A descriptor that is always ready would otherwise never let go of the thread.
const IO_CREDIT: u32 = 128;

/// What a thread needs to run coroutines.
pub(crate) struct Scheduler {
    pub(crate) run_loop: Loop,
    root: Rc<Coroutine>,
    /// Which coroutine runs, if one does.
    stage: Stage,
    /// The root's own code runs: not a coroutine, and not a callback of the loop, which has no
    /// stack to park on.
    at_root: Cell<bool>,
    /// The root's turn has come: the run loop is to be left.
    root_due: Cell<bool>,
    /// Every coroutine that has not finished. This is what keeps a parked one alive.
    coroutines: RefCell<Slab<Rc<Coroutine>>>,
    next_id: Cell<u64>,
    stacks: RefCell<Stacks>,
    /// Coroutines parked on descriptors: the kernel may yet wake them.
    io_waiters: Cell<usize>,
    /// Who waits for a descriptor without being a coroutine.
    pub(crate) watchers: Watchers,
    /// Who waits for something that another thread will do.
    pub(crate) outside: Outside,
    /// What is left of [`IO_CREDIT`] for whoever runs.
    credit: Cell<u32>,
    /// Whether the hub reports every change, so that a drained descriptor need not be tried.
    pub(crate) remembers_drained: bool,
    /// Whether an operation that fell short has drained its descriptor, unless the hub said otherwise.
    pub(crate) trusts_short: bool,
    /// Wake-ups from other threads.
    pub(crate) inbox: Arc<Inbox>,
    /// Beats with each switch, for other threads to see.
    pub(crate) pulse: Arc<Pulse>,
    /// How many want to know how long each coroutine runs.
    pub(crate) run_times: Cell<usize>,
    deadlock_detail: Cell<DeadlockDetail>,
    ending: Cell<bool>,
    _alternate_stack: AlternateStack,
}

/// Calls `f` with the thread's scheduler, making one with the default settings if there is none.
///
/// # Panics
///
/// If none can be made: the hub that the environment names does not exist, the kernel refuses its
/// descriptors, or the thread is ending. `setup::init` reports the same as an error.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Scheduler) -> R) -> R {
    if !slot::is_installed() {
        make_default();
    }
    slot::with(f).expect("made just now")
}

/// The same for an [`Act`]: for what parks often.
#[inline(always)]
pub(crate) fn act<A: Act<Scheduler>>(act: A) -> A::Outcome {
    if !slot::is_installed() {
        make_default();
    }
    slot::act(act).expect("made just now")
}

#[cold]
fn make_default() {
    if let Err(error) = setup::init() {
        panic!("no run loop for this thread: {error}");
    }
}

/// As for [`Scheduler::yield_now`], on the thread's scheduler.
#[inline(always)]
pub(crate) fn yield_now() -> Result<(), ParkError> {
    struct Yield;
    impl Act<Scheduler> for Yield {
        type Outcome = Result<(), ParkError>;

        #[inline(always)] // see `Stage`
        fn act(self, scheduler: &Scheduler) -> Self::Outcome {
            scheduler.yield_now()
        }
    }
    match slot::act(Yield) {
        Some(outcome) => outcome,
        None => with(Scheduler::yield_root),
    }
}

/// Runs a coroutine whose turn has come.
#[inline]
pub(crate) fn run(coroutine: Rc<Coroutine>) {
    slot::with(|scheduler| scheduler.run(coroutine));
}

/// Queues a parked coroutine. Says whether it was parked: if not, somebody else has woken it, and
/// what the caller had for it goes to the next in line.
#[inline]
pub(crate) fn wake(coroutine: &Rc<Coroutine>, why: Woken) -> bool {
    slot::with(|scheduler| scheduler.wake(coroutine, why)).unwrap_or(false)
}

impl Scheduler {
    pub(crate) fn new(run_loop: Loop) -> Self {
        let capabilities = run_loop.capabilities();
        let remembers_drained = capabilities.trigger == Trigger::Edge;
        let trusts_short = capabilities.tells_drained();
        let root = Coroutine::new(
            Fiber::empty(),
            ROOT_ID,
            None,
            Location::caller(),
            StackBounds::default(),
        );
        root.state.set(State::Running);
        let root = Rc::new(root);
        let inbox = Arc::new(Inbox::new(run_loop.waker()));
        Scheduler {
            run_loop,
            stage: Stage::new(),
            at_root: Cell::new(true),
            root,
            root_due: Cell::new(false),
            coroutines: RefCell::new(Slab::new()),
            next_id: Cell::new(ROOT_ID + 1),
            stacks: RefCell::new(Stacks::default()),
            io_waiters: Cell::new(0),
            watchers: Watchers::default(),
            outside: Outside::default(),
            credit: Cell::new(IO_CREDIT),
            remembers_drained,
            trusts_short,
            inbox,
            pulse: Arc::default(),
            run_times: Cell::new(0),
            deadlock_detail: Cell::default(),
            ending: Cell::new(false),
            _alternate_stack: AlternateStack::ensure(),
        }
    }

    /// Who runs now; `None` in a callback of the run loop.
    #[inline]
    pub(crate) fn current(&self) -> Option<Rc<Coroutine>> {
        match self.stage.share_current() {
            None if self.at_root.get() => Some(Rc::clone(&self.root)),
            current => current,
        }
    }

    /// Registers a new coroutine with a body, without queueing it.
    ///
    /// # Errors
    ///
    /// No stack: see [`Stacks::acquire`]. `Unsupported` when the thread is ending.
    pub(crate) fn create(
        &self,
        name: Option<Box<str>>,
        stack_size: Option<usize>,
        spawned_at: &'static Location<'static>,
        body: impl FnOnce() + 'static,
    ) -> io::Result<Rc<Coroutine>> {
        self.check_not_ending()?;
        let stack = self.stacks.borrow_mut().acquire(stack_size)?;
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let (fiber, bounds) = Fiber::new(stack, move || {
            body();
            inside::end_belongings();
        })?;
        let coroutine = Rc::new(Coroutine::new(fiber, id, name, spawned_at, bounds));
        let slot = self.coroutines.borrow_mut().insert(Rc::clone(&coroutine));
        coroutine.slot.set(slot);
        Ok(coroutine)
    }

    /// # Errors
    ///
    /// `Unsupported`: the thread is ending, and takes on nothing new.
    pub(crate) fn check_not_ending(&self) -> io::Result<()> {
        if self.ending.get() {
            return Err(ParkError::ThreadEnding.into());
        }
        Ok(())
    }

    /// Queues a new coroutine for its first run.
    #[inline]
    pub(crate) fn start(&self, coroutine: Rc<Coroutine>) {
        self.run_loop.enqueue(coroutine);
    }

    /// Lets a new coroutine wait for its start.
    pub(crate) fn start_at(&self, coroutine: &Rc<Coroutine>, deadline: Time) {
        coroutine.state.set(State::Parked);
        coroutine.wait.set(Wait::Start);
        coroutine.since.set(self.run_loop.now());
        let timer = self.run_loop.arm_timer(deadline, Rc::clone(coroutine) as _);
        coroutine.deadline.set(Some(timer));
    }

    #[inline]
    pub(crate) fn run(&self, coroutine: Rc<Coroutine>) {
        if coroutine.is_root() {
            self.root_due.set(true);
            self.run_loop.leave_turn();
            return;
        }
        coroutine.state.set(State::Running);
        self.credit.set(IO_CREDIT);
        self.pulse.note_switch();
        coroutine.resumed.set(coroutine.resumed.get() + 1);
        let progress = if self.run_times.get() == 0 {
            self.stage.perform(&coroutine)
        } else {
            self.perform_measured(&coroutine)
        };
        if progress == Progress::Finished {
            self.finish(&coroutine);
        } else if coroutine.state.get() == State::Running {
            // It has not parked: it yields.
            coroutine.state.set(State::Ready);
            self.run_loop.enqueue(coroutine);
        }
    }

    fn finish(&self, coroutine: &Rc<Coroutine>) {
        coroutine.state.set(State::Finished);
        if let Some(stack) = coroutine.fiber.take_stack() {
            self.stacks.borrow_mut().release(stack);
        }
        let mut coroutines = self.coroutines.borrow_mut();
        let kept = coroutines.try_remove(coroutine.slot.get());
        drop(coroutines);
        drop(kept);
        if let Some(joiner) = coroutine.joiner.take() {
            self.wake(&joiner, Woken::Ready);
        }
        coroutine.end_listeners.tell(coroutine);
    }

    #[inline]
    pub(crate) fn wake(&self, coroutine: &Rc<Coroutine>, why: Woken) -> bool {
        if coroutine.state.get() != State::Parked {
            return false;
        }
        coroutine.state.set(State::Ready);
        coroutine.wait.set(Wait::Nothing);
        coroutine.woken.set(why);
        if let Some(timer) = coroutine.deadline.take()
            && why != Woken::TimedOut
        {
            self.run_loop.cancel_timer(timer);
        }
        self.run_loop.enqueue(Rc::clone(coroutine) as _);
        true
    }

    /// Counts the caller among those whom the kernel may wake, for as long as the guard lives.
    pub(crate) fn waiting_for_kernel(&self) -> CountGuard<'_> {
        CountGuard::new(&self.io_waiters)
    }

    /// How many coroutines have not finished, without the root.
    pub(crate) fn live_count(&self) -> usize {
        self.coroutines.borrow().len()
    }

    pub(crate) fn trim_stacks(&self) -> usize {
        self.stacks.borrow_mut().trim()
    }
}
