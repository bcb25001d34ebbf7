//! What a pool of items is to be like.

use std::rc::Rc;
use std::time::Duration;

use super::items::Pool;
use super::store::Store;

/// In which order idle items are used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// The one that has been idle longest: all are used in turn.
    #[default]
    Fifo,
    /// The one that was given back last: the others stay idle, and can reach their limit.
    Stack,
}

/// What becomes of an item that is given back while a panic, a kill or a time limit unwinds its
/// user.
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{Pool, Settings, Unwound};
/// use std::convert::Infallible;
///
/// let settings = Settings::new().on_unwind(Unwound::Keep); // A buffer is as good as before.
/// let buffers = settings.build(|| Ok::<_, Infallible>(Vec::<u8>::new())).unwrap();
/// let user = buffers.clone();
/// let job = eventlet_green::spawn(move || {
///     let _buffer = user.acquire().unwrap();
///     panic!("no luck");
/// });
/// assert!(job.join().is_err());
/// assert_eq!(buffers.idle(), 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unwound {
    /// It is dropped, and its place is free: a connection in the middle of an exchange would give
    /// the next user the rest of the answer.
    #[default]
    Discard,
    /// It goes back to the pool like any other.
    Keep,
}

/// The settings of a [`Pool`].
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{Order, Settings};
/// use std::time::Duration;
///
/// let pool = Settings::new()
///     .max_size(8)
///     .order(Order::Stack)
///     .idle_limit(Duration::from_secs(30))
///     .build(|| std::fs::File::open("Cargo.toml"))?;
/// assert_eq!(pool.free(), 8);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is made until it is built"]
pub struct Settings {
    pub(super) min_size: usize,
    pub(super) max_size: usize,
    pub(super) order: Order,
    pub(super) unwound: Unwound,
    pub(super) idle_limit: Option<Duration>,
    pub(super) age_limit: Option<Duration>,
}

/// How many items a pool has at the most, unless told otherwise: the original's number.
const MAX_SIZE: usize = 4;

impl Default for Settings {
    fn default() -> Self {
        Settings {
            min_size: 0,
            max_size: MAX_SIZE,
            order: Order::default(),
            unwound: Unwound::default(),
            idle_limit: None,
            age_limit: None,
        }
    }
}

impl Settings {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many items are made at once, and kept however long they are idle. Default: none, so that
    /// building a pool connects to nobody.
    pub fn min_size(mut self, items: usize) -> Self {
        self.min_size = items;
        self
    }

    /// How many items there are at the most. Default: 4, as in the original.
    pub fn max_size(mut self, items: usize) -> Self {
        self.max_size = items;
        self
    }

    /// In which order idle items are used again. Default: [`Order::Fifo`], the original's.
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// What becomes of an item whose user is unwound. Default: [`Unwound::Discard`], since a half
    /// done exchange is worse than a new connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::pool::{Settings, Unwound};
    /// use std::convert::Infallible;
    ///
    /// let settings = Settings::new().on_unwind(Unwound::Keep);
    /// let buffers = settings.build(|| Ok::<_, Infallible>(String::new())).unwrap();
    /// assert_eq!(buffers.max_size(), 4);
    /// ```
    pub fn on_unwind(mut self, unwound: Unwound) -> Self {
        self.unwound = unwound;
        self
    }

    /// How long an item may be idle, by the loop's clock, before it is dropped; zero keeps none but
    /// the smallest number. Default: as long as the pool lives.
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.idle_limit = Some(limit);
        self
    }

    /// How old an item may become, by the loop's clock, before it is dropped, as soon as nobody uses
    /// it. Default: as old as the pool.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::pool::Settings;
    /// use std::convert::Infallible;
    /// use std::time::Duration;
    ///
    /// let settings = Settings::new().min_size(2).max_size(8).age_limit(Duration::from_secs(3600));
    /// let pool = settings.build(|| Ok::<_, Infallible>("a connection")).unwrap();
    /// assert_eq!(pool.idle(), 2);
    /// ```
    pub fn age_limit(mut self, limit: Duration) -> Self {
        self.age_limit = Some(limit);
        self
    }

    /// Makes the pool, and the smallest number of items. `create` makes one item; it may wait, and
    /// it may fail.
    ///
    /// # Errors
    ///
    /// What `create` gave for one of the first items; those that were made are dropped.
    ///
    /// # Panics
    ///
    /// If the smallest number is more than the largest, and when `create` does.
    pub fn build<T, E>(self, create: impl Fn() -> Result<T, E> + 'static) -> Result<Pool<T, E>, E>
    where
        T: 'static,
    {
        assert!(
            self.min_size <= self.max_size,
            "a pool cannot have at least {} items and at most {}",
            self.min_size,
            self.max_size
        );
        let first: Vec<T> = (0..self.min_size)
            .map(|_| create())
            .collect::<Result<_, _>>()?;
        let store = Rc::new(Store::new(self));
        for item in first {
            store.add(item);
        }
        Ok(Pool::with(store, create))
    }
}
