//! The control block of a coroutine: who it is, what state it is in, why it waits.
//!
//! ```text
//!             spawn                    its turn                  body returns, panics, is killed
//!   (New) ───────────► Ready ───────────────────────► Running ─────────────────────────► Finished
//!                        ▲                               │
//!                        │ wake (an event, a deadline,   │ park
//!                        │ a kill, another coroutine)    ▼
//!                        └──────────────────────────── Parked
//! ```
//!
//! Moving between the states is the [`scheduler`](crate::scheduler)'s job; the stack is the
//! [`fiber`](crate::sys::fiber)'s.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Hub;
use eventlet_hub::fd::RawFd;
use eventlet_runloop::{RunLoop, Task, Time, TimerId};

use crate::context::Contexts;
use crate::ends::{EndListeners, Ending};
use crate::local::{Heritage, Locals};
use crate::scheduler;
use crate::sys::fiber::Fiber;
use crate::timeout::{Scope, ScopeExpired};

/// The run loop of a thread, over whichever hub was picked.
pub(crate) type Loop = RunLoop<Box<dyn Hub>>;

/// Where in its life a coroutine is.
///
/// # Examples
///
/// ```
/// use eventlet_green::{State, sleep, spawn, yield_now};
/// use std::time::Duration;
///
/// let sleeper = spawn(|| sleep(Duration::from_secs(60)));
/// assert_eq!(sleeper.state(), State::New);
/// yield_now();
/// assert_eq!(sleeper.state(), State::Parked);
/// sleeper.kill()?;
/// assert!(sleeper.join().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Spawned, has not run yet.
    New,
    /// Queued: it runs when its turn comes.
    Ready,
    /// It runs now.
    Running,
    /// It waits for something; see [`Wait`].
    Parked,
    /// It has ended.
    Finished,
}

/// What a parked coroutine waits for.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Wait, sleep, spawn, yield_now};
/// use std::time::Duration;
///
/// let sleeper = spawn(|| sleep(Duration::from_secs(60)));
/// let number = sleeper.id();
/// let waiting = spawn(move || sleeper.join());
/// yield_now();
/// assert_eq!(waiting.waits_for(), Wait::Join(number));
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// Nothing: it is not parked.
    Nothing,
    /// Its delayed start.
    Start,
    /// The end of a sleep.
    Sleep,
    /// The end of the coroutine with this id.
    Join(u64),
    /// Data, or the end of the stream, on a descriptor.
    Read(RawFd),
    /// Room to write on a descriptor.
    Write(RawFd),
    /// A connection to a listening descriptor.
    Accept(RawFd),
    /// The end of a connect on a descriptor.
    Connect(RawFd),
    /// A blocking call that runs on another thread.
    Offload,
    /// A permit of a [`Semaphore`](crate::sync::Semaphore).
    Permit,
    /// Room in a [`channel`](crate::channel), or a receiver.
    Send,
    /// A value from a [`channel`](crate::channel).
    Receive,
    /// One of several operations: a [`select`](crate::select()).
    Select,
    /// The end of the tasks of a [`channel`](crate::channel::Sender::join).
    Tasks,
    /// Its turn to hold a [`Mutex`](crate::sync::Mutex).
    Mutex,
    /// Its turn to read under a [`RwLock`](crate::sync::RwLock).
    ReadLock,
    /// Its turn to write under a [`RwLock`](crate::sync::RwLock).
    WriteLock,
    /// A notification of a [`Condvar`](crate::sync::Condvar).
    Notification,
    /// What an [`Event`](crate::sync::Event) will be sent.
    Event,
    /// The others at a [`Barrier`](crate::sync::Barrier).
    Barrier,
    /// The last member of a [`WaitGroup`](crate::sync::WaitGroup).
    WaitGroup,
    /// Data, or the end, of a stream in memory.
    MemoryRead,
    /// Room in a stream in memory.
    MemoryWrite,
    /// An item of a [`Pool`](crate::pool::Pool).
    Item,
    /// A seat among [`Workers`](crate::pool::Workers).
    Worker,
    /// The end of all coroutines of a group or of workers.
    Group,
    /// The end of the coroutines of a [`scope`](crate::scope()).
    Scope,
    /// The end of any of several coroutines.
    AnyOf,
    /// The end of a coroutine of another thread, with this number there.
    RemoteJoin(u64),
    /// Room in a channel between threads; see [`cross`](crate::cross).
    CrossSend,
    /// A value from a channel between threads.
    CrossReceive,
    /// A future that is not ready; see [`block_on`](crate::block_on()).
    Future,
    /// A signal.
    Signal,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Nothing => f.write_str("nothing"),
            Wait::Start => f.write_str("its delayed start"),
            Wait::Sleep => f.write_str("the end of a sleep"),
            Wait::Join(id) => write!(f, "the end of coroutine #{id}"),
            Wait::Read(fd) => write!(f, "data on descriptor {fd}"),
            Wait::Write(fd) => write!(f, "room to write on descriptor {fd}"),
            Wait::Accept(fd) => write!(f, "a connection to descriptor {fd}"),
            Wait::Connect(fd) => write!(f, "the end of a connect on descriptor {fd}"),
            Wait::Offload => f.write_str("a call on another thread"),
            Wait::Permit => f.write_str("a permit of a semaphore"),
            Wait::Send => f.write_str("room in a channel"),
            Wait::Receive => f.write_str("a value from a channel"),
            Wait::Select => f.write_str("one of several operations"),
            Wait::Tasks => f.write_str("the end of a channel's tasks"),
            Wait::Mutex => f.write_str("its turn to hold a mutex"),
            Wait::ReadLock => f.write_str("its turn to read under a lock"),
            Wait::WriteLock => f.write_str("its turn to write under a lock"),
            Wait::Notification => f.write_str("a notification of a condition variable"),
            Wait::Event => f.write_str("an event"),
            Wait::Barrier => f.write_str("the others at a barrier"),
            Wait::WaitGroup => f.write_str("the end of a wait group"),
            Wait::MemoryRead => f.write_str("data of a stream in memory"),
            Wait::MemoryWrite => f.write_str("room in a stream in memory"),
            Wait::Item => f.write_str("an item of a pool"),
            Wait::Worker => f.write_str("a seat among workers"),
            Wait::Group => f.write_str("the end of all coroutines of a group"),
            Wait::Scope => f.write_str("the end of the coroutines of a scope"),
            Wait::AnyOf => f.write_str("the end of any of several coroutines"),
            Wait::RemoteJoin(id) => write!(f, "the end of coroutine #{id} of another thread"),
            Wait::CrossSend => f.write_str("room in a channel between threads"),
            Wait::CrossReceive => f.write_str("a value from a channel between threads"),
            Wait::Future => f.write_str("a future"),
            Wait::Signal => f.write_str("a signal"),
        }
    }
}

/// Why a parked coroutine goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// What it waited for has come (as far as the waker knows).
    Ready,
    /// Its deadline has passed.
    TimedOut,
    /// It is to raise what was sent to it: a kill, or an expired scope.
    Interrupted,
}

/// What a kill raises in its victim. Passes through `catch_unwind` like any payload.
pub(crate) struct Killed;

/// A coroutine's identity and state. Shared by the registry, the ready queue, its handle and
/// whatever it waits for.
pub(crate) struct Coroutine {
    pub(crate) fiber: Fiber,
    pub(crate) id: u64,
    pub(crate) name: Option<Box<str>>,
    pub(crate) spawned_at: &'static Location<'static>,
    /// The bottom of the stack's guard, and the size with the guard; zero for the root.
    pub(crate) stack: StackBounds,
    /// Where the registry keeps it.
    pub(crate) slot: Cell<usize>,
    pub(crate) state: Cell<State>,
    pub(crate) wait: Cell<Wait>,
    /// The time of the turn in which it parked last.
    pub(crate) since: Cell<Time>,
    pub(crate) woken: Cell<Woken>,
    /// The deadline of the current park.
    pub(crate) deadline: Cell<Option<TimerId>>,
    /// How many interrupts are pending: one for a kill, one for each expired scope. With [`IN_HOOK`],
    /// the only thing a suspension looks at when there is none.
    interrupts: Cell<u32>,
    /// Interrupts are held back: it waits for those that borrow from its stack, and cannot be
    /// unwound before they have ended. They stay pending.
    pub(crate) shielded: Cell<bool>,
    killed: Cell<bool>,
    /// Somebody's stack cannot be left before this has ended: a scope that was given up waits.
    pub(crate) must_end: Cell<bool>,
    /// How often it was given the thread.
    pub(crate) resumed: Cell<u64>,
    /// How long it had the thread, while that was measured.
    pub(crate) ran: Cell<Duration>,
    /// How often something was raised since a scope was left. It should be once; see
    /// `scheduler::MAX_RAISES`.
    pub(crate) raises: Cell<u32>,
    /// The timeout scopes it is in, outermost first.
    pub(crate) scopes: RefCell<Vec<Rc<Scope>>>,
    /// Who waits for its end: there is one handle, so at most one.
    pub(crate) joiner: Cell<Option<Rc<Coroutine>>>,
    /// Who else is to be told of its end.
    pub(crate) end_listeners: EndListeners,
    /// How it ended; means something once it has.
    pub(crate) ending: Cell<Ending>,
    /// What follows it across switches. Empty until the first is registered: then a switch costs no
    /// more than the look at the pointer.
    pub(crate) contexts: OnceCell<Box<Contexts>>,
    /// Its own values; empty until the first is made.
    pub(crate) locals: OnceCell<Box<Locals>>,
}

/// Added to the interrupts while a hook of one of its contexts runs: that can neither wait nor be
/// interrupted.
const IN_HOOK: u32 = 1 << 31;

/// Where a stack lies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StackBounds {
    pub(crate) bottom: usize,
    pub(crate) size: usize,
}

/// The id of the root, which every thread has one of. Spawned ones count from 1.
pub(crate) const ROOT_ID: u64 = 0;

impl Coroutine {
    pub(crate) fn new(
        fiber: Fiber,
        id: u64,
        name: Option<Box<str>>,
        spawned_at: &'static Location<'static>,
        stack: StackBounds,
    ) -> Self {
        Coroutine {
            fiber,
            id,
            name,
            spawned_at,
            stack,
            slot: Cell::new(usize::MAX),
            state: Cell::new(State::New),
            wait: Cell::new(Wait::Nothing),
            since: Cell::new(Time::ORIGIN),
            woken: Cell::new(Woken::Ready),
            deadline: Cell::new(None),
            interrupts: Cell::new(0),
            shielded: Cell::new(false),
            killed: Cell::new(false),
            must_end: Cell::new(false),
            resumed: Cell::new(0),
            ran: Cell::new(Duration::ZERO),
            raises: Cell::new(0),
            scopes: RefCell::new(Vec::new()),
            joiner: Cell::new(None),
            end_listeners: EndListeners::default(),
            ending: Cell::new(Ending::Returned),
            contexts: OnceCell::new(),
            locals: OnceCell::new(),
        }
    }

    pub(crate) fn is_root(&self) -> bool {
        self.id == ROOT_ID
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.get()
    }

    /// Notes a kill; says whether it is the first.
    pub(crate) fn mark_killed(&self) -> bool {
        if self.killed.replace(true) {
            return false;
        }
        self.interrupts.set(self.interrupts.get() + 1);
        true
    }

    /// Notes that one of its scopes has expired.
    pub(crate) fn add_interrupt(&self) {
        self.interrupts.set(self.interrupts.get() + 1);
    }

    /// Notes that an expired scope has been left.
    pub(crate) fn remove_interrupt(&self) {
        self.interrupts.set(self.interrupts.get() - 1);
        if !self.is_killed() {
            self.raises.set(0);
        }
    }

    /// Gives it the local values to begin with, before it runs.
    pub(crate) fn inherit(&self, heritage: Heritage) {
        if let Some(locals) = heritage {
            let vacant = self.locals.set(locals);
            debug_assert!(vacant.is_ok(), "it has not run yet");
        }
    }

    /// Whether a hook of one of its contexts runs.
    pub(crate) fn is_in_hook(&self) -> bool {
        self.interrupts.get() & IN_HOOK != 0
    }

    /// Notes that a hook begins; they do not nest.
    pub(crate) fn begin_hook(&self) {
        self.interrupts.set(self.interrupts.get() | IN_HOOK);
    }

    /// Notes that a hook has ended.
    pub(crate) fn end_hook(&self) {
        self.interrupts.set(self.interrupts.get() & !IN_HOOK);
    }

    /// Whether something is pending for it, or it is in a hook.
    #[inline]
    pub(crate) fn is_interrupted(&self) -> bool {
        let interrupts = self.interrupts.get();
        interrupts != 0 && (!self.shielded.get() || self.is_in_hook())
    }

    /// Raises what is pending: a kill before all, then the outermost expired scope (what is within
    /// it has no time left either).
    ///
    /// Does not go through the panic hook: nothing is printed.
    #[cold]
    pub(crate) fn raise(&self) {
        self.raises.set(self.raises.get().saturating_add(1));
        if self.must_end.get() {
            crate::scope::abort_if_stubborn(self);
        }
        if self.is_killed() {
            resume_unwind(Box::new(Killed));
        }
        let expired = self
            .scopes
            .borrow()
            .iter()
            .find(|scope| scope.is_expired())
            .map(|s| s.id());
        if let Some(id) = expired {
            let payload: Box<dyn Any + Send> = Box::new(ScopeExpired { id });
            resume_unwind(payload);
        }
    }

    /// How messages name it.
    pub(crate) fn label(&self) -> Label<'_> {
        Label(self)
    }
}

impl Task<Box<dyn Hub>> for Coroutine {
    /// Its turn in the ready queue.
    fn run(self: Rc<Self>, _: &Loop) {
        scheduler::run(self);
    }

    /// The deadline of its park.
    fn expired(self: Rc<Self>, _: &Loop, timer: TimerId) {
        if self.deadline.get() == Some(timer) {
            scheduler::wake(&self, Woken::TimedOut);
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wait of {} for {}", self.label(), self.wait.get())
    }
}

impl fmt::Debug for Coroutine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({:?}, waits for {})",
            self.label(),
            self.state.get(),
            self.wait.get()
        )
    }
}

/// `coroutine "name" (#7, spawned at src/main.rs:3:5)`.
pub(crate) struct Label<'a>(&'a Coroutine);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Label(coroutine) = self;
        if coroutine.is_root() {
            return f.write_str("the root stack");
        }
        f.write_str("coroutine ")?;
        if let Some(name) = &coroutine.name {
            write!(f, "\"{name}\" ")?;
        }
        write!(
            f,
            "(#{}, spawned at {})",
            coroutine.id, coroutine.spawned_at
        )
    }
}

/// The time by the loop's clock, `delay` from now.
pub(crate) fn after(run_loop: &Loop, delay: std::time::Duration) -> Time {
    run_loop.now() + delay
}

/// The time at which a wait is over that begins now and may take so long.
pub(crate) fn deadline_in(limit: std::time::Duration) -> Time {
    scheduler::with(|scheduler| after(&scheduler.run_loop, limit))
}
