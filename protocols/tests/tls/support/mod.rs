//! Certificates, both ends of a connection, and the kit's names.

pub mod pki;
pub mod site;

use std::io;
use std::net::Shutdown;

use eventlet_green::net::Stream;
use eventlet_green::testing::{Duplex, duplex};
use eventlet_green::{JoinHandle, spawn};
use eventlet_protocols::tls::{TlsAcceptor, TlsConnector, TlsError, TlsStream};

pub use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, until, until_parked};
pub use pki::{Authority, HOST};

/// Room on the way in a connection in memory: less than a record.
pub const ROOM: usize = 4096;

/// Both sides' settings, which trust each other.
pub struct Pair {
    pub authority: Authority,
    pub acceptor: TlsAcceptor,
    pub connector: TlsConnector,
}

impl Pair {
    pub fn new() -> Self {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::new(authority.identity(HOST)).unwrap();
        let connector = authority.connector();
        Pair {
            authority,
            acceptor,
            connector,
        }
    }

    /// Both ends of a connection over two streams: the client's, and the server's.
    pub fn over<S: Stream>(&self, near: S, far: S) -> (TlsStream<S>, TlsStream<S>) {
        let (client, server) = shake_hands(&self.connector, near, &self.acceptor, far);
        (client.unwrap(), server.unwrap())
    }

    pub fn in_memory(&self) -> (TlsStream<Duplex>, TlsStream<Duplex>) {
        let (near, far) = duplex(ROOM);
        self.over(near, far)
    }
}

/// What a handshake comes to at both ends.
pub fn shake_hands<S: Stream>(
    connector: &TlsConnector,
    near: S,
    acceptor: &TlsAcceptor,
    far: S,
) -> (io::Result<TlsStream<S>>, io::Result<TlsStream<S>>) {
    let acceptor = acceptor.clone();
    let server = spawn(move || acceptor.accept(far));
    let client = connector.connect(HOST, near);
    (client, server.join().unwrap())
}

/// What a failed handshake says at both ends, over a connection in memory.
pub fn fail_to(connector: &TlsConnector, acceptor: &TlsAcceptor) -> (TlsError, TlsError) {
    let (near, far) = duplex(1 << 16);
    let (client, server) = shake_hands(connector, near, acceptor, far);
    (tls_error(client), tls_error(server))
}

/// Why something failed, which is one of TLS's reasons.
#[track_caller]
pub fn tls_error<T>(outcome: io::Result<T>) -> TlsError {
    match outcome {
        Ok(_) => panic!("it has not failed"),
        Err(error) => match TlsError::of(&error) {
            Some(error) => error.clone(),
            None => panic!("not a reason of TLS: {error:?}"),
        },
    }
}

/// A coroutine that sends back what comes, says goodbye, and says how much it was.
pub fn echo<S: Stream>(stream: TlsStream<S>) -> JoinHandle<io::Result<u64>> {
    spawn(move || {
        let count = io::copy(&mut &stream, &mut &stream)?;
        stream.shutdown(Shutdown::Write)?;
        Ok(count)
    })
}
