//! Bounded numbers of things, and of coroutines.
//!
//! * [`Pool`]: so many items (connections), made when needed and used again.
//! * [`TokenPool`]: so many at a time, and no items.
//! * [`Workers`]: so many coroutines at a time; [`Pile`] and [`Workers::imap`] for their results.
//! * [`Group`]: any number of coroutines, joined or killed together.
//! * [`fan()`], [`Pool::fan`]: one closure over many inputs, results in input order.
//!
//! Whoever has to wait is served in the order of coming. Coroutines that borrow are spawned in a
//! [`scope`](crate::scope()).

mod error;
mod fan;
mod group;
mod imap;
mod items;
mod pile;
mod settings;
mod store;
mod workers;

pub use error::{PoolError, SpawnError};
pub use fan::{FanError, FanFailure, fan};
pub use group::Group;
pub use imap::{Imap, ImapUnordered};
pub use items::{Item, Pool};
pub use pile::Pile;
pub use settings::{Order, Settings, Unwound};
pub use workers::Workers;

/// A pool of opaque tokens, for a limit on how many do something at a time: that is a semaphore.
/// The original's names: `get` is [`acquire`](crate::sync::Semaphore::acquire), `put` is dropping the
/// [`Token`], `resize` is [`add_permits`](crate::sync::Semaphore::add_permits) and
/// [`remove_permits`](crate::sync::Semaphore::remove_permits).
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{Token, TokenPool};
///
/// let tokens = TokenPool::new(2);
/// let token: Token = tokens.acquire()?;
/// assert_eq!(tokens.free(), 1);
/// drop(token);
/// assert_eq!(tokens.free(), 2);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
pub type TokenPool = crate::sync::Semaphore;

/// A token of a [`TokenPool`]: given back when it is dropped.
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::{Token, TokenPool};
///
/// let token: Token = TokenPool::new(1).acquire()?;
/// assert_eq!(token.count(), 1);
/// # Ok::<(), eventlet_green::ParkError>(())
/// ```
pub type Token = crate::sync::Permit;
