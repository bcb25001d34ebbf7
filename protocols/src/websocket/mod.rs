//! WebSocket (RFC 6455) over green sockets, on the server and as a client.
//!
//! ```
//! use eventlet_green::net::TcpListener;
//! use eventlet_green::spawn;
//! use eventlet_protocols::server::{RequestBody, Server};
//! use eventlet_protocols::websocket::{self, CloseCode};
//! use http::Request;
//! use std::time::Duration;
//!
//! let server = Server::new(|request: Request<RequestBody>| {
//!     websocket::accept(&request, |socket| {
//!         for message in &socket {
//!             socket.send(message?)?;
//!         }
//!         Ok(())
//!     })
//! });
//! let handle = server.handle();
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let serving = spawn(move || server.serve(listener));
//!
//! let socket = websocket::connect(&format!("ws://{address}/echo"))?;
//! socket.send("hello")?;
//! assert_eq!(socket.receive()?.unwrap().as_text(), Some("hello"));
//! socket.close(CloseCode::NORMAL, "that was all")?;
//!
//! handle.stop(Duration::from_secs(1));
//! serving.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The frames are `tungstenite`'s; here are the handshakes, the waiting, the deadlines and the ends.
//!
//! * [`accept()`], [`AcceptOptions`]: in a handler of the [`server`](crate::server).
//! * [`connect()`], [`ConnectOptions`]: as a client.
//! * [`WebSocket`], [`Message`], [`CloseCode`], [`Settings`], [`Error`].
//!
//! # What is not there
//!
//! Extensions, and so compression (RFC 7692): none is offered, and what a peer offers is declined,
//! which every peer has to put up with (section 9.1). The drafts before RFC 6455.

mod accept;
mod carrier;
mod close;
mod codec;
mod connect;
mod error;
mod handshake;
mod message;
mod settings;
mod shared;
mod socket;
mod url;

pub use accept::{AcceptOptions, CheckOrigin, Origins, accept};
pub use close::{Close, CloseCode};
pub use connect::{ConnectOptions, connect};
pub use error::{ConnectError, Error, Fault};
pub use message::Message;
pub use settings::Settings;
pub use socket::{Messages, WebSocket};
pub use tungstenite::Utf8Bytes;
