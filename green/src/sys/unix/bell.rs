//! A bell that signals ring: a socket pair, into which the handler writes a byte, and whose other end
//! the loop watches.

use std::io::{self, Read};
use std::os::raw::c_int;
use std::os::unix::net::UnixStream;

use eventlet_hub::Interest;
use eventlet_runloop::Time;
use signal_hook::{SigId, low_level};

use crate::coroutine::Wait;
use crate::fd::{Shared, Watched};

/// Bytes that are taken off the bell in one call: more than come between two looks, as a rule.
const RINGS_AT_ONCE: usize = 64;

/// What is heard.
#[derive(Debug)]
pub(crate) struct Bell(Shared<UnixStream>);

/// What rings it; needed only to have signals do so.
pub(crate) struct Button(UnixStream);

impl Bell {
    /// A bell, on this thread's loop.
    ///
    /// # Errors
    ///
    /// What the system gives: no descriptor is left.
    pub(crate) fn hang() -> io::Result<(Bell, Button)> {
        let (bell, button) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        Ok((Bell(Watched::register(bell)?), Button(button)))
    }

    /// Parks the caller until it may have rung.
    ///
    /// # Errors
    ///
    /// `TimedOut`: the deadline has passed. Why the caller could not wait.
    pub(crate) fn wait(&self, deadline: Option<Time>) -> io::Result<()> {
        self.0.wait(Interest::READABLE, |_| Wait::Signal, deadline)
    }

    /// Takes the rings so far; says whether there were any, and it is worth looking again.
    ///
    /// # Errors
    ///
    /// What the system gives.
    pub(crate) fn silence(&self) -> io::Result<bool> {
        let mut rings = [0; RINGS_AT_ONCE];
        match self.0.source()?.read(&mut rings) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl Button {
    /// Has a signal ring, until that is taken back.
    ///
    /// # Errors
    ///
    /// What the system gives.
    pub(crate) fn ring_at(&self, signal: c_int) -> io::Result<SigId> {
        low_level::pipe::register(signal, self.0.try_clone()?)
    }
}
