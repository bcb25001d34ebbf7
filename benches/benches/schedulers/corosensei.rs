//! `corosensei` alone: a queue of coroutines, resumed in turn. No run loop, no timers, no handles:
//! the lower bound of what a scheduler over it can reach.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use eventlet_benches::contest::timed;

use super::{Relay, take_part};

/// Room for what the tasks do, several times over.
const STACK: usize = 64 * 1024;

/// Stacks that are used again, as every scheduler does.
#[derive(Default)]
pub struct Pool {
    stacks: Vec<DefaultStack>,
}

impl Pool {
    pub fn yields(&mut self, tasks: usize, times: u64) -> Duration {
        let relay = Relay::new(tasks, times);
        let mut queue: VecDeque<_> = (0..tasks)
            .map(|_| {
                let relay = Arc::clone(&relay);
                Coroutine::with_stack(self.stack(), move |yielder, ()| {
                    take_part!(relay, yielder.suspend(()));
                })
            })
            .collect();
        while let Some(mut task) = queue.pop_front() {
            match task.resume(()) {
                CoroutineResult::Yield(()) => queue.push_back(task),
                CoroutineResult::Return(()) => self.stacks.push(task.into_stack()),
            }
        }
        relay.elapsed()
    }

    pub fn spawn_joins(&mut self, times: u64) -> Duration {
        timed(times, || {
            let mut task =
                Coroutine::with_stack(self.stack(), |_: &corosensei::Yielder<(), ()>, ()| ());
            task.resume(());
            self.stacks.push(task.into_stack());
        })
    }

    fn stack(&mut self) -> DefaultStack {
        self.stacks
            .pop()
            .unwrap_or_else(|| DefaultStack::new(STACK).expect("a stack"))
    }
}
