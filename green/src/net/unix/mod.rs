//! Sockets within one machine, in the shape of [`std::os::unix::net`].
//!
//! * [`UnixListener`], [`UnixStream`]: streams.
//! * [`UnixDatagram`]: datagrams, none of which is lost or overtakes another.
//! * [`SocketAddr`]: a path, a name in Linux's abstract namespace, or nothing; `std`'s type.
//! * [`UCred`]: who is at the other end.

mod address;
mod credentials;
mod datagram;
mod listener;
mod stream;

pub use std::os::unix::net::SocketAddr;

pub use credentials::UCred;
pub use datagram::UnixDatagram;
pub use listener::{Incoming, UnixListener};
pub use stream::UnixStream;

use std::time::Duration;

use crate::fd::Pauses;

/// How long is waited before trying again what the kernel refuses for the moment, but does not report
/// the end of: at first, and at most. Both are short, since it is a program on this machine that is
/// waited for.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

const PAUSES: Pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
