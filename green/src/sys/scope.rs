//! Coroutines that borrow from their caller's stack: the one place where a lifetime is erased.
//!
//! What users see of it (spawning, handles, what becomes of panics) is in [`scope`](mod@crate::scope).
//! Here is what makes it sound, and nothing else.
//!
//! # Why it is sound
//!
//! A coroutine's body must be `'static` for the scheduler, since it keeps the body for as long as
//! the coroutine lives. [`Scope::start`] takes a body that lives for `'scope` and pretends. That is
//! right if nothing of the body exists when `'scope` ends, which is so because of these:
//!
//! 1. **`'scope` does not end before [`enter`] has waited.** A [`Scope`] is made in [`enter`] only,
//!    is invariant in `'scope`, and is used there after the wait; so the `'scope` that the compiler
//!    chooses reaches beyond it. The caller's closure must do for any `'scope`, so no type outside
//!    can name it, and nothing that lives for `'scope` can be stored where it would outlive it.
//! 2. **[`enter`] is left only when every child has ended.** It waits until the set of children is
//!    empty, in a loop that has no other way out: a kill, a time limit, a panic or a refused wait
//!    only changes the way of waiting. Should anything unwind past that, [`AbortOnUnwind`] ends the
//!    process; so does the loop itself when waiting has become impossible.
//! 3. **A child leaves the set only when it has ended**: [`Scheduler`](crate::scheduler::Scheduler)
//!    tells listeners after the engine has reported that the body returned. By then the body with all
//!    that it had captured has been consumed on the child's stack, and the stack is empty. The
//!    result, which may borrow too, is in the packet that the handle shares; a handle's type lives
//!    for `'scope` at the most. Forgetting a handle forgets a result, which is never looked at again.
//! 4. **The set cannot be emptied otherwise.** A child that is never run, or never again, stays in
//!    it. When the thread ends, coroutines that will not unwind are given up for good: they are never
//!    resumed, and neither is the one that waits for them, which stays in the set of its own parent
//!    if it has one; the stacks of all of them stay mapped. The root stack is not within a scope when
//!    its thread ends, or, in `exit`, never goes on.
//! 5. **Nothing is sent to another thread**: a `Scope` is neither `Send` nor `Sync`, nor are
//!    coroutines, so the rules of `'scope` need to hold on one thread only, one coroutine at a time.
//!
//! The wait is never within an unwinding: the closure's panic is caught first, and goes on after it.
//! While it must not be cut short, interrupts of the waiting coroutine are held back.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::process::abort;
use std::rc::Rc;
use std::thread;

use crate::coroutine::{Coroutine, Wait};
use crate::ends::members::Members;
use crate::error::{NeedsUnwinding, ParkError};
use crate::join::report_unjoined;
use crate::scheduler::{self, heritage};

/// How often in a row waiting for killed children may fail before the process is given up.
const MAX_FAILED_WAITS: u32 = 1_000;

/// Spawns coroutines that may borrow whatever outlives the call of [`scope`](crate::scope()).
///
/// `'scope` is the time from the call of the closure to the end of the last coroutine; `'env` is
/// that of what is borrowed. Neither has to be written.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Scope, scope};
///
/// /// Coroutines that spawn more of their kind, borrowing all the while.
/// fn count<'scope>(scope: &'scope Scope<'scope, '_>, words: &'scope [&'scope str]) -> usize {
///     match words {
///         [] => 0,
///         [_, rest @ ..] => 1 + scope.spawn(move || count(scope, rest)).join().unwrap(),
///     }
/// }
///
/// let words = ["to", "be", "or"];
/// assert_eq!(scope(|scope| count(scope, &words)), 3);
/// ```
#[derive(Debug)]
pub struct Scope<'scope, 'env: 'scope> {
    children: Rc<Children>,
    /// Invariant, see the head of the file. Also keeps it from being sent to other threads, as the
    /// `Rc` does.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// What a scope knows of its coroutines.
pub(crate) struct Children {
    members: Rc<Members>,
    /// Why nothing can be spawned here: there would be no waiting for it.
    refusal: Option<ParkError>,
    /// They are to end: nobody wants their results any more.
    given_up: Cell<bool>,
    /// The first panic that nobody can join any more.
    unjoined: RefCell<Option<Unjoined>>,
}

/// What came of a scope.
pub(crate) struct Ended<T> {
    /// What the closure gave, or its panic.
    pub(crate) outcome: thread::Result<T>,
    /// What cut the wait for the children short.
    pub(crate) trouble: Option<Trouble>,
    /// The first panic of a child that nobody joined.
    pub(crate) unjoined: Option<Unjoined>,
}

/// Whose panic, and its payload.
type Unjoined = (Rc<Coroutine>, Box<dyn Any + Send>);

/// Why a wait ended before its time.
pub(crate) enum Trouble {
    /// A kill, or an expired time limit, was raised in the caller.
    Raised(Box<dyn Any + Send>),
    /// The caller could not wait.
    Refused(ParkError),
}

/// Calls `f` with a new scope, and comes back, with a value or by unwinding, only when every coroutine
/// that was spawned in it has ended.
pub(crate) fn enter<'env, F, T>(f: F) -> Ended<T>
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        children: Rc::new(Children::new()),
        scope: PhantomData,
        env: PhantomData,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let only_by_returning = AbortOnUnwind;
    if outcome.is_err() {
        scope.children.give_up();
    }
    let trouble = scope.children.wait();
    assert!(scope.children.members.is_empty());
    mem::forget(only_by_returning);
    Ended {
        outcome,
        trouble,
        unjoined: scope.children.unjoined.take(),
    }
}

impl<'scope> Scope<'scope, '_> {
    pub(crate) fn children(&self) -> &Rc<Children> {
        &self.children
    }

    /// Makes a coroutine of a body that borrows, and queues it.
    ///
    /// # Errors
    ///
    /// As for [`Builder::spawn`](crate::Builder::spawn), and if the scope could not wait for it.
    pub(crate) fn start(
        &'scope self,
        name: Option<Box<str>>,
        stack_size: Option<usize>,
        spawned_at: &'static Location<'static>,
        body: Box<dyn FnOnce() + 'scope>,
    ) -> io::Result<Rc<Coroutine>> {
        let children = &self.children;
        if let Some(refusal) = &children.refusal {
            return Err(refusal.clone().into());
        }
        // Before there is a child: it may call the program's code, which may panic.
        let heritage = heritage();
        // SAFETY: the body is given to `create`, which drops it if it makes no coroutine, and else
        // to a coroutine, which is put into the set of children before anything else can happen.
        // Nothing that outlives `'scope` has the body then: see the head of the file.
        let body = unsafe { erase(body) };
        scheduler::with(|scheduler| {
            let child = scheduler.create(name, stack_size, spawned_at, body)?;
            child.inherit(heritage);
            children.members.add(&child);
            if children.given_up.get() {
                child.must_end.set(true);
                child.mark_killed();
            }
            scheduler.start(Rc::clone(&child));
            Ok(child)
        })
    }
}

impl Children {
    fn new() -> Self {
        let caller = scheduler::with(|scheduler| scheduler.current());
        let refusal = match caller {
            _ if thread::panicking() => Some(ParkError::Unwinding),
            None => Some(ParkError::InCallback),
            Some(caller) if caller.is_in_hook() => Some(ParkError::InContext),
            Some(_) => None,
        };
        Children {
            members: Rc::default(),
            refusal,
            given_up: Cell::new(false),
            unjoined: RefCell::new(None),
        }
    }

    /// How many have not ended.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Takes note of a panic that nobody can join any more: the scope ends with it.
    pub(crate) fn note_panic(&self, coroutine: &Rc<Coroutine>, payload: Box<dyn Any + Send>) {
        let is_first = self.unjoined.borrow().is_none();
        if is_first {
            self.unjoined.replace(Some((Rc::clone(coroutine), payload)));
            self.members.rouse();
        } else {
            report_unjoined(coroutine, payload);
        }
    }

    /// Has all children end.
    pub(crate) fn give_up(&self) {
        if self.given_up.replace(true) || self.members.is_empty() {
            return;
        }
        if let Err(reason) = NeedsUnwinding::check() {
            give_up_process(&format!("its coroutines cannot be ended: {reason}"));
        }
        for child in self.members.all() {
            child.must_end.set(true);
        }
        self.members.kill_all();
    }

    /// Waits until there are no children; gives what made it kill them, if something did.
    fn wait(&self) -> Option<Trouble> {
        let mut trouble = None;
        let mut failures = 0;
        while !self.members.is_empty() {
            if self.unjoined.borrow().is_some() {
                self.give_up();
            }
            let shield = self.given_up.get().then(Shield::raise);
            let is_over = || !self.given_up.get() && self.unjoined.borrow().is_some();
            let waited = catch_unwind(AssertUnwindSafe(|| {
                self.members.wait(Wait::Scope, None, is_over)
            }));
            let is_shielded = shield.is_some();
            drop(shield);
            let failure = match waited {
                Ok(Ok(_)) => continue,
                Ok(Err(refusal)) => Trouble::Refused(refusal),
                Err(payload) => Trouble::Raised(payload),
            };
            if !is_shielded {
                trouble = Some(failure);
                self.give_up();
                continue;
            }
            failures += 1;
            if failures > MAX_FAILED_WAITS {
                give_up_process(&self.describe(&failure));
            }
            // Not wanted, and dropping a payload may run anything.
            mem::forget(failure);
        }
        trouble
    }

    #[cold]
    fn describe(&self, fault: &Trouble) -> String {
        let reason = match fault {
            Trouble::Refused(error) => error.to_string(),
            _ => "the wait for them panics".to_owned(),
        };
        let mut text = format!("its coroutines do not end though they were killed: {reason}");
        for child in self.members.all() {
            text.push_str(&format!("\n  {} is alive", child.label()));
        }
        text
    }
}

impl std::fmt::Debug for Children {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} alive", self.len())
    }
}

/// The caller's interrupts are held back while this lives. Its own code does not run meanwhile.
struct Shield(Option<Rc<Coroutine>>);

impl Shield {
    fn raise() -> Self {
        let caller = scheduler::with(|scheduler| scheduler.current());
        if let Some(caller) = &caller {
            caller.shielded.set(true);
        }
        Shield(caller)
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        if let Some(caller) = &self.0 {
            caller.shielded.set(false);
        }
    }
}

/// Ends the process if it is dropped: between the end of a scope's closure and that of its last
/// coroutine, nothing may unwind.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        give_up_process("something unwound past it while its coroutines were alive");
    }
}

/// A scope cannot be left while its coroutines are alive, and cannot be stayed in.
#[cold]
pub(crate) fn give_up_process(why: &str) -> ! {
    eprintln!(
        "eventlet: a scope cannot end: {why}\n\
         They borrow from its stack, so the process is aborted."
    );
    abort();
}

/// Pretends that a body lives for ever.
///
/// # Safety
///
/// Nothing of the body may be left when `'a` ends.
unsafe fn erase<'a>(body: Box<dyn FnOnce() + 'a>) -> Box<dyn FnOnce()> {
    // SAFETY: the two types differ in a lifetime only, hence not in layout or vtable; that it is not
    // used beyond its lifetime is the caller's promise.
    unsafe { mem::transmute::<Box<dyn FnOnce() + 'a>, Box<dyn FnOnce()>>(body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the file does without an engine: runs under Miri, which sees every access.
    #[test]
    fn an_erased_body_borrows_from_the_stack_and_is_gone_before_it() {
        let mut words = vec![String::from("one")];
        let dropped = Cell::new(false);
        struct AtDrop<'a>(&'a Cell<bool>);
        impl Drop for AtDrop<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let captured = AtDrop(&dropped);
        let body: Box<dyn FnOnce() + '_> = Box::new(|| {
            let _captured = captured;
            words.push(String::from("two"));
        });
        // SAFETY: it is consumed in the next statement, and what it borrows outlives that.
        let erased = unsafe { erase(body) };
        erased();
        assert!(dropped.get());
        assert_eq!(words, ["one", "two"]);
        let unused: Box<dyn FnOnce() + '_> = Box::new(|| words.clear());
        // SAFETY: it is dropped in the next statement.
        drop(unsafe { erase(unused) });
        assert_eq!(words.len(), 2);
    }
}
