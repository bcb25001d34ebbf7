//! Channels between loops and threads.
//!
//! Both ends may be cloned and sent to any thread. Who has to wait is parked if his thread has a run
//! loop, and the others of that thread go on; on a thread without one the thread blocks. So a plain
//! thread can feed a loop, and loops can share work.
//!
//! Both ends are first come, first served: a value goes to whoever has waited longest, room to the
//! longest waiting sender. A value that was meant for a receiver that is killed goes to the next, or
//! back to its place. Senders that find the receiver awake wake nobody, and many wake-ups of one loop
//! cost one.
//!
//! For coroutines of one thread there are [channels](crate::channel) that need no lock and no `Send`
//! and can be selected from; the errors are the same. As long as a
//! coroutine waits at a channel of this kind there is no report of a
//! [deadlock](crate::Deadlock): the other end may be on any thread.
//!
//! # Examples
//!
//! ```
//! use eventlet_green::{cross, spawn};
//! use std::thread;
//!
//! let (sender, receiver) = cross::bounded(16);
//! let feeder = thread::spawn(move || {
//!     for number in 1..=100 {
//!         sender.send(number).unwrap(); // blocks the thread while there is no room
//!     }
//! });
//! let adder = spawn(move || receiver.iter().sum::<u32>()); // parks the coroutine
//! assert_eq!(adder.join().unwrap(), 5050);
//! # feeder.join().unwrap();
//! ```

mod inspect;
mod receiver;
mod sender;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use receiver::{IntoIter, Iter, Receiver};
pub use sender::Sender;

pub use crate::channel::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};

use crate::between_threads::queue::{InLine, Queue};
use crate::inbox::Sent;
use crate::sleeper::Sleeper;

/// A channel with room for `capacity` values; senders wait for room. With 0 a sender waits for a
/// receiver to take its value.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = eventlet_green::cross::bounded(1);
/// sender.send("in").unwrap();
/// assert!(sender.try_send("too much").is_err());
/// assert_eq!(receiver.recv().unwrap(), "in");
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel(Some(capacity))
}

/// A channel with as much room as there is memory: senders never wait.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = eventlet_green::cross::unbounded();
/// for number in 0..1000 {
///     sender.send(number).unwrap();
/// }
/// drop(sender);
/// assert_eq!(receiver.iter().count(), 1000);
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel(None)
}

fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel {
        queue: Queue::new(capacity),
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
    });
    (Sender::new(Arc::clone(&channel)), Receiver::new(channel))
}

/// What the ends share.
struct Channel<T> {
    queue: Queue<T, Sleeper>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

/// Notes what came of getting in line, or the number that one waits under; says whether to sleep.
fn note<R>(line: InLine<R>, outcome: &mut Option<R>, number: &mut Option<u64>) -> Sent {
    match line {
        InLine::No(found) => {
            *outcome = Some(found);
            Sent::NotNeeded
        }
        InLine::Yes(place) => {
            *number = Some(place);
            Sent::Out
        }
    }
}

/// Counts an end that was dropped; says whether it was the last.
fn is_last(ends: &AtomicUsize) -> bool {
    ends.fetch_sub(1, Ordering::AcqRel) == 1
}
