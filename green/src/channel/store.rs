//! What is queued in a channel, and which of it comes out next. Who waits for it is the business of
//! [`shared`](super::shared).

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// An empty queue keeps its memory up to so many values.
const KEPT: usize = 1024;

/// The queued values.
pub(super) enum Store<T> {
    /// First in, first out.
    Fifo(VecDeque<T>),
    /// Last in, first out.
    Lifo(Vec<T>),
    /// The least first; of equal ones the oldest.
    Priority(Sorted<T>),
}

/// A heap, least first.
pub(super) struct Sorted<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    /// Values that had been handed over and came back: they go before all others.
    returned: VecDeque<T>,
    compare: Compare<T>,
    next_number: u64,
}

type Compare<T> = fn(&T, &T) -> Ordering;

/// A value with its number, so that equals stay in order, and with what compares it, so that a
/// channel need not name a bound that only some channels need.
struct Entry<T> {
    value: T,
    number: u64,
    compare: Compare<T>,
}

impl<T> Store<T> {
    pub(super) const fn fifo() -> Self {
        Store::Fifo(VecDeque::new())
    }

    pub(super) const fn lifo() -> Self {
        Store::Lifo(Vec::new())
    }

    pub(super) const fn priority(compare: Compare<T>) -> Self {
        Store::Priority(Sorted {
            heap: BinaryHeap::new(),
            returned: VecDeque::new(),
            compare,
            next_number: 0,
        })
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Store::Fifo(queue) => queue.len(),
            Store::Lifo(stack) => stack.len(),
            Store::Priority(sorted) => sorted.heap.len() + sorted.returned.len(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, value: T) {
        match self {
            Store::Fifo(queue) => queue.push_back(value),
            Store::Lifo(stack) => stack.push(value),
            Store::Priority(sorted) => sorted.push(value),
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        match self {
            Store::Fifo(queue) => {
                let value = queue.pop_front()?;
                if queue.is_empty() && queue.capacity() > KEPT {
                    *queue = VecDeque::new();
                }
                Some(value)
            }
            Store::Lifo(stack) => {
                let value = stack.pop()?;
                if stack.is_empty() && stack.capacity() > KEPT {
                    *stack = Vec::new();
                }
                Some(value)
            }
            Store::Priority(sorted) => sorted.pop(),
        }
    }

    /// Takes a value back that had come out: it is the next to come out. Compares nothing.
    pub(super) fn give_back(&mut self, value: T) {
        match self {
            Store::Fifo(queue) => queue.push_front(value),
            Store::Lifo(stack) => stack.push(value),
            Store::Priority(sorted) => sorted.returned.push_front(value),
        }
    }

    /// Everything, leaving nothing.
    pub(super) fn take(&mut self) -> Self {
        let empty = match self {
            Store::Fifo(_) => Store::fifo(),
            Store::Lifo(_) => Store::lifo(),
            Store::Priority(sorted) => Store::priority(sorted.compare),
        };
        std::mem::replace(self, empty)
    }
}

impl<T> Sorted<T> {
    fn push(&mut self, value: T) {
        let entry = Entry {
            value,
            number: self.next_number,
            compare: self.compare,
        };
        self.next_number += 1;
        self.heap.push(Reverse(entry));
    }

    fn pop(&mut self) -> Option<T> {
        if let Some(value) = self.returned.pop_front() {
            return Some(value);
        }
        let Reverse(entry) = self.heap.pop()?;
        if self.heap.is_empty() && self.heap.capacity() > KEPT {
            self.heap = BinaryHeap::new();
        }
        Some(entry.value)
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = (self.compare)(&self.value, &other.value);
        by_value.then(self.number.cmp(&other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained<T>(mut store: Store<T>) -> Vec<T> {
        std::iter::from_fn(|| store.pop()).collect()
    }

    #[test]
    fn what_comes_out_next() {
        let mut fifo = Store::fifo();
        let mut lifo = Store::lifo();
        let mut priority = Store::priority(Ord::cmp);
        for store in [&mut fifo, &mut lifo, &mut priority] {
            for value in [(3, 'a'), (1, 'b'), (2, 'c')] {
                store.push(value);
            }
            assert_eq!(store.len(), 3);
        }
        assert_eq!(drained(fifo), [(3, 'a'), (1, 'b'), (2, 'c')]);
        assert_eq!(drained(lifo), [(2, 'c'), (1, 'b'), (3, 'a')]);
        assert_eq!(drained(priority), [(1, 'b'), (2, 'c'), (3, 'a')]);
    }

    #[test]
    fn equals_keep_their_order_and_what_came_back_goes_first() {
        let mut store: Store<(u8, char)> = Store::priority(|a, b| a.0.cmp(&b.0));
        for value in [(1, 'a'), (0, 'b'), (1, 'c'), (0, 'd')] {
            store.push(value);
        }
        let first = store.pop();
        assert_eq!(first, Some((0, 'b')));
        store.push((0, 'e'));
        store.give_back((0, 'b'));
        assert_eq!(store.len(), 5);
        let letters: String = drained(store)
            .into_iter()
            .map(|(_, letter)| letter)
            .collect();
        assert_eq!(letters, "bdeac");
    }

    #[test]
    fn an_empty_one_keeps_little_memory() {
        let mut fifo = Store::fifo();
        for number in 0..100 * KEPT {
            fifo.push(number);
        }
        while fifo.pop().is_some() {}
        let Store::Fifo(queue) = &fifo else {
            unreachable!("it stays what it is");
        };
        assert!(queue.capacity() <= KEPT);
    }
}
