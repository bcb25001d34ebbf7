//! Sockets that look blocking and park the coroutine.
//!
//! The shape is `std::net`'s; what differs is said at each type.
//!
//! * [`TcpListener`], [`TcpStream`]: TCP; [`ListenOptions`], [`ConnectOptions`]: how they are made.
//! * [`UdpSocket`]: datagrams over UDP.
//! * [`unix`]: sockets within one machine; Unix.
//! * [`Stream`]: what the streams have in common.
//! * [`ToSocketAddrs`]: addresses, with names looked up on another thread.
//! * [`connect_tcp`], [`tcp_listener()`], [`tcp_server`]: the original's functions.
//!
//! Any other descriptor: [`io::Descriptor`](crate::io::Descriptor).

pub(crate) mod accept;
mod address;
mod connect;
mod datagram;
mod listen_options;
mod shorthands;
pub(crate) mod stream;
mod tcp_listener;
mod tcp_stream;
mod udp;
#[cfg(unix)]
pub mod unix;

pub(crate) use address::first_that;
pub use address::{Lookup, ToSocketAddrs};
pub use connect::{
    CONNECTION_ATTEMPT_DELAY, ConnectError, ConnectOptions, MIN_CONNECTION_ATTEMPT_DELAY,
};
pub use listen_options::{DEFAULT_BACKLOG, ListenOptions};
pub use shorthands::{connect_tcp, tcp_listener, tcp_server};
pub use stream::Stream;
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use udp::UdpSocket;
