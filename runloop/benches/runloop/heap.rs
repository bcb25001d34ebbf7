//! Timers in a four-ary heap that knows where each of them is, so that cancelling removes.
//!
//! Enough for the measurement and no more: nothing is given back.

use std::rc::Rc;

use crate::{Again, Random, SPAN, Timers};

const ARITY: usize = 4;

#[derive(Clone, Copy)]
struct Entry {
    deadline: u64,
    sequence: u64,
    slot: u32,
}

impl Entry {
    fn key(&self) -> u128 {
        u128::from(self.deadline) << u64::BITS | u128::from(self.sequence)
    }
}

struct Slot {
    task: Option<Rc<Again>>,
    /// The place in the heap.
    place: u32,
}

pub struct Heap {
    heap: Vec<Entry>,
    slots: Vec<Slot>,
    vacant: Vec<u32>,
    sequence: u64,
    task: Rc<Again>,
}

impl Heap {
    fn remove(&mut self, place: usize) {
        let Some(last) = self.heap.pop() else { return };
        if place == self.heap.len() {
            return;
        }
        if place > 0 && last.key() < self.heap[(place - 1) / ARITY].key() {
            self.sift_up(place, last);
        } else {
            self.sift_down(place, last);
        }
    }

    fn sift_up(&mut self, mut hole: usize, entry: Entry) {
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.heap[parent].key() < entry.key() {
                break;
            }
            self.put(hole, self.heap[parent]);
            hole = parent;
        }
        self.put(hole, entry);
    }

    fn sift_down(&mut self, mut hole: usize, entry: Entry) {
        loop {
            let first = hole * ARITY + 1;
            let end = (first + ARITY).min(self.heap.len());
            let Some(least) = (first..end).min_by_key(|child| self.heap[*child].key()) else {
                break;
            };
            if entry.key() < self.heap[least].key() {
                break;
            }
            self.put(hole, self.heap[least]);
            hole = least;
        }
        self.put(hole, entry);
    }

    fn put(&mut self, place: usize, entry: Entry) {
        self.heap[place] = entry;
        self.slots[entry.slot as usize].place = place as u32;
    }

    fn insert(&mut self, deadline: u64, task: Rc<Again>) -> (u32, u64) {
        self.sequence += 1;
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                task: None,
                place: 0,
            });
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize].task = Some(task);
        let entry = Entry {
            deadline,
            sequence: self.sequence,
            slot,
        };
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1, entry);
        (slot, self.sequence)
    }
}

impl Timers for Heap {
    type Id = (u32, u64);
    const NAME: &'static str = "4-ary heap";

    fn new() -> Self {
        let random = Random::new();
        Heap {
            heap: Vec::new(),
            slots: Vec::new(),
            vacant: Vec::new(),
            sequence: 0,
            task: Rc::new(Again { random }),
        }
    }

    fn arm(&mut self, deadline: u64) -> (u32, u64) {
        self.insert(deadline, self.task.clone())
    }

    fn cancel(&mut self, (slot, sequence): (u32, u64)) {
        let place = self.slots[slot as usize].place as usize;
        if self
            .heap
            .get(place)
            .is_some_and(|entry| entry.sequence == sequence)
        {
            self.remove(place);
            self.slots[slot as usize].task = None;
            self.vacant.push(slot);
        }
    }

    fn fire(&mut self, count: u64) -> u64 {
        for _ in 0..count {
            let first = *self.heap.first().expect("some are pending");
            self.remove(0);
            self.vacant.push(first.slot);
            let task = self.slots[first.slot as usize]
                .task
                .take()
                .expect("pending");
            let deadline = first.deadline + task.random.below(SPAN);
            self.insert(deadline, task);
        }
        count
    }
}
