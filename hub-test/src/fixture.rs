//! What the tests register: sockets, pipes, connections; and how they fill and drain them.
//!
//! Everything a hub watches is a non-blocking [`File`], whatever is behind it, because all of it is
//! read and written alike. Ports are always 0.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// A pair of Unix sockets: the watched side, and the peer.
pub(crate) fn sockets() -> (File, UnixStream) {
    let (watched, peer) = UnixStream::pair().expect("socketpair");
    (watchable(watched), peer)
}

/// A pipe whose reading end is watched.
pub(crate) fn readable_pipe() -> (File, PipeWriter) {
    let (reader, writer) = io::pipe().expect("pipe");
    (watchable(reader), writer)
}

/// A pipe whose writing end is watched.
pub(crate) fn writable_pipe() -> (File, PipeReader) {
    let (reader, writer) = io::pipe().expect("pipe");
    (watchable(writer), reader)
}

/// A connection over the loopback: the watched side, and the peer.
pub(crate) fn tcp() -> (File, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let peer = TcpStream::connect(listener.local_addr().expect("address")).expect("connect");
    let (watched, _) = listener.accept().expect("accept");
    (watchable(watched), peer)
}

/// Makes a descriptor non-blocking, and a file.
pub(crate) fn watchable(fd: impl Into<OwnedFd>) -> File {
    let fd = fd.into();
    set_nonblocking(&fd);
    File::from(fd)
}

pub(crate) fn set_nonblocking(fd: impl AsFd) {
    let flags = fcntl(&fd, FcntlArg::F_GETFL).expect("F_GETFL");
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    fcntl(&fd, FcntlArg::F_SETFL(flags)).expect("F_SETFL");
}

/// Writes until there is no room.
pub(crate) fn fill(mut writer: impl Write) -> usize {
    const PIECE: [u8; 4096] = [b'x'; 4096];
    let mut total = 0;
    loop {
        match writer.write(&PIECE) {
            Ok(count) => total += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return total,
            Err(error) => panic!("fill: {error}"),
        }
    }
}

/// Reads until there is nothing more for now; says whether the end was reached.
pub(crate) fn drain(mut reader: impl Read) -> Drained {
    let mut room = [0; 4096];
    let mut bytes = 0;
    loop {
        match reader.read(&mut room) {
            Ok(0) => return Drained { bytes, ended: true },
            Ok(count) => bytes += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Drained {
                    bytes,
                    ended: false,
                };
            }
            Err(error) => panic!("drain: {error}"),
        }
    }
}

/// What [`drain`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    pub(crate) bytes: usize,
    /// The end of the stream, rather than nothing for now.
    pub(crate) ended: bool,
}
