//! The first of several coroutines to end: the others go on ([`first_of`]), or are killed ([`race`]).

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::{JoinError, JoinHandle};
use crate::coroutine::deadline_in;
use crate::ends::completions::Completions;
use crate::ends::kill::kill_in_its_turn;
use crate::error::{NeedsUnwinding, ParkError};

/// Waits until any of them has ended; takes its handle out, and gives the index where it was and its
/// result. The others go on, and their handles stay, in order: call it again for the next.
///
/// If several have ended already, it is the one with the lowest index; else the one that ends first.
///
/// # Errors
///
/// * [`FirstError::Empty`]: there are no handles, so nothing will end.
/// * [`FirstError::Refused`]: the caller could not wait.
///
/// A failure of the one that has ended is in its result.
///
/// # Examples
///
/// ```
/// use eventlet_green::{first_of, sleep, spawn};
/// use std::time::Duration;
///
/// let mut handles: Vec<_> = [20, 1, 10]
///     .map(|n| spawn(move || { sleep(Duration::from_millis(n)); n }))
///     .into();
/// let (index, result) = first_of(&mut handles)?;
/// assert_eq!((index, result.unwrap()), (1, 1));
/// assert_eq!(handles.len(), 2);
/// # Ok::<(), eventlet_green::FirstError>(())
/// ```
pub fn first_of<T>(
    handles: &mut Vec<JoinHandle<T>>,
) -> Result<(usize, Result<T, JoinError>), FirstError> {
    first_until(handles, None)
}

/// As [`first_of`], waiting at most for `limit`.
///
/// # Errors
///
/// As for [`first_of`], and [`FirstError::Elapsed`] if none has ended in time; all handles are there
/// still.
///
/// # Examples
///
/// ```
/// use eventlet_green::{FirstError, first_of_timeout, sleep, spawn};
/// use std::time::Duration;
///
/// let mut handles = vec![spawn(|| sleep(Duration::from_secs(60)))];
/// let first = first_of_timeout(Duration::from_millis(1), &mut handles);
/// assert!(matches!(first, Err(FirstError::Elapsed)));
/// assert_eq!(handles.len(), 1, "it is there still");
/// ```
pub fn first_of_timeout<T>(
    limit: Duration,
    handles: &mut Vec<JoinHandle<T>>,
) -> Result<(usize, Result<T, JoinError>), FirstError> {
    first_until(handles, Some(limit))
}

/// Waits until any of them has ended, kills the others, and gives the index of the first and its
/// result. The others are killed on every way out, also if the caller is; they unwind when the turn
/// of each comes, and nobody waits for that.
///
/// # Errors
///
/// As for [`first_of`], and [`FirstError::NeedsUnwinding`] at once in a program built with
/// `panic = "abort"`.
///
/// # Examples
///
/// ```
/// use eventlet_green::{race, sleep, spawn};
/// use std::time::Duration;
///
/// let slow = spawn(|| { sleep(Duration::from_secs(60)); "slow" });
/// let fast = spawn(|| "fast");
/// let (_, result) = race([slow, fast])?;
/// assert_eq!(result.unwrap(), "fast");
/// # Ok::<(), eventlet_green::FirstError>(())
/// ```
pub fn race<T>(
    handles: impl IntoIterator<Item = JoinHandle<T>>,
) -> Result<(usize, Result<T, JoinError>), FirstError> {
    race_until(handles, None)
}

/// As [`race`], waiting at most for `limit`; all are killed if none has ended in time.
///
/// # Errors
///
/// As for [`race`], and [`FirstError::Elapsed`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{FirstError, race_timeout, sleep, spawn};
/// use std::time::Duration;
///
/// let slow = spawn(|| sleep(Duration::from_secs(60)));
/// let winner = race_timeout(Duration::from_millis(1), [slow]);
/// assert!(matches!(winner, Err(FirstError::Elapsed)));
/// ```
pub fn race_timeout<T>(
    limit: Duration,
    handles: impl IntoIterator<Item = JoinHandle<T>>,
) -> Result<(usize, Result<T, JoinError>), FirstError> {
    race_until(handles, Some(limit))
}

fn race_until<T>(
    handles: impl IntoIterator<Item = JoinHandle<T>>,
    limit: Option<Duration>,
) -> Result<(usize, Result<T, JoinError>), FirstError> {
    NeedsUnwinding::check()?;
    let mut running = Losers(handles.into_iter().collect());
    first_until(&mut running.0, limit)
}

fn first_until<T>(
    handles: &mut Vec<JoinHandle<T>>,
    limit: Option<Duration>,
) -> Result<(usize, Result<T, JoinError>), FirstError> {
    if handles.is_empty() {
        return Err(FirstError::Empty);
    }
    let deadline = limit.map(deadline_in);
    let completions = Rc::new(Completions::default());
    let watching: Vec<_> = handles
        .iter()
        .map(|handle| completions.watch(handle.coroutine()))
        .collect();
    let ended = completions.next(deadline)?;
    drop(watching);
    let index = handles
        .iter()
        .position(|handle| Some(handle.id()) == ended)
        .ok_or(FirstError::Elapsed)?;
    Ok((index, handles.remove(index).take()))
}

/// Handles whose coroutines are killed when this is dropped.
struct Losers<T>(Vec<JoinHandle<T>>);

impl<T> Drop for Losers<T> {
    fn drop(&mut self) {
        for handle in &self.0 {
            kill_in_its_turn(handle.coroutine());
        }
    }
}

/// Why there is no first one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FirstError {
    /// There are none to wait for.
    Empty,
    /// The time was over before any of them had ended.
    Elapsed,
    /// The caller could not wait.
    Refused(ParkError),
    /// The program cannot unwind, so the others could not be killed.
    NeedsUnwinding(NeedsUnwinding),
}

impl fmt::Display for FirstError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FirstError::Empty => f.write_str("there are no coroutines to wait for"),
            FirstError::Elapsed => f.write_str("none of the coroutines has ended in time"),
            FirstError::Refused(reason) => reason.fmt(f),
            FirstError::NeedsUnwinding(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FirstError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FirstError::Refused(reason) => Some(reason),
            FirstError::NeedsUnwinding(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ParkError> for FirstError {
    fn from(reason: ParkError) -> Self {
        FirstError::Refused(reason)
    }
}

impl From<NeedsUnwinding> for FirstError {
    fn from(error: NeedsUnwinding) -> Self {
        FirstError::NeedsUnwinding(error)
    }
}
