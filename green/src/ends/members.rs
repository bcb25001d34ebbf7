//! A set of coroutines that leave it when they end: waiting until it is empty, killing all in it.
//!
//! Groups, workers and scopes are made of it. What each of them promises (who is killed when, how
//! many there may be) is their own business.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use eventlet_runloop::Time;

use super::EndListener;
use super::kill::kill_in_its_turn;
use crate::coroutine::{Coroutine, State, Wait};
use crate::error::ParkError;
use crate::scheduler;
use crate::sync::waiters::{Outcome, Waiters};

/// The set.
#[derive(Default)]
pub(crate) struct Members {
    /// By id, so that they are killed in the order in which they were spawned.
    alive: RefCell<BTreeMap<u64, Rc<Coroutine>>>,
    /// Who waits until it is empty.
    waiters: Waiters,
}

impl Members {
    /// Takes a coroutine in, until it ends. One that has ended, or is in already, changes nothing.
    pub(crate) fn add(self: &Rc<Self>, coroutine: &Rc<Coroutine>) {
        if coroutine.state.get() == State::Finished {
            return;
        }
        let mut alive = self.alive.borrow_mut();
        if alive.insert(coroutine.id, Rc::clone(coroutine)).is_none() {
            coroutine.end_listeners.add(Rc::clone(self) as _);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.alive.borrow().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alive.borrow().is_empty()
    }

    /// Whether the caller is one of them.
    pub(crate) fn has_caller(&self) -> bool {
        let caller = scheduler::with(|scheduler| scheduler.current());
        caller.is_some_and(|caller| self.alive.borrow().contains_key(&caller.id))
    }

    /// Those that are in it now.
    pub(crate) fn all(&self) -> Vec<Rc<Coroutine>> {
        self.alive.borrow().values().map(Rc::clone).collect()
    }

    /// Marks all for a kill, to be raised when the turn of each comes; says how many there were.
    ///
    /// If the caller is one of them it goes on until it waits, or is [raised](mod@crate::sleep)
    /// by its caller.
    pub(crate) fn kill_all(&self) -> usize {
        let all = self.all();
        for coroutine in &all {
            kill_in_its_turn(coroutine);
        }
        all.len()
    }

    /// Parks the caller until the set is empty or `is_over` says so, or the deadline has passed.
    pub(crate) fn wait(
        &self,
        wait: Wait,
        deadline: Option<Time>,
        is_over: impl Fn() -> bool,
    ) -> Result<Outcome, ParkError> {
        self.waiters
            .wait_until(wait, deadline, || self.is_empty() || is_over())
    }

    /// Has all who wait look again.
    pub(crate) fn rouse(&self) {
        while self.waiters.choose_first() {}
    }
}

impl EndListener for Members {
    fn finished(&self, coroutine: &Rc<Coroutine>) {
        let left = self.alive.borrow_mut().remove(&coroutine.id);
        drop(left);
        if self.is_empty() {
            self.rouse();
        }
    }
}
