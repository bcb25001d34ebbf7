//! A bare edge-triggered epoll loop that echoes: the lower bound of a round trip over TCP.
//!
//! One buffer for all connections, one read and one write for each message, no coroutines, no timers. A
//! peer that does not read what comes back is cut off: this is a bound to measure against, not a server
//! to use.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;

use nix::sys::epoll::EpollFlags;

use crate::bare_loop::{BareLoop, Service};

/// The server: made by [`bind`](Self::bind), driven by [`run`](Self::run).
#[derive(Debug)]
pub struct BareEcho {
    sockets: BareLoop<Echo>,
}

impl BareEcho {
    /// Listens on `address`; one read takes at most `room` bytes.
    ///
    /// # Errors
    ///
    /// Those of the socket and epoll calls.
    pub fn bind(address: SocketAddr, room: usize) -> io::Result<BareEcho> {
        let echo = Echo {
            buffer: vec![0; room],
        };
        let sockets = BareLoop::bind(address, echo)?;
        Ok(BareEcho { sockets })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.sockets.address()
    }

    /// Serves until an error that concerns the server, not a connection.
    ///
    /// # Errors
    ///
    /// Those of waiting and of accepting.
    pub fn run(&mut self) -> io::Result<()> {
        self.sockets.run()
    }
}

#[derive(Debug)]
struct Echo {
    buffer: Vec<u8>,
}

impl Service for Echo {
    type Connection = TcpStream;

    const WATCHED: EpollFlags = EpollFlags::EPOLLIN.union(EpollFlags::EPOLLRDHUP);

    fn open(&mut self, stream: TcpStream) -> TcpStream {
        stream
    }

    /// Reads and echoes until a read fills less than the buffer: drained.
    fn handle(&mut self, stream: &mut TcpStream, _: EpollFlags) -> ControlFlow<()> {
        loop {
            match stream.read(&mut self.buffer) {
                Ok(0) => return ControlFlow::Break(()),
                Ok(count) => {
                    if stream.write_all(&self.buffer[..count]).is_err() {
                        return ControlFlow::Break(());
                    }
                    if count < self.buffer.len() {
                        return ControlFlow::Continue(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return ControlFlow::Continue(());
                }
                Err(_) => return ControlFlow::Break(()),
            }
        }
    }
}
