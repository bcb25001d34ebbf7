//! TLS in front of HTTP: connections whose handshake is not done yet.
//!
//! ```text
//!   accepted ──► Arriving ── first bytes ──► handshake, in a coroutine ──► Resting, see `rest`
//!                   │                             │
//!                   └── nothing in time ──────────┴── failed: counted, one line, closed
//! ```
//!
//! The accept loop waits for none of it, and a client that says nothing holds no coroutine. TLS itself
//! is [`tls`](crate::tls)'s.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::TcpStream;
use eventlet_green::sync::Permit;
use eventlet_green::{KillHandle, Time, Watcher, now};
use http::StatusCode;

use super::connection::{LINGER, LINGER_BYTES};
use super::peer::Peer;
use super::registry::Membership;
use super::rest::Resting;
use super::shared::Shared;
use super::transport::Carried;
use crate::tls::{TlsAcceptor, TlsError, TlsStream};
use crate::wire::write_error;

/// An accepted connection and what it is to become.
pub(crate) struct Accepted {
    stream: TcpStream,
    peer: Peer,
    acceptor: TlsAcceptor,
}

impl Accepted {
    pub(super) fn new(stream: TcpStream, peer: Peer, acceptor: TlsAcceptor) -> Self {
        Accepted {
            stream,
            peer,
            acceptor,
        }
    }

    /// Waits for its first bytes without a coroutine.
    pub(super) fn begin(self, shared: Rc<Shared>, seat: Permit) {
        let Accepted {
            stream,
            peer,
            acceptor,
        } = self;
        let limit = acceptor.handshake_timeout();
        let deadline = now() + limit;
        let stream = match acceptor.begin(stream) {
            Ok(stream) => stream,
            Err(error) => return report(&shared, &peer, &error),
        };
        let carried = Rc::new(Carried::secured(stream, peer));
        let membership = shared.registry.enter(Rc::clone(&carried) as _);
        let arriving = Rc::new(Arriving {
            shared,
            carried,
            limit,
            deadline,
            place: Cell::new(Some((membership, seat))),
        });
        arriving.watch();
    }
}

/// A limit that has run out is still a limit: zero would be refused.
const SHORTEST: Duration = Duration::from_nanos(1);

/// A connection whose handshake is not done. Dropping it closes it.
struct Arriving {
    shared: Rc<Shared>,
    carried: Rc<Carried<TlsStream<TcpStream>>>,
    limit: Duration,
    deadline: Time,
    /// What it holds until it is a connection like others.
    place: Cell<Option<(Membership, Permit)>>,
}

impl Watcher for Arriving {
    fn came(self: Rc<Self>, outcome: io::Result<()>) {
        let heard = outcome.and_then(|()| self.carried.stream.try_fill());
        if is_nothing(&heard) {
            // A new socket is tried before it is known to have nothing.
            return self.watch();
        }
        let Some((membership, seat)) = self.place.take() else {
            return;
        };
        let member = membership.member();
        member.set_served_by(KillHandle::of_current().ok());
        let shaken = heard.and_then(|()| self.carried.stream.handshake(Some(self.left())));
        member.set_served_by(None);
        let (shared, carried) = (Rc::clone(&self.shared), Rc::clone(&self.carried));
        match shaken {
            Ok(()) => Resting::take_over(shared, carried, membership, seat),
            Err(error) => self.turn_away(&self.explain(error)),
        }
    }
}

impl Arriving {
    fn watch(self: Rc<Self>) {
        let stream = self.carried.stream.clone();
        // Fails when it is closed meanwhile, or the thread is ending: then it is dropped.
        let _ = stream
            .set_read_timeout(Some(self.left().max(SHORTEST)))
            .and_then(|()| stream.watch_readable(self));
    }

    fn left(&self) -> Duration {
        self.deadline - now()
    }

    /// The time is counted from the accept, however it was spent.
    fn explain(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::TimedOut => TlsError::HandshakeTimeout(self.limit).into(),
            _ => error,
        }
    }

    fn turn_away(&self, error: &io::Error) {
        let stream = &self.carried.stream;
        if self.shared.is_stopping() || stream.has_heard_nothing() && !is_late(error) {
            // Who only looks whether there is somebody is no failure.
            return;
        }
        report(&self.shared, &self.carried.peer, error);
        let socket = stream.socket();
        if TlsError::of(error) == Some(&TlsError::PlainHttp) {
            let _ = answer_plainly(&self.shared, socket);
        } else if is_late(error) {
            return;
        }
        // So that what it was told arrives: closing with something unread would destroy it.
        let _ = linger(socket);
    }
}

fn is_nothing(heard: &io::Result<()>) -> bool {
    let nothing = io::ErrorKind::WouldBlock;
    matches!(heard, Err(error) if error.kind() == nothing)
}

fn is_late(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

/// One line; a handshake that fails is nothing unusual.
fn report(shared: &Shared, peer: &Peer, error: &io::Error) {
    shared.registry.count_failed_handshake();
    eprintln!("eventlet: no TLS with {peer}: {error}");
}

/// What a client hears that speaks HTTP where TLS is spoken.
fn answer_plainly(shared: &Shared, socket: &TcpStream) -> io::Result<()> {
    let mut answer = Vec::new();
    write_error(
        StatusCode::BAD_REQUEST,
        Some("TLS is spoken here: use https"),
        Some(shared.dated().date()),
        shared.config.server.as_ref(),
        &mut answer,
    );
    socket.set_write_timeout(Some(LINGER))?;
    let mut socket = socket;
    socket.write_all(&answer)
}

/// Says that no more will come, and reads on for a while.
fn linger(socket: &TcpStream) -> io::Result<()> {
    socket.shutdown(Shutdown::Write)?;
    let deadline = now() + LINGER;
    let mut left = LINGER_BYTES;
    let mut room = [0; 1024];
    let mut socket = socket;
    while left > 0 {
        socket.set_read_timeout(Some((deadline - now()).max(SHORTEST)))?;
        match socket.read(&mut room)? {
            0 => return Ok(()),
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}
