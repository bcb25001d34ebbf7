//! Signals as something a coroutine waits for.
//!
//! The handler does two things only: it raises a flag, and rings a bell: on Unix it writes a byte into a
//! socket pair whose other end the loop watches (both by `signal-hook`, which chains to other handlers
//! of the program's). Everything else happens in the coroutine that waits.
//!
//! Windows has Ctrl-C ([`SIGINT`]) and none of the others: [`SIGTERM`] can be waited for, but comes only
//! if the program raises it itself, and `SIGHUP` and `SIGUSR1` are not there.

use std::io;
use std::os::raw::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::{SigId, flag, low_level};

use crate::fd::deadline_of;
use crate::sync::Semaphore;
use crate::sys::bell::Bell;

/// What Ctrl-C sends.
pub const SIGINT: c_int = libc::SIGINT;
/// What service managers send to have a program end.
pub const SIGTERM: c_int = libc::SIGTERM;
/// The terminal has gone; of a server without one, usually the request to read its settings again.
#[cfg(unix)]
pub const SIGHUP: c_int = libc::SIGHUP;
/// A signal that means what the program wants it to; without a handler it ends the program.
#[cfg(unix)]
pub const SIGUSR1: c_int = libc::SIGUSR1;

/// The signals that ask a program to end.
pub const STOP: [c_int; 2] = [SIGINT, SIGTERM];

/// A set of signals to wait for. From its creation until it is dropped they no longer have their
/// default effect.
///
/// # Examples
///
/// ```
/// use eventlet_green::signals::{SIGTERM, Signals};
///
/// let signals = Signals::new(&[SIGTERM])?;
/// signal_hook::low_level::raise(SIGTERM)?;
/// assert_eq!(signals.wait()?, SIGTERM);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Signals {
    arrived: Vec<Arrived>,
    bell: Bell,
    /// Whose turn it is to listen.
    turn: Semaphore,
}

#[derive(Debug)]
struct Arrived {
    signal: c_int,
    flag: Arc<AtomicBool>,
    handlers: [SigId; 2],
}

impl Signals {
    /// Starts to watch for the signals.
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: a signal that cannot be handled (SIGKILL, SIGSTOP), or that means a fault
    ///   of the program's own (SIGSEGV and its kind); or no signal at all.
    /// * What the system gives: no descriptor is left.
    pub fn new(signals: &[c_int]) -> io::Result<Self> {
        if let Some(&signal) = signals
            .iter()
            .find(|signal| signal_hook::consts::FORBIDDEN.contains(signal))
        {
            let text = format!("signal {signal} cannot be waited for");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if signals.is_empty() {
            let text = "no signal to wait for: the wait would never end";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (bell, button) = Bell::hang()?;
        let mut this = Signals {
            arrived: Vec::new(),
            bell,
            turn: Semaphore::new(1),
        };
        for &signal in signals {
            let flag = Arc::new(AtomicBool::new(false));
            // In this order: whoever hears the bell finds the flag up.
            let raised = flag::register(signal, Arc::clone(&flag))?;
            let rung = match button.ring_at(signal) {
                Ok(rung) => rung,
                Err(error) => {
                    low_level::unregister(raised);
                    return Err(error);
                }
            };
            this.arrived.push(Arrived {
                signal,
                flag,
                handlers: [raised, rung],
            });
        }
        Ok(this)
    }

    /// Parks the caller until one of the signals has come, and says which. The same signal several
    /// times between two calls counts once.
    ///
    /// Several may wait on one set: each signal goes to one of them, first come, first served. (For
    /// each of them to be told of every signal, each has a set of its own.)
    ///
    /// # Errors
    ///
    /// Why the caller could not wait: see [`ParkError`](crate::ParkError).
    pub fn wait(&self) -> io::Result<c_int> {
        match self.wait_until(None)? {
            Some(signal) => Ok(signal),
            None => unreachable!("without a deadline there is nothing to miss"),
        }
    }

    /// [`wait`](Self::wait), but at most for `limit`: `None` if none has come by then.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::signals::{SIGTERM, Signals};
    /// use std::time::Duration;
    ///
    /// let signals = Signals::new(&[SIGTERM])?;
    /// assert_eq!(signals.wait_timeout(Duration::from_millis(1))?, None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait_timeout(&self, limit: Duration) -> io::Result<Option<c_int>> {
        self.wait_until(Some(limit))
    }

    /// One that has come already, without waiting.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::signals::{SIGUSR1, Signals};
    ///
    /// let signals = Signals::new(&[SIGUSR1])?;
    /// assert_eq!(signals.try_wait(), None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_wait(&self) -> Option<c_int> {
        let mut arrived = self.arrived.iter();
        let arrived = arrived.find(|arrived| arrived.flag.swap(false, Ordering::AcqRel))?;
        Some(arrived.signal)
    }

    fn wait_until(&self, limit: Option<Duration>) -> io::Result<Option<c_int>> {
        let deadline = deadline_of(limit);
        // Who has the turn listens for the bell; the others stand in line. One who came first takes
        // what has arrived, even if it is about to be woken.
        let turn = match limit {
            None => Some(self.turn.acquire()?),
            Some(limit) => self.turn.acquire_timeout(limit)?,
        };
        if turn.is_none() {
            return Ok(None);
        }
        loop {
            if let Some(signal) = self.try_wait() {
                return Ok(Some(signal));
            }
            if !self.bell.silence()? {
                match self.bell.wait(deadline) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// Waits until somebody asks the program to end: with Ctrl-C (SIGINT), or as service managers do
/// (SIGTERM). Says which. From the call until it returns, neither has its default effect.
///
/// # Errors
///
/// As for [`Signals::new`] and [`Signals::wait`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{signals, spawn, yield_now};
///
/// let waits = spawn(signals::wait_for_stop);
/// yield_now();
/// signal_hook::low_level::raise(signals::SIGTERM)?;
/// assert_eq!(waits.join().unwrap()?, signals::SIGTERM);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn wait_for_stop() -> io::Result<c_int> {
    Signals::new(&STOP)?.wait()
}

/// Waits for Ctrl-C (SIGINT). From the call until it returns, it does not end the program.
///
/// # Errors
///
/// As for [`Signals::new`] and [`Signals::wait`].
///
/// # Examples
///
/// ```
/// use eventlet_green::signals::ctrl_c;
/// use eventlet_green::timeout;
/// use std::time::Duration;
///
/// let came = timeout(Duration::from_millis(1), ctrl_c);
/// assert!(came.is_err(), "nobody has pressed it");
/// ```
pub fn ctrl_c() -> io::Result<()> {
    Signals::new(&[SIGINT])?.wait().map(drop)
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.arrived.iter().flat_map(|arrived| arrived.handlers) {
            low_level::unregister(id);
        }
    }
}
