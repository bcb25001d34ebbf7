//! One closure over many inputs at once: all results in the order of the inputs, or which failed.
//!
//! The closure and the inputs may borrow: all is over when the call is. Where results are wanted one
//! by one, in little memory, there is [`Workers::imap`](super::Workers::imap).

use std::convert::Infallible;
use std::fmt;
use std::io;

use super::error::PoolError;
use super::items::{Item, Pool};
use crate::coroutine::Wait;
use crate::join::JoinError;
use crate::scope::{ScopedJoinHandle, scope};
use crate::spawn::Builder;
use crate::sync::Semaphore;

/// Calls `f` with each input, each call in a coroutine of its own, at most so many at a time, and
/// waits for all. Without inputs, the results are none.
///
/// A failure ends nothing but its own call. If the caller is killed or times out, so are the calls.
///
/// # Errors
///
/// * [`FanError::SomeFailed`], [`FanError::AllFailed`]: what became of each input, in their order.
///
/// # Panics
///
/// If `at_a_time` is zero: nothing would ever start.
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{FanError, fan};
///
/// let words = ["1", "2", "x"];
/// let numbers = fan(2, &words[..2], |word| word.parse::<u32>());
/// assert_eq!(numbers.unwrap(), [1, 2]);
///
/// match fan(2, words, |word| word.parse::<u32>()) {
///     Err(FanError::SomeFailed(results)) => assert!(results[2].is_err()),
///     _ => unreachable!("one of three is no number"),
/// }
/// ```
pub fn fan<I, R, E, F>(
    at_a_time: usize,
    inputs: I,
    f: F,
) -> Result<Vec<R>, FanError<R, FanFailure<E>>>
where
    I: IntoIterator,
    F: Fn(I::Item) -> Result<R, E>,
{
    assert!(at_a_time > 0, "a fan with no calls at a time never ends");
    let seats = Semaphore::new(at_a_time);
    let admit = || match seats.acquire_for(Wait::Worker, None) {
        Ok(Some(seat)) => Ok(seat),
        Ok(None) => unreachable!("without a deadline there is nothing to miss"),
        Err(reason) => Err(FanFailure::NotStarted(reason.into())),
    };
    run(inputs, admit, |seat, input| {
        let _seat = seat;
        f(input)
    })
}

impl<T: 'static, P> Pool<T, P> {
    /// Calls `f` with an item and an input, for each input; each call in a coroutine of its own, as
    /// many at a time as there are items, and waits for all. Without inputs, the results are none.
    ///
    /// An item that `f` drops is back in the pool before the result is there; `f` may
    /// [discard](Item::discard) it. A failure ends nothing but its own call. If the caller is killed or
    /// times out, so are the calls.
    ///
    /// # Errors
    ///
    /// As for [`fan`]. An input for which there was no item has failed with [`FanFailure::NoItem`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::pool::Pool;
    /// use std::convert::Infallible;
    ///
    /// let buffers = Pool::new(2, || Ok::<_, Infallible>(String::new()));
    /// let lengths = buffers.fan(["a", "bc", "def"], |mut buffer, word| {
    ///     buffer.clear();
    ///     buffer.push_str(word);
    ///     Ok::<_, Infallible>(buffer.len())
    /// });
    /// assert_eq!(lengths.unwrap(), [1, 2, 3]);
    /// ```
    pub fn fan<I, R, E, F>(&self, inputs: I, f: F) -> Result<Vec<R>, FanError<R, FanFailure<E, P>>>
    where
        I: IntoIterator,
        F: Fn(Item<T>, I::Item) -> Result<R, E>,
    {
        run(inputs, || self.acquire().map_err(FanFailure::NoItem), f)
    }
}

/// Calls `f` with each input and what `admit` gives for it.
fn run<I, S, R, E, P>(
    inputs: I,
    admit: impl Fn() -> Result<S, FanFailure<E, P>>,
    f: impl Fn(S, I::Item) -> Result<R, E>,
) -> Result<Vec<R>, FanError<R, FanFailure<E, P>>>
where
    I: IntoIterator,
{
    let f = &f;
    let results: Vec<_> = scope(|s| {
        let mut calls: Vec<Result<ScopedJoinHandle<'_, Result<R, E>>, _>> = Vec::new();
        for input in inputs {
            calls.push(admit().and_then(|admitted| {
                Builder::new()
                    .spawn_scoped(s, move || f(admitted, input))
                    .map_err(FanFailure::NotStarted)
            }));
        }
        let join = |call: ScopedJoinHandle<'_, Result<R, E>>| match call.join() {
            Ok(result) => result.map_err(FanFailure::Returned),
            Err(error) => {
                if matches!(error, JoinError::Refused(_)) {
                    // What the caller cannot wait for now it cannot wait for at the scope's end.
                    s.children().give_up();
                }
                Err(FanFailure::Ended(error))
            }
        };
        calls.into_iter().map(|call| call.and_then(join)).collect()
    });
    let failed = results.iter().filter(|result| result.is_err()).count();
    if failed > 0 && failed == results.len() {
        let failures = results.into_iter().filter_map(Result::err).collect();
        return Err(FanError::AllFailed(failures));
    }
    if failed > 0 {
        return Err(FanError::SomeFailed(results));
    }
    Ok(results.into_iter().filter_map(Result::ok).collect())
}

/// What a fan gave that did not succeed with every input. In the order of the inputs.
#[derive(Debug)]
pub enum FanError<R, F> {
    /// Some succeeded and some did not.
    SomeFailed(Vec<Result<R, F>>),
    /// None succeeded.
    AllFailed(Vec<F>),
}

impl<R, F> fmt::Display for FanError<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FanError::SomeFailed(results) => {
                let failed = results.iter().filter(|result| result.is_err()).count();
                write!(f, "{failed} of {} calls failed", results.len())
            }
            FanError::AllFailed(failures) => write!(f, "all {} calls failed", failures.len()),
        }
    }
}

impl<R: fmt::Debug, F: fmt::Debug> std::error::Error for FanError<R, F> {}

/// Why one call of a fan gave no result; `E` is what the closure fails with, `P` what making an item of
/// the pool does.
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{FanError, FanFailure, fan};
///
/// match fan(2, ["1", "x"], |word| word.parse::<u32>()) {
///     Err(FanError::SomeFailed(results)) => {
///         assert!(matches!(results[1], Err(FanFailure::Returned(_))));
///     }
///     _ => unreachable!("one of two is no number"),
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum FanFailure<E, P = Infallible> {
    /// The closure returned this error.
    Returned(E),
    /// The call panicked or was killed, or could not be waited for.
    Ended(JoinError),
    /// There was no item for it.
    NoItem(PoolError<P>),
    /// There was no stack for it, or the caller could not wait for its turn.
    NotStarted(io::Error),
}

impl<E: fmt::Display, P: fmt::Display> fmt::Display for FanFailure<E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FanFailure::Returned(error) => error.fmt(f),
            FanFailure::Ended(error) => error.fmt(f),
            FanFailure::NoItem(error) => error.fmt(f),
            FanFailure::NotStarted(error) => write!(f, "the call was not made: {error}"),
        }
    }
}

impl<E, P> std::error::Error for FanFailure<E, P>
where
    E: std::error::Error + 'static,
    P: std::error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FanFailure::Returned(error) => Some(error),
            FanFailure::Ended(error) => Some(error),
            FanFailure::NoItem(error) => Some(error),
            FanFailure::NotStarted(error) => Some(error),
        }
    }
}
