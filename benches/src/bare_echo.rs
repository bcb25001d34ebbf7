//! A bare edge-triggered epoll loop that echoes: the lower bound of a round trip over TCP.
//!
//! One buffer for all connections, one read and one write for each message, no coroutines, no timers. A
//! peer that does not read what comes back is cut off: this is a bound to measure against, not a server
//! to use.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// Events of one wait.
const BATCH: usize = 1024;

/// The listener's user data; connections have their slot.
const LISTENER: u64 = u64::MAX;

/// The server: made by [`bind`](Self::bind), driven by [`run`](Self::run).
#[derive(Debug)]
pub struct BareEcho {
    epoll: Epoll,
    listener: TcpListener,
    connections: Vec<Option<TcpStream>>,
    vacant: Vec<usize>,
    buffer: Vec<u8>,
}

impl BareEcho {
    /// Listens on `address`; one read takes at most `room` bytes.
    ///
    /// # Errors
    ///
    /// Those of the socket and epoll calls.
    pub fn bind(address: SocketAddr, room: usize) -> io::Result<BareEcho> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(&listener, EpollEvent::new(flags, LISTENER))?;
        Ok(BareEcho {
            epoll,
            listener,
            connections: Vec::new(),
            vacant: Vec::new(),
            buffer: vec![0; room],
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until an error that concerns the server, not a connection.
    ///
    /// # Errors
    ///
    /// Those of waiting and of accepting.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); BATCH];
        loop {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                match event.data() {
                    LISTENER => self.accept_all()?,
                    slot => self.handle(slot as usize),
                }
            }
        }
    }

    fn accept_all(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let slot = self.vacant.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
            self.epoll
                .add(&stream, EpollEvent::new(flags, slot as u64))?;
            self.connections[slot] = Some(stream);
        }
    }

    /// Reads and echoes until a read fills less than the buffer: drained.
    fn handle(&mut self, slot: usize) {
        let Some(stream) = &mut self.connections[slot] else {
            return;
        };
        let is_over = loop {
            match stream.read(&mut self.buffer) {
                Ok(0) => break true,
                Ok(count) if stream.write_all(&self.buffer[..count]).is_err() => break true,
                Ok(count) if count < self.buffer.len() => break false,
                Ok(_) => {}
                Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
            }
        };
        if is_over {
            self.connections[slot] = None;
            self.vacant.push(slot);
        }
    }
}
