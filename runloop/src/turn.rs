//! One turn, and turns one after another. The crate's first page has the diagram.
//!
//! Each phase that calls the program is one `catch_unwind` around a loop, entered again after a
//! panic: containing panics costs nothing per call. No table is borrowed while the program's code
//! runs.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Event, Hub};

use crate::report::Contained;
use crate::wait::Waiting;
use crate::{Activity, Culprit, ObserverId, RunLoop, Task};

/// Where a turn is. It is taken up there after it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Start,
    Timers,
    Calls,
    Hub,
    Events,
}

/// What a callback asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    No,
    Leave,
    Abort,
}

/// How a turn ended.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{RunLoop, Turned};
/// use std::time::Duration;
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// run_loop.call_soon(|run_loop| run_loop.leave_turn());
/// run_loop.call_soon(|_| {});
/// assert_eq!(run_loop.turn(Some(Duration::ZERO))?, Turned::Left);
/// assert_eq!(run_loop.call_count(), 1, "what was queued stays so");
/// assert_eq!(run_loop.turn(Some(Duration::ZERO))?, Turned::Complete);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It went to its end.
    Complete,
    /// A callback [left](RunLoop::leave_turn) it; the next turn takes it up where it was.
    Left,
    /// A callback [aborted](RunLoop::abort) it; likewise.
    Aborted,
}

/// How a run ended.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{Ended, RunLoop};
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// run_loop.call_soon(|run_loop| run_loop.abort());
/// run_loop.call_soon(|_| {});
/// assert_eq!(run_loop.run()?, Ended::Aborted);
/// assert_eq!(run_loop.run()?, Ended::Idle); // The second call has run now.
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A callback [aborted](RunLoop::abort) it.
    Aborted,
    /// Nothing is left that could ever happen; see [`RunLoop::is_idle`].
    Idle,
}

/// Lowers a flag, whatever happens.
struct Active<'a>(&'a Cell<bool>);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Stopping.
impl<H: Hub> RunLoop<H> {
    /// Ends the current run, or a turn outside of a run, after the current callback. Nothing is
    /// lost: what was due or queued is done by the next run. Without a run or turn under way this
    /// does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{Ended, RunLoop};
    /// use std::time::Duration;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// run_loop.call_after(Duration::from_secs(3600), |_| {});
    /// run_loop.call_soon(|run_loop| run_loop.abort());
    /// assert_eq!(run_loop.run()?, Ended::Aborted); // An hour early.
    /// assert_eq!(run_loop.timer_count(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn abort(&self) {
        if self.active.get() {
            self.stop.set(Stop::Abort);
        }
    }

    /// Ends the current turn after the current callback, without waiting. Calls stay queued in
    /// order; the next turn goes on where this one was. Outside of a callback this does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::RunLoop;
    /// use std::time::Duration;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// for _ in 0..3 {
    ///     run_loop.call_soon(|run_loop| run_loop.leave_turn());
    /// }
    /// run_loop.turn(Some(Duration::ZERO))?;
    /// assert_eq!(run_loop.call_count(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn leave_turn(&self) {
        if self.active.get() && self.stop.get() == Stop::No {
            self.stop.set(Stop::Leave);
        }
    }
}

/// Running.
impl<H: Hub + 'static> RunLoop<H> {
    /// One turn: due timers, ready calls, and, if nothing is ready, a wait of at most `patience`
    /// (`None`: as long as it takes), then what became ready is dispatched. Without `entry` and
    /// `exit`, which frame a [`run`](Self::run).
    ///
    /// The wait ends with the first event, the next deadline (now and then that of a timer that has
    /// been cancelled since), or a [wake-up](Self::waker). If
    /// nothing is left that could ever happen, `None` waits all the same: look at
    /// [`is_idle`](Self::is_idle) first.
    ///
    /// A turn that was [left](Self::leave_turn) is taken up where it was, with what is left of its
    /// budget, so that leaving often neither starves anybody nor costs a look at the hub each time.
    ///
    /// # Errors
    ///
    /// * `ResourceBusy`: called from within a callback of this loop.
    /// * As for [`Hub::wait`]. Everything is as before the wait, and the loop can be used further.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{RunLoop, Turned};
    /// use std::io::ErrorKind;
    /// use std::time::Duration;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// run_loop.call_soon(|run_loop| {
    ///     assert!(run_loop.is_dispatching());
    ///     let error = run_loop.turn(None).unwrap_err();
    ///     assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    /// });
    /// run_loop.turn(Some(Duration::ZERO))?;
    /// assert!(run_loop.is_idle() && !run_loop.is_dispatching());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn turn(&self, patience: Option<Duration>) -> io::Result<Turned> {
        let _active = self.activate()?;
        self.take_turn(Waiting::AtMost(patience))
    }

    /// One turn that waits as long as it takes, unless that would be for ever: before it waits without a
    /// timer pending, it asks whether the wait is hopeless. If so, the turn is
    /// [left](Self::leave_turn). For who knows better than the loop what could still happen.
    ///
    /// # Errors
    ///
    /// As for [`turn`](Self::turn).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{RunLoop, Turned};
    /// use std::time::Duration;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// run_loop.call_after(Duration::from_millis(1), |_| {});
    /// assert_eq!(run_loop.turn_unless(&|| true)?, Turned::Complete); // It waits for the timer.
    /// assert_eq!(run_loop.turn_unless(&|| true)?, Turned::Left);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn turn_unless(&self, is_hopeless: &dyn Fn() -> bool) -> io::Result<Turned> {
        let _active = self.activate()?;
        self.take_turn(Waiting::Unless(is_hopeless))
    }

    /// Takes turns until a callback [aborts](Self::abort) or nothing is left that could ever
    /// happen. Observers are told of `entry` and `exit`, also when the run fails.
    ///
    /// # Errors
    ///
    /// As for [`turn`](Self::turn).
    pub fn run(&self) -> io::Result<Ended> {
        let _active = self.activate()?;
        self.observe(Activity::Entry);
        let outcome = self.take_turns();
        self.observe(Activity::Exit);
        self.stop.set(Stop::No);
        outcome
    }

    fn activate(&self) -> io::Result<Active<'_>> {
        if self.active.replace(true) {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "the run loop is turning already; a callback cannot turn it again",
            ));
        }
        self.stop.set(Stop::No);
        Ok(Active(&self.active))
    }

    fn take_turns(&self) -> io::Result<Ended> {
        loop {
            // Asked for by an observer of `entry`, or in the turn below.
            if self.stop.replace(Stop::No) == Stop::Abort {
                return Ok(Ended::Aborted);
            }
            if self.is_idle() {
                return Ok(Ended::Idle);
            }
            if self.take_turn(Waiting::UnlessIdle)? == Turned::Aborted {
                return Ok(Ended::Aborted);
            }
        }
    }

    fn take_turn(&self, waiting: Waiting<'_>) -> io::Result<Turned> {
        loop {
            match self.phase.get() {
                Phase::Start => {
                    self.begin();
                    self.phase.set(Phase::Timers);
                }
                Phase::Timers => {
                    if self.expire_timers() == Done::All {
                        let calls = self.budget.get().calls() as u64;
                        self.calls_limit.set(self.counters.calls.get() + calls);
                        self.phase.set(Phase::Calls);
                    }
                }
                Phase::Calls => {
                    if self.run_calls() == Done::All {
                        self.phase.set(Phase::Hub);
                    }
                }
                Phase::Hub => {
                    // After a failed wait the calls get a new budget, so that they are not held up.
                    self.phase.set(Phase::Start);
                    self.wait(waiting)?;
                    self.phase.set(Phase::Events);
                }
                Phase::Events => {
                    if self.dispatch() == Done::All {
                        self.phase.set(Phase::Start);
                    }
                }
            }
            match self.stop.get() {
                Stop::Leave => return Ok(Turned::Left),
                Stop::Abort => return Ok(Turned::Aborted),
                Stop::No if self.phase.get() == Phase::Start => return Ok(Turned::Complete),
                Stop::No => {}
            }
        }
    }

    fn begin(&self) {
        increment(&self.counters.turns);
        self.turn_time.set(None);
        self.observe(Activity::BeforeTimers);
        // Without timers nobody asks for the time.
        if !self.timers.borrow().is_empty() {
            let now = self.look_at_clock();
            let limit = self.budget.get().timers();
            self.timers.borrow_mut().collect_due(now, limit);
        }
    }

    fn expire_timers(&self) -> Done {
        let current = Cell::new(None);
        let pass = || {
            while self.stop.get() == Stop::No {
                let next = self.timers.borrow_mut().next_due();
                let Some((timer, task)) = next else {
                    return Done::All;
                };
                current.set(Some(timer));
                increment(&self.counters.timers);
                task.expired(self, timer);
            }
            Done::Some
        };
        loop {
            match catch_unwind(AssertUnwindSafe(pass)) {
                Ok(done) => return done,
                Err(payload) => {
                    self.report(current.get().map_or(Culprit::Call, Culprit::Timer), payload);
                }
            }
        }
    }

    fn run_calls(&self) -> Done {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.drain_calls())) {
                Ok(done) => return done,
                Err(payload) => self.report(Culprit::Call, payload),
            }
            if self.stop.get() != Stop::No {
                return Done::Some;
            }
        }
    }

    /// The innermost loop: a call costs a pop, a counter and a look at a flag.
    fn drain_calls(&self) -> Done {
        if self.dice.borrow().is_some() {
            return self.drain_calls_shuffled();
        }
        let limit = self.calls_limit.get();
        let count = &self.counters.calls;
        while count.get() < limit {
            let next = self.calls.borrow_mut().pop_front();
            let Some(task) = next else { break };
            count.set(count.get() + 1);
            task.run(self);
            if self.stop.get() != Stop::No {
                return Done::Some;
            }
        }
        Done::All
    }

    /// The same by the dice, kept apart so that the other costs nothing more.
    #[cold]
    #[inline(never)]
    fn drain_calls_shuffled(&self) -> Done {
        let limit = self.calls_limit.get();
        let count = &self.counters.calls;
        while count.get() < limit {
            let next = self.take_any_call();
            let Some(task) = next else { break };
            count.set(count.get() + 1);
            task.run(self);
            if self.stop.get() != Stop::No {
                return Done::Some;
            }
        }
        Done::All
    }

    fn take_any_call(&self) -> Option<Rc<dyn Task<H>>> {
        let mut calls = self.calls.borrow_mut();
        let mut dice = self.dice.borrow_mut();
        match (dice.as_mut(), calls.len()) {
            (_, 0) => None,
            // A call has set the order back.
            (None, _) => calls.pop_front(),
            (Some(dice), some) => calls.swap_remove_front(dice.roll(some)),
        }
    }

    fn dispatch(&self) -> Done {
        let current = Cell::new(None);
        let pass = || {
            loop {
                let taken = self.events_taken.get();
                let next = self.events.borrow().iter().as_slice().get(taken).copied();
                let Some(Event { token, readiness }) = next else {
                    return Done::All;
                };
                if self.stop.get() != Stop::No {
                    return Done::Some;
                }
                self.events_taken.set(taken + 1);
                // Nobody: it was deregistered after it had been reported.
                if let Some(tenant) = self.descriptors.tenant(token) {
                    current.set(Some(token));
                    increment(&self.counters.events);
                    tenant.tell(self, token, readiness);
                }
            }
        };
        loop {
            match catch_unwind(AssertUnwindSafe(pass)) {
                Ok(done) => return done,
                Err(payload) => {
                    let Some(token) = current.get() else { continue };
                    self.report(Culprit::Descriptor(token), payload);
                    // It may have deregistered itself before it panicked.
                    self.contain(Culprit::Descriptor(token), || {
                        let _ = self.deregister(token);
                    });
                }
            }
        }
    }

    #[inline]
    pub(crate) fn observe(&self, activity: Activity) -> Observed {
        if !self.observers.any(activity) {
            return Observed::Nobody;
        }
        self.call_observers(activity);
        Observed::Called
    }

    #[cold]
    fn call_observers(&self, activity: Activity) {
        let last = self.observers.latest();
        let mut previous = ObserverId(0);
        while let Some((id, observer)) = self.observers.next(activity, previous, last) {
            previous = id;
            let culprit = Culprit::Observer(id, activity);
            let call = move || observer.observe(self, activity);
            if self.contain(culprit, call) == Contained::Panicked {
                self.contain(culprit, || {
                    self.observers.remove(id);
                });
            }
        }
    }
}

/// Whether a phase did all there was to do, or was stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    All,
    Some,
}

/// Whether somebody was told of an activity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observed {
    Nobody,
    Called,
}

#[inline]
pub(crate) fn increment(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
