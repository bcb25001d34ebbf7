//! The schedulers of the coroutine benches, each with the same pieces of work:
//! [`ours`], [`may`], [`tokio`]'s local tasks, [`corosensei`] with nothing but a queue, and a [`thread`].
//!
//! `yields(tasks, times)`: so many tasks alive, so many times one of them gives way to the next.
//! `spawn_joins(times)`: a task starts another that does nothing and waits for its end; `deep_spawn_joins`:
//! one that uses much of its stack first. `kills`: a task that waits is ended by another. `timeouts`: a
//! task gives way within a scope that has a deadline.

pub mod corosensei;
pub mod may;
pub mod ours;
pub mod thread;
pub mod tokio;

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eventlet_benches::cpu::Stopwatch;

/// What the tasks of `yields` share: counts what is left to do, and holds the clock, which starts
/// when all tasks have been spawned and have run once.
///
/// Atomic only because one of the schedulers asks for `Send`; all of them run their tasks on one
/// thread, so plain loads and stores suffice, and cost what a `Cell` costs.
pub struct Relay {
    tasks: usize,
    started: AtomicUsize,
    left: AtomicU64,
    begun: OnceLock<Stopwatch>,
    elapsed: OnceLock<Duration>,
}

impl Relay {
    pub fn new(tasks: usize, times: u64) -> Arc<Relay> {
        Arc::new(Relay {
            tasks,
            started: AtomicUsize::new(0),
            left: AtomicU64::new(times),
            begun: OnceLock::new(),
            elapsed: OnceLock::new(),
        })
    }

    /// Said once by each task at its start.
    pub fn arrive(&self) {
        let started = self.started.load(Ordering::Relaxed);
        self.started.store(started + 1, Ordering::Relaxed);
    }

    /// Whether every task has started. Until then a task gives way, unmeasured.
    pub fn is_complete(&self) -> bool {
        self.started.load(Ordering::Relaxed) == self.tasks
    }

    /// Said once by each task before its first step; the first to say it starts the clock.
    pub fn begin(&self) {
        self.begun.get_or_init(Stopwatch::start);
    }

    /// Whether the task is to give way once more.
    #[inline]
    pub fn step(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            self.elapsed.get_or_init(|| {
                let begun = self.begun.get().expect("a step after the beginning");
                begun.elapsed()
            });
            return false;
        }
        self.left.store(left - 1, Ordering::Relaxed);
        true
    }

    /// What the steps took. Once all tasks have ended.
    pub fn elapsed(&self) -> Duration {
        *self.elapsed.get().expect("all tasks have ended")
    }
}

/// One task of `yields`, for everybody who gives way by calling something. A macro, so that this is called
/// where it stands, as in a program: a function that was handed another one would call it from twice.
macro_rules! take_part {
    ($relay:expr, $give_way:expr) => {{
        $relay.arrive();
        while !$relay.is_complete() {
            $give_way;
        }
        $relay.begin();
        while $relay.step() {
            $give_way;
        }
    }};
}
pub(crate) use take_part;

/// How deep a deep stack is: so many frames of a kibibyte, and a bit.
const DEPTH: usize = 32;

/// Uses that much of the stack. What it gives back depends on all of it.
#[inline(never)]
pub fn descend() -> usize {
    fn below(depth: usize) -> usize {
        let frame = black_box([depth as u8; 1024]);
        match depth {
            0 => usize::from(frame[0]),
            _ => below(depth - 1) + usize::from(frame[depth]),
        }
    }
    below(DEPTH)
}
