//! A line of members, first in, first out, that any of them can leave at the cost of a few writes.
//!
//! A doubly linked list whose links are numbers of slots in a vector, so that joining allocates
//! nothing once the line has been as long before. Whoever joins gets a key, and the slot stays the
//! member's own until the key is handed back, also after the member was called to the front: no key
//! can go stale. Who waits, and waking it, is the business of [`waiters`](super::waiters).

/// The number of no slot: the end of a list.
const NONE: usize = usize::MAX;

/// An empty line keeps its memory up to so many slots.
const KEPT: usize = 64;

/// The line.
pub(crate) struct Line<T> {
    slots: Vec<Slot<T>>,
    /// The first of the slots that are free, linked by `next`.
    free: usize,
    taken: usize,
    first: usize,
    last: usize,
    len: usize,
}

struct Slot<T> {
    /// `None`: it is free.
    member: Option<T>,
    previous: usize,
    next: usize,
    /// Linked to its neighbours: it was not called yet.
    in_line: bool,
}

impl<T> Line<T> {
    pub(crate) const fn new() -> Self {
        Line {
            slots: Vec::new(),
            free: NONE,
            taken: 0,
            first: NONE,
            last: NONE,
            len: 0,
        }
    }

    /// How many stand in line. Those who were called do not count.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a member at the end of the line. The key is to be given to [`remove`](Self::remove),
    /// once.
    #[inline]
    pub(crate) fn join(&mut self, member: T) -> usize {
        let previous = self.last;
        let slot = Slot {
            member: Some(member),
            previous,
            next: NONE,
            in_line: true,
        };
        let key = match self.slots.get_mut(self.free) {
            Some(free) => {
                let key = self.free;
                self.free = free.next;
                *free = slot;
                key
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        match self.slots.get_mut(previous) {
            Some(previous) => previous.next = key,
            None => self.first = key,
        }
        self.last = key;
        self.len += 1;
        self.taken += 1;
        key
    }

    /// The first in line.
    #[inline]
    pub(crate) fn first(&self) -> Option<&T> {
        self.slots.get(self.first)?.member.as_ref()
    }

    /// Calls the first: it stands in line no more, but keeps its slot.
    #[inline]
    pub(crate) fn call_first(&mut self) -> Option<&mut T> {
        let key = self.first;
        let slot = self.slots.get_mut(key)?;
        slot.in_line = false;
        let next = slot.next;
        self.first = next;
        self.len -= 1;
        match self.slots.get_mut(next) {
            Some(next) => next.previous = NONE,
            None => self.last = NONE,
        }
        self.slots[key].member.as_mut()
    }

    /// A member, in line or called.
    #[inline]
    pub(crate) fn member(&self, key: usize) -> &T {
        match &self.slots[key].member {
            Some(member) => member,
            None => unreachable!("a key is of a slot that is taken"),
        }
    }

    /// Takes a member out, wherever it stands.
    #[inline]
    pub(crate) fn remove(&mut self, key: usize) -> T {
        let slot = &mut self.slots[key];
        let Some(member) = slot.member.take() else {
            unreachable!("a key is of a slot that is taken");
        };
        if slot.in_line {
            self.unlink(key);
        }
        self.slots[key].next = self.free;
        self.free = key;
        self.taken -= 1;
        if self.taken == 0 && self.slots.len() > KEPT {
            *self = Line::new();
        }
        member
    }

    /// Calls a member from wherever it stands; `None` if it was called before.
    pub(crate) fn call(&mut self, key: usize) -> Option<&mut T> {
        if !self.slots[key].in_line {
            return None;
        }
        self.unlink(key);
        let slot = &mut self.slots[key];
        slot.in_line = false;
        slot.member.as_mut()
    }

    #[inline]
    fn unlink(&mut self, key: usize) {
        let slot = &self.slots[key];
        let (previous, next) = (slot.previous, slot.next);
        match self.slots.get_mut(previous) {
            Some(previous) => previous.next = next,
            None => self.first = next,
        }
        match self.slots.get_mut(next) {
            Some(next) => next.previous = previous,
            None => self.last = previous,
        }
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn does_what_a_deque_does_that_is_searched() {
        let mut line = Line::new();
        let mut model = VecDeque::new();
        let mut keys = Vec::new();
        let mut random: u64 = 7;
        for number in 0..20_000_u32 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            match random >> 62 {
                0 => {
                    let called = line.call_first().copied();
                    assert_eq!(called, model.pop_front());
                }
                1 if !keys.is_empty() => {
                    let (key, member) = keys.swap_remove((random >> 32) as usize % keys.len());
                    assert_eq!(line.remove(key), member);
                    model.retain(|other| *other != member);
                }
                _ => {
                    keys.push((line.join(number), number));
                    model.push_back(number);
                }
            }
            assert_eq!(line.len(), model.len());
            assert_eq!(line.first(), model.front());
        }
        for (key, member) in keys {
            assert_eq!(line.remove(key), member);
        }
        assert_eq!(line.len(), 0);
        assert!(line.first().is_none() && line.call_first().is_none());
    }

    /// Were leaving linear, this would take hours.
    #[test]
    fn leaving_from_anywhere_costs_the_same() {
        const MANY: usize = 1_000_000;
        let mut line = Line::new();
        let keys: Vec<_> = (0..MANY).map(|number| line.join(number)).collect();
        let odd = keys.iter().skip(1).step_by(2);
        let even = keys.iter().step_by(2);
        for key in even.chain(odd.rev()) {
            line.remove(*key);
        }
        assert_eq!(line.len(), 0);
        assert!(line.slots.capacity() <= KEPT, "the memory is given back");
    }
}
