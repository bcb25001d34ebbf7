//! Why a pool gave no item, and workers no seat.

use std::fmt;
use std::io;

use crate::error::ParkError;

/// Why a [`Pool`](crate::pool::Pool) gave no item; `E` is what making one can give.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PoolError<E> {
    /// No item could be made. The place that it was to have is free for the next who asks.
    Create(E),
    /// All items were in use for as long as the caller would wait.
    Elapsed,
    /// The pool is closed.
    Closed,
    /// The caller could not wait.
    Refused(ParkError),
}

impl<E: fmt::Display> fmt::Display for PoolError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolError::Create(error) => write!(f, "no item could be made: {error}"),
            PoolError::Elapsed => f.write_str("no item was free in time"),
            PoolError::Closed => f.write_str("the pool is closed"),
            PoolError::Refused(reason) => reason.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for PoolError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PoolError::Create(error) => Some(error),
            PoolError::Refused(reason) => Some(reason),
            PoolError::Elapsed | PoolError::Closed => None,
        }
    }
}

impl<E> From<ParkError> for PoolError<E> {
    fn from(reason: ParkError) -> Self {
        match reason {
            ParkError::Closed => PoolError::Closed,
            reason => PoolError::Refused(reason),
        }
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<PoolError<E>> for io::Error {
    /// `TimedOut` for [`PoolError::Elapsed`], `BrokenPipe` for [`PoolError::Closed`]; what making an
    /// item gave is `Other`.
    fn from(error: PoolError<E>) -> io::Error {
        match error {
            PoolError::Create(error) => io::Error::other(error),
            PoolError::Elapsed => {
                io::Error::new(io::ErrorKind::TimedOut, "no item was free in time")
            }
            PoolError::Closed => io::Error::new(io::ErrorKind::BrokenPipe, "the pool is closed"),
            PoolError::Refused(reason) => reason.into(),
        }
    }
}

/// Why [`Workers`](crate::pool::Workers) did not take a closure that was not to wait for ever.
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{SpawnError, Workers};
///
/// let workers = Workers::new(0);
/// let Err(SpawnError::NoSeat(job)) = workers.try_spawn(|| 42) else { panic!("there is none") };
/// workers.resize(1);
/// assert_eq!(workers.spawn(job)?.join().unwrap(), 42); // Nothing is lost.
/// # Ok::<(), std::io::Error>(())
/// ```
#[non_exhaustive]
pub enum SpawnError<F> {
    /// No seat was free, or became free in time. The closure, for another try.
    NoSeat(F),
    /// No coroutine could be made, or the caller could not wait.
    Failed(io::Error),
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpawnError({self})")
    }
}

impl<F> fmt::Display for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::NoSeat(_) => f.write_str("all seats of the workers are taken"),
            SpawnError::Failed(error) => error.fmt(f),
        }
    }
}

impl<F> std::error::Error for SpawnError<F> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SpawnError::NoSeat(_) => None,
            SpawnError::Failed(error) => Some(error),
        }
    }
}
