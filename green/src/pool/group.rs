//! Any number of coroutines that are joined together, or killed together.
//!
//! Coroutines that borrow are in a [`scope`](crate::scope()); a bounded number of them is
//! [`Workers`](super::Workers)' business.

use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::coroutine::{Wait, deadline_in};
use crate::ends::members::Members;
use crate::error::NeedsUnwinding;
use crate::join::{JoinError, JoinHandle};
use crate::spawn::Builder;
use crate::sync::waiters::Outcome;

/// A set of coroutines. One that ends leaves it.
///
/// Dropping the group kills those that are left, and does not wait for them to unwind: whoever owns
/// them is gone, and what nobody owns should not go on unseen. To let them go on, call
/// [`detach`](Self::detach).
///
/// # Examples
///
/// ```
/// use eventlet_green::pool::Group;
/// use eventlet_green::sleep;
/// use std::time::Duration;
///
/// let group = Group::new();
/// for n in 0..3 {
///     group.spawn(move || sleep(Duration::from_millis(n)));
/// }
/// assert_eq!(group.running(), 3);
/// group.join_all()?;
/// assert_eq!(group.running(), 0);
/// # Ok::<(), eventlet_green::JoinError>(())
/// ```
///
/// ```
/// use eventlet_green::pool::Group;
/// use eventlet_green::{Builder, sleep, spawn};
/// use std::time::Duration;
///
/// let mut group = Group::new();
/// assert!(group.is_empty());
/// group.spawn_with(Builder::new().name("sleeper"), || sleep(Duration::from_secs(60)))?;
/// group.add(&spawn(|| sleep(Duration::from_secs(60)))); // One that was there already.
/// assert!(!group.join_all_timeout(Duration::from_millis(1)).unwrap(), "both sleep");
/// assert_eq!(group.kill_all()?, 2);
/// group.detach(); // Those that are there go on when the group is dropped.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Group {
    members: Rc<Members>,
}

impl Group {
    /// An empty group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a coroutine in the group; see [`spawn`](crate::spawn()). The handle may be dropped.
    ///
    /// # Panics
    ///
    /// As for [`spawn`](crate::spawn()).
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        match self.spawn_with(Builder::new(), f) {
            Ok(handle) => handle,
            Err(error) => panic!("cannot spawn a coroutine: {error}"),
        }
    }

    /// Starts a coroutine with settings in the group.
    ///
    /// # Errors
    ///
    /// As for [`Builder::spawn`].
    #[track_caller]
    pub fn spawn_with<F, T>(&self, builder: Builder, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let handle = builder.spawn_located(Location::caller(), f)?;
        self.add(&handle);
        Ok(handle)
    }

    /// Takes a coroutine into the group that was spawned elsewhere. One that has ended, or is in it
    /// already, changes nothing. It can be in several groups.
    pub fn add<T>(&self, handle: &JoinHandle<T>) {
        self.members.add(handle.coroutine());
    }

    /// Waits until all have ended, also those that come in meanwhile. How each ended is for its
    /// handle to say; a panic that nobody joins is reported on standard error.
    ///
    /// # Errors
    ///
    /// * [`JoinError::Itself`]: the caller is in the group, and would wait for itself.
    /// * [`JoinError::Refused`]: the caller could not wait.
    pub fn join_all(&self) -> Result<(), JoinError> {
        join_members(&self.members, None).map(|_| ())
    }

    /// Waits until all have ended, at most for `limit`; says whether they have.
    ///
    /// # Errors
    ///
    /// As for [`join_all`](Self::join_all).
    pub fn join_all_timeout(&self, limit: Duration) -> Result<bool, JoinError> {
        join_members(&self.members, Some(limit))
    }

    /// Kills all, in the order in which they were spawned; says how many there were. They unwind
    /// when the turn of each comes; [`join_all`](Self::join_all) waits for that. If the caller is
    /// one of them it unwinds now.
    ///
    /// # Errors
    ///
    /// [`NeedsUnwinding`] in a program built with `panic = "abort"`.
    pub fn kill_all(&self) -> Result<usize, NeedsUnwinding> {
        kill_members(&self.members)
    }

    /// Lets those that are left go on by themselves; the group is empty.
    pub fn detach(&mut self) {
        self.members = Rc::default();
    }

    /// How many have not ended.
    pub fn running(&self) -> usize {
        self.members.len()
    }

    /// Whether all have ended.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if NeedsUnwinding::check().is_ok() {
            self.members.kill_all();
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("running", &self.running())
            .finish()
    }
}

/// Waits until there are no members; says whether that is so.
pub(super) fn join_members(members: &Members, limit: Option<Duration>) -> Result<bool, JoinError> {
    if members.has_caller() {
        return Err(JoinError::Itself);
    }
    let outcome = members.wait(Wait::Group, limit.map(deadline_in), || false)?;
    Ok(outcome == Outcome::Chosen)
}

pub(super) fn kill_members(members: &Members) -> Result<usize, NeedsUnwinding> {
    NeedsUnwinding::check()?;
    let killed = members.kill_all();
    if members.has_caller() {
        crate::sleep::raise_pending();
    }
    Ok(killed)
}
