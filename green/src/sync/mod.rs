//! What coroutines of one thread coordinate with.
//!
//! * [`Semaphore`]: so many at a time, first come, first served.

mod semaphore;
mod waiters;

pub use semaphore::{Permit, Semaphore};
