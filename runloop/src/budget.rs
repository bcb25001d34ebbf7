//! How much a turn does of each kind before the others get their chance, and what has been done.

/// The most that one turn does of each kind, so that nobody starves.
///
/// What exceeds a budget keeps its place and is done in the next turn.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::Budget;
///
/// let budget = Budget::new().with_calls(64);
/// assert_eq!(budget.calls(), 64);
/// assert_eq!(budget.timers(), Budget::DEFAULT_TIMERS);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    calls: usize,
    timers: usize,
    events: usize,
}

impl Budget {
    /// Ready calls per turn. While calls are left, each turn looks once at the hub without waiting,
    /// which costs some hundred nanoseconds (600 measured with poll(2)): spread over 256 calls, one
    /// to three a call, and yet descriptors are looked at every few microseconds.
    pub const DEFAULT_CALLS: usize = 256;
    /// Timers per turn: as many as events, since each may wake somebody just the same.
    pub const DEFAULT_TIMERS: usize = 1024;
    /// Events per turn: a batch of the hub's.
    pub const DEFAULT_EVENTS: usize = eventlet_hub::Events::DEFAULT_CAPACITY;

    /// The defaults.
    pub const fn new() -> Self {
        Budget {
            calls: Self::DEFAULT_CALLS,
            timers: Self::DEFAULT_TIMERS,
            events: Self::DEFAULT_EVENTS,
        }
    }

    /// Ready calls per turn, those included that are queued meanwhile. Default
    /// [`DEFAULT_CALLS`](Self::DEFAULT_CALLS); more spares looks at the hub, fewer gives
    /// descriptors and timers their turn sooner where calls take long.
    ///
    /// # Panics
    ///
    /// If `calls` is zero: none would ever run.
    pub const fn with_calls(mut self, calls: usize) -> Self {
        assert!(calls > 0, "a turn runs at least one call");
        self.calls = calls;
        self
    }

    /// Timers per turn. Default [`DEFAULT_TIMERS`](Self::DEFAULT_TIMERS).
    ///
    /// # Panics
    ///
    /// If `timers` is zero or 2³¹ and more.
    pub const fn with_timers(mut self, timers: usize) -> Self {
        assert!(
            timers > 0 && timers <= i32::MAX as usize,
            "a turn expires at least one timer, and fewer than 2^31"
        );
        self.timers = timers;
        self
    }

    /// Events per wait. Default [`DEFAULT_EVENTS`](Self::DEFAULT_EVENTS).
    ///
    /// # Panics
    ///
    /// If `events` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{Budget, RunLoop};
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let budget = Budget::new().with_timers(16).with_events(32);
    /// assert_eq!((budget.timers(), budget.events()), (16, 32));
    /// run_loop.set_budget(budget);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn with_events(mut self, events: usize) -> Self {
        assert!(events > 0, "a wait reports at least one event");
        self.events = events;
        self
    }

    /// Ready calls per turn.
    pub const fn calls(&self) -> usize {
        self.calls
    }

    /// Timers per turn.
    pub const fn timers(&self) -> usize {
        self.timers
    }

    /// Events per wait.
    pub const fn events(&self) -> usize {
        self.events
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

/// What a loop has done so far.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Counters, RunLoop};
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// let before: Counters = run_loop.counters();
/// run_loop.call_soon(|run_loop| run_loop.call_soon(|_| {}));
/// run_loop.run()?;
/// let after = run_loop.counters();
/// assert_eq!((after.calls - before.calls, after.waits), (2, 0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Turns begun. A turn that was left and taken up again counts once.
    pub turns: u64,
    /// Waits for the hub that were allowed to block.
    pub waits: u64,
    /// Looks at the hub without waiting.
    pub polls: u64,
    /// Waits and looks that were ended by a waker.
    pub wake_ups: u64,
    /// Events handed to descriptors.
    pub events: u64,
    /// Ready calls run.
    pub calls: u64,
    /// Timers expired.
    pub timers: u64,
    /// Callbacks that panicked.
    pub panics: u64,
}
