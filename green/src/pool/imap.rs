//! A function over an iterator, by several workers, with no more under way than there are seats.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::panic::Location;
use std::rc::Rc;

use super::pile::Pile;
use super::workers::{Seat, Workers, run_inline};
use crate::ends::completions::Completions;
use crate::ends::kill::kill_in_its_turn;
use crate::error::NeedsUnwinding;
use crate::join::{JoinError, JoinHandle};

impl Workers {
    /// Calls `f` with each input, in the workers, and gives the results in the order of the inputs.
    ///
    /// Lazy: the inputs are asked for as seats are free, and as results are; at most as many as the
    /// workers' size are under way or wait to be asked for, however many inputs there are. A failure
    /// stands at the place of its input, and the iteration can go on after it.
    ///
    /// Dropping the iterator kills what is under way, whose results nobody can ask for. Used by one of
    /// the workers itself it never waits for a seat: see [`Workers`].
    ///
    /// # Panics
    ///
    /// While iterating, if there is no memory for a stack, and when `inputs` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::pool::Workers;
    ///
    /// let squares = Workers::new(3).imap(1..=5, |n| n * n);
    /// let squares: Vec<_> = squares.map(Result::unwrap).collect();
    /// assert_eq!(squares, [1, 4, 9, 16, 25]);
    /// ```
    #[track_caller]
    pub fn imap<I, F, T>(&self, inputs: I, f: F) -> Imap<I::IntoIter, F, T>
    where
        I: IntoIterator,
        I::Item: 'static,
        F: Fn(I::Item) -> T + 'static,
        T: 'static,
    {
        Imap {
            source: Source::new(self, inputs.into_iter(), f),
            pile: Pile::new(self),
        }
    }

    /// As [`imap`](Self::imap), with the results in the order in which they come.
    ///
    /// # Panics
    ///
    /// As there.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::pool::Workers;
    /// use eventlet_green::sleep;
    /// use std::time::Duration;
    ///
    /// let waits = Workers::new(2).imap_unordered([20, 1], |millis| {
    ///     sleep(Duration::from_millis(millis));
    ///     millis
    /// });
    /// let ended: Vec<_> = waits.map(Result::unwrap).collect();
    /// assert_eq!(ended, [1, 20]); // As they end.
    /// ```
    #[track_caller]
    pub fn imap_unordered<I, F, T>(&self, inputs: I, f: F) -> ImapUnordered<I::IntoIter, F, T>
    where
        I: IntoIterator,
        I::Item: 'static,
        F: Fn(I::Item) -> T + 'static,
        T: 'static,
    {
        ImapUnordered {
            source: Source::new(self, inputs.into_iter(), f),
            jobs: BTreeMap::new(),
            completions: Rc::default(),
        }
    }
}

/// Where the jobs come from.
struct Source<I: Iterator, F> {
    workers: Workers,
    inputs: Peekable<I>,
    f: Rc<F>,
    called_at: &'static Location<'static>,
    /// Waiting was refused: nothing more is started.
    refused: bool,
}

impl<I, F> Source<I, F>
where
    I: Iterator,
    I::Item: 'static,
{
    #[track_caller]
    fn new(workers: &Workers, inputs: I, f: F) -> Self {
        Source {
            workers: workers.clone(),
            inputs: inputs.peekable(),
            f: Rc::new(f),
            called_at: Location::caller(),
            refused: false,
        }
    }

    /// Starts one more, if so many may be under way; waits for a seat only if none is.
    fn start<T: 'static>(&mut self, under_way: usize) -> Option<Result<JoinHandle<T>, JoinError>>
    where
        F: Fn(I::Item) -> T + 'static,
    {
        let workers = &self.workers;
        let may_start = under_way < workers.size() && workers.free() > 0;
        if self.refused || !(may_start || under_way == 0) {
            return None;
        }
        self.inputs.peek()?;
        // The seat before the input: if the caller is unwound while it waits, no input is lost.
        let seat = match workers.seat_or_inline(None) {
            Ok(seat) => seat,
            Err(reason) => {
                self.refused = true;
                return Some(Err(reason.into()));
            }
        };
        let input = self.inputs.next()?;
        let f = Rc::clone(&self.f);
        let job = move || f(input);
        let started = match seat {
            Seat::Taken(seat) => workers.start(self.called_at, seat, job),
            Seat::Inline => Ok(run_inline(self.called_at, job)),
            Seat::NoneInTime => unreachable!("without a deadline there is nothing to miss"),
        };
        match started {
            Ok(handle) => Some(Ok(handle)),
            Err(error) => panic!("cannot spawn a coroutine: {error}"),
        }
    }
}

impl<I: Iterator, F> Source<I, F> {
    fn fmt(&self, name: &str, under_way: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("workers", &self.workers)
            .field("under_way", &under_way)
            .finish()
    }
}

/// The results of [`Workers::imap`].
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::Workers;
///
/// // Never more are under way, or ready, than there are workers: the input may be endless.
/// let mut squares = Workers::new(3).imap(1.., |n: u64| n * n);
/// assert_eq!(squares.next().unwrap().unwrap(), 1);
/// assert_eq!(squares.next().unwrap().unwrap(), 4);
/// ```
#[must_use = "iterators are lazy: nothing is started until a result is asked for"]
pub struct Imap<I: Iterator, F, T> {
    source: Source<I, F>,
    pile: Pile<T>,
}

impl<I, F, T> Iterator for Imap<I, F, T>
where
    I: Iterator,
    I::Item: 'static,
    F: Fn(I::Item) -> T + 'static,
    T: 'static,
{
    type Item = Result<T, JoinError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(started) = self.source.start(self.pile.len()) {
            match started {
                Ok(job) => self.pile.push(job),
                Err(error) => return Some(Err(error)),
            }
        }
        let (result, job) = self.pile.take_next()?;
        if matches!(result, Err(JoinError::Refused(_))) {
            // Nobody will have its result, nor wait for its end.
            kill(std::iter::once(&job));
        }
        Some(result)
    }
}

impl<I: Iterator, F, T> Drop for Imap<I, F, T> {
    fn drop(&mut self) {
        kill(self.pile.jobs());
    }
}

impl<I: Iterator, F, T> fmt::Debug for Imap<I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt("Imap", self.pile.len(), f)
    }
}

/// The results of [`Workers::imap_unordered`].
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::Workers;
///
/// let words = ["1", "x", "3"];
/// let numbers = Workers::new(3).imap_unordered(words, |word| word.parse::<u32>().unwrap());
/// let failed = numbers.filter(Result::is_err).count();
/// assert_eq!(failed, 1, "the others go on");
/// ```
#[must_use = "iterators are lazy: nothing is started until a result is asked for"]
pub struct ImapUnordered<I: Iterator, F, T> {
    source: Source<I, F>,
    /// By the coroutine's id.
    jobs: BTreeMap<u64, JoinHandle<T>>,
    completions: Rc<Completions>,
}

impl<I, F, T> Iterator for ImapUnordered<I, F, T>
where
    I: Iterator,
    I::Item: 'static,
    F: Fn(I::Item) -> T + 'static,
    T: 'static,
{
    type Item = Result<T, JoinError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(started) = self.source.start(self.jobs.len()) {
            let job = match started {
                Ok(job) => job,
                Err(error) => return Some(Err(error)),
            };
            self.completions.watch(job.coroutine()).for_good();
            self.jobs.insert(job.id(), job);
        }
        if self.jobs.is_empty() {
            return None;
        }
        match self.completions.next(None) {
            Ok(ended) => {
                let job = ended.and_then(|id| self.jobs.remove(&id));
                job.map(|job| job.take())
            }
            Err(reason) => {
                // It would be refused for ever.
                self.source.refused = true;
                kill(self.jobs.values());
                self.jobs.clear();
                Some(Err(reason.into()))
            }
        }
    }
}

impl<I: Iterator, F, T> Drop for ImapUnordered<I, F, T> {
    fn drop(&mut self) {
        kill(self.jobs.values());
    }
}

impl<I: Iterator, F, T> fmt::Debug for ImapUnordered<I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt("ImapUnordered", self.jobs.len(), f)
    }
}

/// Ends jobs whose results nobody can ask for; where killing is refused they go on.
fn kill<'a, T: 'a>(jobs: impl Iterator<Item = &'a JoinHandle<T>>) {
    if NeedsUnwinding::check().is_err() {
        return;
    }
    for job in jobs {
        kill_in_its_turn(job.coroutine());
    }
}
