//! What the operations on a watched descriptor say when they cannot go on.

use std::io;

use eventlet_hub::Interest;

use super::Direction;

#[cold]
pub(crate) fn closed() -> io::Error {
    let text = "closed by another handle of this descriptor";
    io::Error::new(io::ErrorKind::NotConnected, text)
}

#[cold]
pub(crate) fn busy(direction: Direction) -> io::Error {
    let text = match direction {
        Direction::Read => "another coroutine is waiting to read from this descriptor",
        Direction::Write => "another coroutine is waiting to write to this descriptor",
    };
    io::Error::new(io::ErrorKind::ResourceBusy, text)
}

#[cold]
pub(crate) fn timed_out(interest: Interest) -> io::Error {
    let text = match interest {
        Interest::READABLE => "the read timed out",
        Interest::WRITABLE => "the write timed out",
        _ => "the wait timed out",
    };
    io::Error::new(io::ErrorKind::TimedOut, text)
}
