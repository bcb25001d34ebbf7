//! Wake-ups from other threads: tickets go in on any thread, and are redeemed by the loop's own.
//!
//! A coroutine that waits for another thread takes a ticket ([`Outside::wait`]) and parks; the
//! other thread drops the ticket's number into the [`Inbox`] and wakes the hub; the scheduler then
//! looks up who holds that ticket. A ticket whose holder has gone on (killed, timed out) is torn
//! up, so a late answer never wakes it out of something else.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use eventlet_hub::Waker;

use crate::coroutine::{Coroutine, Wait, Woken};
use crate::error::ParkError;
use crate::scheduler::Scheduler;

/// The side other threads see.
pub(crate) struct Inbox {
    tickets: Mutex<Vec<u64>>,
    /// Up while there may be tickets, so that looking is free when there are none.
    any: AtomicBool,
    waker: Waker,
}

impl Inbox {
    pub(crate) fn new(waker: Waker) -> Self {
        Inbox {
            tickets: Mutex::new(Vec::new()),
            any: AtomicBool::new(false),
            waker,
        }
    }

    /// Redeems a ticket, from any thread. Harmless when the loop, or its thread, is gone.
    pub(crate) fn post(&self, ticket: u64) {
        // A panic of another poster leaves the list as it was or with its ticket added.
        self.tickets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ticket);
        self.any.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Wakes the holders of what has come in; on the loop's own thread.
    #[inline]
    pub(crate) fn deliver(&self, scheduler: &Scheduler) {
        // A ticket whose flag is not seen here is followed by a wake-up of the hub, hence by
        // another look.
        if self.any.load(Ordering::Relaxed) {
            self.redeem_all(scheduler);
        }
    }

    #[cold]
    fn redeem_all(&self, scheduler: &Scheduler) {
        self.any.store(false, Ordering::Relaxed);
        let tickets =
            std::mem::take(&mut *self.tickets.lock().unwrap_or_else(PoisonError::into_inner));
        for ticket in tickets {
            scheduler.outside.redeem(scheduler, ticket);
        }
    }
}

/// The tickets that are out, with their holders; on the loop's own thread.
#[derive(Default)]
pub(crate) struct Outside {
    holders: RefCell<HashMap<u64, Rc<Coroutine>>>,
    next: Cell<u64>,
}

impl Outside {
    pub(crate) fn is_empty(&self) -> bool {
        self.holders.borrow().is_empty()
    }

    fn redeem(&self, scheduler: &Scheduler, ticket: u64) {
        let holder = self.holders.borrow_mut().remove(&ticket);
        if let Some(holder) = holder {
            scheduler.wake(&holder, Woken::Ready);
        }
    }

    /// Parks the caller until the ticket that `send_out` is given has been redeemed.
    ///
    /// # Errors
    ///
    /// As for [`Scheduler::park`].
    pub(crate) fn wait(
        &self,
        scheduler: &Scheduler,
        wait: Wait,
        send_out: impl FnOnce(u64),
    ) -> Result<(), ParkError> {
        // Nothing is sent out for one who cannot wait for the answer.
        let holder = scheduler.about_to_park()?;
        let ticket = self.next.get();
        self.next.set(ticket + 1);
        self.holders.borrow_mut().insert(ticket, holder);
        let _torn_up_at_the_end = Ticket {
            outside: self,
            number: ticket,
        };
        send_out(ticket);
        while self.holders.borrow().contains_key(&ticket) {
            scheduler.park(wait, None)?;
        }
        Ok(())
    }
}

struct Ticket<'a> {
    outside: &'a Outside,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let holder = self.outside.holders.borrow_mut().remove(&self.number);
        drop(holder);
    }
}
