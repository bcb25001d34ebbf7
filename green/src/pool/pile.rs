//! Results in the order in which the work was handed in.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::Duration;

use super::error::SpawnError;
use super::workers::Workers;
use crate::join::{JoinError, JoinHandle};

/// Work of [`Workers`] whose results are asked for in the order in which it was handed in. Several
/// piles may share workers.
///
/// Each result waits in memory until it is asked for; where the work comes from an iterator,
/// [`Workers::imap`] keeps no more than the workers' number. Dropping the pile lets the work go on.
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{Pile, Workers};
///
/// let mut pile = Pile::new(&Workers::new(2));
/// for n in 0..4 {
///     pile.spawn(move || n * 10)?;
/// }
/// let results: Vec<_> = pile.map(Result::unwrap).collect();
/// assert_eq!(results, [0, 10, 20, 30]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Pile<T> {
    workers: Workers,
    jobs: VecDeque<JoinHandle<T>>,
}

impl<T: 'static> Pile<T> {
    /// An empty pile before these workers.
    pub fn new(workers: &Workers) -> Self {
        Pile {
            workers: workers.clone(),
            jobs: VecDeque::new(),
        }
    }

    /// Hands work in; see [`Workers::spawn`].
    ///
    /// # Errors
    ///
    /// As there; the pile is as it was.
    #[track_caller]
    pub fn spawn(&mut self, f: impl FnOnce() -> T + 'static) -> io::Result<()> {
        let job = self.workers.spawn(f)?;
        self.jobs.push_back(job);
        Ok(())
    }

    /// Hands work in, waiting for a seat at most for `limit`; see [`Workers::spawn_timeout`].
    ///
    /// # Errors
    ///
    /// As there; the pile is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::pool::{Pile, SpawnError, Workers};
    /// use eventlet_green::sleep;
    /// use std::time::Duration;
    ///
    /// let mut pile = Pile::new(&Workers::new(1));
    /// assert!(pile.is_empty());
    /// pile.spawn(|| sleep(Duration::from_millis(20)))?;
    /// let late = pile.spawn_timeout(Duration::from_millis(1), || ());
    /// assert!(matches!(late, Err(SpawnError::NoSeat(_))));
    /// assert_eq!(pile.len(), 1, "the pile is as it was");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_timeout<F>(&mut self, limit: Duration, f: F) -> Result<(), SpawnError<F>>
    where
        F: FnOnce() -> T + 'static,
    {
        let job = self.workers.spawn_timeout(limit, f)?;
        self.jobs.push_back(job);
        Ok(())
    }
}

impl<T> Pile<T> {
    /// How many results have not been asked for.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether every result has been asked for.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn push(&mut self, job: JoinHandle<T>) {
        self.jobs.push_back(job);
    }

    /// The next result, with the coroutine that it is of.
    pub(super) fn take_next(&mut self) -> Option<(Result<T, JoinError>, JoinHandle<T>)> {
        let result = self.jobs.front()?.join_once();
        Some((result, self.jobs.pop_front()?))
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &JoinHandle<T>> {
        self.jobs.iter()
    }
}

impl<T> Iterator for Pile<T> {
    /// A failure stands at the place of its work; the iteration can go on after it.
    type Item = Result<T, JoinError>;

    /// Waits for the next result; `None` when there is no more work. If the caller is killed or times
    /// out meanwhile, the result is not lost: the next call waits for it again.
    fn next(&mut self) -> Option<Self::Item> {
        self.take_next().map(|(result, _)| result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl<T> fmt::Debug for Pile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pile")
            .field("workers", &self.workers)
            .field("jobs", &self.jobs.len())
            .finish()
    }
}
