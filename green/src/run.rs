//! An explicit entry, for programs that like one, and for the engine that needs one.
//!
//! What the engines are, and what each can do: [`sys::fiber`](crate::sys::fiber) and
//! `docs/design/engines.md`.

use crate::setup::SetupError;
use crate::sys::fiber;

/// Calls `f` where coroutines can run, and gives what it gives.
///
/// With the default engine that is here: `f` is called, nothing else, and this function is never
/// needed. With the feature `engine-may` coroutines, and the root stack with them, run on the one
/// worker thread of the package `may`: `f` is called there, while the caller waits. A program
/// written with it so works with both. A call from within `f` calls its own `f` in place.
///
/// When `f` returns (or panics, which goes on in the caller), with `engine-may` its run loop ends: coroutines that are
/// left are unwound, as at the end of a thread. With the default engine that happens when the thread
/// ends.
///
/// # Errors
///
/// [`SetupError::Refused`], with `engine-may` only: another call is under way in another thread, as
/// there is one run loop in the process at a time; or the process has started `may` with more than
/// one worker.
///
/// # Examples
///
/// ```
/// fn main() -> Result<(), eventlet_green::SetupError> {
///     let sum = eventlet_green::run(|| {
///         let worker = eventlet_green::spawn(|| 3 + 4);
///         worker.join().unwrap()
///     })?;
///     assert_eq!(sum, 7);
///     Ok(())
/// }
/// ```
pub fn run<F, T>(f: F) -> Result<T, SetupError>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fiber::enter(f).map_err(SetupError::refused)
}

/// The name of the engine that coroutines run on: `corosensei`, or `may` with the feature
/// `engine-may`.
///
/// # Examples
///
/// ```
/// assert!(["corosensei", "may"].contains(&eventlet_green::engine()));
/// ```
pub fn engine() -> &'static str {
    fiber::ENGINE
}
