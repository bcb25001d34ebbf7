//! A count of permits and the line of those who want some: what the semaphore and the locks are.
//!
//! A mutex is one permit; a read-write lock is [very many](super::rwlock), of which a reader takes
//! one and a writer all. Strictly first come, first served: nobody takes what the first in line
//! waits for, not even if it is too little for the first and enough for somebody behind it. So a
//! writer, or one who wants many, is never starved. What is given back goes straight to the first
//! in line, before anybody who comes later can see it.

use std::cell::Cell;
use std::rc::Rc;

use eventlet_runloop::Time;

use super::waiters::{Outcome, Place, Waiters};
use crate::coroutine::{Coroutine, Wait};
use crate::error::ParkError;
use crate::scheduler;

/// The permits that are free, and who waits for some.
pub(crate) struct Permits {
    free: Cell<usize>,
    /// The free ones and those that are held.
    total: Cell<usize>,
    /// How many were taken away while they were held: so many of those that are given back are no
    /// more. While there are any, none is free.
    owed: Cell<usize>,
    is_closed: Cell<bool>,
    waiters: Waiters<Request>,
}

/// What one in the line wants.
struct Request {
    count: usize,
    /// It was woken to be told that there will be none.
    is_refused: bool,
}

/// Whether what was wanted was granted before the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Grant {
    /// They are the caller's.
    Granted,
    /// The deadline has passed.
    TimedOut,
}

impl Permits {
    pub(crate) fn new(total: usize) -> Self {
        Permits {
            free: Cell::new(total),
            total: Cell::new(total),
            owed: Cell::new(0),
            is_closed: Cell::new(false),
            waiters: Waiters::default(),
        }
    }

    pub(crate) fn free(&self) -> usize {
        self.free.get()
    }

    pub(crate) fn total(&self) -> usize {
        self.total.get()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiters.len()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Takes so many if they are free and nobody is in line for them.
    #[inline]
    pub(crate) fn try_take(&self, count: usize) -> bool {
        let free = self.free.get();
        if free < count || self.is_closed() || self.waiters.has_choosable() {
            return false;
        }
        self.free.set(free - count);
        true
    }

    /// Takes so many, waiting for them until the deadline.
    ///
    /// # Errors
    ///
    /// [`ParkError::Closed`], and as for `Scheduler::park`.
    #[inline]
    pub(crate) fn take(
        &self,
        count: usize,
        wait: Wait,
        deadline: impl FnOnce() -> Option<Time>,
    ) -> Result<Grant, ParkError> {
        if self.try_take(count) {
            return Ok(Grant::Granted);
        }
        self.wait(count, wait, deadline())
    }

    fn wait(&self, count: usize, wait: Wait, deadline: Option<Time>) -> Result<Grant, ParkError> {
        if self.is_closed() {
            return Err(ParkError::Closed);
        }
        // One that leaves without what it wanted may have held up those who want less.
        let _served_at_the_end = Serve(self);
        let request = Request {
            count,
            is_refused: false,
        };
        let (outcome, request) = self
            .waiters
            .wait_holding(request, wait, deadline, |request| self.pass_on(&request));
        match outcome? {
            Outcome::Chosen if request.is_refused => Err(ParkError::Closed),
            Outcome::Chosen => Ok(Grant::Granted),
            Outcome::TimedOut => Ok(Grant::TimedOut),
        }
    }

    /// Puts a coroutine that is parked, and waits elsewhere, at the end of the line for one permit:
    /// it is woken when it has it. [`serve`](Self::serve) is to be called then.
    pub(crate) fn enter_parked(&self, coroutine: &Rc<Coroutine>, wait: Wait) -> Place {
        // From now on it takes as long as it takes.
        coroutine.wait.set(wait);
        if let Some(timer) = coroutine.deadline.take() {
            scheduler::with(|scheduler| scheduler.run_loop.cancel_timer(timer));
        }
        let request = Request {
            count: 1,
            is_refused: false,
        };
        self.waiters.enter(Rc::clone(coroutine), request)
    }

    /// Whether one who entered so has its permit.
    pub(crate) fn is_granted(&self, place: &Place) -> bool {
        self.waiters.is_chosen(place)
    }

    /// Takes one who entered so off the line. If it has its permit, that is the caller's.
    pub(crate) fn leave(&self, place: Place) {
        self.waiters.leave(place);
    }

    /// Takes one who entered so off the line, and gives what it has back.
    pub(crate) fn give_up(&self, place: Place) {
        let (was_chosen, request) = self.waiters.leave(place);
        if was_chosen {
            self.pass_on(&request);
        }
        self.serve();
    }

    /// Gives so many back.
    #[inline]
    pub(crate) fn give_back(&self, count: usize) {
        let paid = count.min(self.owed.get());
        self.owed.set(self.owed.get() - paid);
        self.free.set(self.free.get() + (count - paid));
        self.serve();
    }

    /// Adds so many; `None` if there would be more than `usize::MAX`, and then nothing is done.
    pub(crate) fn add(&self, count: usize) -> Option<()> {
        self.total.set(self.total.get().checked_add(count)?);
        self.give_back(count);
        Some(())
    }

    /// Takes so many away: free ones, and for the rest, those that are given back next; `None` if
    /// there are not so many, and then nothing is done.
    pub(crate) fn remove(&self, count: usize) -> Option<()> {
        self.total.set(self.total.get().checked_sub(count)?);
        let now = count.min(self.free.get());
        self.free.set(self.free.get() - now);
        self.owed.set(self.owed.get() + (count - now));
        Some(())
    }

    /// So many that are held will never be given back.
    pub(crate) fn forget(&self, count: usize) {
        // Some of them may have been taken away before.
        let counted = count.min(self.total.get());
        self.total.set(self.total.get() - counted);
        self.owed.set(self.owed.get() - (count - counted));
    }

    /// Grants nothing any more, and tells so to those in line.
    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        let refuse = |request: &mut Request| request.is_refused = true;
        while self.waiters.choose_first_with(refuse).is_some() {}
    }

    /// Hands what is free to the first in line, as far as it goes.
    #[inline]
    pub(crate) fn serve(&self) {
        while let Some(count) = self.waiters.first_with(|request| request.count) {
            let free = self.free.get();
            if free < count || self.waiters.choose_first_with(|_| ()).is_none() {
                break;
            }
            self.free.set(free - count);
        }
    }

    /// What a chosen one was told is not for it any more.
    fn pass_on(&self, request: &Request) {
        if !request.is_refused {
            self.give_back(request.count);
        }
    }
}

/// Serves those in line when it is dropped.
struct Serve<'a>(&'a Permits);

impl Drop for Serve<'_> {
    fn drop(&mut self) {
        self.0.serve();
    }
}

/// Some permits of a lock, for as long as a guard lives.
pub(crate) struct Turn<'a> {
    pub(crate) permits: &'a Permits,
    pub(crate) count: usize,
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        self.permits.give_back(self.count);
    }
}
