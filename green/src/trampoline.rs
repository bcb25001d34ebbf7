//! Waiting for a descriptor that is not one of this crate's.

use std::io;
use std::time::Duration;

use eventlet_hub::Interest;
use eventlet_hub::fd::{AsFd, OwnedFd};

use crate::coroutine::Wait;
use crate::fd::{Watched, deadline_of};

/// Parks the caller until `fd` is ready for `interest`, after the original's function. For a
/// descriptor of another library's; green sockets do this by themselves.
///
/// The descriptor is watched for the length of the call, through a duplicate, so that it may be
/// closed, or be watched elsewhere, meanwhile. That makes four system calls; where it is waited on
/// often, wrap it. What is reported is a hint: try the operation, and come back on `WouldBlock`.
///
/// # Errors
///
/// * `TimedOut`: `limit` was over. `None` waits for ever.
/// * `InvalidInput`: the hub cannot watch this kind of descriptor (a regular file on epoll).
/// * What the system gives for the duplicate (`EMFILE`).
/// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
///
/// # Examples
///
/// ```
/// use eventlet_green::{Interest, trampoline};
/// use std::io::Write;
///
/// let (reader, mut writer) = std::io::pipe()?;
/// let other = eventlet_green::spawn(move || writer.write_all(b"x"));
/// trampoline(&reader, Interest::READABLE, None)?;
/// # other.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn trampoline(fd: impl AsFd, interest: Interest, limit: Option<Duration>) -> io::Result<()> {
    let duplicate: OwnedFd = fd.as_fd().try_clone_to_owned()?;
    let watched = Watched::register(duplicate)?;
    let wait = if interest.is_readable() {
        Wait::Read
    } else {
        Wait::Write
    };
    watched.wait(interest, wait, deadline_of(limit))
}
