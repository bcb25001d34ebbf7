//! Sockets that look blocking and park the coroutine.
//!
//! The shape is `std::net`'s; what differs is said at each type.
//!
//! * [`TcpListener`], [`TcpStream`]: TCP.
//! * [`ToSocketAddrs`]: addresses, with names looked up on another thread.
//! * [`connect_tcp`], [`tcp_listener()`], [`tcp_server`]: the original's functions.

mod addr;
mod api;
mod tcp_listener;
mod tcp_stream;

pub use addr::{Lookup, ToSocketAddrs};
pub use api::{connect_tcp, tcp_listener, tcp_server};
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
