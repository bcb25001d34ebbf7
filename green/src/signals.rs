//! Signals as something a coroutine waits for.
//!
//! The handler does two things only: it raises a flag, and writes a byte into a socket pair whose
//! other end the loop watches (both by `signal-hook`, which chains to other handlers of the
//! program's). Everything else happens in the coroutine that waits.

use std::io::{self, Read};
use std::os::raw::c_int;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::{SigId, flag, low_level};

use crate::coroutine::Wait;
use crate::fd::{Direction, Extent, Shared, Watched};

/// What Ctrl-C sends.
pub const SIGINT: c_int = libc::SIGINT;
/// What service managers send to have a program end.
pub const SIGTERM: c_int = libc::SIGTERM;

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
    bell: Shared<UnixStream>,
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
    ///   of the program's own (SIGSEGV and its kind).
    /// * What the system gives: no descriptor is left.
    pub fn new(signals: &[c_int]) -> io::Result<Self> {
        if let Some(&signal) = signals
            .iter()
            .find(|signal| signal_hook::consts::FORBIDDEN.contains(signal))
        {
            let text = format!("signal {signal} cannot be waited for");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (bell, button) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        let mut this = Signals {
            arrived: Vec::new(),
            bell: Watched::register(bell)?,
        };
        for &signal in signals {
            let flag = Arc::new(AtomicBool::new(false));
            // In this order: whoever hears the bell finds the flag up.
            let raised = flag::register(signal, Arc::clone(&flag))?;
            let rung = match low_level::pipe::register(signal, button.try_clone()?) {
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
    /// # Errors
    ///
    /// * `ResourceBusy`: another coroutine waits on this set.
    /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
    pub fn wait(&self) -> io::Result<c_int> {
        loop {
            let arrived = self
                .arrived
                .iter()
                .find(|arrived| arrived.flag.swap(false, Ordering::AcqRel));
            if let Some(arrived) = arrived {
                return Ok(arrived.signal);
            }
            let mut rings = [0; 64];
            self.bell.operate(Direction::Read, Wait::Read, |mut bell| {
                Ok((bell.read(&mut rings)?, Extent::Full))
            })?;
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.arrived.iter().flat_map(|arrived| arrived.handlers) {
            low_level::unregister(id);
        }
    }
}
