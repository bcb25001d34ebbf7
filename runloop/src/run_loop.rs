//! The loop and what a program may ask of it at any time, from inside a callback or outside.
//!
//! How a turn goes is in `turn.rs`; what is asked of descriptors, in `descriptor.rs`, and of time, in
//! `time.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use eventlet_hub::{Capabilities, Events, Hub, Waker};

use crate::descriptor::Descriptors;
use crate::keep_alive::Shared;
use crate::observers::Observers;
use crate::task::Once;
use crate::timers::Timers;
use crate::turn::{Phase, Stop};
use crate::{
    Activities, Activity, Budget, CallOrder, Clock, Counters, Dice, Flow, KeepAlive, Monotonic,
    ObserverId, ObserverLife, PanicReport, Task, Time,
};

/// One turn after another, on one thread.
///
/// Every method takes `&self` and may be called from within a callback, except
/// [`turn`](Self::turn) and [`run`](Self::run), which then fail.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::RunLoop;
/// use std::time::Duration;
///
/// # let hub = eventlet_hub_poll::PollHub::new()?;
/// let run_loop = RunLoop::new(hub);
/// run_loop.call_after(Duration::from_millis(1), |run_loop| {
///     run_loop.call_soon(|_| println!("a millisecond later"));
/// });
/// run_loop.run()?; // ends because nothing is left to do
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A loop stays on its thread:
///
/// ```compile_fail,E0277
/// fn elsewhere<H: eventlet_hub::Hub + Send + 'static>(run_loop: eventlet_runloop::RunLoop<H>) {
///     std::thread::spawn(move || run_loop.run());
/// }
/// ```
pub struct RunLoop<H: Hub> {
    /// First: the hub goes before what it watches, and both before the rest.
    pub(crate) descriptors: Descriptors<H>,
    pub(crate) calls: RefCell<VecDeque<Rc<dyn Task<H>>>>,
    pub(crate) timers: RefCell<Timers<Rc<dyn Task<H>>>>,
    pub(crate) observers: Observers<H>,
    pub(crate) clock: Box<dyn Clock>,
    /// The latest batch.
    pub(crate) events: RefCell<Events>,
    /// How many events of the batch have been dispatched.
    pub(crate) events_taken: Cell<usize>,
    pub(crate) budget: Cell<Budget>,
    /// Where the turn is; a turn that was left is taken up there.
    pub(crate) phase: Cell<Phase>,
    /// What a callback asked for.
    pub(crate) stop: Cell<Stop>,
    /// Whether a turn or a run is under way.
    pub(crate) active: Cell<bool>,
    pub(crate) counters: CounterCells,
    /// The count of calls at which this turn's budget is spent.
    pub(crate) calls_limit: Cell<u64>,
    /// See [`turn_time`](Self::turn_time); `None` until somebody asks.
    pub(crate) turn_time: Cell<Option<Time>>,
    pub(crate) keep_alive: Arc<Shared>,
    pub(crate) panic_reporter: RefCell<Option<Reporter>>,
    /// `None`: calls run as they were queued.
    pub(crate) dice: RefCell<Option<Dice>>,
}

pub(crate) type Reporter = Rc<dyn Fn(&PanicReport)>;

/// [`Counters`], while they count.
#[derive(Default)]
pub(crate) struct CounterCells {
    pub(crate) turns: Cell<u64>,
    pub(crate) waits: Cell<u64>,
    pub(crate) polls: Cell<u64>,
    pub(crate) wake_ups: Cell<u64>,
    pub(crate) events: Cell<u64>,
    pub(crate) calls: Cell<u64>,
    pub(crate) timers: Cell<u64>,
    pub(crate) panics: Cell<u64>,
}

/// Construction and settings.
impl<H: Hub> RunLoop<H> {
    /// A loop over `hub`, with the monotonic clock.
    pub fn new(hub: H) -> Self {
        Self::with_clock(hub, Monotonic::new())
    }

    /// A loop with a clock of one's own; see [`ManualClock`](crate::ManualClock) for tests.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{ManualClock, RunLoop, Time};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let run_loop = RunLoop::with_clock(eventlet_hub_poll::PollHub::new()?, clock.clone());
    /// run_loop.call_at(Time::ORIGIN + Duration::from_secs(60), |_| {});
    /// run_loop.run()?; // Nothing can happen while the clock stands still.
    /// assert_eq!(run_loop.timer_count(), 1);
    /// clock.advance(Duration::from_secs(60));
    /// run_loop.run()?;
    /// assert_eq!((run_loop.timer_count(), run_loop.counters().timers), (0, 1));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn with_clock(hub: H, clock: impl Clock + 'static) -> Self {
        let descriptors = Descriptors::new(hub);
        let keep_alive = Shared::new(descriptors.waker());
        let budget = Budget::default();
        RunLoop {
            descriptors,
            calls: RefCell::new(VecDeque::new()),
            timers: RefCell::new(Timers::new()),
            observers: Observers::new(),
            clock: Box::new(clock),
            events: RefCell::new(Events::with_capacity(budget.events())),
            events_taken: Cell::new(0),
            budget: Cell::new(budget),
            phase: Cell::new(Phase::Start),
            stop: Cell::new(Stop::No),
            active: Cell::new(false),
            counters: CounterCells::default(),
            calls_limit: Cell::new(0),
            turn_time: Cell::new(None),
            keep_alive,
            panic_reporter: RefCell::new(None),
            dice: RefCell::new(None),
        }
    }

    /// How much a turn does of each kind. Takes effect as each kind comes up next. Default
    /// [`Budget::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{Budget, RunLoop};
    /// use std::time::Duration;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// run_loop.set_budget(Budget::new().with_calls(1));
    /// run_loop.call_soon(|_| {});
    /// run_loop.call_soon(|_| {});
    /// run_loop.turn(Some(Duration::ZERO))?;
    /// assert_eq!(run_loop.call_count(), 1, "the second has the next turn");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_budget(&self, budget: Budget) {
        self.budget.set(budget);
    }

    /// In what order ready calls run; takes effect with the next turn, or the next call after a
    /// turn was left. Default [`CallOrder::Queued`]. What is promised of an order elsewhere (FIFO)
    /// holds for that one only.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{CallOrder, RunLoop};
    /// use std::{cell::RefCell, rc::Rc};
    ///
    /// let order = |seed| -> std::io::Result<Vec<u32>> {
    ///     let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    ///     run_loop.set_call_order(CallOrder::Shuffled(seed));
    ///     let seen = Rc::new(RefCell::new(Vec::new()));
    ///     for n in 0..10 {
    ///         let seen = seen.clone();
    ///         run_loop.call_soon(move |_| seen.borrow_mut().push(n));
    ///     }
    ///     run_loop.run()?;
    ///     Ok(seen.take())
    /// };
    /// assert_ne!(order(1)?, order(2)?);
    /// assert_eq!(order(1)?, order(1)?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_call_order(&self, order: CallOrder) {
        *self.dice.borrow_mut() = match order {
            CallOrder::Queued => None,
            CallOrder::Shuffled(seed) => Some(Dice::new(seed)),
        };
    }

    /// Whom to tell of a callback that panicked. Default: one line to standard error, beside what
    /// the panic hook prints.
    ///
    /// Should the reporter itself panic, the report goes to standard error.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{Culprit, RunLoop};
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// run_loop.set_panic_reporter(|report| {
    ///     assert_eq!((report.culprit(), report.text()), (Culprit::Call, "no luck"));
    /// });
    /// run_loop.call_soon(|_| panic!("no luck"));
    /// run_loop.run()?;
    /// assert_eq!(run_loop.counters().panics, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_panic_reporter(&self, f: impl Fn(&PanicReport) + 'static) {
        let former = self.panic_reporter.replace(Some(Rc::new(f)));
        drop(former);
    }
}

/// Ready calls.
impl<H: Hub> RunLoop<H> {
    /// Calls `f` in this turn or the next, after everything queued before.
    pub fn call_soon(&self, f: impl FnOnce(&RunLoop<H>) + 'static) {
        self.enqueue(Once::new(f));
    }

    /// Like [`call_soon`](Self::call_soon) for a task, which costs no allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::Hub;
    /// use eventlet_runloop::{RunLoop, Task};
    /// use std::rc::Rc;
    ///
    /// struct Hello;
    ///
    /// impl<H: Hub + 'static> Task<H> for Hello {
    ///     fn run(self: Rc<Self>, _: &RunLoop<H>) {}
    /// }
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let hello = Rc::new(Hello);
    /// run_loop.enqueue(hello.clone());
    /// run_loop.enqueue(hello); // The same again: a reference count.
    /// run_loop.run()?;
    /// assert_eq!(run_loop.counters().calls, 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline(always)] // into the scheduler's switch, where a call costs as much as the queue
    pub fn enqueue(&self, task: Rc<dyn Task<H>>) {
        self.calls.borrow_mut().push_back(task);
    }

    /// How many ready calls are queued.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::RunLoop;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// run_loop.call_soon(|_| {});
    /// assert_eq!(run_loop.call_count(), 1);
    /// run_loop.run()?;
    /// assert_eq!(run_loop.call_count(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn call_count(&self) -> usize {
        self.calls.borrow().len()
    }
}

/// Observers.
impl<H: Hub> RunLoop<H> {
    /// Calls `f` at each of the activities, after the observers added before.
    ///
    /// An observer may add and remove observers, itself included: one removed is not called any
    /// more, one added is called from the next activity on. One that panics is reported and
    /// removed. [`leave_turn`](Self::leave_turn) and [`abort`](Self::abort) take effect when all
    /// observers of the activity have been called.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{Activities, ObserverLife, RunLoop};
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let picked = Activities::ENTRY | Activities::EXIT;
    /// run_loop.add_observer(picked, ObserverLife::Repeating, |_, activity| println!("{activity:?}"));
    /// run_loop.run()?; // Entry, Exit
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn add_observer(
        &self,
        activities: Activities,
        life: ObserverLife,
        f: impl FnMut(&RunLoop<H>, Activity) + 'static,
    ) -> ObserverId {
        self.observers.add(activities, life, f)
    }

    /// Removes an observer. Whether it was there.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{Activities, ObserverLife, RunLoop};
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let id = run_loop.add_observer(Activities::EXIT, ObserverLife::Once, |_, _| {});
    /// run_loop.run()?;
    /// assert!(!run_loop.remove_observer(id), "it was called once, and is gone");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn remove_observer(&self, id: ObserverId) -> bool {
        self.observers.remove(id)
    }
}

/// State and handles.
impl<H: Hub> RunLoop<H> {
    /// Whether a turn or a run is under way: whether this is called from within a callback.
    #[inline]
    pub fn is_dispatching(&self) -> bool {
        self.active.get()
    }

    /// Whether nothing is left that could ever happen: no call, timer, descriptor or
    /// [`KeepAlive`]. Timers that are not due do not count if the clock is [`Flow::Frozen`].
    ///
    /// A registered descriptor counts whether or not it is armed: an edge-triggered hub may report
    /// it either way.
    pub fn is_idle(&self) -> bool {
        self.call_count() == 0
            && self.descriptor_count() == 0
            && self.keep_alive_count() == 0
            && match self.timer_count() {
                0 => true,
                _ if self.clock.flow() != Flow::Frozen => false,
                _ => self.next_deadline() > Some(self.now()),
            }
    }

    /// A guard that keeps the loop from counting as idle, for whoever will wake it from outside.
    pub fn keep_alive(&self) -> KeepAlive {
        self.keep_alive.guard()
    }

    /// How many such guards there are.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::RunLoop;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let guard = run_loop.keep_alive();
    /// assert!(run_loop.keep_alive_count() == 1 && !run_loop.is_idle());
    /// drop(guard);
    /// assert!(run_loop.keep_alive_count() == 0 && run_loop.is_idle());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn keep_alive_count(&self) -> usize {
        self.keep_alive.guards()
    }

    /// Ends the loop's wait, or its next one, from any thread or from a signal handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::RunLoop;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let waker = run_loop.waker();
    /// let other = std::thread::spawn(move || waker.wake());
    /// run_loop.turn(None)?; // Ends by the wake-up.
    /// other.join().unwrap();
    /// assert_eq!(run_loop.counters().wake_ups, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn waker(&self) -> Waker {
        self.keep_alive.waker().clone()
    }

    /// The hub's name.
    pub fn hub_name(&self) -> &'static str {
        self.descriptors.hub_name()
    }

    /// What the hub can do.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::RunLoop;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// assert_eq!(run_loop.hub_name(), "poll");
    /// assert!(run_loop.capabilities().tells_hang_up);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn capabilities(&self) -> Capabilities {
        self.descriptors.capabilities()
    }

    /// What the loop has done so far.
    pub fn counters(&self) -> Counters {
        let cells = &self.counters;
        Counters {
            turns: cells.turns.get(),
            waits: cells.waits.get(),
            polls: cells.polls.get(),
            wake_ups: cells.wake_ups.get(),
            events: cells.events.get(),
            calls: cells.calls.get(),
            timers: cells.timers.get(),
            panics: cells.panics.get(),
        }
    }
}

impl<H: Hub> fmt::Debug for RunLoop<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLoop")
            .field("hub", &self.hub_name())
            .field("calls", &self.call_count())
            .field("timers", &self.timer_count())
            .field("descriptors", &self.descriptor_count())
            .field("phase", &self.phase.get())
            .finish_non_exhaustive()
    }
}
