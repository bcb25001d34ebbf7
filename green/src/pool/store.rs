//! What lies in a pool: idle items, places for more, and when each is over.
//!
//! A place is a permit of a semaphore: whoever holds one takes an idle item or makes one. As there are
//! never more items than places, one who got a place finds an item if there is any; so handing the
//! place to the longest waiter hands the item to it.
//!
//! Idle items that are over are found in two ways: by whoever takes one, and by a sweep that a timer
//! starts. One timer stands at a time, and is left standing when the item that it was set for is taken;
//! it then looks for the next.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use eventlet_runloop::Time;

use super::settings::{Order, Settings};
use crate::scheduler;
use crate::spawn::{Timer, call_after};
use crate::sync::Semaphore;

/// An item that nobody uses.
pub(super) struct Idle<T> {
    pub(super) item: T,
    pub(super) made: Time,
    since: Time,
}

pub(super) struct Store<T> {
    pub(super) seats: Semaphore,
    pub(super) settings: Settings,
    pub(super) max_size: Cell<usize>,
    /// Longest idle first.
    idle: RefCell<VecDeque<Idle<T>>>,
    /// Items that are in use.
    pub(super) out: Cell<usize>,
    pub(super) closed: Cell<bool>,
    /// Stands while idle items can become over.
    sweep: Cell<Option<Timer>>,
}

pub(super) fn now() -> Time {
    scheduler::with(|scheduler| scheduler.run_loop.now())
}

impl<T: 'static> Store<T> {
    pub(super) fn new(settings: Settings) -> Self {
        Store {
            seats: Semaphore::new(settings.max_size),
            max_size: Cell::new(settings.max_size),
            settings,
            idle: RefCell::default(),
            out: Cell::new(0),
            closed: Cell::new(false),
            sweep: Cell::new(None),
        }
    }

    /// Puts a new item in.
    pub(super) fn add(self: &Rc<Self>, item: T) {
        self.put(item, now());
    }

    /// Puts an item in, or drops it, if it is over or one too many.
    pub(super) fn put(self: &Rc<Self>, item: T, made: Time) {
        let since = now();
        let idle = Idle { item, made, since };
        let there = self.len();
        let surplus = self.closed.get() || there >= self.max_size.get();
        if surplus || self.is_over(&idle, since, there) {
            return drop(idle);
        }
        self.idle.borrow_mut().push_back(idle);
        self.set_sweep(since);
    }

    /// Takes an idle item that is not over; those that are, are dropped.
    pub(super) fn take(&self) -> Option<Idle<T>> {
        let now = now();
        loop {
            let there = self.len();
            let next = match self.settings.order {
                Order::Fifo => self.idle.borrow_mut().pop_front(),
                Order::Stack => self.idle.borrow_mut().pop_back(),
            }?;
            if !self.is_over(&next, now, there - 1) {
                return Some(next);
            }
            drop(next);
        }
    }

    /// Drops all idle items.
    pub(super) fn clear(&self) {
        let idle = self.idle.take();
        if let Some(timer) = self.sweep.take() {
            timer.cancel();
        }
        drop(idle);
    }

    pub(super) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        self.seats.close();
        self.clear();
    }

    pub(super) fn resize(&self, max_size: usize) {
        let before = self.max_size.replace(max_size);
        if max_size >= before {
            return self.seats.add_permits(max_size - before);
        }
        self.seats.remove_permits(before - max_size);
        while self.len() > max_size {
            let oldest = self.idle.borrow_mut().pop_front();
            if oldest.is_none() {
                break;
            }
        }
    }

    /// How many items there are, idle and in use.
    pub(super) fn len(&self) -> usize {
        self.idle_count() + self.out.get()
    }

    pub(super) fn idle_count(&self) -> usize {
        self.idle.borrow().len()
    }

    /// Whether an idle item's time is over, `others` being how many there are besides it.
    fn is_over(&self, idle: &Idle<T>, now: Time, others: usize) -> bool {
        self.ends_at(idle, others).is_some_and(|end| end <= now)
    }

    /// When an idle item's time is over; `None` if it never is.
    fn ends_at(&self, idle: &Idle<T>, others: usize) -> Option<Time> {
        let Settings {
            age_limit,
            idle_limit,
            min_size,
            ..
        } = self.settings;
        let of_age = age_limit.map(|limit| idle.made + limit);
        let of_idleness = idle_limit
            .filter(|_| others >= min_size)
            .map(|limit| idle.since + limit);
        match (of_age, of_idleness) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Sees to it that a timer stands if an idle item can become over.
    fn set_sweep(self: &Rc<Self>, now: Time) {
        let standing = self.sweep.take();
        if standing.is_some() {
            return self.sweep.set(standing);
        }
        let others = self.len().saturating_sub(1);
        let next = self
            .idle
            .borrow()
            .iter()
            .filter_map(|idle| self.ends_at(idle, others))
            .min();
        let Some(next) = next else { return };
        let store = Rc::downgrade(self);
        // A coroutine's call, so that dropping an item may wait.
        let timer = call_after(next - now, move || {
            if let Some(store) = store.upgrade() {
                store.sweep();
            }
        });
        self.sweep.set(Some(timer));
    }

    fn sweep(self: &Rc<Self>) {
        self.sweep.set(None);
        let now = now();
        let mut over = Vec::new();
        let mut kept = VecDeque::new();
        let mut there = self.len();
        for idle in self.idle.take() {
            if self.is_over(&idle, now, there - 1) {
                there -= 1;
                over.push(idle);
            } else {
                kept.push_back(idle);
            }
        }
        self.idle.replace(kept);
        self.set_sweep(now);
        drop(over);
    }
}

impl<T> Drop for Store<T> {
    fn drop(&mut self) {
        if let Some(timer) = self.sweep.take() {
            timer.cancel();
        }
    }
}
