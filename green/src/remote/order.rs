//! What is sent to a loop: to spawn a coroutine, or to kill one; and what comes back.

use std::any::Any;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::between_threads::answer::Answer;
use crate::ends::kill::kill;
use crate::inbox::Order;
use crate::join::{JoinError, catch_panic};
use crate::local::Heritage;
use crate::scheduler::{self, Scheduler};
use crate::sleeper::Sleeper;
use crate::spawn::Builder;

/// What the handle shares with the coroutine.
pub(super) struct Shared<T> {
    pub(super) answer: Answer<Result<T, JoinError>, Sleeper>,
    target: OnceLock<Target>,
    /// Killed, perhaps before it began.
    killed: AtomicBool,
}

/// Which coroutine it became.
#[derive(Clone, Copy)]
struct Target {
    slot: usize,
    id: u64,
}

impl<T> Shared<T> {
    pub(super) fn new() -> Self {
        Shared {
            answer: Answer::new(),
            target: OnceLock::new(),
            killed: AtomicBool::new(false),
        }
    }

    /// Notes a kill, for the case that the coroutine has not begun.
    pub(super) fn mark_killed(&self) {
        // Relaxed: a flag alone. Whoever misses it gets the order to kill.
        self.killed.store(true, Ordering::Relaxed);
    }

    /// The number on its loop, as soon as it has one.
    pub(super) fn id(&self) -> Option<u64> {
        self.target.get().map(|target| target.id)
    }
}

/// To spawn a coroutine.
pub(super) struct Spawn<F, T> {
    f: F,
    settings: Builder,
    spawned_at: &'static Location<'static>,
    report: LoopEnded<T>,
}

impl<F, T> Spawn<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn new(
        f: F,
        settings: Builder,
        spawned_at: &'static Location<'static>,
        shared: Arc<Shared<T>>,
    ) -> Self {
        Spawn {
            f,
            settings,
            spawned_at,
            report: LoopEnded(Some(shared)),
        }
    }

    /// The closure of an order that came back.
    pub(super) fn closure_of(order: Box<dyn Order>) -> F {
        let order: Box<dyn Any> = order;
        match order.downcast::<Self>() {
            Ok(order) => order.f,
            Err(_) => unreachable!("what was sent comes back"),
        }
    }
}

impl<F, T> Order for Spawn<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    /// Runs it at once, for its turn has come: then those that end without a wait need but one
    /// stack, however many are sent.
    fn carry_out(mut self: Box<Self>, _: &Scheduler) {
        let Some(shared) = self.report.0.take() else {
            return;
        };
        if shared.killed.load(Ordering::Relaxed) {
            let _ = shared.answer.give(Err(JoinError::Killed));
            return;
        }
        let end = End(Arc::clone(&shared));
        let f = self.f;
        let body = move || {
            // A kill passes through, and `end` tells of it.
            let outcome = catch_panic(f);
            end.tell(outcome);
        };
        match self
            .settings
            .create(self.spawned_at, Heritage::default(), body)
        {
            Ok(handle) => {
                let coroutine = Rc::clone(handle.coroutine());
                let _ = shared.target.set(Target {
                    slot: coroutine.slot.get(),
                    id: coroutine.id,
                });
                // Whoever waits for it has the other handle.
                drop(handle);
                scheduler::run(coroutine);
            }
            Err(error) => {
                let _ = shared.answer.give(Err(JoinError::NotStarted(error)));
            }
        }
    }
}

/// Says that the loop has ended, if the order is dropped.
struct LoopEnded<T>(Option<Arc<Shared<T>>>);

impl<T> Drop for LoopEnded<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            let _ = shared.answer.give(Err(JoinError::LoopGone));
        }
    }
}

/// Tells the end of a coroutine: in the regular way, else that it was killed.
struct End<T>(Arc<Shared<T>>);

impl<T> End<T> {
    /// If nobody wants to know, the value is dropped, and the panic goes on, to be reported.
    fn tell(&self, outcome: std::thread::Result<T>) {
        let refused = self.0.answer.give(outcome.map_err(JoinError::Panicked));
        if let Err(Err(JoinError::Panicked(payload))) = refused {
            resume_unwind(payload);
        }
    }
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        // One that has no number yet is dropped because it could not be started: `carry_out` tells.
        if self.0.target.get().is_some() && !self.0.answer.is_ready() {
            let _ = self.0.answer.give(Err(JoinError::Killed));
        }
    }
}

/// To kill one that was spawned so.
pub(super) struct Kill<T>(pub(super) Arc<Shared<T>>);

impl<T: Send + 'static> Order for Kill<T> {
    fn carry_out(self: Box<Self>, scheduler: &Scheduler) {
        let target = self.0.target.get();
        if let Some(coroutine) = target.and_then(|target| scheduler.find_at(target.slot, target.id))
        {
            // That it can unwind was asked before the order was sent.
            let _ = kill(&coroutine);
        }
    }
}
