//! Accepting a connection, of whatever kind, and what to do when the system is short of something.

use std::io;
use std::time::Duration;

use eventlet_hub::Source;

use crate::coroutine::Wait;
use crate::fd::{Direction, Extent, Pauses, Shared};
use crate::now::now;
use crate::sys::socket::{is_given_up, is_passing};

/// How long is waited before accepting is tried again, when the process is out of descriptors or
/// memory: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Waits for a connection; one that was given up meanwhile is passed over.
pub(crate) fn once<L: Source + 'static, T>(
    listener: &Shared<L>,
    accept: impl Fn(&L) -> io::Result<T>,
) -> io::Result<T> {
    listener.operate(Direction::Read, Wait::Accept, |listener| {
        loop {
            match accept(listener) {
                Err(error) if is_given_up(&error) => {}
                outcome => return Ok((outcome?, Extent::Full)),
            }
        }
    })
}

/// As [`once`], but waits out what passes; a connection that `wrap` refuses is turned away.
pub(crate) fn patiently<L: Source + 'static, S, A, T>(
    listener: &Shared<L>,
    accept: impl Fn(&L) -> io::Result<(S, A)>,
    wrap: impl Fn(S) -> io::Result<T>,
) -> io::Result<(T, A)> {
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        match once(listener, &accept) {
            Ok((stream, peer)) => {
                if let Ok(stream) = wrap(stream) {
                    return Ok((stream, peer));
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
        let until = now() + pauses.next();
        listener.pause(Direction::Read, Wait::Accept, until)?;
    }
}
