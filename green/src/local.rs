//! Coroutine-local values, in the shape of `std::thread_local!`.
//!
//! A value belongs to one coroutine, is made when that first uses it, and is dropped with it: on the
//! coroutine's own stack, after its body has returned or unwound and its contexts have ended, the one
//! that was made last first. The root stack has values of its own; they are dropped when the thread
//! ends, after all coroutines.
//!
//! A destructor may use other values, and make new ones (dropped in turn), but not those that were
//! dropped before: they are [gone](AccessError::Dropped).

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::coroutine::{Coroutine, Killed};
use crate::scheduler;
use crate::timeout::ScopeExpired;

/// Declares values of which each coroutine has its own: the shape is `std::thread_local!`'s, and each
/// becomes a [`LocalKey`].
///
/// With `inherit static`, a coroutine begins with a clone of what its spawner has at the time of the
/// spawn, if that has one; the value's type must be `Clone`. A
/// [delayed call](crate::call_after) inherits from who asked for it.
///
/// # Examples
///
/// ```
/// use eventlet_green::{green_local, spawn};
/// use std::cell::{Cell, RefCell};
///
/// green_local! {
///     static COUNT: Cell<u32> = const { Cell::new(0) };
///     /// Which request this is done for, with all that is spawned on the way.
///     pub inherit static REQUEST: RefCell<String> = RefCell::default();
/// }
///
/// COUNT.set(1);
/// REQUEST.set("7f3a".to_owned());
/// let other = spawn(|| {
///     REQUEST.with_borrow(|request| assert_eq!(request, "7f3a"));
///     COUNT.get()
/// });
/// assert_eq!(other.join().unwrap(), 0);
/// assert_eq!(COUNT.get(), 1);
/// ```
#[macro_export]
macro_rules! green_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis inherit static $name:ident: $type:ty = const $value:block $(; $($rest:tt)*)?) => {
        $(#[$attribute])* $visibility static $name: $crate::LocalKey<$type> =
            $crate::LocalKey::inheriting(|| const $value);
        $($crate::green_local!($($rest)*);)?
    };
    ($(#[$attribute:meta])* $visibility:vis inherit static $name:ident: $type:ty = $value:expr $(; $($rest:tt)*)?) => {
        $(#[$attribute])* $visibility static $name: $crate::LocalKey<$type> =
            $crate::LocalKey::inheriting(|| $value);
        $($crate::green_local!($($rest)*);)?
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = const $value:block $(; $($rest:tt)*)?) => {
        $(#[$attribute])* $visibility static $name: $crate::LocalKey<$type> =
            $crate::LocalKey::new(|| const $value);
        $($crate::green_local!($($rest)*);)?
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $value:expr $(; $($rest:tt)*)?) => {
        $(#[$attribute])* $visibility static $name: $crate::LocalKey<$type> =
            $crate::LocalKey::new(|| $value);
        $($crate::green_local!($($rest)*);)?
    };
}

/// A value, and how to make an heir's.
type Heir = fn(&dyn Any) -> Rc<dyn Any>;

/// The name of a coroutine-local value; see [`green_local!`](crate::green_local).
///
/// Finding a value takes an index into a table, so that a coroutine's table is as long as the
/// number of keys that the program has used before the last of its own.
///
/// # Examples
///
/// ```
/// use eventlet_green::{LocalKey, spawn};
/// use std::cell::{Cell, RefCell};
///
/// static DEPTH: LocalKey<Cell<u32>> = LocalKey::new(|| Cell::new(1));
/// static TRACE: LocalKey<RefCell<Vec<u32>>> = LocalKey::inheriting(|| RefCell::new(Vec::new()));
///
/// DEPTH.set(2);
/// assert_eq!((DEPTH.get(), DEPTH.replace(3), DEPTH.take()), (2, 2, 3));
/// assert_eq!(DEPTH.with(Cell::get), 0);
///
/// TRACE.with_borrow_mut(|trace| trace.push(7));
/// let heir = spawn(|| {
///     assert_eq!(DEPTH.get(), 1, "its own");
///     TRACE.take() // A clone of the spawner's.
/// });
/// assert_eq!(heir.join().unwrap(), [7]);
/// assert_eq!(TRACE.with_borrow(Vec::len), 1);
/// assert!(TRACE.try_with(|_| ()).is_ok());
/// TRACE.set(vec![1]);
/// assert_eq!(TRACE.replace(Vec::new()), [1]);
/// ```
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
    heir: Option<Heir>,
    /// The index in every table, plus one; zero until the first use.
    place: AtomicUsize,
}

/// The next key's `place`.
static NEXT_PLACE: AtomicUsize = AtomicUsize::new(1);

impl<T: 'static> LocalKey<T> {
    /// A key whose values are made by `init`, on first use.
    pub const fn new(init: fn() -> T) -> Self {
        LocalKey {
            init,
            heir: None,
            place: AtomicUsize::new(0),
        }
    }

    /// A key of which a spawned coroutine gets a clone of its spawner's value.
    pub const fn inheriting(init: fn() -> T) -> Self
    where
        T: Clone,
    {
        LocalKey {
            init,
            heir: Some(clone_value::<T>),
            place: AtomicUsize::new(0),
        }
    }

    /// Calls `f` with the coroutine's value, which is made if there is none.
    ///
    /// If making it uses the key itself, the value that was there first stays.
    ///
    /// # Panics
    ///
    /// Where [`try_with`](Self::try_with) gives an error; and when `f` or making the value does.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(outcome) => outcome,
            Err(error) => refuse(error),
        }
    }

    /// Calls `f` with the coroutine's value, which is made if there is none.
    ///
    /// # Errors
    ///
    /// * [`AccessError::Dropped`]: in a destructor of another value, after this one was dropped.
    /// * [`AccessError::InCallback`]: the caller is a callback of the run loop.
    ///
    /// # Panics
    ///
    /// When `f` or making the value does, and if no run loop can be made; see
    /// [`init`](crate::init).
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let value = match self.find()? {
            Some(value) => value,
            None => self.put_if_vacant((self.init)())?,
        };
        Ok(f(value
            .downcast_ref()
            .expect("a key has values of one type")))
    }

    fn place(&self) -> usize {
        let place = self.place.load(Ordering::Relaxed);
        if place != 0 {
            return place - 1;
        }
        let new = NEXT_PLACE.fetch_add(1, Ordering::Relaxed);
        let set = self
            .place
            .compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
        set.map_or_else(|other| other, |_| new) - 1
    }

    fn find(&self) -> Result<Option<Rc<dyn Any>>, AccessError> {
        let place = self.place();
        scheduler::with_owner_of_locals(|owner| match owner.locals.get() {
            Some(locals) => locals.find(place),
            None => Ok(None),
        })
    }

    /// Gives the value that is there in the end.
    fn put_if_vacant(&self, value: T) -> Result<Rc<dyn Any>, AccessError> {
        let value: Rc<dyn Any> = Rc::new(value);
        let place = self.place();
        scheduler::with_owner_of_locals(|owner| {
            let locals = owner.locals.get_or_init(Box::default);
            if let Some(there) = locals.find(place)? {
                return Ok(there);
            }
            locals.put(place, Rc::clone(&value), self.heir);
            Ok(Rc::clone(&value))
        })
    }
}

/// The short forms. Those that write do not make a value first only to throw it away.
impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets the value.
    ///
    /// # Panics
    ///
    /// As for [`with`](LocalKey::with).
    #[track_caller]
    pub fn set(&'static self, value: T) {
        match self.find() {
            Ok(Some(cell)) => {
                let cell: &Cell<T> = cell.downcast_ref().expect("a key has values of one type");
                cell.set(value);
            }
            Ok(None) => {
                self.put_if_vacant(Cell::new(value))
                    .unwrap_or_else(|error| refuse(error));
            }
            Err(error) => refuse(error),
        }
    }

    /// A copy of the value.
    ///
    /// # Panics
    ///
    /// As for [`with`](LocalKey::with).
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the value, leaving the default.
    ///
    /// # Panics
    ///
    /// As for [`with`](LocalKey::with).
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Sets the value and gives the one that was there.
    ///
    /// # Panics
    ///
    /// As for [`with`](LocalKey::with).
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

/// The short forms.
impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with the value, borrowed.
    ///
    /// # Panics
    ///
    /// If it is mutably borrowed, and as for [`with`](LocalKey::with).
    #[track_caller]
    pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with the value, mutably borrowed.
    ///
    /// # Panics
    ///
    /// If it is borrowed, and as for [`with`](LocalKey::with).
    #[track_caller]
    pub fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets the value.
    ///
    /// # Panics
    ///
    /// As for [`with_borrow_mut`](LocalKey::with_borrow_mut).
    #[track_caller]
    pub fn set(&'static self, value: T) {
        drop(self.replace(value));
    }

    /// Takes the value, leaving the default.
    ///
    /// # Panics
    ///
    /// As for [`with_borrow_mut`](LocalKey::with_borrow_mut).
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Sets the value and gives the one that was there.
    ///
    /// # Panics
    ///
    /// As for [`with_borrow_mut`](LocalKey::with_borrow_mut).
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

fn clone_value<T: Clone + 'static>(value: &dyn Any) -> Rc<dyn Any> {
    let value: &T = value.downcast_ref().expect("a key has values of one type");
    Rc::new(value.clone())
}

#[cold]
#[track_caller]
fn refuse(error: AccessError) -> ! {
    panic!("cannot use a coroutine-local value: {error}");
}

/// Why there is no value to use.
///
/// # Examples
///
/// ```
/// use eventlet_green::{AccessError, LocalKey};
/// use std::cell::Cell;
///
/// static DEPTH: LocalKey<Cell<u32>> = LocalKey::new(|| Cell::new(1));
///
/// /// For destructors, which may run when the value has gone already.
/// fn depth() -> Option<u32> {
///     match DEPTH.try_with(Cell::get) {
///         Ok(depth) => Some(depth),
///         Err(AccessError::Dropped) => None,
///         Err(other) => panic!("{other}"),
///     }
/// }
///
/// assert_eq!(depth(), Some(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// It has been dropped: its coroutine, or the thread, is ending.
    Dropped,
    /// The caller is a callback of the run loop, which is no coroutine.
    InCallback,
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccessError::Dropped => "it has been dropped with its coroutine, which is ending",
            AccessError::InCallback => {
                "the caller is a callback of the run loop, which is no coroutine"
            }
        })
    }
}

impl std::error::Error for AccessError {}

/// The local values that a coroutine begins with.
pub(crate) type Heritage = Option<Box<Locals>>;

/// The values of one coroutine. Nothing of the program's is called while the table is borrowed.
#[derive(Default)]
pub(crate) struct Locals {
    table: RefCell<Table>,
}

#[derive(Default)]
struct Table {
    slots: Vec<Slot>,
    /// The places of what was made, in that order.
    made: Vec<usize>,
}

#[derive(Clone, Default)]
enum Slot {
    #[default]
    Vacant,
    Taken(Rc<dyn Any>, Option<Heir>),
    Dropped,
}

impl Locals {
    fn find(&self, place: usize) -> Result<Option<Rc<dyn Any>>, AccessError> {
        match self.table.borrow().slots.get(place) {
            Some(Slot::Taken(value, _)) => Ok(Some(Rc::clone(value))),
            Some(Slot::Dropped) => Err(AccessError::Dropped),
            Some(Slot::Vacant) | None => Ok(None),
        }
    }

    /// Puts a value into a vacant place.
    fn put(&self, place: usize, value: Rc<dyn Any>, heir: Option<Heir>) {
        let mut table = self.table.borrow_mut();
        if table.slots.len() <= place {
            table.slots.resize(place + 1, Slot::Vacant);
        }
        table.slots[place] = Slot::Taken(value, heir);
        table.made.push(place);
    }

    /// The values for a coroutine that is spawned now; `None` if there is nothing to inherit.
    pub(crate) fn bequeath(&self) -> Option<Box<Locals>> {
        let table = self.table.borrow();
        let heirs: Vec<_> = table
            .made
            .iter()
            .filter_map(|&place| match &table.slots[place] {
                Slot::Taken(value, Some(heir)) => Some((place, Rc::clone(value), *heir)),
                _ => None,
            })
            .collect();
        drop(table);
        if heirs.is_empty() {
            return None;
        }
        let theirs = Box::<Locals>::default();
        for (place, value, heir) in heirs {
            theirs.put(place, heir(&*value), Some(heir));
        }
        Some(theirs)
    }

    /// Drops them all, the one that was made last first, on the stack of the caller.
    pub(crate) fn end_all(&self, coroutine: &Coroutine) {
        while let Some(value) = self.take_last() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value)))
                && !payload.is::<Killed>()
                && !payload.is::<ScopeExpired>()
            {
                eprintln!(
                    "eventlet: a local value of {} panicked while it was dropped",
                    coroutine.label()
                );
            }
        }
    }

    fn take_last(&self) -> Option<Slot> {
        let mut table = self.table.borrow_mut();
        let place = table.made.pop()?;
        Some(std::mem::replace(&mut table.slots[place], Slot::Dropped))
    }
}
