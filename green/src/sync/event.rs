//! A value or an error, sent once to everybody who waits for it, then or later.
//!
//! Each sending is a round. Whoever waits holds on to the round in which it came, so it is given
//! what was sent in it even if the event is reset before its turn comes.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use eventlet_runloop::Time;

use super::event_error::{AlreadySent, EventError, NotSent};
use super::waiters::{Place, Waiters, park_until_chosen};
use crate::coroutine::{Wait, deadline_in};
use crate::scheduler;

/// A value that is sent once and that any number of coroutines wait for; shared by its clones.
///
/// Those who wait go on in the order in which they came, each with a clone of the value; whoever
/// comes later gets it at once. An error can be sent instead of a value. To give each receiver a
/// value of its own, use a channel; for an error type of your own, send a `Result`.
///
/// # Examples
///
/// ```
/// use eventlet_green::spawn;
/// use eventlet_green::sync::Event;
///
/// let ready = Event::new();
/// let waiters: Vec<_> = (0..3)
///     .map(|_| {
///         let ready = ready.clone();
///         spawn(move || ready.wait())
///     })
///     .collect();
/// ready.send("address")?;
/// for waiter in waiters {
///     assert_eq!(waiter.join().unwrap()?, "address");
/// }
/// assert_eq!(ready.wait()?, "address");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use eventlet_green::sync::Event;
/// use std::time::Duration;
///
/// let event = Event::new();
/// assert!(!event.is_ready() && event.waiting() == 0);
/// assert_eq!(event.try_wait().unwrap(), None);
/// assert_eq!(event.wait_timeout(Duration::from_millis(1)).unwrap(), None);
/// event.send(42).unwrap();
/// assert!(event.is_ready() && event.has_value() && !event.has_error());
/// assert_eq!(event.try_wait().unwrap(), Some(42));
/// ```
pub struct Event<T> {
    shared: Rc<RefCell<Rc<Round<T>>>>,
}

struct Round<T> {
    outcome: OnceCell<Sent<T>>,
    waiters: Waiters<Told>,
    /// Where in the queue each waiter is, by the coroutine's id.
    places: RefCell<HashMap<u64, Place>>,
}

/// A value or an error.
type Sent<T> = Result<T, Arc<dyn Error + Send + Sync>>;

/// What one that waited was woken for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// To take what was sent, if anything was.
    Look,
    /// To be told that its wait was cancelled.
    Cancelled,
}

impl<T> Event<T> {
    /// One that nothing was sent to.
    pub fn new() -> Self {
        Event {
            shared: Rc::new(RefCell::new(Round::new())),
        }
    }

    /// Sends a value. Never waits: those who wait go on in their own turns.
    ///
    /// # Errors
    ///
    /// [`AlreadySent`], with the value, if a value or an error was sent since the event was made or
    /// [reset](Self::reset).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Event;
    ///
    /// let event = Event::new();
    /// event.send(1)?;
    /// assert_eq!(event.send(2).unwrap_err().into_inner(), 2);
    /// assert_eq!(event.wait().unwrap(), 1);
    /// # Ok::<(), eventlet_green::sync::AlreadySent<i32>>(())
    /// ```
    pub fn send(&self, value: T) -> Result<(), AlreadySent<T>> {
        match self.round().end(Ok(value)) {
            Err(Ok(value)) => Err(AlreadySent(value)),
            _ => Ok(()),
        }
    }

    /// Sends an error: everybody who waits, and whoever comes later, gets
    /// [`EventError::Sent`] with it.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), with the error.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Event;
    ///
    /// let event = Event::<u32>::new();
    /// event.send_error("no luck").unwrap();
    /// assert_eq!(event.wait().unwrap_err().to_string(), "no luck");
    /// ```
    pub fn send_error(
        &self,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Result<(), AlreadySent<Arc<dyn Error + Send + Sync>>> {
        let boxed: Box<dyn Error + Send + Sync> = error.into();
        match self.round().end(Err(Arc::from(boxed))) {
            Err(Err(error)) => Err(AlreadySent(error)),
            _ => Ok(()),
        }
    }

    /// Makes it ready to be sent to again. Those who were woken by the last sending and have not had
    /// their turn yet still get what was sent.
    ///
    /// # Errors
    ///
    /// [`NotSent`], and nothing is done: there may be coroutines that wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::Event;
    ///
    /// let event = Event::new();
    /// assert!(event.reset().is_err());
    /// event.send("first").unwrap();
    /// event.reset().unwrap();
    /// event.send("second").unwrap();
    /// assert_eq!(event.wait().unwrap(), "second");
    /// ```
    pub fn reset(&self) -> Result<(), NotSent> {
        if !self.is_ready() {
            return Err(NotSent);
        }
        let last = self.shared.replace(Round::new());
        drop(last);
        Ok(())
    }

    /// Ends the wait of one coroutine, by its [id](crate::JoinHandle::id), with
    /// [`EventError::Cancelled`]; the others wait on. Says whether it waited for this event, and had
    /// not been woken already.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::sync::{Event, EventError};
    /// use eventlet_green::{spawn, yield_now};
    ///
    /// let event = Event::<u32>::new();
    /// let theirs = event.clone();
    /// let waiter = spawn(move || theirs.wait());
    /// yield_now();
    /// assert!(event.cancel(waiter.id()));
    /// assert!(matches!(waiter.join().unwrap(), Err(EventError::Cancelled)));
    /// ```
    pub fn cancel(&self, coroutine: u64) -> bool {
        let round = self.round();
        let places = round.places.borrow();
        let Some(place) = places.get(&coroutine) else {
            return false;
        };
        let cancel = |told: &mut Told| *told = Told::Cancelled;
        round.waiters.choose_with(place, cancel).is_some()
    }

    /// Whether something was sent: waiting for it does not wait.
    pub fn is_ready(&self) -> bool {
        self.round().outcome.get().is_some()
    }

    /// Whether a value was sent.
    pub fn has_value(&self) -> bool {
        matches!(self.round().outcome.get(), Some(Ok(_)))
    }

    /// Whether an error was sent.
    pub fn has_error(&self) -> bool {
        matches!(self.round().outcome.get(), Some(Err(_)))
    }

    /// How many coroutines wait for it.
    pub fn waiting(&self) -> usize {
        self.round().waiters.len()
    }

    fn round(&self) -> Rc<Round<T>> {
        Rc::clone(&self.shared.borrow())
    }
}

impl<T: Clone> Event<T> {
    /// The value, waiting until it is sent.
    ///
    /// # Errors
    ///
    /// * [`EventError::Sent`]: an error was sent instead.
    /// * [`EventError::Cancelled`]: this wait was [cancelled](Self::cancel).
    /// * [`EventError::Refused`]: the caller could not wait.
    pub fn wait(&self) -> Result<T, EventError> {
        match self.wait_until(|| None)? {
            Some(value) => Ok(value),
            None => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// The value, waiting at most `limit`; `None` if nothing was sent in time.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_timeout(&self, limit: Duration) -> Result<Option<T>, EventError> {
        self.wait_until(|| Some(deadline_in(limit)))
    }

    /// The value, if something was sent already.
    ///
    /// # Errors
    ///
    /// [`EventError::Sent`], if that was an error.
    pub fn try_wait(&self) -> Result<Option<T>, EventError> {
        self.round().given()
    }

    fn wait_until(&self, deadline: impl FnOnce() -> Option<Time>) -> Result<Option<T>, EventError> {
        let round = self.round();
        if round.outcome.get().is_none() {
            round.wait(deadline())?;
        }
        // Cloned in the caller's own turn, with nothing of ours borrowed.
        round.given()
    }
}

impl<T> Clone for Event<T> {
    fn clone(&self) -> Self {
        Event {
            shared: Rc::clone(&self.shared),
        }
    }
}

impl<T> Default for Event<T> {
    fn default() -> Self {
        Event::new()
    }
}

impl<T> fmt::Debug for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("has_value", &self.has_value())
            .field("has_error", &self.has_error())
            .field("waiting", &self.waiting())
            .finish()
    }
}

impl<T> Round<T> {
    fn new() -> Rc<Self> {
        Rc::new(Round {
            outcome: OnceCell::new(),
            waiters: Waiters::default(),
            places: RefCell::default(),
        })
    }

    /// Hands the outcome back if there is one already.
    fn end(&self, outcome: Sent<T>) -> Result<(), Sent<T>> {
        self.outcome.set(outcome)?;
        while self.waiters.choose_first_with(|_| ()).is_some() {}
        Ok(())
    }

    /// Parks the caller until something is sent or the deadline has passed.
    fn wait(&self, deadline: Option<Time>) -> Result<(), EventError> {
        scheduler::with(|scheduler| {
            let coroutine = scheduler.about_to_park()?;
            let id = coroutine.id;
            let place = self.waiters.enter(coroutine, Told::Look);
            self.places.borrow_mut().insert(id, place);
            let seat = Seat { round: self, id };
            park_until_chosen(scheduler, Wait::Event, deadline, || seat.is_chosen())?;
            match seat.leave() {
                Some(Told::Cancelled) => Err(EventError::Cancelled),
                _ => Ok(()),
            }
        })
    }
}

impl<T: Clone> Round<T> {
    fn given(&self) -> Result<Option<T>, EventError> {
        match self.outcome.get() {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value.clone())),
            Some(Err(error)) => Err(EventError::Sent(Arc::clone(error))),
        }
    }
}

/// A place in a round's queue, given up on every way out. Nothing is to be passed on: what was sent
/// is everybody's.
struct Seat<'a, T> {
    round: &'a Round<T>,
    id: u64,
}

impl<T> Seat<'_, T> {
    fn is_chosen(&self) -> bool {
        let places = self.round.places.borrow();
        let place = places.get(&self.id);
        place.is_some_and(|place| self.round.waiters.is_chosen(place))
    }

    fn leave(&self) -> Option<Told> {
        let place = self.round.places.borrow_mut().remove(&self.id)?;
        Some(self.round.waiters.leave(place).1)
    }
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        self.leave();
    }
}
