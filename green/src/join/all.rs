//! Joining many coroutines, for the results of all.
//!
//! The first of several is in [`first`](super::first); a set that is joined without results is a
//! [`Group`](crate::pool::Group).

use std::time::Duration;

use super::{JoinError, JoinHandle, JoinTimeoutError};
use crate::coroutine::deadline_in;

/// Waits for the end of all, and gives their results in the order of the handles. One that fails
/// keeps nobody from being waited for.
///
/// If the caller is killed or times out, those that were not joined yet go on by themselves.
///
/// # Errors
///
/// Each result is that of [`JoinHandle::join`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{JoinError, join_all, spawn};
///
/// let squares = join_all((1..4).map(|n| spawn(move || n * n)));
/// let squares: Result<Vec<_>, JoinError> = squares.into_iter().collect();
/// assert_eq!(squares.unwrap(), [1, 4, 9]);
/// ```
pub fn join_all<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<Result<T, JoinError>> {
    // All are taken first: what makes them may spawn, and one that waits meanwhile would start late.
    let handles: Vec<_> = handles.into_iter().collect();
    handles.into_iter().map(JoinHandle::join).collect()
}

/// Waits for the end of all, together at most for `limit`. A handle whose coroutine has not ended by
/// then comes back in its place.
///
/// # Errors
///
/// Each result is that of [`JoinHandle::join_timeout`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{JoinTimeoutError, join_all_timeout, sleep, spawn};
/// use std::time::Duration;
///
/// let handles = [spawn(|| ()), spawn(|| sleep(Duration::from_secs(60)))];
/// let results = join_all_timeout(Duration::from_millis(1), handles);
/// assert!(matches!(results[..], [Ok(()), Err(JoinTimeoutError::Elapsed(_))]));
/// ```
pub fn join_all_timeout<T>(
    limit: Duration,
    handles: impl IntoIterator<Item = JoinHandle<T>>,
) -> Vec<Result<T, JoinTimeoutError<T>>> {
    let deadline = deadline_in(limit);
    let handles: Vec<_> = handles.into_iter().collect();
    handles
        .into_iter()
        .map(|handle| handle.join_until(deadline))
        .collect()
}
