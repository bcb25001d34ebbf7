//! The buffer a wait fills: one batch of events, bounded in size, used again and again.
//!
//! What is not here: which events fit into the next batch, and in which order; that is each hub's
//! duty of fairness (see [`Hub::wait`](crate::Hub::wait)).

use crate::{Readiness, Token};

/// One descriptor that is ready.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Event, Events, Readiness, Token};
///
/// let mut events = Events::new();
/// events.push(Event { token: Token::new(4, 0), readiness: Readiness::HANG_UP });
/// for Event { token, readiness } in &events {
///     assert_eq!(token.slot(), 4);
///     assert!(readiness.is_hang_up() && readiness.is_readable());
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The token the descriptor was registered under.
    pub token: Token,
    /// What it is ready for.
    pub readiness: Readiness,
}

/// A batch of events, and whether the wait was ended by a [`Waker`](crate::Waker).
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Event, Events, Readiness, Token};
///
/// let mut events = Events::with_capacity(2);
/// events.push(Event { token: Token::new(0, 0), readiness: Readiness::READABLE });
/// assert_eq!(events.len(), 1);
/// assert!(!events.is_woken());
/// for event in &events {
///     assert!(event.readiness.is_readable());
/// }
/// ```
///
/// ```
/// use eventlet_hub::{Event, Events, Readiness, Token};
///
/// let mut events = Events::with_capacity(1);
/// assert_eq!((events.capacity(), events.remaining()), (1, 1));
/// let token = Token::new(0, 0);
/// events.join(Event { token, readiness: Readiness::READABLE });
/// // Facts of the same token still have a place; another token's do not.
/// assert!(events.has_room_for(token));
/// assert!(!events.has_room_for(Token::new(1, 0)));
///
/// events.set_woken();
/// events.clear();
/// assert!(events.is_empty() && !events.is_woken());
/// ```
#[derive(Debug)]
pub struct Events {
    list: Vec<Event>,
    /// By slot: where in the list [`join`](Events::join) has put the slot's event. Never cleared: an
    /// entry counts only if the event that stands there is the token's own.
    places: Vec<u32>,
    /// The bound of a batch. Not `list.capacity()`, which the allocator may round up.
    capacity: usize,
    woken: bool,
}

impl Events {
    /// The size of a batch by default: large enough to make the system call cheap per event, small
    /// enough (16 KiB) to stay in the first-level cache.
    pub const DEFAULT_CAPACITY: usize = 1024;

    /// A buffer for [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY) events.
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// A buffer for `capacity` events, the most that one wait reports into it.
    ///
    /// # Panics
    ///
    /// If `capacity` is zero: no wait could ever report anything.
    pub fn with_capacity(capacity: usize) -> Self {
        assert!(capacity > 0, "a batch of events holds at least one");
        Events {
            list: Vec::with_capacity(capacity),
            places: Vec::new(),
            capacity,
            woken: false,
        }
    }

    /// Forgets the batch. Every hub does this at the start of a wait.
    pub fn clear(&mut self) {
        self.list.clear();
        self.woken = false;
    }

    /// Adds an event; for hubs. A hub never adds more than [`remaining`](Self::remaining).
    ///
    /// # Panics
    ///
    /// If the batch is full.
    pub fn push(&mut self, event: Event) {
        assert!(self.remaining() > 0, "the batch of events is full");
        self.list.push(event);
    }

    /// Adds an event, or adds its facts to the one that the batch has of the same token; for hubs
    /// whose facility reports each direction by itself. O(1), and memory in proportion to the
    /// highest slot seen.
    ///
    /// Events that were added by [`push`](Self::push) are not found.
    ///
    /// # Panics
    ///
    /// If the batch is full and the token is not in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Event, Events, Readiness, Token};
    ///
    /// let token = Token::new(0, 0);
    /// let mut events = Events::with_capacity(1);
    /// events.join(Event { token, readiness: Readiness::READABLE });
    /// events.join(Event { token, readiness: Readiness::WRITABLE });
    /// assert_eq!(events.len(), 1);
    /// assert!(events.iter().all(|event| event.readiness.is_writable()));
    /// ```
    pub fn join(&mut self, event: Event) {
        if let Some(joined) = self.joined(event.token) {
            joined.readiness |= event.readiness;
            return;
        }
        let slot = event.token.slot() as usize;
        if self.places.len() <= slot {
            self.places.resize(slot + 1, 0);
        }
        // At most `capacity`, which memory bounds far below; should it not fit, the next event of
        // the token is simply not joined.
        self.places[slot] = self.list.len() as u32;
        self.push(event);
    }

    /// Whether [`join`](Self::join) has room for an event of this token; for hubs.
    pub fn has_room_for(&mut self, token: Token) -> bool {
        self.remaining() > 0 || self.joined(token).is_some()
    }

    fn joined(&mut self, token: Token) -> Option<&mut Event> {
        let place = *self.places.get(token.slot() as usize)? as usize;
        self.list
            .get_mut(place)
            .filter(|event| event.token == token)
    }

    /// Notes that a waker ended the wait; for hubs.
    pub fn set_woken(&mut self) {
        self.woken = true;
    }

    /// Whether a [`Waker`](crate::Waker) ended the wait (there may be events as well).
    pub fn is_woken(&self) -> bool {
        self.woken
    }

    /// The most events a batch holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many more events fit.
    pub fn remaining(&self) -> usize {
        self.capacity - self.list.len()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no event (the wait may still have been woken).
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The events, in the order the hub reported them.
    pub fn iter(&self) -> std::slice::Iter<'_, Event> {
        self.list.iter()
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = &'a Event;
    type IntoIter = std::slice::Iter<'a, Event>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(slot: u32, generation: u32, readiness: Readiness) -> Event {
        Event {
            token: Token::new(slot, generation),
            readiness,
        }
    }

    #[test]
    fn facts_join_by_token_and_not_by_slot() {
        let mut events = Events::with_capacity(3);
        events.join(event(5, 0, Readiness::READABLE));
        events.join(event(2, 0, Readiness::READABLE));
        events.join(event(5, 1, Readiness::READABLE));
        assert_eq!(events.remaining(), 0);
        // The slot's place is the later tenant's now.
        assert!(events.has_room_for(Token::new(5, 1)));
        assert!(events.has_room_for(Token::new(2, 0)));
        assert!(!events.has_room_for(Token::new(5, 0)));
        assert!(!events.has_room_for(Token::new(9, 0)));
        events.join(event(2, 0, Readiness::WRITABLE));
        let both = Readiness::READABLE | Readiness::WRITABLE;
        let list: Vec<_> = events.iter().map(|event| event.readiness).collect();
        assert_eq!(list, [Readiness::READABLE, both, Readiness::READABLE]);
    }

    #[test]
    fn a_batch_knows_nothing_of_the_one_before() {
        let mut events = Events::with_capacity(1);
        events.join(event(5, 0, Readiness::READABLE));
        events.clear();
        events.join(event(5, 0, Readiness::WRITABLE));
        let list: Vec<_> = events.iter().copied().collect();
        assert_eq!(list, [event(5, 0, Readiness::WRITABLE)]);
    }
}
