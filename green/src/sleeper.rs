//! Waiting for another thread, wherever one is: a coroutine parks, a thread without a loop blocks.
//!
//! Who waits is a [`Sleeper`], which any thread may wake. What is waited for, and who keeps the
//! sleeper until then, is the business of the modules that wait: offloading, remote handles,
//! channels between threads.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::between_threads::Wake;
use crate::between_threads::bed::{Bed, Slept};
use crate::coroutine::{Wait, Woken, after};
use crate::error::ParkError;
use crate::inbox::{Inbox, Sent};
use crate::sys::slot;

/// Somebody who waits, once.
#[derive(Debug)]
pub(crate) enum Sleeper {
    /// A coroutine, or the root of a thread with a loop.
    Coroutine(Arc<Inbox>, u64),
    /// A thread that has no loop.
    Thread(Arc<Bed>),
    /// A future.
    Future(Waker),
}

impl Wake for Sleeper {
    fn wake(self) {
        match self {
            Sleeper::Coroutine(inbox, ticket) => inbox.redeem(ticket),
            Sleeper::Thread(bed) => bed.wake(),
            Sleeper::Future(waker) => waker.wake(),
        }
    }
}

/// Waits until the sleeper that `enlist` is given has been woken, or for `limit`. If `enlist` says
/// that there is nothing to wait for, goes on at once.
///
/// What `enlist` put up must be taken down by a guard of the caller's, since this may unwind.
///
/// # Errors
///
/// As for [`Scheduler::park`](crate::scheduler::Scheduler::park); never on a thread without a loop.
pub(crate) fn sleep_until_woken(
    wait: Wait,
    limit: Option<Duration>,
    enlist: impl FnOnce(Sleeper) -> Sent,
) -> Result<Slept, ParkError> {
    let mut enlist = Some(enlist);
    let parked = slot::with(|scheduler| {
        let inbox = Arc::clone(&scheduler.inbox);
        let deadline = limit.map(|limit| after(&scheduler.run_loop, limit));
        scheduler.outside.wait(scheduler, wait, deadline, |ticket| {
            // Called at most once.
            enlist.take().map_or(Sent::NotNeeded, |enlist| {
                enlist(Sleeper::Coroutine(inbox, ticket))
            })
        })
    });
    if let Some(parked) = parked {
        return Ok(match parked? {
            Woken::TimedOut => Slept::TimedOut,
            _ => Slept::Woken,
        });
    }
    let bed = Arc::new(Bed::new());
    match enlist
        .take()
        .map(|enlist| enlist(Sleeper::Thread(Arc::clone(&bed))))
    {
        Some(Sent::Out) => Ok(bed.sleep(limit)),
        _ => Ok(Slept::Woken),
    }
}
