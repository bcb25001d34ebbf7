//! Errors and options of sockets, as Windows has them; the numbers are those of `winerror.h`.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use socket2::{SockRef, Socket};

const WSAEMFILE: i32 = 10024;
const WSAENETDOWN: i32 = 10050;
const WSAENOBUFS: i32 = 10055;

/// Whether a non-blocking connect has begun and goes on: `WSAEWOULDBLOCK`.
pub(crate) fn is_connecting(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether a socket that connects, and has no error, has come to its end. One whose peer has come and
/// gone may have no peer's address any more, but then it can be read from: the end, or the error.
pub(crate) fn has_peer(socket: &TcpStream) -> io::Result<bool> {
    use io::ErrorKind::{NotConnected, WouldBlock};
    if socket.peer_addr().is_ok() {
        return Ok(true);
    }
    match socket.peek(&mut [0]) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), NotConnected | WouldBlock) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the connection to be accepted was given up by its peer, and another may be there. `accept`
/// of Winsock gives `WSAECONNRESET` for that.
pub(crate) fn is_given_up(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset)
}

/// Whether trying to accept again in a moment may well succeed: the system lacks something.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(WSAEMFILE | WSAENETDOWN | WSAENOBUFS)
    )
}

/// Does nothing. Lingering connections are in nobody's way on this system, where the option means that
/// a port may be taken from its owner.
///
/// # Errors
///
/// None at present; the signature is that of Unix.
pub(crate) fn reuse_address(_: &Socket, _: bool) -> io::Result<()> {
    Ok(())
}

/// Several listeners cannot have one port.
///
/// # Errors
///
/// `Unsupported`.
pub(crate) fn share_port(_: &Socket) -> io::Result<()> {
    let text = "this system has no SO_REUSEPORT";
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

/// After how long without traffic the kernel asks whether the peer is still there: it does not say.
///
/// # Errors
///
/// `Unsupported`.
pub(crate) fn keepalive_time(_: &SockRef<'_>) -> io::Result<Duration> {
    Err(io::ErrorKind::Unsupported.into())
}
