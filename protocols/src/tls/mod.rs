//! TLS over green streams, both sides, by `rustls`.
//!
//! * [`TlsAcceptor`], [`TlsConnector`]: the settings of a server and of a client, which make
//!   connections.
//! * [`TlsStream`]: a connection, in the shape of a socket.
//! * [`Identity`], [`Identities`]: certificates with their keys; [`Roots`]: whom to trust.
//! * [`TlsError`], [`TlsSetupError`]: what can go wrong.
//!
//! The handshake is done in the coroutine that asks for it, under a time limit, so that a slow peer
//! holds up nobody else. There is an example of both sides at [`TlsAcceptor`].
//!
//! What is not here: early data, revocation lists, keys in hardware. They can be set up with
//! [`rustls`] itself, see [`TlsAcceptor::from_rustls`] and [`TlsConnector::from_rustls`].

mod acceptor;
mod connector;
mod error;
mod identity;
mod info;
mod pem;
mod records;
mod roots;
mod session;
mod settings;
mod steps;
mod stream;
mod transfer;

pub use acceptor::{ClientAuth, TlsAcceptor, TlsAcceptorBuilder};
pub use connector::{Resuming, TlsConnector, TlsConnectorBuilder};
pub use error::{TlsError, TlsSetupError};
pub use identity::{Identities, Identity};
pub use info::TlsInfo;
pub use roots::Roots;
pub use rustls;
pub use settings::{HTTP_PROTOCOLS, TlsVersion};
pub use stream::TlsStream;
