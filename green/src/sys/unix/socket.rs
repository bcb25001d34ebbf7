//! Errors and options of sockets that have names of their own on Unix.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use socket2::{SockRef, Socket};

/// Whether a non-blocking connect has begun and goes on; see connect(2), EINPROGRESS.
pub(crate) fn is_connecting(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// Whether a socket that connects, and has no error, has come to its end; see connect(2), EINPROGRESS.
pub(crate) fn has_peer(socket: &TcpStream) -> io::Result<bool> {
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the connection to be accepted was given up by its peer, and another may be there.
pub(crate) fn is_given_up(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionAborted
}

/// Whether trying to accept again in a moment may well succeed: the system lacks something, or passes
/// on a network error of the connection that was to be accepted; see accept(2).
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EMFILE
                | libc::ENFILE
                | libc::ENOBUFS
                | libc::ENOMEM
                | libc::EPROTO
                | libc::EPERM
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
        )
    )
}

/// Lets an address be bound that connections of an earlier listener linger on.
pub(crate) fn reuse_address(socket: &Socket, reuse: bool) -> io::Result<()> {
    socket.set_reuse_address(reuse)
}

/// Lets several listeners have one port.
#[cfg(not(any(target_os = "solaris", target_os = "illumos")))]
pub(crate) fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(any(target_os = "solaris", target_os = "illumos"))]
pub(crate) fn share_port(_: &Socket) -> io::Result<()> {
    let text = "this system has no SO_REUSEPORT";
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

/// After how long without traffic the kernel asks whether the peer is still there.
#[cfg(not(target_os = "openbsd"))]
pub(crate) fn keepalive_time(socket: &SockRef<'_>) -> io::Result<Duration> {
    socket.tcp_keepalive_time()
}

#[cfg(target_os = "openbsd")]
pub(crate) fn keepalive_time(_: &SockRef<'_>) -> io::Result<Duration> {
    Err(io::ErrorKind::Unsupported.into())
}
