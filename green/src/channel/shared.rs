//! The channel itself: what is queued, who waits on either side, and how they meet.
//!
//! ```text
//!   waiting senders        the store             handed over        receivers that were chosen
//!   (each with its  ──►  (up to the limit)       (one for each  ──► and have not run yet
//!    value)               ▲          │            of them)   ▲
//!                         └──────────┼─────────────────┐     │
//!                                    └──► who receives └── send, if a receiver waits
//! ```
//!
//! * While a receiver waits the store is empty and no sender waits; while a sender waits the store
//!   is full.
//! * A value that is handed over is not the receiver's before its turn has come. Chosen receivers
//!   run in the order in which they were chosen and take the handed values in that order; if one of
//!   them is killed first, those behind it move up, and for the last value the next waiting
//!   receiver is chosen, or it goes back to the front of the store. So the order holds, and nothing
//!   is lost.
//!
//! Handles, and counting them, are the business of [`Sender`](super::Sender) and
//! [`Receiver`](super::Receiver).

use std::cell::{Cell, RefCell, RefMut};
use std::collections::VecDeque;

use eventlet_runloop::Time;

use super::store::Store;
use super::tasks::Tasks;
use crate::coroutine::Wait;
use crate::error::ParkError;
use crate::scheduler;
use crate::sync::waiters::{Outcome, Waiters};

/// The limit of a channel that has none.
pub(super) const UNLIMITED: usize = usize::MAX;

/// A channel.
pub(super) struct Shared<T> {
    /// How many values may be queued. Zero: every send meets a receive.
    limit: Cell<usize>,
    store: RefCell<Store<T>>,
    /// Invariant: as many as there are claims, that is, receivers that were chosen for a value and
    /// have not taken it.
    handed: RefCell<VecDeque<T>>,
    /// A waiting sender holds its value, until somebody takes it.
    pub(super) senders: Waiters<Option<T>>,
    pub(super) receivers: Waiters<Told>,
    closed: Cell<bool>,
    sender_count: Cell<usize>,
    receiver_count: Cell<usize>,
    pub(super) tasks: Tasks,
}

/// What a receiver was chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A value was handed over: it has a claim.
    Value,
    /// The channel was closed.
    Closed,
}

/// Whether an operation has met somebody who waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Waiter,
    Nobody,
}

/// Why a value was not sent at once.
pub(super) enum NotSent<T> {
    Full(T),
    Closed(T),
}

/// Why a value was not sent, after waiting.
pub(super) enum SendFailure<T> {
    Closed(T),
    TimedOut(T),
    Refused(T, ParkError),
}

/// Why nothing was received at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotReceived {
    Empty,
    Closed,
}

/// Why nothing was received, after waiting.
pub(super) enum RecvFailure {
    Closed,
    TimedOut,
    Refused(ParkError),
}

impl<T> Shared<T> {
    /// A channel with one sender and one receiver.
    pub(super) fn new(limit: usize, store: Store<T>) -> Self {
        Shared {
            limit: Cell::new(limit),
            store: RefCell::new(store),
            handed: RefCell::default(),
            senders: Waiters::default(),
            receivers: Waiters::default(),
            closed: Cell::new(false),
            sender_count: Cell::new(1),
            receiver_count: Cell::new(1),
            tasks: Tasks::default(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.get()
    }

    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
        self.refill();
    }

    pub(super) fn len(&self) -> usize {
        self.store().len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(super) fn has_receivers(&self) -> bool {
        self.receiver_count.get() > 0
    }

    /// The store, for as long as a statement. Only the `Ord` of a value can be run meanwhile.
    #[inline]
    fn store(&self) -> RefMut<'_, Store<T>> {
        match self.store.try_borrow_mut() {
            Ok(store) => store,
            Err(_) => panic!("the `Ord` of a channel's values must not use the channel"),
        }
    }

    /// Sends without waiting.
    #[inline]
    pub(super) fn try_send(&self, value: T) -> Result<Met, NotSent<T>> {
        if self.closed.get() {
            return Err(NotSent::Closed(value));
        }
        let chosen = self.receivers.choose_first_with(|told| *told = Told::Value);
        if chosen.is_some() {
            self.tasks.add();
            self.handed.borrow_mut().push_back(value);
            return Ok(Met::Waiter);
        }
        let mut store = self.store();
        if store.len() >= self.limit.get() {
            return Err(NotSent::Full(value));
        }
        self.tasks.add();
        store.push(value);
        Ok(Met::Nobody)
    }

    /// Sends, and waits for room or, in a channel without, for a receiver.
    #[inline]
    pub(super) fn send(
        &self,
        value: T,
        deadline: impl FnOnce() -> Option<Time>,
    ) -> Result<(), SendFailure<T>> {
        match self.try_send(value) {
            Ok(met) => {
                self.let_go_first(met);
                Ok(())
            }
            Err(NotSent::Closed(value)) => Err(SendFailure::Closed(value)),
            Err(NotSent::Full(value)) => self.wait_to_send(value, deadline()),
        }
    }

    #[inline(always)] // it parks: see `Stage`
    fn wait_to_send(&self, value: T, deadline: Option<Time>) -> Result<(), SendFailure<T>> {
        let (outcome, left) =
            self.senders
                .wait_holding(Some(value), Wait::Send, deadline, |_closed| ());
        match (outcome, left) {
            (_, None) => Ok(()),
            (Ok(Outcome::Chosen), Some(value)) => Err(SendFailure::Closed(value)),
            (Ok(Outcome::TimedOut), Some(value)) => Err(SendFailure::TimedOut(value)),
            (Err(reason), Some(value)) => Err(SendFailure::Refused(value, reason)),
        }
    }

    /// Receives without waiting.
    #[inline]
    pub(super) fn try_recv(&self) -> Result<(T, Met), NotReceived> {
        let queued = self.store().pop();
        if let Some(value) = queued {
            if self.senders.len() > 0 {
                self.refill();
            }
            return Ok((value, Met::Nobody));
        }
        if let Some(value) = self.take_from_sender() {
            return Ok((value, Met::Waiter));
        }
        if self.closed.get() {
            Err(NotReceived::Closed)
        } else {
            Err(NotReceived::Empty)
        }
    }

    /// Receives, and waits for a value.
    #[inline]
    pub(super) fn recv(&self, deadline: impl FnOnce() -> Option<Time>) -> Result<T, RecvFailure> {
        match self.recv_politely() {
            Ok(value) => Ok(value),
            Err(NotReceived::Closed) => Err(RecvFailure::Closed),
            Err(NotReceived::Empty) => self.wait_to_recv(deadline()),
        }
    }

    #[inline(always)] // it parks: see `Stage`
    fn wait_to_recv(&self, deadline: Option<Time>) -> Result<T, RecvFailure> {
        let (outcome, told) =
            self.receivers
                .wait_holding(Told::Value, Wait::Receive, deadline, |told| {
                    self.pass_on(told);
                });
        match outcome {
            Ok(Outcome::Chosen) => self.redeem(told).ok_or(RecvFailure::Closed),
            Ok(Outcome::TimedOut) => Err(RecvFailure::TimedOut),
            Err(reason) => Err(RecvFailure::Refused(reason)),
        }
    }

    /// As [`try_recv`](Self::try_recv), but a sender that waited goes on before the caller does. If
    /// the caller is unwound meanwhile, the value goes to another.
    #[inline]
    pub(super) fn recv_politely(&self) -> Result<T, NotReceived> {
        match self.try_recv()? {
            (value, Met::Nobody) => Ok(value),
            (value, Met::Waiter) => {
                self.handed.borrow_mut().push_back(value);
                let claim = Claim(self);
                self.let_go_first(Met::Waiter);
                Ok(claim.redeem())
            }
        }
    }

    /// In a channel without room, whoever waited goes on first, then the caller.
    #[inline(always)] // it gives way: see `Stage`
    pub(super) fn let_go_first(&self, met: Met) {
        if met == Met::Waiter && self.limit.get() == 0 {
            // Where yielding is refused (a destructor, a callback), the caller goes first.
            let _ = scheduler::yield_now();
        }
    }

    /// What a chosen receiver gets; `None` if the channel is closed and empty.
    pub(super) fn redeem(&self, told: Told) -> Option<T> {
        match told {
            Told::Value => Some(Claim(self).redeem()),
            // Another's value may have come back since.
            Told::Closed => self.try_recv().ok().map(|(value, _)| value),
        }
    }

    /// What a chosen receiver will not take goes to the next.
    pub(super) fn pass_on(&self, told: Told) {
        if told == Told::Value {
            drop(Claim(self));
        }
    }

    /// Puts a received value back to the front, or hands it to whoever waits.
    pub(super) fn give_back(&self, value: T) {
        self.handed.borrow_mut().push_back(value);
        drop(Claim(self));
    }

    /// Whether a send would not have to wait.
    pub(super) fn can_send(&self) -> bool {
        self.closed.get() || self.store().len() < self.limit.get() || self.receivers.has_choosable()
    }

    /// Whether a receive would not have to wait.
    pub(super) fn can_recv(&self) -> bool {
        self.closed.get() || self.store().len() > 0 || self.senders.has_choosable()
    }

    #[inline]
    fn take_from_sender(&self) -> Option<T> {
        if self.senders.len() == 0 {
            return None;
        }
        let value = self.senders.choose_first_with(Option::take)??;
        self.tasks.add();
        Some(value)
    }

    /// Lets waiting senders in while there is room.
    fn refill(&self) {
        while self.store().len() < self.limit.get() {
            let Some(value) = self.take_from_sender() else {
                break;
            };
            self.store().push(value);
        }
    }

    /// Takes no more values. Senders that wait get theirs back, receivers that wait are told.
    pub(super) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        while self
            .receivers
            .choose_first_with(|told| *told = Told::Closed)
            .is_some()
        {}
        while self.senders.choose_first_with(|_| ()).is_some() {}
    }

    pub(super) fn add_sender(&self) {
        self.sender_count.set(self.sender_count.get() + 1);
    }

    pub(super) fn remove_sender(&self) {
        self.sender_count.set(self.sender_count.get() - 1);
        if self.sender_count.get() == 0 {
            self.close();
        }
    }

    pub(super) fn add_receiver(&self) {
        self.receiver_count.set(self.receiver_count.get() + 1);
    }

    pub(super) fn remove_receiver(&self) {
        self.receiver_count.set(self.receiver_count.get() - 1);
        if self.receiver_count.get() > 0 {
            return;
        }
        self.close();
        // Nobody can receive them any more.
        let queued = self.store().take();
        self.tasks.finish(queued.len());
        self.tasks.wake_joiners();
        drop(queued);
    }
}

/// The right to the first of the handed values. Dropped, it goes to the next who waits.
struct Claim<'a, T>(&'a Shared<T>);

impl<T> Claim<'_, T> {
    fn redeem(self) -> T {
        let value = self.0.handed.borrow_mut().pop_front();
        std::mem::forget(self);
        match value {
            Some(value) => value,
            None => unreachable!("there is a handed value for each claim"),
        }
    }
}

impl<T> Drop for Claim<'_, T> {
    fn drop(&mut self) {
        let shared = self.0;
        let chosen = shared
            .receivers
            .choose_first_with(|told| *told = Told::Value);
        if chosen.is_none() {
            let last = shared.handed.borrow_mut().pop_back();
            if let Some(value) = last {
                shared.store().give_back(value);
            }
        }
    }
}
