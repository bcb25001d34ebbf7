//! Waiting for a descriptor without a stack: a coroutine that is begun when there is something to
//! do.
//!
//! A coroutine that waits keeps its stack, of which it has touched a few pages: little, but not
//! nothing for a server that holds a hundred thousand idle connections; and each of those stacks is
//! cold when its turn comes. A [`Watcher`] is kept instead, and gets a coroutine for as long as it
//! has work. The seat it waits on is that of a reader: see [`fd`](crate::fd).

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr;
use std::rc::Rc;

use slab::Slab;

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
    waiting: RefCell<Slab<Entry>>,
    /// Those that are due: while one stands here, somebody knows that it is to begin, and it may own
    /// what it waits on.
    beginning: RefCell<VecDeque<Beginning>>,
    /// How many of them, from the front, have been prepared.
    prepared: Cell<usize>,
    callback: OnceCell<Callback>,
}

/// A watcher, and where it was put up.
struct Entry {
    watcher: Rc<dyn Watcher>,
    watched_at: &'static Location<'static>,
}

/// One that is due.
struct Beginning {
    /// `None` if it has been given up since.
    entry: Option<Entry>,
    target: Rc<dyn Target>,
}

impl Watchers {
    pub(crate) fn insert(
        &self,
        watcher: Rc<dyn Watcher>,
        watched_at: &'static Location<'static>,
    ) -> usize {
        let entry = Entry {
            watcher,
            watched_at,
        };
        self.waiting.borrow_mut().insert(entry)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty() && self.beginning.borrow().is_empty()
    }

    /// Where the watches were begun.
    #[cfg(feature = "testing")]
    pub(crate) fn places(&self) -> Vec<&'static Location<'static>> {
        let (waiting, beginning) = (self.waiting.borrow(), self.beginning.borrow());
        let due = beginning.iter().filter_map(|due| due.entry.as_ref());
        let all = waiting.iter().map(|(_, entry)| entry).chain(due);
        all.map(|entry| entry.watched_at).collect()
    }

    fn take(&self, key: usize) -> Option<Entry> {
        self.waiting.borrow_mut().try_remove(key)
    }

    /// Drops them all, when the thread ends.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.waiting.borrow_mut());
        drop(all);
        self.prepared.set(0);
        let beginning = self.beginning.take();
        drop(beginning);
    }

    /// Has a watcher that is due prepared, and begun when those that are due with it have been prepared.
    #[inline]
    fn begin_soon(&self, key: usize, target: Rc<dyn Target>) {
        let entry = self.take(key);
        let mut beginning = self.beginning.borrow_mut();
        let is_first = beginning.is_empty();
        beginning.push_back(Beginning { entry, target });
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

    /// Takes the watcher away that is due at `target`.
    fn take_due(&self, target: &dyn Target) -> Option<Entry> {
        let mut beginning = self.beginning.borrow_mut();
        let mut at_target = beginning
            .iter_mut()
            .filter(|due| ptr::addr_eq(Rc::as_ptr(&due.target), target));
        at_target.find_map(|due| due.entry.take())
    }

    /// Prepares as many as may begin in one call.
    fn prepare(&self) {
        while self.prepared.get() < AT_ONCE {
            let at = self.prepared.get();
            let watcher = match self.beginning.borrow().get(at) {
                Some(due) => due.entry.as_ref().map(|entry| Rc::clone(&entry.watcher)),
                None => break,
            };
            // One that panics here begins all the same, and finds out then.
            self.prepared.set(at + 1);
            if let Some(watcher) = watcher {
                watcher.prepare();
            }
        }
    }

    /// The next that is to begin in this call, if it was put up at `place`, where one is given.
    fn next(&self, place: Option<&'static Location<'static>>) -> Option<(Entry, io::Result<()>)> {
        while self.prepared.get() > 0 {
            let mut beginning = self.beginning.borrow_mut();
            if let (Some(entry), Some(place)) = (&beginning.front()?.entry, place)
                && !ptr::eq(entry.watched_at, place)
            {
                return None;
            }
            let due = beginning.pop_front()?;
            drop(beginning);
            self.prepared.set(self.prepared.get() - 1);
            if let Some(entry) = due.entry {
                return Some((entry, due.target.leave()));
            }
        }
        None
    }
}

/// Has a watcher that is due begun soon.
#[inline]
pub(crate) fn begin_soon(due: Due, target: impl FnOnce() -> Rc<dyn Target>) {
    slot::with(|scheduler| scheduler.watchers.begin_soon(due.0, target()));
}

/// Gives a watcher up, uncalled.
pub(crate) fn forget(key: usize) {
    let entry = slot::with(|scheduler| scheduler.watchers.take(key));
    drop(entry);
}

/// Gives the watcher up that is due at `target`, uncalled.
pub(crate) fn forget_due(target: &dyn Target) {
    let entry = slot::with(|scheduler| scheduler.watchers.take_due(target));
    drop(entry);
}

/// Has those that are left begun in another call, however this one ends.
struct Rest<'a>(&'a Watchers);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        let is_done = self.0.beginning.borrow().is_empty();
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
        while let Some((entry, outcome)) = watchers.next(None) {
            self.begin_watcher(entry, outcome);
        }
    }

    /// Begins the coroutine of a watcher, and runs it until it waits. For the run loop's own turn
    /// only: nobody else runs.
    fn begin_watcher(&self, entry: Entry, outcome: io::Result<()>) {
        let Entry {
            watcher,
            watched_at,
        } = entry;
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
            let (entry, outcome) = watchers.next(Some(watched_at))?;
            Some((entry.watcher, outcome))
        })
        .flatten();
    }
}
