//! Running futures: the coroutine that blocks on one is parked, the thread is not.
//!
//! So libraries of futures that bring no runtime of their own can be used (channels, locks, streams;
//! not those that need tokio's reactor). The waker may be called from any thread, at any time, also
//! when the future is long gone; what stands behind it is a [`Notice`].
//!
//! The way round, that async code awaits a coroutine, is in [`Joined`](crate::Joined) and
//! [`RemoteJoin`](crate::RemoteJoin).

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use eventlet_runloop::Time;

use crate::between_threads::notice::{Notice, Prepared};
use crate::coroutine::{Wait, Woken, after};
use crate::error::ParkError;
use crate::inbox::{Inbox, Sent};
use crate::scheduler;

/// Runs a future to its end; the caller is parked while it is not ready, and the thread's other
/// coroutines go on. Works in a coroutine and on the root stack; within the future, everything that
/// parks may be used as well, another `block_on` included.
///
/// If the caller is killed or times out, the future is dropped. A future that wakes itself lets all
/// others run before it is polled again.
///
/// # Errors
///
/// Why the caller could not wait. A root stack is told of a deadlock if nothing is left that could
/// wake anybody and the future has not kept its waker; one that has it may be woken from any thread.
///
/// # Examples
///
/// ```
/// use eventlet_green::{block_on, spawn};
///
/// let (sender, receiver) = async_channel::bounded(1);
/// let other = spawn(move || block_on(async move { sender.send("through").await }));
/// assert_eq!(block_on(receiver.recv())?, Ok("through"));
/// # other.join().unwrap().unwrap().unwrap();
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
pub fn block_on<F: IntoFuture>(future: F) -> Result<F::Output, ParkError> {
    match drive(future.into_future(), None)? {
        Some(output) => Ok(output),
        None => unreachable!("without a deadline there is nothing to miss"),
    }
}

/// [`block_on`], but waits at most `limit`: then the future is dropped, and `None` given.
///
/// # Errors
///
/// As for [`block_on`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let never = std::future::pending::<()>();
/// let late = eventlet_green::block_on_timeout(Duration::from_millis(1), never)?;
/// assert_eq!(late, None);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
pub fn block_on_timeout<F: IntoFuture>(
    limit: Duration,
    future: F,
) -> Result<Option<F::Output>, ParkError> {
    let deadline = scheduler::with(|scheduler| after(&scheduler.run_loop, limit));
    drive(future.into_future(), Some(deadline))
}

fn drive<F: Future>(future: F, deadline: Option<Time>) -> Result<Option<F::Output>, ParkError> {
    let mut future = pin!(future);
    let alarm = Arc::new(Alarm {
        notice: Notice::new(),
        inbox: scheduler::with(|scheduler| Arc::clone(&scheduler.inbox)),
    });
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    // However this ends: a waker that is left redeems no ticket any more.
    let _cleared_at_the_end = Clear(&alarm.notice);
    loop {
        alarm.notice.clear();
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(Some(output));
        }
        if wait(&alarm, deadline)? == Woken::TimedOut {
            return Ok(None);
        }
    }
}

/// Waits until it is worth polling again.
fn wait(alarm: &Arc<Alarm>, deadline: Option<Time>) -> Result<Woken, ParkError> {
    scheduler::with(|scheduler| {
        if alarm.is_out_of_reach() {
            return scheduler.park(Wait::Future, deadline);
        }
        let mut prepared = Prepared::MaySleep;
        let outside = &scheduler.outside;
        let woken = outside.wait(scheduler, Wait::Future, deadline, |ticket| {
            prepared = alarm.notice.prepare(ticket);
            match prepared {
                Prepared::MaySleep => Sent::Out,
                Prepared::WasNoted => Sent::NotNeeded,
            }
        })?;
        if prepared == Prepared::WasNoted {
            scheduler.yield_now()?;
            if deadline.is_some_and(|deadline| scheduler.run_loop.now() >= deadline) {
                return Ok(Woken::TimedOut);
            }
        }
        Ok(woken)
    })
}

/// The one in `drive`, and that of the waker there.
const OWN_REFERENCES: usize = 2;

/// What the waker rings.
struct Alarm {
    notice: Notice,
    inbox: Arc<Inbox>,
}

impl Alarm {
    /// Whether nobody has kept the waker, so that nobody can come by it any more, and nobody rang
    /// before he let go of it.
    fn is_out_of_reach(self: &Arc<Self>) -> bool {
        let is_out = Arc::strong_count(self) == OWN_REFERENCES;
        // The count is read without order; what was done before the last other one went must be seen.
        fence(Ordering::Acquire);
        is_out && !self.notice.is_noted()
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(ticket) = self.notice.notify() {
            self.inbox.redeem(ticket);
        }
    }
}

struct Clear<'a>(&'a Notice);

impl Drop for Clear<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}
