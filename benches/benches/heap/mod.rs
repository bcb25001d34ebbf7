//! Timers in a binary heap, of the standard library: the plainest that keeps exact order.
//!
//! What is cancelled stays in the heap until it comes to its top, or until half of what is there is
//! cancelled: then the heap is built anew. No tasks, no clock, no order among equals beyond the slot's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// A timer that is pending: its place, and which of those that had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    slot: usize,
    generation: u64,
}

/// The timers.
#[derive(Default)]
pub struct Heap {
    heap: BinaryHeap<Reverse<(Duration, Timer)>>,
    /// By slot: the generation that is pending, or comes next.
    generations: Vec<u64>,
    vacant: Vec<usize>,
    /// Of those in the heap.
    cancelled: usize,
}

impl Heap {
    pub fn arm(&mut self, deadline: Duration) -> Timer {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.generations.push(0);
            self.generations.len() - 1
        });
        let generation = self.generations[slot];
        let timer = Timer { slot, generation };
        self.heap.push(Reverse((deadline, timer)));
        timer
    }

    /// A timer that is pending.
    pub fn cancel(&mut self, timer: Timer) {
        self.leave(timer);
        self.cancelled += 1;
        if self.cancelled > self.heap.len() / 2 {
            self.cancelled = 0;
            let generations = &self.generations;
            self.heap
                .retain(|Reverse((_, timer))| generations[timer.slot] == timer.generation);
        }
    }

    /// Takes out what is due by now: how many that are.
    pub fn fire(&mut self, now: Duration) -> u64 {
        let mut fired = 0;
        while let Some(&Reverse((deadline, timer))) = self.heap.peek() {
            if deadline > now {
                break;
            }
            self.heap.pop();
            if self.generations[timer.slot] == timer.generation {
                self.leave(timer);
                fired += 1;
            } else {
                self.cancelled -= 1;
            }
        }
        fired
    }

    fn leave(&mut self, timer: Timer) {
        self.generations[timer.slot] += 1;
        self.vacant.push(timer.slot);
    }
}
