//! Word from other threads: tickets and orders go in on any thread, and are seen to by the loop's own.
//!
//! A coroutine that waits for another thread takes a ticket ([`Outside::wait`]) and parks; the
//! other thread drops the ticket's number into the [`Inbox`] and wakes the hub; the scheduler then
//! looks up who holds that ticket. A ticket whose holder has gone on (killed, timed out) is torn
//! up, so a late answer never wakes it out of something else. An order is something for
//! the loop to do ([`Remote`](crate::Remote) has coroutines spawned so). How letters queue, and when the hub
//! need be woken, stands in [`mailbox`](crate::between_threads::mailbox).

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use eventlet_hub::Waker;
use eventlet_runloop::Time;

use crate::between_threads::mailbox::{Mailbox, Posted};
use crate::coroutine::{Coroutine, Wait, Woken};
use crate::error::ParkError;
use crate::scheduler::Scheduler;
use crate::sys::slot;

/// Something for the loop to do, in a callback.
pub(crate) trait Order: Any + Send {
    /// Does it.
    fn carry_out(self: Box<Self>, scheduler: &Scheduler);
}

enum Letter {
    Ticket(u64),
    Order(Box<dyn Order>),
}

/// The side other threads see.
pub(crate) struct Inbox {
    letters: Mailbox<Letter>,
    waker: Waker,
}

impl Inbox {
    pub(crate) fn new(waker: Waker) -> Self {
        Inbox {
            letters: Mailbox::new(),
            waker,
        }
    }

    /// Redeems a ticket, from any thread. Harmless when the loop, or its thread, is gone.
    pub(crate) fn redeem(&self, ticket: u64) {
        // On the loop's own thread there is no need to go round by the hub.
        let done = slot::with(|scheduler| {
            let own = scheduler.owns(self);
            if own {
                scheduler.outside.redeem(scheduler, ticket);
            }
            own
        });
        if done != Some(true) {
            // Refused: the holder has been unwound with its thread.
            let _ = self.post(Letter::Ticket(ticket));
        }
    }

    /// Orders something, from any thread. Gives the order back if the loop is gone.
    pub(crate) fn order(&self, order: Box<dyn Order>) -> Result<(), Box<dyn Order>> {
        self.post(Letter::Order(order))
            .map_err(|letter| match letter {
                Letter::Order(order) => order,
                Letter::Ticket(_) => unreachable!("what was posted comes back"),
            })
    }

    fn post(&self, letter: Letter) -> Result<(), Letter> {
        if self.letters.post(letter)? == Posted::First {
            self.waker.wake();
        }
        Ok(())
    }

    /// Whether the loop has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.letters.is_closed()
    }

    /// Sees to what has come in; on the loop's own thread.
    #[inline]
    pub(crate) fn deliver(&self, scheduler: &Scheduler) {
        if self.letters.has_any() {
            self.deliver_all(scheduler);
        }
    }

    #[cold]
    fn deliver_all(&self, scheduler: &Scheduler) {
        for letter in self.letters.take() {
            match letter {
                Letter::Ticket(ticket) => scheduler.outside.redeem(scheduler, ticket),
                // Queued, not called: the loop contains panics, and calls in the order of coming.
                Letter::Order(order) => scheduler.run_loop.call_soon(move |_| {
                    slot::with(|scheduler| order.carry_out(scheduler));
                }),
            }
        }
    }

    /// Takes nothing more, since the loop ends. What has come in is dropped.
    pub(crate) fn close(&self) {
        for letter in self.letters.close() {
            // A thread that ends must not panic any more; the panic hook has had its say.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(letter)));
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
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

    /// Parks the caller until the ticket that `send_out` is given has been redeemed, or the deadline
    /// has passed.
    ///
    /// If `send_out` says that there is nothing to wait for after all, it does not park.
    ///
    /// # Errors
    ///
    /// As for [`Scheduler::park`].
    pub(crate) fn wait(
        &self,
        scheduler: &Scheduler,
        wait: Wait,
        deadline: Option<Time>,
        send_out: impl FnOnce(u64) -> Sent,
    ) -> Result<Woken, ParkError> {
        // Nothing is sent out for one who cannot wait for the answer.
        let holder = scheduler.about_to_park()?;
        let ticket = self.next.get();
        self.next.set(ticket + 1);
        self.holders.borrow_mut().insert(ticket, holder);
        let _torn_up_at_the_end = Ticket {
            outside: self,
            number: ticket,
        };
        if send_out(ticket) == Sent::NotNeeded {
            return Ok(Woken::Ready);
        }
        while self.holders.borrow().contains_key(&ticket) {
            if scheduler.park(wait, deadline)? == Woken::TimedOut {
                return Ok(Woken::TimedOut);
            }
        }
        Ok(Woken::Ready)
    }
}

/// What became of a ticket that was to be sent out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Somebody has it and will redeem it.
    Out,
    /// What it would have been waited for is there.
    NotNeeded,
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
