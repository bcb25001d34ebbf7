//! A call for the run loop to make in its own time, outside of any coroutine, again and again.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use eventlet_hub::Hub;
use eventlet_runloop::Task;

use crate::coroutine::Loop;
use crate::scheduler;

/// A function that the run loop calls when those who are ready have had their turn: for work that is
/// better done once for many, such as sending what several coroutines have put together.
///
/// It takes no allocation to schedule, and runs outside of any coroutine: what would have to wait
/// gives [`ParkError::InCallback`](crate::ParkError::InCallback). A panic in it is contained and
/// reported.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Callback, spawn, yield_now};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let sum = Rc::new(Cell::new(0));
/// let calls = Rc::new(Cell::new(0));
/// let counted = Rc::clone(&calls);
/// let settle = Callback::new(move || counted.set(counted.get() + 1));
/// for n in 1..=10 {
///     let (sum, settle) = (Rc::clone(&sum), settle.clone());
///     spawn(move || {
///         sum.set(sum.get() + n);
///         settle.schedule();
///     });
/// }
/// yield_now();
/// yield_now();
/// assert_eq!((sum.get(), calls.get()), (55, 1));
/// ```
#[derive(Clone)]
pub struct Callback {
    call: Rc<Call<dyn Fn()>>,
    task: Rc<dyn Task<Box<dyn Hub>>>,
}

struct Call<F: ?Sized> {
    is_queued: Cell<bool>,
    f: F,
}

impl Callback {
    /// A callback that is not scheduled.
    pub fn new(f: impl Fn() + 'static) -> Self {
        let call = Rc::new(Call {
            is_queued: Cell::new(false),
            f,
        });
        Callback {
            task: Rc::clone(&call) as _,
            call,
        }
    }

    /// Has it called once, behind all that is ready now. Says whether that is new: until it is
    /// called, scheduling it again does nothing.
    ///
    /// # Panics
    ///
    /// If the thread has no run loop and none can be made.
    pub fn schedule(&self) -> bool {
        if self.call.is_queued.replace(true) {
            return false;
        }
        scheduler::with(|scheduler| scheduler.run_loop.enqueue(Rc::clone(&self.task)));
        true
    }
}

impl<F: Fn() + 'static> Task<Box<dyn Hub>> for Call<F> {
    fn run(self: Rc<Self>, _: &Loop) {
        // Before the call, which may schedule itself again.
        self.is_queued.set(false);
        (self.f)();
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("is_queued", &self.call.is_queued.get())
            .finish()
    }
}
