//! A line of members, first in, first out, that any of them can leave at the cost of a few writes.
//!
//! A doubly linked list whose links are numbers of slots in a slab, so that joining allocates
//! nothing once the line has been as long before. Whoever joins gets a key, and the slot stays the
//! member's own until the key is handed back, also after the member was called to the front: no key
//! can go stale. Who waits, and waking it, is the business of [`waiters`](super::waiters).

use slab::Slab;

/// The number of no slot: the end of the line.
const NONE: usize = usize::MAX;

/// An empty slab keeps its memory up to so many slots.
const KEPT: usize = 64;

/// The line.
pub(crate) struct Line<T> {
    slots: Slab<Slot<T>>,
    first: usize,
    last: usize,
    len: usize,
}

struct Slot<T> {
    member: T,
    previous: usize,
    next: usize,
    /// Linked to its neighbours: it was not called yet.
    in_line: bool,
}

impl<T> Line<T> {
    pub(crate) const fn new() -> Self {
        Line {
            slots: Slab::new(),
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
        let key = self.slots.insert(Slot {
            member,
            previous,
            next: NONE,
            in_line: true,
        });
        match previous {
            NONE => self.first = key,
            _ => self.slots[previous].next = key,
        }
        self.last = key;
        self.len += 1;
        key
    }

    /// The first in line.
    #[inline]
    pub(crate) fn first(&self) -> Option<&T> {
        self.slots.get(self.first).map(|slot| &slot.member)
    }

    /// Calls the first: it stands in line no more, but keeps its slot.
    #[inline]
    pub(crate) fn call_first(&mut self) -> Option<&mut T> {
        let key = self.first;
        if key == NONE {
            return None;
        }
        self.unlink(key);
        Some(&mut self.slots[key].member)
    }

    /// A member, in line or called.
    #[inline]
    pub(crate) fn member(&self, key: usize) -> &T {
        &self.slots[key].member
    }

    /// Takes a member out, wherever it stands.
    #[inline]
    pub(crate) fn remove(&mut self, key: usize) -> T {
        if self.slots[key].in_line {
            self.unlink(key);
        }
        let slot = self.slots.remove(key);
        if self.slots.is_empty() && self.slots.capacity() > KEPT {
            self.slots = Slab::new();
        }
        slot.member
    }

    #[inline]
    fn unlink(&mut self, key: usize) {
        let slot = &mut self.slots[key];
        slot.in_line = false;
        let (previous, next) = (slot.previous, slot.next);
        match previous {
            NONE => self.first = next,
            _ => self.slots[previous].next = next,
        }
        match next {
            NONE => self.last = previous,
            _ => self.slots[next].previous = previous,
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
