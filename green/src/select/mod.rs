//! Waiting for whichever of several operations comes first.
//!
//! [`select!`](crate::select!) is the form with arms; [`select()`], [`select_timeout`] and
//! [`try_select`] are for lists whose length is not known before. What an operation does is the
//! business of those who make them, such as [`Receiver::receiving`](crate::channel::Receiver::receiving)
//! and [`Sender::sending`](crate::channel::Sender::sending).
//!
//! A waiting selection stands in the line of each of its operations, as anybody else does. It is
//! chosen once, because only a parked coroutine can be chosen, and has left all lines before its
//! caller goes on, on every way out.

mod macros;
pub(crate) mod private;

use std::cell::Cell;
use std::time::Duration;

use eventlet_runloop::Time;

use crate::coroutine::{Wait, Woken, deadline_in};
use crate::error::ParkError;
use crate::scheduler;
use private::{Leaving, Manner, Mechanics, Party};

/// What can be selected among others, whatever comes of it. Implemented by this crate only.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Selectable, channel, try_select};
///
/// let (sender, receiver) = channel::unbounded();
/// sender.send('a').unwrap();
/// let mut receiving = receiver.receiving();
/// assert!(!receiving.is_chosen());
/// try_select(&mut [&mut receiving]);
/// assert!(receiving.is_chosen(), "and its outcome not taken yet");
/// ```
pub trait Selectable: Mechanics {
    /// Whether it was chosen, and its outcome was not [taken](Operation::take).
    fn is_chosen(&self) -> bool;
}

/// What can be selected, with its outcome.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Operation, channel, try_select};
///
/// /// Whatever is asked for, and whatever comes of it.
/// fn at_once<O: Operation>(mut operation: O) -> Option<O::Output> {
///     try_select(&mut [&mut operation])?;
///     operation.take()
/// }
///
/// let (sender, receiver) = channel::unbounded();
/// assert!(at_once(receiver.receiving()).is_none());
/// assert!(at_once(sender.sending('a')).is_some_and(|sent| sent.is_ok()));
/// assert!(at_once(receiver.receiving()).is_some_and(|got| got.is_ok()));
/// ```
pub trait Operation: Selectable {
    /// What comes of it.
    type Output;

    /// The outcome, if the last selection chose this operation; once.
    fn take(&mut self) -> Option<Self::Output>;
}

impl<S: Selectable + ?Sized> Selectable for &mut S {
    fn is_chosen(&self) -> bool {
        (**self).is_chosen()
    }
}

impl<O: Operation + ?Sized> Operation for &mut O {
    type Output = O::Output;

    fn take(&mut self) -> Option<Self::Output> {
        (**self).take()
    }
}

/// Does one of the operations, waiting until one can be done, and says which.
///
/// Its outcome is then [taken](Operation::take) from it. Those that were not chosen have done
/// nothing, and can be used again.
///
/// **Fair.** If several can be done at once, one of them is picked at random, each as likely as the
/// other; the numbers come from a generator that begins alike in each thread, so that a run can be
/// repeated. If none can, the selection stands in the line of each, behind those who came before.
///
/// # Errors
///
/// None can be done at once, and the caller cannot wait: see [`ParkError`]. A channel that is
/// closed is no error here: its operations can be done at once, and their outcome says so.
///
/// # Panics
///
/// As the operations do.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Operation, channel, select, spawn};
///
/// let (numbers, number) = channel::rendezvous();
/// let (names, _name) = channel::rendezvous();
/// spawn(move || numbers.send(7).unwrap());
///
/// let mut receiving = number.receiving();
/// let mut sending = names.sending("Ada".to_owned());
/// assert_eq!(select(&mut [&mut receiving, &mut sending])?, 0);
/// assert_eq!(receiving.take().unwrap()?, 7);
/// assert_eq!(sending.into_value().as_deref(), Some("Ada"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn select(operations: &mut [&mut dyn Selectable]) -> Result<usize, ParkError> {
    match select_until(operations, || None)? {
        Some(chosen) => Ok(chosen),
        None => unreachable!("without a deadline there is nothing to miss"),
    }
}

/// As [`select()`], waiting at most `limit`; `None` if none could be done in time.
///
/// # Errors
///
/// As for [`select()`].
///
/// # Panics
///
/// As for [`select()`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{channel, select_timeout};
/// use std::time::Duration;
///
/// let (_sender, receiver) = channel::rendezvous::<()>();
/// let mut receiving = receiver.receiving();
/// let chosen = select_timeout(&mut [&mut receiving], Duration::from_millis(1))?;
/// assert_eq!(chosen, None);
/// assert_eq!(receiver.waiting_receivers(), 0);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
pub fn select_timeout(
    operations: &mut [&mut dyn Selectable],
    limit: Duration,
) -> Result<Option<usize>, ParkError> {
    select_until(operations, || Some(deadline_in(limit)))
}

/// Does one of the operations if one can be done at once. Never gives the thread away.
///
/// # Panics
///
/// As for [`select()`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{Operation, channel, try_select};
///
/// let (sender, receiver) = channel::unbounded();
/// let mut receiving = receiver.receiving();
/// assert_eq!(try_select(&mut [&mut receiving]), None);
/// sender.send('a')?;
/// assert_eq!(try_select(&mut [&mut receiving]), Some(0));
/// assert_eq!(receiving.take().unwrap()?, 'a');
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn try_select(operations: &mut [&mut dyn Selectable]) -> Option<usize> {
    perform_one(operations, Manner::Trying)
}

fn select_until(
    operations: &mut [&mut dyn Selectable],
    deadline: impl FnOnce() -> Option<Time>,
) -> Result<Option<usize>, ParkError> {
    if let Some(chosen) = perform_one(operations, Manner::Waiting) {
        return Ok(Some(chosen));
    }
    scheduler::with(|scheduler| {
        let party = Party::new(scheduler.current().ok_or(ParkError::InCallback)?);
        let deadline = deadline();
        let lines = Lines(operations);
        for operation in &mut *lines.0 {
            operation.enter(&party);
        }
        loop {
            let woken = scheduler.park(Wait::Select, deadline);
            if let Some(called) = lines.called() {
                lines.leave(called);
                return Ok(Some(called));
            }
            match woken {
                Ok(Woken::TimedOut) => return Ok(None),
                // A wake-up that was left over from a wait whose hub failed.
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    })
}

/// Does one of those that can be done at once.
fn perform_one(operations: &mut [&mut dyn Selectable], manner: Manner) -> Option<usize> {
    for operation in &mut *operations {
        operation.reset();
    }
    let ready = || (0..).zip(&*operations).filter(|(_, each)| each.is_ready());
    let picked = match ready().count() {
        0 => return None,
        1 => 0,
        several => random_below(several),
    };
    let (index, _) = ready().nth(picked)?;
    operations[index].perform(manner);
    operations[index].is_chosen().then_some(index)
}

/// Stands in the line of each operation until it is dropped.
struct Lines<'a, 'b>(&'a mut [&'b mut dyn Selectable]);

impl Lines<'_, '_> {
    /// Which operation was called.
    fn called(&self) -> Option<usize> {
        self.0.iter().position(|operation| operation.was_called())
    }

    /// Leaves all lines, the called one last: it may run code of the user's.
    fn leave(mut self, called: usize) {
        self.leave_others(Some(called));
        self.0[called].leave(Leaving::Returning);
    }

    fn leave_others(&mut self, called: Option<usize>) {
        for (index, operation) in self.0.iter_mut().enumerate() {
            if Some(index) != called {
                operation.leave(Leaving::Unwound);
            }
        }
    }
}

impl Drop for Lines<'_, '_> {
    fn drop(&mut self) {
        self.leave_others(None);
    }
}

/// xorshift64*, Vigna 2016: enough to be fair, and the same in each run.
fn random_below(bound: usize) -> usize {
    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(0x9E37_79B9_7F4A_7C15) };
    }
    let mut state = STATE.get();
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    STATE.set(state);
    let random = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
    // The high half of a product maps 32 random bits onto the bound.
    ((random * bound as u64) >> 32) as usize
}
