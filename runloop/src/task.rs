//! What the loop calls: ready calls and timers.
//!
//! Descriptors are in `descriptor.rs`, observers in `observers.rs`.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use eventlet_hub::Hub;

use crate::{RunLoop, TimerId};

/// A ready call or a timer that costs no allocation per use.
///
/// # Examples
///
/// ```
/// use eventlet_hub::Hub;
/// use eventlet_runloop::{RunLoop, Task};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// struct Step(Cell<u32>);
///
/// impl<H: Hub + 'static> Task<H> for Step {
///     fn run(self: Rc<Self>, run_loop: &RunLoop<H>) {
///         self.0.set(self.0.get() + 1);
///         if self.0.get() < 1000 {
///             run_loop.enqueue(self);
///         }
///     }
/// }
/// # let hub = eventlet_hub_poll::PollHub::new()?;
/// let run_loop = RunLoop::new(hub);
/// let step = Rc::new(Step(Cell::new(0)));
/// run_loop.enqueue(step.clone());
/// run_loop.run()?;
/// assert_eq!(step.0.get(), 1000);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_hub::Hub;
/// use eventlet_runloop::{RunLoop, Task, TimerId};
/// use std::{fmt, rc::Rc, time::Duration};
///
/// struct Tick;
///
/// impl<H: Hub + 'static> Task<H> for Tick {
///     fn run(self: Rc<Self>, _: &RunLoop<H>) {}
///
///     fn expired(self: Rc<Self>, run_loop: &RunLoop<H>, _: TimerId) {
///         run_loop.enqueue(self); // Both ways of being called may differ.
///     }
///
///     fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("a tick")
///     }
/// }
/// struct Shown<H: Hub>(Rc<dyn Task<H>>);
///
/// impl<H: Hub + 'static> fmt::Display for Shown<H> {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         self.0.describe(f)
///     }
/// }
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// run_loop.arm_timer(run_loop.now() + Duration::from_millis(1), Rc::new(Tick));
/// let (_deadline, task) = run_loop.timers().remove(0);
/// assert_eq!(Shown(task).to_string(), "a tick");
/// run_loop.run()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Task<H: Hub>: 'static {
    /// Called as a ready call.
    fn run(self: Rc<Self>, run_loop: &RunLoop<H>);

    /// Called when a timer expires. By default as a ready call.
    fn expired(self: Rc<Self>, run_loop: &RunLoop<H>, timer: TimerId) {
        let _ = timer;
        self.run(run_loop);
    }

    /// What it is, for reports of what is pending ([`RunLoop::timers`]). By default "a call".
    ///
    /// # Errors
    ///
    /// What the formatter gives.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a call")
    }
}

/// A closure as a task.
pub(crate) struct Once<F>(Cell<Option<F>>);

impl<F> Once<F> {
    pub(crate) fn new(f: F) -> Rc<Self> {
        Rc::new(Once(Cell::new(Some(f))))
    }
}

impl<H: Hub, F: FnOnce(&RunLoop<H>) + 'static> Task<H> for Once<F> {
    fn run(self: Rc<Self>, run_loop: &RunLoop<H>) {
        if let Some(f) = self.0.take() {
            f(run_loop);
        }
    }
}
