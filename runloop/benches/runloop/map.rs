//! Timers in a `BTreeMap` by deadline and order of arming: the obvious structure.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::{Again, Random, SPAN, Timers};

pub struct Map {
    timers: BTreeMap<(u64, u64), Rc<Again>>,
    sequence: u64,
    task: Rc<Again>,
}

impl Timers for Map {
    type Id = (u64, u64);
    const NAME: &'static str = "BTreeMap";

    fn new() -> Self {
        let random = Random::new();
        Map {
            timers: BTreeMap::new(),
            sequence: 0,
            task: Rc::new(Again { random }),
        }
    }

    fn arm(&mut self, deadline: u64) -> (u64, u64) {
        self.sequence += 1;
        let id = (deadline, self.sequence);
        self.timers.insert(id, self.task.clone());
        id
    }

    fn cancel(&mut self, id: (u64, u64)) {
        self.timers.remove(&id);
    }

    fn fire(&mut self, count: u64) -> u64 {
        for _ in 0..count {
            let ((now, _), task) = self.timers.pop_first().expect("some are pending");
            self.sequence += 1;
            let id = (now + task.random.below(SPAN), self.sequence);
            self.timers.insert(id, task);
        }
        count
    }
}
