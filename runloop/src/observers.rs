//! Who is told of the loop's activities, and the order in which they are called.
//!
//! Observers are called in the order in which they were added. One that is removed before its turn
//! has come is not called; one that is added during a firing is called from the next firing on.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use eventlet_hub::Hub;

use crate::{Activities, Activity, ObserverId, ObserverLife, RunLoop};

/// A closure that is called by shared reference.
pub(crate) trait Observer<H: Hub> {
    fn observe(&self, run_loop: &RunLoop<H>, activity: Activity);
}

struct Closure<F>(RefCell<F>);

impl<H: Hub, F: FnMut(&RunLoop<H>, Activity)> Observer<H> for Closure<F> {
    fn observe(&self, run_loop: &RunLoop<H>, activity: Activity) {
        // Firings never nest, so the closure is not being called already.
        (self.0.borrow_mut())(run_loop, activity);
    }
}

struct Entry<H: Hub> {
    id: ObserverId,
    activities: Activities,
    life: ObserverLife,
    observer: Rc<dyn Observer<H>>,
}

/// The observers of a loop.
pub(crate) struct Observers<H: Hub> {
    /// In order of their ids, which is the order of registration.
    entries: RefCell<Vec<Entry<H>>>,
    /// What anybody at all observes.
    observed: Cell<Activities>,
    /// Of the latest observer.
    latest: Cell<ObserverId>,
}

impl<H: Hub> Observers<H> {
    pub(crate) fn new() -> Self {
        Observers {
            entries: RefCell::new(Vec::new()),
            observed: Cell::new(Activities::NONE),
            latest: Cell::new(ObserverId(0)),
        }
    }

    pub(crate) fn add(
        &self,
        activities: Activities,
        life: ObserverLife,
        f: impl FnMut(&RunLoop<H>, Activity) + 'static,
    ) -> ObserverId {
        let id = ObserverId(self.latest.get().0 + 1);
        self.latest.set(id);
        let observer: Rc<dyn Observer<H>> = Rc::new(Closure(RefCell::new(f)));
        self.entries.borrow_mut().push(Entry {
            id,
            activities,
            life,
            observer,
        });
        self.observed.set(self.observed.get() | activities);
        id
    }

    pub(crate) fn remove(&self, id: ObserverId) -> bool {
        let mut entries = self.entries.borrow_mut();
        let Ok(place) = entries.binary_search_by_key(&id, |entry| entry.id) else {
            return false;
        };
        let removed = entries.remove(place);
        let observed = entries
            .iter()
            .fold(Activities::NONE, |all, entry| all | entry.activities);
        self.observed.set(observed);
        // The closure's destructor may use the observers.
        drop(entries);
        drop(removed);
        true
    }

    /// Whether a firing would call anybody.
    #[inline]
    pub(crate) fn any(&self, activity: Activity) -> bool {
        self.observed.get().contains(activity)
    }

    /// The latest observer; a firing calls none that is younger than it.
    pub(crate) fn latest(&self) -> ObserverId {
        self.latest.get()
    }

    /// The first observer of `activity` after `previous` and not after `last`. One that is to be
    /// called once is removed.
    pub(crate) fn next(
        &self,
        activity: Activity,
        previous: ObserverId,
        last: ObserverId,
    ) -> Option<(ObserverId, Rc<dyn Observer<H>>)> {
        let entries = self.entries.borrow();
        let start = entries.partition_point(|entry| entry.id <= previous);
        let entry = entries[start..]
            .iter()
            .take_while(|entry| entry.id <= last)
            .find(|entry| entry.activities.contains(activity))?;
        let (id, life, observer) = (entry.id, entry.life, entry.observer.clone());
        drop(entries);
        if life == ObserverLife::Once {
            self.remove(id);
        }
        Some((id, observer))
    }
}
