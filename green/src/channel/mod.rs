//! Channels and queues between the coroutines of a thread: one family with two handles.
//!
//! | made by | holds | comes out |
//! |---|---|---|
//! | [`rendezvous`] | nothing: each send meets a receive | first in, first out |
//! | [`bounded`] | so many | first in, first out |
//! | [`unbounded`] | as many as memory holds | first in, first out |
//! | [`lifo`] | as asked | last in, first out |
//! | [`priority`] | as asked | least first, equals first in, first out |
//!
//! A [`Sender`] and a [`Receiver`], rather than one handle: that the last of a side is gone then
//! closes the channel, so that `for value in receiver` ends by itself and nobody waits for somebody
//! who is no more. Both can be cloned; each value is received once.
//!
//! * **Fair.** On both sides who came first is served first. A value is handed to the receiver that
//!   has waited longest, and nobody who comes later can take it.
//! * **Nothing is lost.** A receiver that is killed, or whose [`timeout`](crate::timeout()) ends,
//!   in the turn in which it was handed a value, does not take it with it: those behind it move up.
//!   What could not be sent is in the error. Lost are only values that their owner drops: that of a
//!   sender that is killed while it waits, those queued when the last receiver goes.
//! * **Order of a rendezvous.** Neither side runs inside of the other. At the meeting, whoever
//!   waited goes on first, then the one who came: a sender that finds a receiver goes on after it,
//!   and the other way round. `try_` forms never give the thread away.
//! * **Closing** is by [`close`](Sender::close) or by dropping all handles of a side.
//! * **Several at once**: [`select!`](crate::select!) and [`select()`](crate::select()).
//! * **Tasks**: [`Sender::join`] waits until all that was sent is done.
//!
//! Threads talk through [`cross`](crate::cross).
//!
//! # Examples
//!
//! Two workers and a producer that they slow down:
//!
//! ```
//! use eventlet_green::{channel, spawn};
//!
//! let (jobs, queue) = channel::bounded(4);
//! let (results, answers) = channel::unbounded();
//! for _ in 0..2 {
//!     let (queue, results) = (queue.clone(), results.clone());
//!     spawn(move || {
//!         for job in queue {
//!             results.send(job * job).unwrap();
//!         }
//!     });
//! }
//! drop((queue, results)); // The workers have their own.
//! for number in 1..=10 {
//!     jobs.send(number)?;
//! }
//! drop(jobs); // That ends the workers, and their end ends the sum.
//! assert_eq!(answers.iter().sum::<u32>(), 385);
//! # Ok::<(), channel::SendError<u32>>(())
//! ```

mod error;
mod inspect;
mod operation;
mod receiver;
mod sender;
mod shared;
mod store;
mod tasks;

use std::rc::Rc;

pub use error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use inspect::Capacity;
pub use operation::{Receiving, Sending};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use sender::Sender;
use shared::Shared;
use store::Store;
pub use tasks::{JoinTasksError, Task, TooManyDone};

/// A channel without room: a send and a receive wait for each other.
///
/// # Examples
///
/// ```
/// use eventlet_green::{channel, spawn, yield_now};
///
/// let (sender, receiver) = channel::rendezvous();
/// let sending = spawn(move || sender.send("now"));
/// yield_now();
/// assert_eq!((receiver.balance(), receiver.len()), (1, 0));
/// assert_eq!(receiver.recv()?, "now");
/// assert!(sending.join()?.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    bounded(0)
}

/// A queue of at most so many values, first in, first out; of zero, a [`rendezvous`].
///
/// # Examples
///
/// ```
/// let (sender, receiver) = eventlet_green::channel::bounded(1);
/// sender.send('a')?;
/// assert!(sender.try_send('b').unwrap_err().is_full());
/// assert_eq!(receiver.recv()?, 'a');
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel(Capacity::AtMost(capacity), Store::fifo())
}

/// A queue without a limit, first in, first out. Sending never waits; if receivers are slower than
/// senders, it grows.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = eventlet_green::channel::unbounded();
/// for number in 0..1000 {
///     sender.send(number)?;
/// }
/// assert_eq!((receiver.len(), receiver.recv()?), (1000, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel(Capacity::Unbounded, Store::fifo())
}

/// A stack: last in, first out. Senders that wait for room are served in the order they came.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{self, Capacity};
///
/// let (sender, receiver) = channel::lifo(Capacity::Unbounded);
/// sender.send("first")?;
/// sender.send("last")?;
/// assert_eq!(receiver.recv()?, "last");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn lifo<T>(capacity: impl Into<Capacity>) -> (Sender<T>, Receiver<T>) {
    channel(capacity.into(), Store::lifo())
}

/// A queue whose least value comes out first; of equal ones, that which was queued first. For the
/// greatest first, send [`Reverse`](std::cmp::Reverse)d values.
///
/// A receiver that waits gets what comes, whatever its rank: nothing else is there. Senders that
/// wait for room are let in in the order they came, not by rank.
///
/// The values' `Ord` is called by those who send and receive, and must not use the channel or wait;
/// if it panics, so do they.
///
/// # Examples
///
/// ```
/// use eventlet_green::channel::{self, Capacity};
///
/// let (sender, receiver) = channel::priority(Capacity::Unbounded);
/// for job in [(2, "sweep"), (1, "cook"), (2, "dust")] {
///     sender.send(job)?;
/// }
/// let names: Vec<_> = receiver.try_iter().map(|(_, name)| name).collect();
/// assert_eq!(names, ["cook", "dust", "sweep"]);
/// # Ok::<(), channel::SendError<(i32, &str)>>(())
/// ```
#[must_use]
pub fn priority<T: Ord>(capacity: impl Into<Capacity>) -> (Sender<T>, Receiver<T>) {
    channel(capacity.into(), Store::priority(T::cmp))
}

fn channel<T>(capacity: Capacity, store: Store<T>) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared::new(capacity.limit(), store));
    let sender = Sender {
        shared: Rc::clone(&shared),
    };
    (sender, Receiver { shared })
}
