//! Links: what is set off by a coroutine's end.
//!
//! A linked call is a step of its own: a coroutine that is spawned when the other has ended, so it
//! may wait, be slow or panic without disturbing anybody. Joining is in [`join`](crate::join).

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;

use super::{EndListener, Ending};
use crate::coroutine::{Coroutine, State};
use crate::join::{JoinError, JoinHandle};
use crate::spawn::Builder;

type Linked = Box<dyn FnOnce(Ending)>;

impl<T> JoinHandle<T> {
    /// Calls `f` with the way the coroutine ended, when it has: in a coroutine of its own, after
    /// whoever joins was woken. Any number may be linked; they are called in that order. If the
    /// coroutine has ended already, the call is queued at once.
    ///
    /// Dropping the handle or the [`Link`] changes nothing. If there is no memory for a stack when
    /// the time has come, the call is not made and that is reported on standard error; when the
    /// thread ends, it is not made.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{Ending, spawn, yield_now};
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    ///
    /// let seen = Rc::new(Cell::new(None));
    /// let worker = spawn(|| 7);
    /// let note = Rc::clone(&seen);
    /// worker.link(move |ending| note.set(Some(ending)));
    /// assert_eq!(worker.join().unwrap(), 7);
    /// yield_now();
    /// assert_eq!(seen.get(), Some(Ending::Returned));
    /// ```
    #[track_caller]
    pub fn link(&self, f: impl FnOnce(Ending) + 'static) -> Link {
        Link::new(self.coroutine(), Location::caller(), Box::new(f))
    }
}

impl<T: 'static> JoinHandle<T> {
    /// Hands the coroutine's result to `f`, when it has ended: a [`join`](Self::join) that nobody
    /// waits in. Like a [linked](Self::link) call otherwise. Unlinked, the coroutine goes on by
    /// itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::{spawn, yield_now};
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    ///
    /// let sum = Rc::new(Cell::new(0));
    /// let total = Rc::clone(&sum);
    /// spawn(|| 1 + 2).on_finish(move |result| total.set(result.unwrap()));
    /// yield_now(); // the coroutine
    /// yield_now(); // the call
    /// assert_eq!(sum.get(), 3);
    /// ```
    #[track_caller]
    pub fn on_finish(self, f: impl FnOnce(Result<T, JoinError>) + 'static) -> Link {
        let coroutine = Rc::clone(self.coroutine());
        Link::new(
            &coroutine,
            Location::caller(),
            Box::new(move |_| f(self.take())),
        )
    }
}

/// A call that is linked to a coroutine's end; see [`JoinHandle::link`]. Dropping it does not
/// unlink.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Link, spawn};
///
/// let job = spawn(|| 42);
/// let link: Link = job.link(|_ending| unreachable!("it is taken back"));
/// assert!(link.unlink());
/// assert_eq!(job.join().unwrap(), 42);
/// ```
pub struct Link {
    coroutine: Rc<Coroutine>,
    number: Option<u64>,
    call: Rc<Call>,
}

impl Link {
    fn new(coroutine: &Rc<Coroutine>, linked_at: &'static Location<'static>, f: Linked) -> Self {
        let call = Rc::new(Call {
            f: Cell::new(Some(f)),
            linked_at,
        });
        let number = if coroutine.state.get() == State::Finished {
            call.start(coroutine);
            None
        } else {
            Some(coroutine.end_listeners.add(Rc::clone(&call) as _))
        };
        Link {
            coroutine: Rc::clone(coroutine),
            number,
            call,
        }
    }

    /// Takes the call back; says whether it was still to be set off.
    ///
    /// # Examples
    ///
    /// ```
    /// let worker = eventlet_green::spawn(|| ());
    /// let link = worker.link(|_| unreachable!("it was unlinked"));
    /// assert!(link.unlink());
    /// worker.join().unwrap();
    /// ```
    pub fn unlink(self) -> bool {
        if let Some(number) = self.number {
            drop(self.coroutine.end_listeners.remove(number));
        }
        // The call is the user's, and is dropped here.
        self.call.f.take().is_some()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.coroutine).finish()
    }
}

struct Call {
    /// `None` once it was set off or taken back.
    f: Cell<Option<Linked>>,
    linked_at: &'static Location<'static>,
}

impl Call {
    fn start(&self, ended: &Rc<Coroutine>) {
        let Some(f) = self.f.take() else { return };
        let ending = ended.ending.get();
        // If it cannot be spawned `f` is dropped in there, which may panic; others are still
        // to be told.
        let spawned = catch_unwind(AssertUnwindSafe(|| {
            Builder::new().spawn_located(self.linked_at, move || f(ending))
        }));
        let why = match spawned {
            Ok(Ok(_)) => return,
            // The thread is ending: nothing is set off any more.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::Unsupported => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "dropping it panicked".to_owned(),
        };
        eprintln!(
            "eventlet: the call linked at {} to {} was not made: {why}",
            self.linked_at,
            ended.label()
        );
    }
}

impl EndListener for Call {
    fn finished(&self, coroutine: &Rc<Coroutine>) {
        self.start(coroutine);
    }
}
