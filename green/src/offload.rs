//! Blocking calls on other threads, while the caller's coroutine is parked.
//!
//! A small pool for the whole process: threads are started when there is work and none is idle, up
//! to [`MAX_THREADS`], and end after [`IDLE`] without work. What is handed over must be `Send`;
//! what comes back wakes the caller through its loop's inbox.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::coroutine::Wait;
use crate::scheduler;

/// The most threads that blocking calls run on, in the process. Enough to keep name look-ups from
/// queueing behind a few slow ones; more calls wait their turn.
pub const MAX_THREADS: usize = 16;

/// How long a thread stays without work: ten seconds.
const IDLE: Duration = Duration::from_secs(10);

/// Runs a call that blocks (a name look-up, a file) on another thread; other coroutines go on
/// meanwhile.
///
/// A panic of `f` goes on in the caller. If the caller is killed or times out, `f` runs to its end
/// and its result is dropped there.
///
/// # Errors
///
/// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
/// * No thread could be started (`EAGAIN`), and there is none to wait for.
///
/// # Examples
///
/// ```
/// let words = eventlet_green::offload(|| std::fs::read_to_string("Cargo.toml"))??;
/// assert!(words.contains("[package]"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn offload<T, F>(f: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    type Answer<T> = Mutex<Option<Result<T, Box<dyn Any + Send>>>>;
    let answer: Arc<Answer<T>> = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&answer);
    let mut refused = Ok(());
    scheduler::with(|scheduler| {
        let inbox = Arc::clone(&scheduler.inbox);
        scheduler.outside.wait(scheduler, Wait::Offload, |ticket| {
            let job = move || {
                let outcome = catch_unwind(AssertUnwindSafe(f));
                *lock(&slot) = Some(outcome);
                // Gone before the caller looks, so that it alone holds the answer.
                drop(slot);
                inbox.post(ticket);
            };
            refused = submit(Box::new(job), |_| scheduler.inbox.post(ticket));
        })
    })?;
    refused?;
    match lock(&answer).take() {
        Some(Ok(value)) => Ok(value),
        Some(Err(panic)) => resume_unwind(panic),
        None => unreachable!("the ticket is posted after the answer"),
    }
}

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Pool = Pool {
    state: Mutex::new(State {
        jobs: VecDeque::new(),
        threads: 0,
        idle: 0,
    }),
    work: Condvar::new(),
};

/// Queues a job and sees to it that a thread will take it. If there is none and none can be
/// started, calls `refused` and gives the error.
fn submit(job: Job, refused: impl FnOnce(Job)) -> io::Result<()> {
    let mut state = lock(&POOL.state);
    state.jobs.push_back(job);
    if state.idle >= state.jobs.len() {
        POOL.work.notify_one();
        return Ok(());
    }
    if state.threads >= MAX_THREADS {
        return Ok(());
    }
    let started = thread::Builder::new()
        .name("eventlet-offload".into())
        .spawn(work);
    match started {
        Ok(_) => {
            state.threads += 1;
            Ok(())
        }
        // The threads there are will get to it.
        Err(_) if state.threads > 0 => Ok(()),
        Err(error) => {
            if let Some(job) = state.jobs.pop_back() {
                refused(job);
            }
            Err(error)
        }
    }
}

fn work() {
    let mut state = lock(&POOL.state);
    loop {
        if let Some(job) = state.jobs.pop_front() {
            drop(state);
            job();
            state = lock(&POOL.state);
            continue;
        }
        state.idle += 1;
        let (woken, waited) = POOL
            .work
            .wait_timeout(state, IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        state = woken;
        state.idle -= 1;
        if waited.timed_out() && state.jobs.is_empty() {
            state.threads -= 1;
            return;
        }
    }
}

/// Jobs catch their panics, so a poisoned lock's contents are whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
