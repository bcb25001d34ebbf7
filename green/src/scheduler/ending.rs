//! The end of a thread: its coroutines are unwound, as the stack of a thread that returns would be.

use std::rc::Rc;
use std::time::Duration;

use super::Scheduler;
use crate::coroutine::Woken;

/// How many rounds in a row, in which none of them ends, the ending thread gives its coroutines to
/// unwind.
const SHUT_DOWN_ROUNDS: u32 = 1_000;

impl Scheduler {
    /// Unwinds every coroutine, when the thread ends: destructors run, as they would for a thread
    /// that returns.
    pub(crate) fn shut_down(&self) {
        self.ending.set(true);
        self.at_root.set(false);
        self.watchers.clear();
        self.end_root();
        self.inbox.close();
        let all: Vec<_> = self
            .coroutines
            .borrow()
            .iter()
            .map(|(_, coroutine)| Rc::clone(coroutine))
            .collect();
        for coroutine in all {
            // Once is enough: a killed one never parks again, and no new ones are made.
            coroutine.mark_killed();
            self.wake(&coroutine, Woken::Interrupted);
        }
        // Callbacks that were queued have their turn as well.
        let _ = self.run_loop.turn(Some(Duration::ZERO));
        let mut rounds = 0;
        let mut left = self.live_count();
        while rounds < SHUT_DOWN_ROUNDS && left > 0 {
            if self.run_loop.turn(Some(Duration::ZERO)).is_err() {
                break;
            }
            let now_left = self.live_count();
            rounds = if now_left < left { 0 } else { rounds + 1 };
            left = now_left;
        }
        let stubborn: Vec<_> = self.coroutines.borrow_mut().drain().collect();
        if stubborn.is_empty() {
            self.stacks.borrow_mut().release_regions();
        }
        for coroutine in stubborn {
            eprintln!(
                "eventlet: {} would not end with its thread",
                coroutine.label()
            );
            coroutine.fiber.abandon();
        }
        self.end_root_locals();
    }
}
