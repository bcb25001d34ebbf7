//! What coroutines of one thread coordinate with.
//!
//! * [`Semaphore`]: so many at a time, first come, first served.

mod line;
mod semaphore;
pub(crate) mod waiters;

pub use semaphore::{Permit, Semaphore};
