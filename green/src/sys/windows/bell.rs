//! A bell that signals ring: a channel between threads, because a console's Ctrl-C is handled on a
//! thread of its own.

use std::io;
use std::os::raw::c_int;

use eventlet_runloop::Time;
use signal_hook::{SigId, low_level};

use crate::channel::{RecvError, RecvTimeoutError};
use crate::cross::{self, Receiver, Sender};
use crate::now::now;

/// What is heard.
#[derive(Debug)]
pub(crate) struct Bell(Receiver<()>);

/// What rings it; needed only to have signals do so.
pub(crate) struct Button(Sender<()>);

impl Bell {
    /// A bell, on this thread's loop.
    ///
    /// # Errors
    ///
    /// Why the thread has no loop.
    pub(crate) fn hang() -> io::Result<(Bell, Button)> {
        crate::setup::ensure()?;
        // Room for one: many rings between two looks are one.
        let (button, bell) = cross::bounded(1);
        Ok((Bell(bell), Button(button)))
    }

    /// Parks the caller until it has rung.
    ///
    /// # Errors
    ///
    /// `TimedOut`: the deadline has passed. Why the caller could not wait.
    pub(crate) fn wait(&self, deadline: Option<Time>) -> io::Result<()> {
        let rung = match deadline {
            None => self.0.recv().map_err(|error| match error {
                RecvError::Closed => RecvTimeoutError::Closed,
                RecvError::Refused(reason) => RecvTimeoutError::Refused(reason),
            }),
            Some(deadline) => self.0.recv_timeout(deadline - now()),
        };
        rung.map_err(|error| match error {
            RecvTimeoutError::TimedOut => io::ErrorKind::TimedOut.into(),
            RecvTimeoutError::Refused(reason) => reason.into(),
            // The handlers have the other ends, and go after this one.
            RecvTimeoutError::Closed => io::ErrorKind::NotConnected.into(),
        })
    }

    /// Takes a ring that has come; says whether there was one, and it is worth looking again.
    ///
    /// # Errors
    ///
    /// None at present; the signature is that of Unix.
    pub(crate) fn silence(&self) -> io::Result<bool> {
        Ok(self.0.try_recv().is_ok())
    }
}

impl Button {
    /// Has a signal ring, until that is taken back.
    ///
    /// # Errors
    ///
    /// What the system gives: it has no such signal.
    pub(crate) fn ring_at(&self, signal: c_int) -> io::Result<SigId> {
        let button = self.0.clone();
        // SAFETY: what an action must not do (take locks, ask for memory) is what the code that it
        // interrupts may be in the middle of. Here it interrupts none: it is called on a thread made
        // for it, or by `raise` as any function, and it does not panic.
        unsafe { low_level::register(signal, move || drop(button.try_send(()))) }
    }
}
