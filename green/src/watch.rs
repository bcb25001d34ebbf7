//! Waiting for a descriptor without a stack: a coroutine that is begun when there is something to
//! do.
//!
//! A coroutine that waits keeps its stack, of which it has touched a few pages: little, but not
//! nothing for a server that holds a hundred thousand idle connections; and each of those stacks is
//! cold when its turn comes. A [`Watcher`] is kept instead, and gets a coroutine for as long as it
//! has work. The seat it waits on is that of a reader: see [`fd`](crate::fd).

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;

use slab::Slab;

use crate::join::{Failure, leave_behind, report_unjoined};
use crate::scheduler::Scheduler;
use crate::sys::slot;

/// Who is begun when a descriptor has something to read.
///
/// See [`TcpStream::watch_readable`](crate::net::TcpStream::watch_readable).
pub trait Watcher: 'static {
    /// Called just before [`came`](Self::came), by the run loop, outside of any coroutine: for all
    /// that have become due together one after another. What is done here instead of in `came`,
    /// such as reading what there is, is done for many in a row, which suits the processor's caches.
    /// It cannot wait. Does nothing by default.
    fn prepare(&self) {}

    /// Called once for each watch, in a coroutine of its own, and may wait like any code. The
    /// outcome is that of [`wait_readable`](crate::net::TcpStream::wait_readable): `Ok`, when there
    /// may be something to read; `TimedOut`; `NotConnected`, when the socket was closed.
    ///
    /// If there is no memory for a stack, it is called with that error outside of any coroutine,
    /// where it cannot wait.
    fn came(self: Rc<Self>, outcome: io::Result<()>);
}

/// The watchers of a thread. The seats know only their numbers, so that a watcher which owns what it
/// watches is no cycle that outlives the thread.
#[derive(Default)]
pub(crate) struct Watchers(RefCell<Slab<Entry>>);

struct Entry {
    watcher: Rc<dyn Watcher>,
    watched_at: &'static Location<'static>,
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
        self.0.borrow_mut().insert(entry)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    fn get(&self, key: usize) -> Option<Rc<dyn Watcher>> {
        let entries = self.0.borrow();
        entries.get(key).map(|entry| Rc::clone(&entry.watcher))
    }

    /// Where the watches were begun.
    #[cfg(feature = "testing")]
    pub(crate) fn places(&self) -> Vec<&'static Location<'static>> {
        let entries = self.0.borrow();
        entries.iter().map(|(_, entry)| entry.watched_at).collect()
    }

    fn take(&self, key: usize) -> Option<Entry> {
        self.0.borrow_mut().try_remove(key)
    }

    /// Drops them all, when the thread ends.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.0.borrow_mut());
        drop(all);
    }
}

/// Gives a watcher up, uncalled.
pub(crate) fn forget(key: usize) {
    let entry = slot::with(|scheduler| scheduler.watchers.take(key));
    drop(entry);
}

impl Scheduler {
    /// Lets a watcher prepare itself for its coroutine.
    pub(crate) fn prepare_watcher(&self, key: usize) {
        if let Some(watcher) = self.watchers.get(key) {
            watcher.prepare();
        }
    }

    /// Begins the coroutine of a watcher, and runs it until it waits. For the run loop's own turn
    /// only: nobody else runs.
    pub(crate) fn begin_watcher(&self, key: usize, outcome: io::Result<()>) {
        let Some(entry) = self.watchers.take(key) else {
            return;
        };
        let Entry {
            watcher,
            watched_at,
        } = entry;
        let theirs = Rc::clone(&watcher);
        let body = move || {
            let outcome = catch_unwind(AssertUnwindSafe(move || theirs.came(outcome)));
            leave_behind(outcome.map_err(Failure::from_payload), report_unjoined);
        };
        match self.create(None, None, watched_at, body) {
            Ok(coroutine) => {
                drop(watcher);
                self.run(coroutine);
            }
            Err(error) => watcher.came(Err(error)),
        }
    }
}
