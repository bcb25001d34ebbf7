//! Noticing that this process is a forked child of the one that made a hub.
//!
//! After a plain `fork` both processes share the kernel objects behind a hub's descriptors, so a
//! child that registers or deregisters would disturb its parent. A hub keeps the [`Home`] it was
//! made in, and asks before it touches the kernel. The question costs one atomic load: a handler
//! installed with `pthread_atfork` counts the generations. Children made by `vfork`,
//! `posix_spawn` or a raw `clone` run no handlers; they must `exec` without touching a hub, which is
//! the rule for such children anyway.

use std::io;
use std::ops::Deref;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{error, sys};

/// How many forks lie between the first process and this one, since the handler was installed.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// The process something was made in.
///
/// # Examples
///
/// ```
/// use eventlet_hub::fork::Home;
///
/// let home = Home::new();
/// assert!(home.is_here());
/// home.check("example")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    generation: u32,
}

impl Home {
    /// The calling process.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::fork::Home;
    ///
    /// // Of the process, not of the thread.
    /// let there = std::thread::spawn(Home::new).join().unwrap();
    /// assert_eq!(there, Home::new());
    /// ```
    #[allow(
        clippy::new_without_default,
        reason = "a default that depends on the process would hide what it is"
    )]
    pub fn new() -> Self {
        static INSTALLED: Once = Once::new();
        // It can fail for want of memory only; then a child is not told from its parent, which is
        // what every program without this module lives with.
        INSTALLED.call_once(|| sys::at_fork_in_child(in_child));
        Home {
            generation: GENERATION.load(Ordering::Relaxed),
        }
    }

    /// Whether the calling process is still the one of [`new`](Self::new). Async-signal-safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::fork::Home;
    ///
    /// let home = Home::new();
    /// if home.is_here() {
    ///     // The kernel's object is this process's own.
    /// }
    /// # assert!(home.is_here());
    /// ```
    #[inline]
    pub fn is_here(self) -> bool {
        // Relaxed: the count changes only inside `fork`, before the child's one thread goes on.
        self.generation == GENERATION.load(Ordering::Relaxed)
    }

    /// [`is_here`](Self::is_here) as a result.
    ///
    /// # Errors
    ///
    /// `Unsupported` in any other process ([`error::other_process`]); `hub` is the hub's name.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::fork::Home;
    /// use std::io;
    ///
    /// struct MyHub {
    ///     home: Home,
    /// }
    ///
    /// impl MyHub {
    ///     fn arm(&mut self) -> io::Result<()> {
    ///         self.home.check("my hub")?;
    ///         // Only now is the kernel asked.
    ///         Ok(())
    ///     }
    /// }
    ///
    /// MyHub { home: Home::new() }.arm()?;
    /// # Ok::<(), io::Error>(())
    /// ```
    #[inline]
    pub fn check(self, hub: &str) -> io::Result<()> {
        if self.is_here() {
            Ok(())
        } else {
            Err(error::other_process(hub))
        }
    }
}

/// Something that ends only in the process it was made in: a forked child lets its copy be.
///
/// For a facility whose end would reach into the parent (it shares the kernel object), or would close
/// a number that is not the child's: kqueue(2) descriptors are not inherited, so a child may have
/// opened something else under the number.
///
/// # Examples
///
/// ```
/// use eventlet_hub::fork::HomeBound;
///
/// let bound = HomeBound::new(vec![1, 2]);
/// assert_eq!(bound.len(), 2);
/// // Dropped here, because this is the process it was made in.
/// ```
#[derive(Debug)]
pub struct HomeBound<T> {
    /// `None` only while it is dropped.
    value: Option<T>,
    home: Home,
}

impl<T> HomeBound<T> {
    /// Binds a value to the calling process.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::fork::HomeBound;
    /// use std::fs::File;
    ///
    /// let file = HomeBound::new(File::open(".")?);
    /// assert!(file.metadata()?.is_dir());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(value: T) -> Self {
        HomeBound {
            value: Some(value),
            home: Home::new(),
        }
    }
}

impl<T> Deref for HomeBound<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("taken only in drop"),
        }
    }
}

impl<T> Drop for HomeBound<T> {
    fn drop(&mut self) {
        if !self.home.is_here() {
            std::mem::forget(self.value.take());
        }
    }
}

/// Runs in the child, before `fork` returns there: async-signal-safe.
extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
