//! Contexts: what follows a coroutine across switches, told whenever its coroutine gets the thread
//! and gives it away.
//!
//! For state that belongs to the thread but should seem to belong to the coroutine: a language, a
//! user, where output goes, what a profiler counts for. Values that only the coroutine itself looks
//! up are better kept in a [`green_local!`](crate::green_local).
//!
//! The order is the original's, for two contexts over one switch:
//!
//! ```text
//!  register c1   register c2   │ others run │              │ the end
//!  c1 in         c2 in         │            │              │
//!                  c2 out c1 out            c1 in c2 in      c2 out c2 fin c1 out c1 fin
//! ```
//!
//! * [`swap_in`](Context::swap_in) and [`swap_out`](Context::swap_out) alternate strictly, beginning
//!   with the first; after [`finalize`](Context::finalize) nothing is called any more.
//! * The hooks run on the coroutine's own stack, so that they see its id and its local values. They
//!   must be short: they run at every switch. They cannot wait ([`ParkError::InContext`]), are not
//!   interrupted by a kill, and cannot register or unregister.
//! * A kill or an expired timeout is raised after `swap_in`: destructors run within the contexts.
//! * A context of which a hook panics is taken off, without further calls, and that is reported on
//!   standard error; the coroutine goes on.
//! * The root stack is a coroutine here as everywhere (the original refused contexts there). Its
//!   contexts end when the thread does, before the other coroutines are unwound.
//!
//! A coroutine without contexts pays nothing: one look at a pointer per switch.
//!
//! [`ParkError::InContext`]: crate::ParkError::InContext

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::coroutine::Coroutine;
use crate::scheduler;

/// What is told of the switches of a coroutine. Each hook does nothing unless it is defined.
///
/// # Examples
///
/// A value of the thread that seems to be the coroutine's own:
///
/// ```
/// use eventlet_green::context::{self, Context};
/// use eventlet_green::{spawn, yield_now};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// thread_local!(static USER: Cell<&'static str> = const { Cell::new("nobody") });
///
/// struct User(&'static str);
///
/// impl Context for User {
///     fn swap_in(&self) {
///         USER.set(self.0);
///     }
///
///     fn swap_out(&self) {
///         USER.set("nobody");
///     }
/// }
///
/// let work = |name| {
///     move || {
///         context::register(Rc::new(User(name))).unwrap();
///         yield_now();
///         USER.get()
///     }
/// };
/// let (first, second) = (spawn(work("ann")), spawn(work("bob")));
/// assert_eq!(first.join().unwrap(), "ann");
/// assert_eq!(second.join().unwrap(), "bob");
/// assert_eq!(USER.get(), "nobody");
/// ```
pub trait Context: 'static {
    /// The coroutine gets the thread, or the context has just been registered.
    fn swap_in(&self) {}

    /// The coroutine gives the thread away, or the context is about to be taken off.
    fn swap_out(&self) {}

    /// The context is taken off: it was unregistered, or the coroutine has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::context::{self, Context};
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    ///
    /// struct Counting(Cell<u32>);
    ///
    /// impl Context for Counting {
    ///     fn finalize(&self) {
    ///         self.0.set(self.0.get() + 1);
    ///     }
    /// }
    ///
    /// let counting = Rc::new(Counting(Cell::new(0)));
    /// context::within(counting.clone(), || assert_eq!(counting.0.get(), 0))?;
    /// assert_eq!(counting.0.get(), 1, "it is taken off");
    /// # Ok::<(), context::RegisterError>(())
    /// ```
    fn finalize(&self) {}
}

/// Registers a context with the calling coroutine, behind those that are there, and swaps it in.
///
/// It stays until it is [unregistered](unregister) or the coroutine ends, by whichever way. The same
/// value may be registered in several coroutines, since only one runs at a time; it is then
/// finalized once for each.
///
/// # Errors
///
/// * [`RegisterError::Registered`]: this very value is registered in this coroutine.
/// * [`RegisterError::InHook`], [`RegisterError::InCallback`]: the place allows none.
///
/// # Panics
///
/// If no run loop can be made; see [`init`](crate::init).
pub fn register(context: Rc<dyn Context>) -> Result<(), RegisterError> {
    let coroutine = owner()?;
    let contexts = coroutine.contexts.get_or_init(Box::default);
    if contexts.position(&context).is_some() {
        return Err(RegisterError::Registered);
    }
    contexts.list.borrow_mut().push(Rc::clone(&context));
    contexts.call(&coroutine, contexts.len() - 1, |context| context.swap_in());
    Ok(())
}

/// Takes a context off the calling coroutine: swaps it out and finalizes it. Says whether it was
/// registered; if not, nothing is called.
///
/// # Errors
///
/// [`RegisterError::InHook`], [`RegisterError::InCallback`]: the place allows it not.
///
/// # Panics
///
/// As for [`register`].
///
/// # Examples
///
/// ```
/// use eventlet_green::context::{self, Context};
/// use std::rc::Rc;
///
/// struct Quiet;
/// impl Context for Quiet {}
///
/// let quiet: Rc<dyn Context> = Rc::new(Quiet);
/// context::register(quiet.clone())?;
/// assert!(context::unregister(&quiet)?);
/// assert!(!context::unregister(&quiet)?);
/// # Ok::<(), context::RegisterError>(())
/// ```
pub fn unregister(context: &Rc<dyn Context>) -> Result<bool, RegisterError> {
    let coroutine = owner()?;
    let found = coroutine
        .contexts
        .get()
        .and_then(|contexts| Some((contexts, contexts.position(context)?)));
    if let Some((contexts, index)) = found {
        contexts.end(&coroutine, index);
    }
    Ok(found.is_some())
}

/// Calls `f` with a context registered, and takes it off on every way out.
///
/// # Errors
///
/// As for [`register`]; `f` is then not called.
///
/// # Panics
///
/// When `f` does; the panic goes on.
///
/// # Examples
///
/// ```
/// use eventlet_green::context::{self, Context};
/// use std::rc::Rc;
///
/// struct Quiet;
/// impl Context for Quiet {}
///
/// assert_eq!(context::within(Rc::new(Quiet), || 7)?, 7);
/// # Ok::<(), context::RegisterError>(())
/// ```
pub fn within<T>(context: Rc<dyn Context>, f: impl FnOnce() -> T) -> Result<T, RegisterError> {
    struct Entered(Rc<dyn Context>);

    impl Drop for Entered {
        fn drop(&mut self) {
            // Where registering was possible, this is: a call never spans hooks or coroutines.
            let _ = unregister(&self.0);
        }
    }

    register(Rc::clone(&context))?;
    let _taken_off_at_the_end = Entered(context);
    Ok(f())
}

/// Why a context was not registered, or not looked for.
///
/// # Examples
///
/// ```
/// use eventlet_green::context::{self, Context, RegisterError};
/// use std::rc::Rc;
///
/// struct Nothing;
///
/// impl Context for Nothing {}
///
/// let context: Rc<dyn Context> = Rc::new(Nothing);
/// context::register(Rc::clone(&context))?;
/// assert_eq!(context::register(Rc::clone(&context)), Err(RegisterError::Registered));
/// assert!(context::unregister(&context)?);
/// # Ok::<(), RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// It is registered in this coroutine already.
    Registered,
    /// The caller is a hook of a context.
    InHook,
    /// The caller is a callback of the run loop, which is no coroutine.
    InCallback,
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RegisterError::Registered => "the context is registered in this coroutine already",
            RegisterError::InHook => "a hook of a context can neither register nor unregister one",
            RegisterError::InCallback => {
                "a callback of the run loop is no coroutine, and has no contexts"
            }
        })
    }
}

impl std::error::Error for RegisterError {}

/// The caller's coroutine.
fn owner() -> Result<Rc<Coroutine>, RegisterError> {
    let current = scheduler::with(|scheduler| scheduler.current());
    let coroutine = current.ok_or(RegisterError::InCallback)?;
    if coroutine.is_in_hook() {
        return Err(RegisterError::InHook);
    }
    Ok(coroutine)
}

/// The contexts of one coroutine, as they were registered. While a hook runs the list cannot change,
/// but for its own entry.
#[derive(Default)]
pub(crate) struct Contexts {
    list: RefCell<Vec<Rc<dyn Context>>>,
}

impl Contexts {
    fn len(&self) -> usize {
        self.list.borrow().len()
    }

    fn position(&self, context: &Rc<dyn Context>) -> Option<usize> {
        let list = self.list.borrow();
        list.iter().position(|entry| Rc::ptr_eq(entry, context))
    }

    /// Gives the thread away by `leave`, with the contexts swapped out meanwhile.
    #[cold]
    pub(crate) fn away<R>(&self, coroutine: &Coroutine, leave: impl FnOnce() -> R) -> R {
        for index in (0..self.len()).rev() {
            self.call(coroutine, index, |context| context.swap_out());
        }
        let outcome = leave();
        let mut index = 0;
        while index < self.len() {
            if self.call(coroutine, index, |context| context.swap_in()) == Called::Returned {
                index += 1;
            }
        }
        outcome
    }

    /// Ends all of them, the last one first.
    pub(crate) fn end_all(&self, coroutine: &Coroutine) {
        while let Some(last) = self.len().checked_sub(1) {
            self.end(coroutine, last);
        }
    }

    fn end(&self, coroutine: &Coroutine, index: usize) {
        let called = self.call(coroutine, index, |context| {
            context.swap_out();
            context.finalize();
        });
        if called == Called::Returned {
            self.remove(coroutine, index);
        }
    }

    /// Calls a hook with nothing borrowed. A context that panics is taken off.
    fn call(&self, coroutine: &Coroutine, index: usize, hook: impl FnOnce(&dyn Context)) -> Called {
        let context = Rc::clone(&self.list.borrow()[index]);
        let called = guarded(coroutine, "a context", || hook(&*context));
        drop(context);
        if called == Called::Panicked {
            self.remove(coroutine, index);
        }
        called
    }

    fn remove(&self, coroutine: &Coroutine, index: usize) {
        let context = self.list.borrow_mut().remove(index);
        // Its destructor is the program's code, too.
        guarded(coroutine, "a context", || drop(context));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    Returned,
    Panicked,
}

/// Calls what belongs to the program in the middle of a switch, and can neither wait nor be
/// interrupted meanwhile. Reports a panic of it.
pub(crate) fn guarded(coroutine: &Coroutine, whose: &str, f: impl FnOnce()) -> Called {
    coroutine.begin_hook();
    let outcome = catch_unwind(AssertUnwindSafe(f));
    coroutine.end_hook();
    match outcome {
        Ok(()) => Called::Returned,
        Err(payload) => {
            eprintln!(
                "eventlet: {whose} of {} panicked in the middle of a switch",
                coroutine.label()
            );
            drop(payload);
            Called::Panicked
        }
    }
}
