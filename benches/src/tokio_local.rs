//! tokio on one thread: what ours are compared with wherever tasks stay on their thread.

use std::future::Future;

use tokio::runtime;
use tokio::task::LocalSet;

/// Runs the work on a single-threaded runtime, within a [`LocalSet`], on this thread.
///
/// # Panics
///
/// If no runtime can be made.
///
/// # Examples
///
/// ```
/// use eventlet_benches::tokio_local::block_on;
///
/// let sum = block_on(async {
///     let task = tokio::task::spawn_local(async { 1 + 2 });
///     task.await.unwrap()
/// });
/// assert_eq!(sum, 3);
/// ```
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, work)
}

/// [`block_on`], with timers.
///
/// # Panics
///
/// If no runtime can be made.
pub fn block_on_with_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, work)
}
