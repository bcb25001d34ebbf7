//! The watchers of a thread by their numbers.
//!
//! Not a slab, of which an entry goes in and comes out as a whole: one is put up, reported and begun for
//! each request of a server, and handed from one place to another as a whole it is stored in words and
//! loaded in pairs of them, for which a processor waits each time. Here each field is written where it
//! stays, and taken from there.

use std::panic::Location;
use std::ptr;
use std::rc::Rc;

use super::{Target, Watcher};

/// The entries. One whose number is not vacant is somebody's. A number of before they were cleared, at the
/// end of the thread, is nobody's any more.
#[derive(Default)]
pub(super) struct Entries {
    all: Vec<Entry>,
    vacant: Vec<usize>,
}

#[derive(Default)]
struct Entry {
    /// `None` if it has been given up since it became due, or has been begun.
    watcher: Option<Rc<dyn Watcher>>,
    /// What it has become due at.
    target: Option<Rc<dyn Target>>,
    /// Where it was put up.
    place: Option<&'static Location<'static>>,
}

impl Entries {
    /// The number of a new one.
    #[inline]
    pub(super) fn insert(
        &mut self,
        watcher: Rc<dyn Watcher>,
        place: &'static Location<'static>,
    ) -> usize {
        let key = self.vacant.pop().unwrap_or_else(|| self.add());
        let entry = &mut self.all[key];
        entry.watcher = Some(watcher);
        entry.place = Some(place);
        key
    }

    #[cold]
    fn add(&mut self) -> usize {
        self.all.push(Entry::default());
        self.all.len() - 1
    }

    /// Notes what it has become due at; says whether there is such a one.
    #[inline]
    pub(super) fn set_due(&mut self, key: usize, target: Rc<dyn Target>) -> bool {
        let entry = self.all.get_mut(key);
        entry.map(|entry| entry.target = Some(target)).is_some()
    }

    pub(super) fn is_due_at(&self, key: usize, target: &dyn Target) -> bool {
        let at = self.all.get(key).and_then(|entry| entry.target.as_ref());
        at.is_some_and(|at| ptr::addr_eq(Rc::as_ptr(at), target))
    }

    #[inline]
    pub(super) fn watcher(&self, key: usize) -> Option<&Rc<dyn Watcher>> {
        self.all.get(key)?.watcher.as_ref()
    }

    #[inline]
    pub(super) fn place(&self, key: usize) -> Option<&'static Location<'static>> {
        self.all.get(key)?.place
    }

    #[inline]
    pub(super) fn take_watcher(&mut self, key: usize) -> Option<Rc<dyn Watcher>> {
        self.all.get_mut(key)?.watcher.take()
    }

    /// Gives the number back, once the watcher has been taken.
    #[inline]
    pub(super) fn remove(&mut self, key: usize) -> Option<Rc<dyn Target>> {
        let entry = self.all.get_mut(key)?;
        debug_assert!(entry.watcher.is_none(), "it is not to be dropped in here");
        self.vacant.push(key);
        entry.target.take()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.len() == self.vacant.len()
    }

    /// Where those were put up that have not been given up.
    #[cfg(feature = "testing")]
    pub(super) fn places(&self) -> impl Iterator<Item = &'static Location<'static>> {
        let live = self.all.iter().filter(|entry| entry.watcher.is_some());
        live.filter_map(|entry| entry.place)
    }
}
