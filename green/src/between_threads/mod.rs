//! What two threads touch: small state machines that know no coroutine, no loop and no system call.
//!
//! Each is a plain structure with `&self` methods over the primitives of `primitives`, which are
//! `std`'s, or the model checker's in a build with `--cfg loom`; then this module is public, and the
//! models in `tests/loom_*.rs` try every interleaving. Who waits, and how it is woken, is handed in
//! as a type; the real one is [`Sleeper`](crate::sleeper).
//!
//! * `answer`: one value from one thread to another, once.
//! * `bed`: a thread's place to sleep.
//! * `jobs`: work for a pool of threads that come and go.
//! * `mailbox`: many posters, one reader who is rung for once.
//! * `notice`: what stands behind the waker of a future.
//! * `queue`: a channel's values, and who waits at either end.

pub mod answer;
pub mod bed;
pub mod jobs;
pub mod mailbox;
pub mod notice;
mod primitives;
pub mod queue;

/// Somebody who waits, to be woken once, from any thread.
pub trait Wake {
    /// Wakes it. If it no longer waits, nothing happens.
    fn wake(self);
}
