//! The primitives: `std`'s, or those of the model checker. Nothing else in `between_threads` may name them.

#[cfg(not(loom))]
pub use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64},
};

#[cfg(loom)]
pub use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64},
};

pub use std::sync::PoisonError;
pub use std::sync::atomic::Ordering;

/// Locks. No code of the program's runs under a lock of ours, so there is no half-made change for a
/// poisoned one to warn of.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
