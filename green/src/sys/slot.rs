//! The thread's pointer to its scheduler: made on first use, gone with the thread.
//!
//! Two thread-locals, because neither does alone. The pointer has no destructor, so reading it is
//! one instruction, and it can still be read while the thread's other thread-locals are being
//! destroyed, which is when the last coroutines are unwound. The owner has a destructor, which
//! does that unwinding and then frees the scheduler.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;

use crate::scheduler::Scheduler;

thread_local! {
    static CURRENT: Cell<*const Scheduler> = const { Cell::new(ptr::null()) };
    static OWNER: RefCell<Option<Owner>> = const { RefCell::new(None) };
}

struct Owner(Rc<Scheduler>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.shut_down();
        CURRENT.set(ptr::null());
    }
}

/// Why a thread takes no scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupied {
    /// It has one.
    HasOne,
    /// It is ending; its thread-locals are being destroyed.
    ThreadEnding,
}

/// Something to do with what a thread has one of: its scheduler, or the coroutine on its stage. A method
/// and no closure, because a method can be inlined for certain; see [`Stage`](super::stage::Stage).
pub(crate) trait Act<T> {
    type Outcome;

    fn act(self, on: &T) -> Self::Outcome;
}

/// Calls `f` with the thread's scheduler, if it has one.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Scheduler) -> R) -> Option<R> {
    struct Call<F>(F);
    impl<R, F: FnOnce(&Scheduler) -> R> Act<Scheduler> for Call<F> {
        type Outcome = R;

        #[inline]
        fn act(self, scheduler: &Scheduler) -> R {
            (self.0)(scheduler)
        }
    }
    act(Call(f))
}

/// The same for an [`Act`].
#[inline(always)]
pub(crate) fn act<A: Act<Scheduler>>(act: A) -> Option<A::Outcome> {
    let scheduler = CURRENT.get();
    if scheduler.is_null() {
        return None;
    }
    // SAFETY: the pointer is set to what the owner holds by `install` and cleared before that is
    // freed, on the same thread. The owner is dropped only when the thread (or, in `end`, the root's
    // own code) ends, on the root stack, after `shut_down` has ended every coroutine; so no call of this function is still
    // under way then: one on a coroutine's stack was unwound (or will never be resumed), and one
    // on the thread's own stack has returned.
    Some(act.act(unsafe { &*scheduler }))
}

/// Makes `scheduler` the thread's own, unless the thread takes none.
pub(crate) fn install(scheduler: Rc<Scheduler>) -> Result<(), Occupied> {
    let outcome = OWNER.try_with(|owner| {
        let mut owner = owner.borrow_mut();
        if owner.is_some() {
            return Err(Occupied::HasOne);
        }
        CURRENT.set(Rc::as_ptr(&scheduler));
        *owner = Some(Owner(scheduler));
        Ok(())
    });
    outcome.unwrap_or(Err(Occupied::ThreadEnding))
}

/// Ends the thread's scheduler before the thread ends, as the end of the thread would. To be called on
/// the root stack, when its own code has returned.
#[cfg(feature = "engine-may")]
pub(crate) fn end() {
    let owner = OWNER.with(|owner| owner.borrow_mut().take());
    drop(owner);
}

/// Whether the thread has a scheduler.
#[inline]
pub(crate) fn is_installed() -> bool {
    !CURRENT.get().is_null()
}
