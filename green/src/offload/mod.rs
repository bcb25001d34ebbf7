//! Blocking calls on other threads, while the caller's coroutine is parked.
//!
//! Here is the pool that the whole process shares, on which names are looked up, too; what a pool is
//! stands in [`OffloadPool`].

mod pool;

use std::env;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use pool::{OffloadBuilder, OffloadPool, OffloadStats};

use eventlet_hub::fork::Home;

/// How many threads blocking calls of the shared pool run on at most, unless
/// [`OFFLOAD_VARIABLE`] says otherwise. Enough to keep name look-ups from queueing behind a few slow
/// ones; more calls wait their turn.
pub const MAX_THREADS: usize = 16;

/// The environment variable with the number of threads of the shared pool: read when it is first
/// used. With 0, calls are made in place, and hold up every coroutine of the thread.
pub const OFFLOAD_VARIABLE: &str = "EVENTLET_OFFLOAD_THREADS";

/// Runs a call that blocks (a name look-up, a file) on another thread; other coroutines go on
/// meanwhile. On a thread that has no run loop, the thread waits.
///
/// Reading and writing ordinary files always blocks, as there is nothing for a hub to wait for; so
/// does what a library does that knows nothing of coroutines. Such work belongs here.
///
/// A panic of `f` goes on in the caller. If the caller is killed or times out, `f` runs all the same,
/// to its end, and its result is dropped on its thread. Called by `f` itself, on the pool's thread, it
/// makes the call in place: there is no coroutine to hold up, and no pool can be blocked by itself.
///
/// # Errors
///
/// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
/// * No thread could be started (`EAGAIN`), and there is none to wait for.
/// * `InvalidInput`: [`OFFLOAD_VARIABLE`] is set to something that is no number.
///
/// # Examples
///
/// ```
/// let words = eventlet_green::offload(|| std::fs::read_to_string("Cargo.toml"))??;
/// assert!(words.contains("[package]"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn offload<T, F>(f: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    OffloadPool::shared()?.offload(f)
}

/// [`offload`], but waits at most `limit` for the result.
///
/// # Errors
///
/// As for [`offload`]; `TimedOut` when the time was over. The call goes on, and its result is dropped.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let slow = || std::thread::sleep(Duration::from_millis(50));
/// let late = eventlet_green::offload_timeout(Duration::from_millis(1), slow);
/// assert_eq!(late.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
/// ```
pub fn offload_timeout<T, F>(limit: Duration, f: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    OffloadPool::shared()?.offload_timeout(limit, f)
}

/// The pool of this process. A forked child has none of its parent's threads, and makes its own.
static SHARED: Mutex<Option<(Home, OffloadPool)>> = Mutex::new(None);

impl OffloadPool {
    /// The pool that the process shares: what [`offload`] uses. For its
    /// [numbers](OffloadPool::stats), or to [resize](OffloadPool::resize) it. It cannot be closed.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: [`OFFLOAD_VARIABLE`] is set to something that is no number.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::OffloadPool;
    ///
    /// OffloadPool::shared()?.resize(32);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shared() -> io::Result<OffloadPool> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((home, pool)) = &*shared
            && home.is_here()
        {
            return Ok(pool.clone());
        }
        let pool = OffloadPool::builder()
            .name("eventlet-offload")
            .threads(threads_asked_for()?)
            .build_shared();
        *shared = Some((Home::new(), pool.clone()));
        Ok(pool)
    }
}

fn threads_asked_for() -> io::Result<usize> {
    let Some(text) = env::var_os(OFFLOAD_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(MAX_THREADS);
    };
    let number = text.to_str().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| {
        let text = format!(
            "{OFFLOAD_VARIABLE} is {text:?}, which is no number of threads (0 makes calls in place)"
        );
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}
