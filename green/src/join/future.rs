//! The end of a coroutine as a future: async code awaits its [`JoinHandle`].
//!
//! How a future is run is in [`block_on`](crate::block_on()).

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::{JoinError, JoinHandle};
use crate::coroutine::Coroutine;
use crate::ends::EndListener;
use crate::scheduler;

/// Async code can await a coroutine of its thread.
///
/// # Examples
///
/// ```
/// use eventlet_green::{block_on, spawn};
///
/// let sum = block_on(async { spawn(|| 1).await.unwrap() + spawn(|| 2).await.unwrap() })?;
/// assert_eq!(sum, 3);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
impl<T> IntoFuture for JoinHandle<T> {
    type Output = Result<T, JoinError>;
    type IntoFuture = Joined<T>;

    fn into_future(self) -> Joined<T> {
        Joined {
            handle: self,
            waiting: None,
        }
    }
}

/// The end of a coroutine, as a future; made by awaiting a [`JoinHandle`]. Dropping it lets the
/// coroutine go on.
///
/// It needs the thread's loop to turn: await it under [`block_on`](crate::block_on()), not under an
/// executor that blocks the thread. From elsewhere, use a [`RemoteHandle`](crate::RemoteHandle).
///
/// # Examples
///
/// ```
/// use eventlet_green::{Joined, block_on, spawn};
///
/// let answer: Joined<u32> = spawn(|| 42).into_future();
/// assert_eq!(block_on(answer)?.unwrap(), 42);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Joined<T> {
    handle: JoinHandle<T>,
    waiting: Option<Waiting>,
}

impl<T> Future for Joined<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.handle.is_finished() {
            return Poll::Ready(self.handle.take());
        }
        let coroutine = self.handle.coroutine();
        let current = scheduler::with(|scheduler| scheduler.current());
        if current.is_some_and(|current| Rc::ptr_eq(&current, coroutine)) {
            return Poll::Ready(Err(JoinError::Itself));
        }
        let waker = context.waker().clone();
        match &self.waiting {
            Some(waiting) => drop(waiting.bell.waker.replace(Some(waker))),
            None => {
                let waiting = Waiting::new(Rc::clone(coroutine), waker);
                self.waiting = Some(waiting);
            }
        }
        Poll::Pending
    }
}

impl<T> fmt::Debug for Joined<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Joined").field(&self.handle).finish()
    }
}

/// The future's place among those who are told of the end.
struct Waiting {
    coroutine: Rc<Coroutine>,
    number: u64,
    bell: Rc<Bell>,
}

impl Waiting {
    fn new(coroutine: Rc<Coroutine>, waker: Waker) -> Self {
        let bell = Rc::new(Bell {
            waker: Cell::new(Some(waker)),
        });
        let number = coroutine.end_listeners.add(Rc::clone(&bell) as _);
        Waiting {
            coroutine,
            number,
            bell,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.coroutine.end_listeners.remove(self.number));
    }
}

struct Bell {
    waker: Cell<Option<Waker>>,
}

impl EndListener for Bell {
    fn finished(&self, _: &Rc<Coroutine>) {
        if let Some(waker) = self.waker.take() {
            // A waker may be anybody's code: it is called by the loop, which contains its panics.
            scheduler::with(|scheduler| scheduler.run_loop.call_soon(move |_| waker.wake()));
        }
    }
}
