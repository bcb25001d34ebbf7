//! What a program asks of the loop that has to do with time: timers, and what time it is.
//!
//! How timers are kept is in `timers.rs`; where the time comes from, in `clock.rs`.

use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Hub;

use crate::task::Once;
use crate::{RunLoop, Task, Time, TimerId};

/// Timers.
impl<H: Hub> RunLoop<H> {
    /// Calls `f` once, `delay` from now: never early, and as soon after as the loop gets to it.
    ///
    /// A timer that is armed while timers expire waits for the next turn, however short its delay.
    ///
    /// # Panics
    ///
    /// If 2³¹ timers are pending.
    pub fn call_after(&self, delay: Duration, f: impl FnOnce(&RunLoop<H>) + 'static) -> TimerId {
        self.arm_timer(self.now() + delay, Once::new(f))
    }

    /// Calls `f` once, at `deadline`; at once if that has passed.
    ///
    /// # Panics
    ///
    /// As for [`call_after`](Self::call_after).
    pub fn call_at(&self, deadline: Time, f: impl FnOnce(&RunLoop<H>) + 'static) -> TimerId {
        self.arm_timer(deadline, Once::new(f))
    }

    /// Like [`call_at`](Self::call_at) for a task ([`Task::expired`]), which costs no allocation.
    ///
    /// # Panics
    ///
    /// As for [`call_after`](Self::call_after).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::Hub;
    /// use eventlet_runloop::{RunLoop, Task};
    /// use std::{cell::Cell, rc::Rc, time::Duration};
    ///
    /// struct Beat(Cell<u32>);
    ///
    /// impl<H: Hub + 'static> Task<H> for Beat {
    ///     fn run(self: Rc<Self>, run_loop: &RunLoop<H>) {
    ///         self.0.set(self.0.get() + 1);
    ///         if self.0.get() < 3 {
    ///             run_loop.arm_timer(run_loop.now() + Duration::from_millis(1), self);
    ///         }
    ///     }
    /// }
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let beat = Rc::new(Beat(Cell::new(0)));
    /// run_loop.arm_timer(run_loop.now(), beat.clone());
    /// run_loop.run()?;
    /// assert_eq!(beat.0.get(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn arm_timer(&self, deadline: Time, task: Rc<dyn Task<H>>) -> TimerId {
        self.timers.borrow_mut().arm(deadline, task)
    }

    /// Removes a timer, and what it would have called, at once. Whether it was still pending.
    pub fn cancel_timer(&self, timer: TimerId) -> bool {
        let cancelled = self.timers.borrow_mut().cancel(timer);
        // Dropped here, with nothing borrowed.
        cancelled.is_some()
    }

    /// The time on the loop's clock, read now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The time of the current turn: when the loop looked for timers that were due. If there were none,
    /// or the wait for the hub has been since, it is when this was first asked for. So the clock is read
    /// once for all the calls of a turn, however many ask, and once for all its events: for who would
    /// rather have it cheap than exact.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::{ManualClock, RunLoop};
    /// use std::time::Duration;
    ///
    /// let (hub, clock) = (eventlet_hub_poll::PollHub::new()?, ManualClock::new());
    /// let run_loop = RunLoop::with_clock(hub, clock.clone());
    /// run_loop.call_soon(move |run_loop| {
    ///     let before = run_loop.turn_time();
    ///     clock.advance(Duration::from_secs(1));
    ///     assert_eq!(run_loop.turn_time(), before);
    ///     run_loop.call_soon(move |_| {});
    /// });
    /// run_loop.turn(Some(Duration::ZERO))?;
    /// run_loop.turn(Some(Duration::ZERO))?;
    /// assert_eq!(run_loop.turn_time(), run_loop.now());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn turn_time(&self) -> Time {
        match self.turn_time.get() {
            Some(time) => time,
            None => self.look_at_clock(),
        }
    }

    #[cold]
    pub(crate) fn look_at_clock(&self) -> Time {
        let now = self.clock.now();
        self.turn_time.set(Some(now));
        now
    }

    /// When the next timer is due.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::RunLoop;
    /// use std::time::Duration;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// assert_eq!(run_loop.next_deadline(), None);
    /// let soon = run_loop.now() + Duration::from_secs(1);
    /// run_loop.call_at(soon + Duration::from_secs(1), |_| {});
    /// let first = run_loop.call_at(soon, |_| {});
    /// assert_eq!(run_loop.next_deadline(), Some(soon));
    /// run_loop.cancel_timer(first);
    /// assert_eq!(run_loop.timer_count(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn next_deadline(&self) -> Option<Time> {
        self.timers.borrow_mut().next_deadline()
    }

    /// How many timers are pending.
    pub fn timer_count(&self) -> usize {
        self.timers.borrow().len()
    }

    /// The pending timers, each with its deadline and what it calls, in no particular order: for
    /// reports. [`Task::describe`] says what each is.
    pub fn timers(&self) -> Vec<(Time, Rc<dyn Task<H>>)> {
        self.timers.borrow().iter().collect()
    }
}
