//! The edge-triggered epoll loop beneath the bare servers: it accepts, keeps the connections in slots, and
//! waits. What is done with a connection is the [`Service`]'s.
//!
//! No timers, and no more than one system call for each step: what a server costs at least.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// Events of one wait.
const BATCH: usize = 1024;

/// The listener's user data; connections have their slot.
const LISTENER: u64 = u64::MAX;

/// What becomes of the connections.
pub(crate) trait Service {
    /// A connection with what belongs to it.
    type Connection: Debug;

    /// What connections are watched for, edge-triggered.
    const WATCHED: EpollFlags;

    /// A connection has come.
    fn open(&mut self, stream: TcpStream) -> Self::Connection;

    /// A wait has ended: its events follow.
    #[inline]
    fn woken(&mut self) {}

    /// One event of a connection. `Break` ends the connection.
    fn handle(&mut self, connection: &mut Self::Connection, flags: EpollFlags) -> ControlFlow<()>;
}

/// A listener, and the connections that came from it.
#[derive(Debug)]
pub(crate) struct BareLoop<S: Service> {
    epoll: Epoll,
    listener: TcpListener,
    connections: Vec<Option<S::Connection>>,
    vacant: Vec<usize>,
    service: S,
}

impl<S: Service> BareLoop<S> {
    /// Listens on `address`.
    pub(crate) fn bind(address: SocketAddr, service: S) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(&listener, EpollEvent::new(flags, LISTENER))?;
        Ok(BareLoop {
            epoll,
            listener,
            connections: Vec::new(),
            vacant: Vec::new(),
            service,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until an error that concerns the server, not a connection.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); BATCH];
        loop {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            self.service.woken();
            for event in &events[..count] {
                match event.data() {
                    LISTENER => self.accept_all()?,
                    slot => self.handle(slot as usize, event.events()),
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
            let flags = S::WATCHED | EpollFlags::EPOLLET;
            self.epoll
                .add(&stream, EpollEvent::new(flags, slot as u64))?;
            self.connections[slot] = Some(self.service.open(stream));
        }
    }

    #[inline]
    fn handle(&mut self, slot: usize, flags: EpollFlags) {
        let Some(connection) = &mut self.connections[slot] else {
            return;
        };
        if self.service.handle(connection, flags).is_break() {
            // Closing takes it off the epoll too: there is no duplicate of the descriptor.
            self.connections[slot] = None;
            self.vacant.push(slot);
        }
    }
}
