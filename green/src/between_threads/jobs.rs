//! Work for a pool of threads that are started when there is more of it and end when there is none.
//!
//! What a job is, and starting a thread, are the caller's business ([`OffloadPool`]); here is who
//! takes which job, when another thread is due, and when one goes. The count of threads includes
//! those that are about to start, so two pushes never start one too many.
//!
//! [`OffloadPool`]: crate::OffloadPool

use std::collections::VecDeque;
use std::time::Duration;

use super::primitives::{Condvar, Mutex, MutexGuard, PoisonError, lock};

/// The queue, and the count of who works on it.
#[derive(Debug)]
pub struct Jobs<J> {
    state: Mutex<State<J>>,
    work: Condvar,
}

#[derive(Debug)]
struct State<J> {
    queue: VecDeque<(u64, J)>,
    next: u64,
    counts: Counts,
    closed: bool,
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Threads there may be.
    pub limit: usize,
    /// Threads there are, or that are about to start.
    pub threads: usize,
    /// Those of them that wait for work.
    pub idle: usize,
    /// Jobs that no thread has taken yet.
    pub queued: usize,
    /// Jobs that threads have taken since the beginning.
    pub taken: u64,
}

/// What became of a job that was pushed.
#[derive(Debug)]
#[must_use]
pub enum Pushed<J> {
    /// A thread will take it.
    Queued,
    /// A thread is to be started; it is counted already. The number is the job's, for
    /// [`Jobs::start_failed`].
    StartOne(u64),
    /// There are to be no threads: the caller does it.
    NoThreads(J),
    /// No more jobs are taken.
    Closed(J),
}

impl<J> Jobs<J> {
    /// No jobs, no threads, and at most `limit` of them.
    pub fn new(limit: usize) -> Self {
        Jobs {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                next: 0,
                counts: Counts {
                    limit,
                    threads: 0,
                    idle: 0,
                    queued: 0,
                    taken: 0,
                },
                closed: false,
            }),
            work: Condvar::new(),
        }
    }

    /// Queues a job.
    pub fn push(&self, job: J) -> Pushed<J> {
        let mut state = lock(&self.state);
        if state.closed {
            return Pushed::Closed(job);
        }
        if state.counts.limit == 0 {
            return Pushed::NoThreads(job);
        }
        let number = state.next;
        state.next += 1;
        state.queue.push_back((number, job));
        if state.counts.idle >= state.queue.len() {
            self.work.notify_one();
            return Pushed::Queued;
        }
        if state.counts.threads >= state.counts.limit {
            return Pushed::Queued;
        }
        state.counts.threads += 1;
        Pushed::StartOne(number)
    }

    /// A thread that was due could not be started. Gives the job back if there is no other thread
    /// that would take it.
    pub fn start_failed(&self, number: u64) -> Option<J> {
        let mut state = lock(&self.state);
        state.counts.threads -= 1;
        if state.counts.threads > 0 {
            return None;
        }
        let place = state.queue.iter().position(|(own, _)| *own == number)?;
        state.queue.remove(place).map(|(_, job)| job)
    }

    /// The next job for a thread of the pool, which waits at most `patience` for one. `None`: the
    /// thread is to end, and is counted no longer.
    pub fn next(&self, patience: Duration) -> Option<J> {
        let mut state = lock(&self.state);
        loop {
            if state.counts.threads > state.counts.limit.max(1) {
                return self.retire(state);
            }
            if let Some((_, job)) = state.queue.pop_front() {
                state.counts.taken += 1;
                return Some(job);
            }
            if state.closed || state.counts.limit == 0 || patience.is_zero() {
                return self.retire(state);
            }
            state.counts.idle += 1;
            let (woken, waited) = self
                .work
                .wait_timeout(state, patience)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.counts.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                return self.retire(state);
            }
        }
    }

    fn retire(&self, mut state: MutexGuard<'_, State<J>>) -> Option<J> {
        state.counts.threads -= 1;
        if !state.queue.is_empty() {
            // It may be the one who was told of a job.
            self.work.notify_one();
        }
        None
    }

    /// Changes how many threads there may be, and says how many are to be started now; they are
    /// counted already. Those that are too many end when they have done what they do.
    pub fn set_limit(&self, limit: usize) -> usize {
        let mut state = lock(&self.state);
        state.counts.limit = limit;
        self.work.notify_all();
        let wanted = state.queue.len().saturating_sub(state.counts.idle);
        let due = wanted.min(limit.saturating_sub(state.counts.threads));
        state.counts.threads += due;
        due
    }

    /// Takes no more jobs. The threads end when they have done those there are.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.work.notify_all();
    }

    /// How many there are of each.
    pub fn counts(&self) -> Counts {
        let state = lock(&self.state);
        Counts {
            queued: state.queue.len(),
            ..state.counts
        }
    }
}
