//! A hierarchical wheel: what is pending, filed by how far ahead it lies (G. Varghese and T. Lauck,
//! "Hashed and Hierarchical Timing Wheels", 1987, scheme 7).
//!
//! ```text
//!                       most significant                              least
//!   deadline   … 000000 000000 000101 110010 …  seen as digits of six bits
//!   base       … 000000 000000 000011 101100 …  ≤ every deadline filed here
//!                              ▲
//!   level: the first digit in which they differ;  slot: that digit of the deadline
//! ```
//!
//! A slot is a list in the order of filing. When the base moves into a slot, the slot is broken up
//! into the levels below, in order. All that is filed under one deadline is in one list at any time,
//! so equal deadlines come out first in, first out; and since a slot of the lowest level is one
//! nanosecond wide, different ones come out in order. The base never passes the time that was asked
//! for, so whatever is armed later has its place too, unless its deadline has passed already; that
//! and everything else that is told of timers is in `timers.rs`.

use std::num::NonZeroU64;

use crate::slab::Slab;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;
/// Ends a list.
const NONE: u32 = u32::MAX;

/// A timer and its neighbours.
pub(crate) struct Node<T> {
    pub(crate) deadline: u64,
    pub(crate) sequence: NonZeroU64,
    /// While filed: the next of the list. Otherwise the owner's mark.
    pub(crate) next: u32,
    /// While filed: the one before it in the list. Otherwise the owner's number.
    pub(crate) previous: u32,
    pub(crate) value: T,
}

#[derive(Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

const EMPTY: List = List {
    first: NONE,
    last: NONE,
};

/// The levels, and the table of all timers, filed or not.
pub(crate) struct Wheel<T> {
    pub(crate) nodes: Slab<Node<T>>,
    lists: Box<[[List; SLOTS]; LEVELS]>,
    /// Per level, which slots have a list.
    occupied: [u64; LEVELS],
    /// Which levels have any.
    levels: u32,
    base: u64,
}

impl<T> Wheel<T> {
    pub(crate) fn new() -> Self {
        Wheel {
            nodes: Slab::new(),
            lists: Box::new([[EMPTY; SLOTS]; LEVELS]),
            occupied: [0; LEVELS],
            levels: 0,
            base: 0,
        }
    }

    /// Nothing before this can be filed.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Whether nothing is filed.
    pub(crate) fn is_empty(&self) -> bool {
        self.levels == 0
    }

    #[inline]
    fn place(&self, deadline: u64) -> (usize, usize) {
        // The lowest bit is set for a deadline that equals the base: level 0.
        let differing = (deadline ^ self.base | 1).ilog2();
        let level = differing / DIGIT_BITS;
        let slot = deadline >> (level * DIGIT_BITS) & (SLOTS as u64 - 1);
        (level as usize, slot as usize)
    }

    /// Puts a new timer into the table and files it by its deadline, which is not before the base.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: u64, sequence: NonZeroU64, value: T) -> u32 {
        let (level, slot) = self.place(deadline);
        let previous = self.lists[level][slot].last;
        let index = self.nodes.insert(Node {
            deadline,
            sequence,
            next: NONE,
            previous,
            value,
        });
        self.append(level, slot, index);
        index
    }

    /// Files a timer that is in the table.
    fn file(&mut self, index: u32, deadline: u64) {
        let (level, slot) = self.place(deadline);
        if let Some(node) = self.nodes.get_mut(index) {
            node.previous = self.lists[level][slot].last;
            node.next = NONE;
        }
        self.append(level, slot, index);
    }

    /// Makes a list's former last, and the list, point to its new last.
    #[inline]
    fn append(&mut self, level: usize, slot: usize, index: u32) {
        let list = &mut self.lists[level][slot];
        let last = std::mem::replace(&mut list.last, index);
        if last == NONE {
            list.first = index;
            self.occupied[level] |= 1 << slot;
            self.levels |= 1 << level;
        } else if let Some(node) = self.nodes.get_mut(last) {
            node.next = index;
        }
    }

    /// Takes a timer that is filed out of its list.
    #[inline]
    pub(crate) fn unfile(&mut self, index: u32) {
        let Some(node) = self.nodes.get(index) else {
            return;
        };
        let (deadline, next, previous) = (node.deadline, node.next, node.previous);
        if previous != NONE && next != NONE {
            self.join(previous, next);
            return;
        }
        let (level, slot) = self.place(deadline);
        self.lists[level][slot] = match (previous, next) {
            (NONE, NONE) => {
                self.vacate(level, slot);
                EMPTY
            }
            (NONE, first) => {
                self.join(NONE, first);
                let last = self.lists[level][slot].last;
                List { first, last }
            }
            (last, _) => {
                self.join(last, NONE);
                let first = self.lists[level][slot].first;
                List { first, last }
            }
        };
    }

    /// Makes two neighbours, or a neighbour and the end of the list.
    #[inline]
    fn join(&mut self, previous: u32, next: u32) {
        if let Some(node) = self.nodes.get_mut(previous) {
            node.next = next;
        }
        if let Some(node) = self.nodes.get_mut(next) {
            node.previous = previous;
        }
    }

    #[inline]
    fn vacate(&mut self, level: usize, slot: usize) {
        self.occupied[level] &= !(1 << slot);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// The slot that holds the earliest.
    fn lowest(&self) -> Option<(usize, usize)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// Takes out the earliest timer, if its deadline is not after `now`.
    pub(crate) fn pop(&mut self, now: u64) -> Option<u32> {
        loop {
            let (level, slot) = self.lowest()?;
            let first = self.lists[level][slot].first;
            let deadline = self.nodes.get(first)?.deadline;
            let shift = level as u32 * DIGIT_BITS;
            let start = deadline >> shift << shift;
            if start > now {
                return None;
            }
            // Everything filed is in this slot or after it, and so is whatever is armed from now on.
            self.base = start;
            if level == 0 {
                self.unfile(first);
                return Some(first);
            }
            self.break_up(level, slot);
        }
    }

    /// Files a slot's timers again, with the base at its start: each lands on a lower level.
    fn break_up(&mut self, level: usize, slot: usize) {
        let list = std::mem::replace(&mut self.lists[level][slot], EMPTY);
        self.vacate(level, slot);
        let mut index = list.first;
        while let Some(node) = self.nodes.get(index) {
            let (deadline, next) = (node.deadline, node.next);
            self.file(index, deadline);
            index = next;
        }
    }

    /// The earliest timer that is filed, and how many had to be looked at to find it: all of one
    /// slot.
    pub(crate) fn find_earliest(&self) -> Option<(u32, u64)> {
        let (level, slot) = self.lowest()?;
        let mut index = self.lists[level][slot].first;
        let mut earliest = (index, u64::MAX);
        let mut steps = 0;
        while let Some(node) = self.nodes.get(index) {
            if node.deadline < earliest.1 {
                earliest = (index, node.deadline);
            }
            steps += 1;
            index = node.next;
        }
        Some((earliest.0, steps))
    }
}
