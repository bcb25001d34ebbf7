//! A channel's values, and who waits at either end; see [`cross`](crate::cross) for the channel.
//!
//! Values are handed over directly: a value that comes while somebody waits for one is put aside for
//! the longest waiter, whom nobody can overtake; and as room comes, the value of the longest waiting
//! sender moves in. So both ends are first come, first served. Somebody who is killed or out of time
//! comes to [`Queue::collect`] or [`Queue::withdraw`], which settle what became of him under the
//! lock: nothing is lost or doubled. Values carry their number, so that what is given back goes to
//! its old place.
//!
//! ```text
//!  waiting senders ──room──► values ──► receivers that ask
//!     (with theirs)             ▲
//!                   given back  │      waiting receivers ──value──► put aside, until collected
//!                               └────────────────────────────────────────┘
//! ```
//!
//! Nobody waits at one end while the other end has what he waits for. Values and waiters are dropped,
//! and waiters woken, with the lock released.

use std::collections::{BTreeMap, VecDeque};

use super::Wake;
use super::primitives::{Mutex, lock};

/// A channel's inside.
#[derive(Debug)]
pub struct Queue<T, S> {
    state: Mutex<State<T, S>>,
}

#[derive(Debug)]
struct State<T, S> {
    capacity: Option<usize>,
    /// In the order of their numbers.
    values: VecDeque<(u64, T)>,
    next_value: u64,
    /// By the time they came. One that has been woken because of the end keeps its value here until
    /// it comes for it.
    senders: BTreeMap<u64, (T, Option<S>)>,
    receivers: BTreeMap<u64, S>,
    /// Values for receivers that have been woken. As long as there are any, one may come back, so
    /// nobody is told of the end.
    aside: BTreeMap<u64, (u64, T)>,
    next_waiter: u64,
    closed: bool,
}

/// What came of sending.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Sent<T> {
    /// It is the receivers' now.
    Done,
    /// There is no room.
    Full(T),
    /// The channel is closed.
    Closed(T),
}

/// What came of receiving.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Received<T> {
    /// A value.
    Value(T),
    /// There is none.
    Empty,
    /// There is none, and none will come.
    Closed,
}

/// What came of getting in line.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum InLine<R> {
    /// There was nothing to wait for: that came of it.
    No(R),
    /// One waits, under this number.
    Yes(u64),
}

impl<T, S: Wake> Queue<T, S> {
    /// Nothing in it, with room for so many values; `None` is as many as there is memory for, zero
    /// none at all: each is handed over from one who waits to another.
    pub fn new(capacity: Option<usize>) -> Self {
        Queue {
            state: Mutex::new(State {
                capacity,
                values: VecDeque::new(),
                next_value: 0,
                senders: BTreeMap::new(),
                receivers: BTreeMap::new(),
                aside: BTreeMap::new(),
                next_waiter: 0,
                closed: false,
            }),
        }
    }

    /// Sends, if that needs no waiting.
    pub fn try_send(&self, value: T) -> Sent<T> {
        let mut state = lock(&self.state);
        match state.offer(value) {
            Offered::Done(waiter) => {
                drop(state);
                wake(waiter);
                Sent::Done
            }
            Offered::Full(value) => Sent::Full(value),
            Offered::Closed(value) => Sent::Closed(value),
        }
    }

    /// Sends, or gets in line with the value. Whoever is woken calls [`withdraw`](Self::withdraw).
    pub fn send_or_wait(&self, value: T, waiter: S) -> InLine<Sent<T>> {
        let mut state = lock(&self.state);
        match state.offer(value) {
            Offered::Done(receiver) => {
                drop(state);
                wake(receiver);
                InLine::No(Sent::Done)
            }
            Offered::Closed(value) => InLine::No(Sent::Closed(value)),
            Offered::Full(value) => {
                let number = state.waiter_number();
                state.senders.insert(number, (value, Some(waiter)));
                InLine::Yes(number)
            }
        }
    }

    /// Leaves the line of senders. Gives the value back if nobody has taken it.
    pub fn withdraw(&self, number: u64) -> Sent<T> {
        let mut state = lock(&self.state);
        let Some((value, waiter)) = state.senders.remove(&number) else {
            return Sent::Done;
        };
        let closed = state.closed;
        drop(state);
        drop(waiter);
        if closed {
            Sent::Closed(value)
        } else {
            Sent::Full(value)
        }
    }

    /// Receives, if that needs no waiting.
    pub fn try_receive(&self) -> Received<T> {
        let mut state = lock(&self.state);
        let (received, sender) = state.pick();
        drop(state);
        wake(sender);
        received
    }

    /// Receives, or gets in line. Whoever is woken calls [`collect`](Self::collect).
    pub fn receive_or_wait(&self, waiter: S) -> InLine<Received<T>> {
        let mut state = lock(&self.state);
        let (received, sender) = state.pick();
        if matches!(received, Received::Empty) {
            let number = state.waiter_number();
            state.receivers.insert(number, waiter);
            return InLine::Yes(number);
        }
        drop(state);
        wake(sender);
        InLine::No(received)
    }

    /// Leaves the line of receivers, with the value that was put aside, if one was.
    pub fn collect(&self, number: u64) -> Received<T> {
        let mut state = lock(&self.state);
        let waiter = state.receivers.remove(&number);
        let aside = state.aside.remove(&number);
        let over = state.is_over();
        let told = state.receivers_to_tell();
        drop(state);
        drop(waiter);
        wake_all(told);
        match aside {
            Some((_, value)) => Received::Value(value),
            None if over => Received::Closed,
            None => Received::Empty,
        }
    }

    /// Leaves the line of receivers for good: a value that was put aside goes to the next in line,
    /// or back to its old place.
    pub fn leave(&self, number: u64) {
        let mut state = lock(&self.state);
        let waiter = state.receivers.remove(&number);
        let next = state
            .aside
            .remove(&number)
            .and_then(|(order, value)| state.put_back(order, value));
        let told = state.receivers_to_tell();
        drop(state);
        drop(waiter);
        wake(next);
        wake_all(told);
    }

    /// Ends the sending; what is in it can still be received. Says whether it was open.
    pub fn close(&self) -> bool {
        let mut state = lock(&self.state);
        if state.closed {
            return false;
        }
        state.closed = true;
        let senders: Vec<S> = state
            .senders
            .values_mut()
            .filter_map(|(_, sender)| sender.take())
            .collect();
        let receivers = state.receivers_to_tell();
        drop(state);
        wake_all(senders);
        wake_all(receivers);
        true
    }
}

impl<T, S> Queue<T, S> {
    /// Takes all values that nobody has been promised, when there is nobody left to receive them.
    pub fn take_all(&self) -> impl Iterator<Item = T> + use<T, S> {
        let values = std::mem::take(&mut lock(&self.state).values);
        values.into_iter().map(|(_, value)| value)
    }

    /// How many values wait to be received, without those of waiting senders.
    pub fn len(&self) -> usize {
        lock(&self.state).values.len()
    }

    /// Whether no value waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values it has room for.
    pub fn capacity(&self) -> Option<usize> {
        lock(&self.state).capacity
    }

    /// Whether the sending is over.
    pub fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// How many wait to send, and how many to receive.
    pub fn waiting(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.senders.len(), state.receivers.len())
    }
}

enum Offered<T, S> {
    Done(Option<S>),
    Full(T),
    Closed(T),
}

impl<T, S> State<T, S> {
    fn waiter_number(&mut self) -> u64 {
        self.next_waiter += 1;
        self.next_waiter
    }

    fn offer(&mut self, value: T) -> Offered<T, S> {
        if self.closed {
            return Offered::Closed(value);
        }
        if let Some((number, receiver)) = self.receivers.pop_first() {
            let order = self.value_number();
            self.aside.insert(number, (order, value));
            return Offered::Done(Some(receiver));
        }
        if self.has_room() {
            self.append(value);
            return Offered::Done(None);
        }
        Offered::Full(value)
    }

    /// The next value, and the sender whose value came into the room that was made.
    fn pick(&mut self) -> (Received<T>, Option<S>) {
        let Some((_, value)) = self.values.pop_front() else {
            // Only without any room is there a sender waiting beside no value.
            return match self.first_open_sender() {
                Some((value, sender)) => (Received::Value(value), sender),
                None if self.is_over() => (Received::Closed, None),
                None => (Received::Empty, None),
            };
        };
        let mut woken = None;
        if self.has_room()
            && let Some((value, sender)) = self.first_open_sender()
        {
            self.append(value);
            woken = sender;
        }
        (Received::Value(value), woken)
    }

    /// Gives a value that was promised to somebody to the next, or puts it where it was.
    fn put_back(&mut self, order: u64, value: T) -> Option<S> {
        if let Some((number, receiver)) = self.receivers.pop_first() {
            self.aside.insert(number, (order, value));
            return Some(receiver);
        }
        let place = self.values.partition_point(|(other, _)| *other < order);
        self.values.insert(place, (order, value));
        None
    }

    /// The sender who has waited longest, unless they are all on their way out.
    fn first_open_sender(&mut self) -> Option<(T, Option<S>)> {
        if self.closed {
            return None;
        }
        self.senders.pop_first().map(|(_, entry)| entry)
    }

    /// Whether nothing will ever come any more.
    fn is_over(&self) -> bool {
        self.closed && self.values.is_empty() && self.aside.is_empty()
    }

    /// Those who wait for what will never come.
    fn receivers_to_tell(&mut self) -> Vec<S> {
        if !self.is_over() {
            return Vec::new();
        }
        std::mem::take(&mut self.receivers).into_values().collect()
    }

    fn has_room(&self) -> bool {
        self.capacity
            .is_none_or(|capacity| self.values.len() < capacity)
    }

    fn append(&mut self, value: T) {
        let order = self.value_number();
        self.values.push_back((order, value));
    }

    fn value_number(&mut self) -> u64 {
        self.next_value += 1;
        self.next_value
    }
}

fn wake<S: Wake>(waiter: Option<S>) {
    if let Some(waiter) = waiter {
        waiter.wake();
    }
}

fn wake_all<S: Wake>(waiters: Vec<S>) {
    for waiter in waiters {
        waiter.wake();
    }
}
