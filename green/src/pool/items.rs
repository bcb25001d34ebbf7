//! A pool of items: taking one, using it, giving it back.
//!
//! What lies in it and for how long is in [`store`](super::store), what it is to be like in
//! [`settings`](super::settings).

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use eventlet_runloop::Time;

use super::error::PoolError;
use super::settings::{Settings, Unwound};
use super::store::{Store, now};
use crate::coroutine::Wait;
use crate::sync::Permit;

/// So many items at the most, made when they are needed and used again; shared by its clones. When
/// all are in use, whoever asks waits, and an item that is given back goes to who has waited longest.
///
/// When the last clone is dropped the pool is [closed](Self::close).
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{Pool, PoolError};
/// use std::convert::Infallible;
///
/// let pool = Pool::new(2, || Ok::<_, Infallible>(Vec::<u8>::new()));
/// let mut buffer = pool.acquire()?;
/// buffer.push(7);
/// drop(buffer);
/// assert_eq!(*pool.acquire()?, [7]);
/// # Ok::<(), PoolError<Infallible>>(())
/// ```
///
/// ```
/// use eventlet_green::pool::{Pool, PoolError};
/// use std::convert::Infallible;
/// use std::time::Duration;
///
/// let pool = Pool::new(1, || Ok::<_, Infallible>(String::from("a connection")));
/// let item = pool.acquire().unwrap();
/// assert_eq!((pool.max_size(), pool.in_use(), pool.free(), pool.waiting()), (1, 1, 0, 0));
/// assert!(matches!(pool.try_acquire(), Ok(None)));
/// let late = pool.acquire_timeout(Duration::from_millis(1));
/// assert!(matches!(late, Err(PoolError::Elapsed)));
/// pool.resize(2);
/// assert_eq!(pool.free(), 1);
/// drop(item);
/// assert_eq!((pool.idle(), pool.in_use()), (1, 0));
/// pool.close();
/// assert!(pool.is_closed() && matches!(pool.acquire(), Err(PoolError::Closed)));
/// ```
pub struct Pool<T: 'static, E> {
    inner: Rc<Inner<T, E>>,
}

struct Inner<T: 'static, E> {
    store: Rc<Store<T>>,
    create: Box<dyn Fn() -> Result<T, E>>,
}

impl<T: 'static, E> Pool<T, E> {
    /// A pool of at most so many items that `create` makes; the rest as [`Settings`] has it by
    /// default.
    pub fn new(max_size: usize, create: impl Fn() -> Result<T, E> + 'static) -> Self {
        let store = Store::new(Settings::new().max_size(max_size));
        Self::with(Rc::new(store), create)
    }

    pub(super) fn with(store: Rc<Store<T>>, create: impl Fn() -> Result<T, E> + 'static) -> Self {
        let create = Box::new(create);
        Pool {
            inner: Rc::new(Inner { store, create }),
        }
    }

    /// Takes an item: an idle one, else a new one if there may be more, else waits for one. It is
    /// given back when it is dropped.
    ///
    /// # Errors
    ///
    /// * [`PoolError::Create`]: what making one gave. Its place goes to the next who asks.
    /// * [`PoolError::Closed`]: the pool is closed, or was meanwhile.
    /// * [`PoolError::Refused`]: the caller could not wait.
    ///
    /// # Panics
    ///
    /// When the function that makes items does; the place is not lost.
    pub fn acquire(&self) -> Result<Item<T>, PoolError<E>> {
        self.acquire_within(None)
    }

    /// Takes an item, waiting for one at most for `limit`; making one is not limited by it.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire), and [`PoolError::Elapsed`].
    ///
    /// # Panics
    ///
    /// As for [`acquire`](Self::acquire).
    pub fn acquire_timeout(&self, limit: Duration) -> Result<Item<T>, PoolError<E>> {
        self.acquire_within(Some(limit))
    }

    /// Takes an item if that needs no waiting for others: an idle one, or a new one if there may be
    /// more; `None` if all are in use.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// As for [`acquire`](Self::acquire).
    pub fn try_acquire(&self) -> Result<Option<Item<T>>, PoolError<E>> {
        let store = &self.inner.store;
        if store.closed.get() {
            return Err(PoolError::Closed);
        }
        let seat = store.seats.try_acquire();
        seat.map(|seat| self.seated(seat)).transpose()
    }

    fn acquire_within(&self, limit: Option<Duration>) -> Result<Item<T>, PoolError<E>> {
        match self.inner.store.seats.acquire_for(Wait::Item, limit)? {
            Some(seat) => self.seated(seat),
            None => Err(PoolError::Elapsed),
        }
    }

    /// The item of one who has got a place. On every way out without an item the place is free again.
    fn seated(&self, seat: Permit) -> Result<Item<T>, PoolError<E>> {
        let store = &self.inner.store;
        if store.closed.get() {
            return Err(PoolError::Closed);
        }
        let (item, made) = match store.take() {
            Some(idle) => (idle.item, idle.made),
            None => {
                let item = (self.inner.create)().map_err(PoolError::Create)?;
                (item, now())
            }
        };
        if store.closed.get() {
            return Err(PoolError::Closed);
        }
        store.out.set(store.out.get() + 1);
        Ok(Item {
            lent: Some((item, seat)),
            made,
            store: Rc::clone(store),
        })
    }

    /// Closes the pool: idle items are dropped, those in use when they are given back, and whoever
    /// waits or asks is told [`PoolError::Closed`].
    pub fn close(&self) {
        self.inner.store.close();
    }

    /// Whether the pool is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.store.closed.get()
    }

    /// Changes how many items there may be. With more, waiters get theirs; with fewer, idle items are
    /// dropped at once, the longest idle first, and those in use when they are given back, until there
    /// are no more than that.
    pub fn resize(&self, max_size: usize) {
        self.inner.store.resize(max_size);
    }

    /// Drops all idle items.
    pub fn clear(&self) {
        self.inner.store.clear();
    }

    /// How many items there may be.
    pub fn max_size(&self) -> usize {
        self.inner.store.max_size.get()
    }

    /// How many items could be had without waiting for others: idle ones, and those that may be made
    /// yet. Zero when more are in use than a smaller new size allows.
    pub fn free(&self) -> usize {
        if self.is_closed() {
            return 0;
        }
        self.inner.store.seats.free()
    }

    /// How many items are idle.
    pub fn idle(&self) -> usize {
        self.inner.store.idle_count()
    }

    /// How many items are in use.
    pub fn in_use(&self) -> usize {
        self.inner.store.out.get()
    }

    /// How many coroutines wait for an item.
    pub fn waiting(&self) -> usize {
        self.inner.store.seats.waiting()
    }
}

impl<T: 'static, E> Drop for Inner<T, E> {
    fn drop(&mut self) {
        self.store.close();
    }
}

impl<T: 'static, E> Clone for Pool<T, E> {
    fn clone(&self) -> Self {
        Pool {
            inner: Rc::clone(&self.inner),
        }
    }
}

impl<T: 'static, E> fmt::Debug for Pool<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("max_size", &self.max_size())
            .field("idle", &self.idle())
            .field("in_use", &self.in_use())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// An item of a [`Pool`], in use. Dropping it gives it back; dropped while the stack unwinds it is
/// [discarded](Self::discard), unless the pool's [`Settings`] say otherwise.
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{Item, Pool};
/// use std::convert::Infallible;
///
/// let pool = Pool::new(1, || Ok::<_, Infallible>(String::from("a connection")));
/// let item: Item<String> = pool.acquire().unwrap();
/// let mine: String = item.detach(); // For good: the place is free.
/// assert_eq!((mine.as_str(), pool.in_use()), ("a connection", 0));
/// ```
pub struct Item<T: 'static> {
    /// The item and its place; `None` only within `drop`.
    lent: Option<(T, Permit)>,
    made: Time,
    store: Rc<Store<T>>,
}

impl<T: 'static> Item<T> {
    /// Drops the item instead of giving it back: it is broken. Its place goes to who has waited
    /// longest, who makes a new one.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::pool::{Pool, PoolError};
    /// use std::cell::Cell;
    /// use std::convert::Infallible;
    ///
    /// let made = Cell::new(0);
    /// let pool = Pool::new(1, move || Ok::<_, Infallible>(made.replace(made.get() + 1)));
    /// pool.acquire()?.discard();
    /// assert_eq!(*pool.acquire()?, 1, "another one");
    /// # Ok::<(), PoolError<Infallible>>(())
    /// ```
    pub fn discard(mut self) {
        // The place outlives the item: dropping that may wait.
        let (item, _seat) = self.take_back();
        drop(item);
    }

    /// Takes the item out of the pool for good. Its place is free.
    pub fn detach(mut self) -> T {
        let (item, seat) = self.take_back();
        drop(seat);
        item
    }

    fn take_back(&mut self) -> (T, Permit) {
        self.store.out.set(self.store.out.get() - 1);
        self.lent.take().expect("lent until it is given back")
    }
}

impl<T: 'static> Drop for Item<T> {
    fn drop(&mut self) {
        if self.lent.is_none() {
            return;
        }
        // The place is given on last, whatever happens to the item: so that who gets it finds the
        // item, and that no more than so many are ever there.
        let (item, _seat) = self.take_back();
        let unwound = self.store.settings.unwound;
        if thread::panicking() && unwound == Unwound::Discard {
            drop(item);
        } else {
            self.store.put(item, self.made);
        }
    }
}

impl<T: 'static> Deref for Item<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.lent.as_ref().expect("lent until it is given back").0
    }
}

impl<T: 'static> DerefMut for Item<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.lent.as_mut().expect("lent until it is given back").0
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for Item<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Item").field(&**self).finish()
    }
}
