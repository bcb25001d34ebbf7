//! Waiting for a descriptor without a stack: a coroutine that is begun when there is something to
//! do.
//!
//! A coroutine that waits keeps its stack, of which it has touched a few pages: little, but not
//! nothing for a server that holds a hundred thousand idle connections; and each of those stacks is
//! cold when its turn comes. A [`Watcher`] is kept instead, and gets a coroutine for as long as it
//! has work. The seat it waits on is that of a reader: see [`fd`](crate::fd).

mod entries;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr;
use std::rc::Rc;

use self::entries::Entries;
use crate::callback::Callback;
use crate::fd::Due;
use crate::join::{Failure, leave_behind, report_unjoined};
use crate::scheduler::Scheduler;
use crate::sys::slot;

/// Who is begun when a descriptor has something to read.
///
/// See [`TcpStream::watch_readable`](crate::net::TcpStream::watch_readable).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_green::{Watcher, sync::Event};
/// use std::cell::Cell;
/// use std::io::{self, Write};
/// use std::rc::Rc;
///
/// struct Connection {
///     socket: UnixStream,
///     first: Cell<Option<u8>>,
///     done: Event<Option<u8>>,
/// }
///
/// impl Watcher for Connection {
///     /// Outside of any coroutine, and so without waiting.
///     fn prepare(&self) {
///         let mut byte = [0];
///         if let Ok(1) = self.socket.try_read(&mut byte) {
///             self.first.set(Some(byte[0]));
///         }
///     }
///
///     /// In a coroutine, like any code.
///     fn came(self: Rc<Self>, _outcome: io::Result<()>) {
///         let _ = self.done.send(self.first.get());
///     }
/// }
///
/// let (socket, mut far) = UnixStream::pair()?;
/// let connection = Rc::new(Connection { socket, first: Cell::new(None), done: Event::new() });
/// connection.socket.watch_readable(connection.clone())?;
/// far.write_all(b"x")?;
/// assert_eq!(connection.done.wait().unwrap(), Some(b'x'));
/// # Ok::<(), io::Error>(())
/// ```
pub trait Watcher: 'static {
    /// Called just before [`came`](Self::came), by the run loop, outside of any coroutine: for all
    /// that have become due together one after another. What is done here instead of in `came`,
    /// such as reading what there is, is done for many in a row, which suits the processor's caches.
    /// It cannot wait. Does nothing by default.
    fn prepare(&self) {}

    /// Called after all that are due together have been prepared, outside of any coroutine, if there may
    /// be something to read: for what can be done at once, without waiting. Says whether that was all; then
    /// `came` is not called, and if it is so for all of them, no coroutine is made. Does nothing by default, and says
    /// no.
    ///
    /// Where a coroutine runs already for one that was due before, it is passed over, and `came` called in that.
    /// If it panics, the watcher is given up.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_green::{Watcher, sync::Event};
    /// use std::io::{self, Write};
    /// use std::rc::Rc;
    ///
    /// struct Bytes {
    ///     socket: UnixStream,
    ///     came: Event<usize>,
    /// }
    ///
    /// impl Watcher for Bytes {
    ///     /// Reads what there is, and does not wait for more.
    ///     fn came_at_once(self: Rc<Self>) -> bool {
    ///         match self.socket.try_read(&mut [0; 8]) {
    ///             Ok(count) => self.came.send(count).is_ok(),
    ///             Err(_) => false,
    ///         }
    ///     }
    ///
    ///     fn came(self: Rc<Self>, _outcome: io::Result<()>) {
    ///         let _ = self.came.send(0);
    ///     }
    /// }
    ///
    /// let (socket, mut far) = UnixStream::pair()?;
    /// let bytes = Rc::new(Bytes { socket, came: Event::new() });
    /// bytes.socket.watch_readable(bytes.clone())?;
    /// far.write_all(b"xyz")?;
    /// assert_eq!(bytes.came.wait().unwrap(), 3);
    /// # Ok::<(), io::Error>(())
    /// ```
    fn came_at_once(self: Rc<Self>) -> bool {
        false
    }

    /// Called once for each watch, in a coroutine that is as good as new (it may have been another
    /// watcher's, if that left nothing in it), and may wait like any code. The outcome is that of
    /// [`wait_readable`](crate::net::TcpStream::wait_readable): `Ok`, when there may be something to
    /// read; `TimedOut`; `NotConnected`, when the socket was closed.
    ///
    /// If there is no memory for a stack, it is called with that error outside of any coroutine,
    /// where it cannot wait.
    fn came(self: Rc<Self>, outcome: io::Result<()>);
}

/// What a watcher waits on.
pub(crate) trait Target {
    /// Has the one that is due leave its seat, and says what it is to be told.
    fn leave(&self) -> io::Result<()>;
}

/// So many are prepared and begun in one call of the run loop; then others have their turn. It is also as
/// many as there can be between the two, with what they have prepared in their hands.
const AT_ONCE: usize = 64;

/// The watchers of a thread. The seats know only their numbers, so that a watcher which owns what it
/// watches is no cycle that outlives the thread.
#[derive(Default)]
pub(crate) struct Watchers {
    /// All that have not begun.
    entries: RefCell<Entries>,
    /// Those of them that are due, by their numbers: while one stands here, somebody knows that it is to
    /// begin, and it may own what it waits on.
    due: RefCell<VecDeque<usize>>,
    /// How many of them, from the front, have been prepared.
    prepared: Cell<usize>,
    callback: OnceCell<Callback>,
}

impl Watchers {
    #[inline]
    pub(crate) fn insert(
        &self,
        watcher: Rc<dyn Watcher>,
        watched_at: &'static Location<'static>,
    ) -> usize {
        self.entries.borrow_mut().insert(watcher, watched_at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// Where the watches were begun.
    #[cfg(feature = "testing")]
    pub(crate) fn places(&self) -> Vec<&'static Location<'static>> {
        self.entries.borrow().places().collect()
    }

    /// Drops them all, when the thread ends.
    pub(crate) fn clear(&self) {
        self.prepared.set(0);
        self.due.borrow_mut().clear();
        let all = self.entries.take();
        drop(all);
    }

    /// Has a watcher that is due prepared, and begun when those that are due with it have been prepared.
    #[inline]
    fn begin_soon(&self, key: usize, target: Rc<dyn Target>) {
        if !self.entries.borrow_mut().set_due(key, target) {
            return;
        }
        let mut due = self.due.borrow_mut();
        let is_first = due.is_empty();
        due.push_back(key);
        if is_first {
            self.begin_later();
        }
    }

    /// Has those that are due begun in a call of their own.
    fn begin_later(&self) {
        let begin = || {
            slot::with(Scheduler::begin_watchers);
        };
        self.callback
            .get_or_init(|| Callback::new(begin))
            .schedule();
    }

    /// Takes one away that is not due.
    fn take(&self, key: usize) -> Option<Rc<dyn Watcher>> {
        let mut entries = self.entries.borrow_mut();
        let watcher = entries.take_watcher(key)?;
        entries.remove(key);
        Some(watcher)
    }

    /// Takes the one away that is due at `target`; its number stands where it does until it is its turn.
    fn take_due(&self, target: &dyn Target) -> Option<Rc<dyn Watcher>> {
        let mut entries = self.entries.borrow_mut();
        let due = self.due.borrow();
        let key = due.iter().find(|key| entries.is_due_at(**key, target))?;
        entries.take_watcher(*key)
    }

    /// Prepares as many as may begin in one call.
    fn prepare(&self) {
        while self.prepared.get() < AT_ONCE {
            let at = self.prepared.get();
            let Some(key) = self.due.borrow().get(at).copied() else {
                break;
            };
            let watcher = self.entries.borrow().watcher(key).cloned();
            // One that panics here begins all the same, and finds out then.
            self.prepared.set(at + 1);
            if let Some(watcher) = watcher {
                watcher.prepare();
            }
        }
    }

    /// The next that is to begin in this call, if it was put up at `place`, where one is given.
    fn next(&self, place: Option<&'static Location<'static>>) -> Option<usize> {
        while self.prepared.get() > 0 {
            let key = *self.due.borrow().front()?;
            let (is_live, watched_at) = {
                let entries = self.entries.borrow();
                (entries.watcher(key).is_some(), entries.place(key))
            };
            let is_elsewhere =
                |place: &Location<'_>| watched_at.is_none_or(|at| !ptr::eq(at, place));
            if is_live && place.is_some_and(is_elsewhere) {
                return None;
            }
            self.due.borrow_mut().pop_front();
            self.prepared.set(self.prepared.get() - 1);
            if is_live {
                return Some(key);
            }
            let target = self.entries.borrow_mut().remove(key);
            drop(target);
        }
        None
    }

    /// Has it leave its seat: who it is, what it is told, and where it was put up.
    #[inline]
    fn begin(&self, key: usize) -> Option<Came> {
        let mut entries = self.entries.borrow_mut();
        let watcher = entries.take_watcher(key)?;
        let watched_at = entries.place(key)?;
        let target = entries.remove(key)?;
        drop(entries);
        Some(Came {
            watcher,
            outcome: target.leave(),
            watched_at,
        })
    }
}

/// A watcher that begins.
struct Came {
    watcher: Rc<dyn Watcher>,
    outcome: io::Result<()>,
    watched_at: &'static Location<'static>,
}

impl Came {
    #[inline]
    fn is_done_at_once(&self) -> bool {
        self.outcome.is_ok() && Rc::clone(&self.watcher).came_at_once()
    }
}

/// Has a watcher that is due begun soon.
#[inline]
pub(crate) fn begin_soon(due: Due, target: impl FnOnce() -> Rc<dyn Target>) {
    slot::with(|scheduler| scheduler.watchers.begin_soon(due.0, target()));
}

/// Gives a watcher up, uncalled.
pub(crate) fn forget(key: usize) {
    let watcher = slot::with(|scheduler| scheduler.watchers.take(key));
    drop(watcher);
}

/// Gives the watcher up that is due at `target`, uncalled.
pub(crate) fn forget_due(target: &dyn Target) {
    let watcher = slot::with(|scheduler| scheduler.watchers.take_due(target));
    drop(watcher);
}

/// Has those that are left begun in another call, however this one ends.
struct Rest<'a>(&'a Watchers);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        let is_done = self.0.due.borrow().is_empty();
        if !is_done {
            self.0.begin_later();
        }
    }
}

impl Scheduler {
    /// Begins those that are due, some of them if they are many.
    fn begin_watchers(&self) {
        let watchers = &self.watchers;
        let _others_later = Rest(watchers);
        watchers.prepare();
        while let Some(key) = watchers.next(None) {
            if let Some(came) = watchers.begin(key)
                && !came.is_done_at_once()
            {
                self.begin_watcher(came);
            }
        }
    }

    /// Begins the coroutine of a watcher, and runs it until it waits. For the run loop's own turn
    /// only: nobody else runs.
    fn begin_watcher(&self, came: Came) {
        let Came {
            watcher,
            outcome,
            watched_at,
        } = came;
        let theirs = Rc::clone(&watcher);
        let body = move || come(theirs, outcome, watched_at);
        match self.create(None, None, watched_at, body) {
            Ok(coroutine) => {
                drop(watcher);
                self.run(coroutine);
            }
            Err(error) => watcher.came(Err(error)),
        }
    }

    /// Whether the coroutine that runs is still as good as new: nobody has a handle to it, it has no
    /// values and no contexts of its own, and nothing is pending for it.
    fn is_as_new(&self) -> bool {
        /// The registry's, that of whoever resumed it, and the one that asks.
        const OURS: usize = 3;
        self.current().is_some_and(|coroutine| {
            Rc::strong_count(&coroutine) == OURS
                && !coroutine.is_root()
                && !coroutine.is_interrupted()
                && !coroutine.is_killed()
                && coroutine.contexts.get().is_none()
                && coroutine.locals.get().is_none()
        })
    }
}

/// What the coroutine of a watcher does. If it is then as good as new, it does the same for the next
/// watcher that is to begin: making another would be a good part of what an answer costs.
fn come(watcher: Rc<dyn Watcher>, outcome: io::Result<()>, watched_at: &'static Location<'static>) {
    let mut next = Some((watcher, outcome));
    while let Some((watcher, outcome)) = next.take() {
        let came = catch_unwind(AssertUnwindSafe(move || watcher.came(outcome)));
        if came.is_err() {
            leave_behind(came.map_err(Failure::from_payload), report_unjoined);
            return;
        }
        next = slot::with(|scheduler| {
            let watchers = &scheduler.watchers;
            if watchers.prepared.get() == 0 || !scheduler.is_as_new() {
                return None;
            }
            // Messages about it name the place.
            let came = watchers.begin(watchers.next(Some(watched_at))?)?;
            Some((came.watcher, came.outcome))
        })
        .flatten();
    }
}
