//! What coroutines of one thread coordinate with.
//!
//! * [`Event`]: a value or an error, once, to everybody who waits for it.
//! * [`Semaphore`]: so many at a time, first come, first served.
//! * [`Mutex`], [`RwLock`]: a value that one at a time has, or many that only read it.
//! * [`Condvar`]: waiting until what a mutex guards has changed.
//! * [`Barrier`]: waiting for each other. [`WaitGroup`]: waiting until all of them are done.
//!
//! # Rules that all of them keep
//!
//! * First come, first served, with direct hand-off: what is given back goes to whoever has waited
//!   longest, and nobody who comes in between can take it.
//! * Giving, sending and unlocking never wait. Whoever is woken by it runs in its own turn.
//! * A waiter that is killed, or runs out of time, loses its place. What it was given in the same
//!   turn goes to the next in line.
//! * While a panic or a kill unwinds the stack, what would have to wait gives
//!   [`ParkError::Unwinding`](crate::ParkError::Unwinding); the rest works, so guards may be dropped.
//! * None of them leaves its thread.
//!
//! # When the holder of a lock panics
//!
//! The lock is free again, and is *not* poisoned, other than `std`'s. Here unwinding is an ordinary
//! way to end: a kill or a [`timeout`](crate::timeout()) around a piece of code that holds a lock
//! unwinds it, and a lock that refused service afterwards would turn every such end into a failure
//! of all others. The price: what the holder had half changed is seen half changed by the next.
//! Where that matters, wait for nothing between the first change and the last (kills and timeouts
//! are raised only where something waits), or put it right in a destructor.

mod barrier;
mod condvar;
mod event;
mod event_error;
mod line;
mod mutex;
mod permits;
mod rwlock;
mod semaphore;
mod wait_group;
pub(crate) mod waiters;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use event_error::{AlreadySent, EventError, NotSent};
pub use mutex::{Mutex, MutexGuard};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{Permit, Semaphore};
pub use wait_group::{Member, WaitGroup};
