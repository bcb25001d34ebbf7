//! An HTTP/1.1 server over green sockets: a coroutine for each connection that has something to do,
//! handlers that look blocking.
//!
//! ```no_run
//! use eventlet_green::net::TcpListener;
//! use eventlet_protocols::server::{Body, RequestBody, Server};
//! use http::{Request, Response};
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:8080")?;
//!     Server::new(|request: Request<RequestBody>| {
//!         Response::new(Body::from(format!("you asked for {}\n", request.uri().path())))
//!     })
//!     .serve(listener)
//! }
//! ```
//!
//! What is on the wire is decided by [`wire`](crate::wire); here are the sockets, the deadlines and
//! the bookkeeping. A connection that idles holds neither a coroutine nor a buffer.
//!
//! * [`Server`], [`Config`], [`ServerHandle`]: settings, serving, stopping.
//! * [`Cores`]: the same on every core.
//! * [`Handler`], [`RequestBody`], [`Body`], [`BodySink`]: what is between server and program.
//! * [`Shortcut`]: answers to simple requests, at about half the cost.
//! * [`Peer`], [`ForwardedFor`]: who is at the other end, and in front of that.
//! * [`Body::upgrade`], [`Upgraded`]: a connection that goes over to another protocol.
//! * [`AccessLog`]: a line a request, or a record.

mod body;
mod config;
mod connection;
mod cores;
mod fairness;
mod flusher;
mod forwarded;
mod handler;
pub(crate) mod input;
mod link;
mod listening;
mod log;
mod output;
mod pace;
mod peer;
mod record;
mod registry;
mod request_body;
mod respond;
mod rest;
mod serve;
mod shared;
mod short_answer;
mod shortcut;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod upgrade;

#[cfg(feature = "backdoor")]
pub(crate) use listening::{Accepted, Listener};
#[cfg(feature = "backdoor")]
pub(crate) use transport::{Carried, Transport};

pub use body::{Body, BodySink};
pub use config::Config;
pub use cores::Cores;
pub use forwarded::ForwardedFor;
pub use handler::{Handler, IntoResponse};
pub use log::AccessLog;
pub use peer::Peer;
pub use registry::ServerStatus;
pub use request_body::RequestBody;
pub use serve::{Server, ServerHandle};
pub use short_answer::{PreparedAnswer, ShortAnswer};
pub use shortcut::Shortcut;
pub use upgrade::Upgraded;
