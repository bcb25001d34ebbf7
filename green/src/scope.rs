//! Structured concurrency: coroutines that borrow from their caller, and have ended when it goes on.
//!
//! ```text
//!   scope(|s| { s.spawn(a); s.spawn(b); … })
//!          ├────────────── a ─────────┤
//!          │       └────────── b ─────────────┤
//!   caller ┴─ closure ──┐ waits for both      └─► goes on, or the panic does
//! ```
//!
//! Why this is sound stands in [`sys::scope`](crate::sys::scope), with the one unsafe step. Groups
//! whose members do not borrow, and outlive a call, are in [`pool`](crate::pool).

use std::any::Any;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::coroutine::{Coroutine, State, Wait, Woken, deadline_in};
use crate::error::NeedsUnwinding;
use crate::join::{JoinError, JoinHandle, Packet, report_unjoined};
use crate::spawn::{Builder, body_of};
pub use crate::sys::scope::Scope;
use crate::sys::scope::{Children, Trouble, enter, give_up_process};

/// How often a kill may be swallowed by a coroutine of a scope that has to end. A swallowed kill is
/// raised where the coroutine waits next; one that swallows so many will not end.
const MAX_SWALLOWED: u32 = 10_000;

/// Calls `f` with a scope in which coroutines can be spawned that borrow from the caller, and waits
/// until each has ended. Gives what `f` gave.
///
/// | what happens | what `scope` does |
/// |---|---|
/// | `f` returns | waits for all |
/// | `f` panics | kills all, waits for them, and the panic goes on |
/// | a coroutine panics, and its handle is gone | when `f` has returned: kills the others, waits for them, and the panic goes on |
/// | the caller is killed, or a [`timeout`](crate::timeout()) around it expires | kills all, waits for them, and unwinds |
/// | nothing can wake them any more (a deadlock) | kills all, waits for them, and panics with the report |
///
/// Once coroutines were killed the wait for them is not cut short by anything: it is outside of
/// unwinding, and a kill of the caller is held back until it is over. They end as soon as each has
/// had its turn, unless one swallows the kill again and again: after ten thousand times the process
/// is aborted with a message that names it. It is as well if no waiting is possible, or if they would
/// have to be killed in a program built with `panic = "abort"`.
///
/// Called where nobody can wait (in a destructor while the stack unwinds, in a callback of the run
/// loop) it calls `f`, and spawning in it is refused.
///
/// # Panics
///
/// As the table says. If no run loop can be made.
///
/// # Examples
///
/// ```
/// let words = vec!["one".to_string(), "two".to_string()];
/// let mut total = 0;
/// let first = eventlet_green::scope(|s| {
///     s.spawn(|| total = words.iter().map(String::len).sum());
///     let first = s.spawn(|| words[0].as_str());
///     first.join().unwrap()
/// });
/// assert_eq!((first, total), ("one", 6));
/// ```
///
/// What is borrowed must outlive the scope:
///
/// ```compile_fail,E0373
/// eventlet_green::scope(|s| {
///     let short_lived = String::new();
///     s.spawn(|| short_lived.len());
/// });
/// ```
///
/// A handle, with a result that may borrow, cannot leave it:
///
/// ```compile_fail
/// let handle = eventlet_green::scope(|s| s.spawn(|| 1));
/// ```
///
/// ```compile_fail,E0521
/// let mut kept = None;
/// eventlet_green::scope(|s| kept = Some(s.spawn(|| 1)));
/// ```
///
/// Neither can the scope:
///
/// ```compile_fail,E0521
/// eventlet_green::scope(|s| {
///     eventlet_green::spawn(move || drop(s.spawn(|| ())));
/// });
/// ```
///
/// What one of them changes nobody else can see meanwhile:
///
/// ```compile_fail,E0502
/// let mut count = 0;
/// eventlet_green::scope(|s| {
///     s.spawn(|| count += 1);
///     println!("{count}");
/// });
/// ```
///
/// Nothing of it goes to another thread:
///
/// ```compile_fail,E0277
/// eventlet_green::scope(|s| {
///     std::thread::scope(|t| drop(t.spawn(|| drop(s.spawn(|| ())))));
/// });
/// ```
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let ended = enter(f);
    let payload = match (ended.outcome, ended.trouble) {
        (Ok(value), None) => match ended.unjoined {
            None => return value,
            Some((_, payload)) => resume_unwind(payload),
        },
        (Ok(_), Some(Trouble::Refused(error))) => {
            report(ended.unjoined);
            panic!("a scope could not wait for its coroutines, which were killed: {error}")
        }
        (Ok(_), Some(Trouble::Raised(payload))) | (Err(payload), _) => payload,
    };
    report(ended.unjoined);
    resume_unwind(payload)
}

/// A child's panic that does not go on in the caller, because something else does.
fn report(unjoined: Option<(Rc<Coroutine>, Box<dyn Any + Send>)>) {
    if let Some((coroutine, payload)) = unjoined {
        report_unjoined(&coroutine, payload);
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Starts a coroutine that may borrow what outlives the scope; see [`spawn`](crate::spawn()).
    /// Coroutines of the scope can spawn more in it.
    ///
    /// In a scope that is ending early, one that is spawned is killed at once: its body never runs.
    ///
    /// # Panics
    ///
    /// As for [`spawn`](crate::spawn()), and where the scope could not wait for it (see
    /// [`scope`](crate::scope())); [`Builder::spawn_scoped`] gives an error instead.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut halves = [0; 2];
    /// eventlet_green::scope(|s| {
    ///     for half in &mut halves {
    ///         s.spawn(move || *half += 1);
    ///     }
    /// });
    /// assert_eq!(halves, [1, 1]);
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        match Builder::new().spawn_scoped(self, f) {
            Ok(handle) => handle,
            Err(error) => panic!("cannot spawn a coroutine: {error}"),
        }
    }

    /// How many coroutines of the scope have not ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::scope;
    ///
    /// scope(|scope| {
    ///     let child = scope.spawn(|| ());
    ///     assert_eq!(scope.running(), 1);
    ///     child.join().unwrap();
    ///     assert_eq!(scope.running(), 0);
    /// });
    /// ```
    pub fn running(&self) -> usize {
        self.children().len()
    }
}

impl Builder {
    /// Starts a coroutine in a scope; see [`Scope::spawn`].
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn); `Unsupported` or `Other` where the scope could not wait for
    /// it, with the [`ParkError`](crate::ParkError).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{Builder, scope};
    ///
    /// let text = String::from("borrowed");
    /// let length = scope(|s| {
    ///     let counter = Builder::new().name("counter").spawn_scoped(s, || text.len())?;
    ///     Ok::<_, std::io::Error>(counter.join().unwrap())
    /// })?;
    /// assert_eq!(length, 8);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        let children = Rc::clone(scope.children());
        let packet = Rc::new(Packet::empty());
        let theirs = Rc::clone(&children);
        let body = body_of(f, Rc::clone(&packet), move |coroutine, payload| {
            theirs.note_panic(coroutine, payload);
        });
        let (name, stack_size) = (self.name, self.stack_size);
        let coroutine = scope.start(name, stack_size, Location::caller(), Box::new(body))?;
        Ok(ScopedJoinHandle {
            inner: JoinHandle::new(coroutine, packet),
            children,
            scope: PhantomData,
        })
    }
}

/// Owns the right to join a coroutine of a [`scope`](crate::scope()). Dropping it lets the coroutine
/// go on by itself, for as long as the scope waits; its panic is then the scope's.
///
/// # Examples
///
/// ```
/// use eventlet_green::{ScopedJoinHandle, State, Wait, scope, sleep, yield_now};
/// use std::time::Duration;
///
/// let words = ["to", "be"];
/// scope(|scope| {
///     let handle: ScopedJoinHandle<'_, usize> = scope.spawn(|| words.len()); // Borrowed.
///     assert_eq!((handle.state(), handle.name(), handle.id() > 0), (State::New, None, true));
///     assert_eq!(scope.running(), 1);
///     assert_eq!(handle.join().unwrap(), 2);
///
///     let sleeper = scope.spawn(|| sleep(Duration::from_secs(60)));
///     let sleeper = sleeper.join_timeout(Duration::from_millis(1)).unwrap_err();
///     assert_eq!((sleeper.waits_for(), sleeper.is_finished()), (Wait::Sleep, false));
///     assert!(sleeper.kill().unwrap());
///     yield_now();
///     assert!(sleeper.is_finished());
/// });
/// ```
pub struct ScopedJoinHandle<'scope, T> {
    inner: JoinHandle<T>,
    children: Rc<Children>,
    scope: PhantomData<&'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits for the coroutine's end and gives its result; see [`JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn join(self) -> Result<T, JoinError> {
        self.inner.join_once()
    }

    /// Waits for the coroutine's end, at most for `limit`.
    ///
    /// # Errors
    ///
    /// The handle, for another try, if that was not enough. Within: as for [`join`](Self::join).
    pub fn join_timeout(self, limit: Duration) -> Result<Result<T, JoinError>, Self> {
        let deadline = deadline_in(limit);
        match self.inner.wait(Some(deadline)) {
            Ok(Woken::TimedOut) => Err(self),
            Ok(_) => Ok(self.inner.take()),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Ends the coroutine; see [`JoinHandle::kill`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn kill(&self) -> Result<bool, NeedsUnwinding> {
        self.inner.kill()
    }

    /// Whether the coroutine has ended.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// The coroutine's number; see [`JoinHandle::id`].
    pub fn id(&self) -> u64 {
        self.inner.id()
    }

    /// The name it was given.
    pub fn name(&self) -> Option<&str> {
        self.inner.name()
    }

    /// Where in its life it is.
    pub fn state(&self) -> State {
        self.inner.state()
    }

    /// What it waits for.
    pub fn waits_for(&self) -> Wait {
        self.inner.waits_for()
    }
}

impl<T> Drop for ScopedJoinHandle<'_, T> {
    fn drop(&mut self) {
        if let Some(payload) = self.inner.take_panic() {
            self.children.note_panic(self.inner.coroutine(), payload);
        }
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coroutine = self.inner.coroutine();
        f.debug_tuple("ScopedJoinHandle").field(coroutine).finish()
    }
}

/// Called when a kill is raised again in a coroutine whose scope has been given up.
#[cold]
pub(crate) fn abort_if_stubborn(coroutine: &Coroutine) {
    if coroutine.raises.get() > MAX_SWALLOWED {
        give_up_process(&format!(
            "{} was killed, and has swallowed that {MAX_SWALLOWED} times",
            coroutine.label()
        ));
    }
}
