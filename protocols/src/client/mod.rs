//! An HTTP/1.1 client over green sockets: calls that look blocking.
//!
//! ```
//! use eventlet_protocols::client;
//! # use eventlet_green::net::TcpListener;
//! # use eventlet_protocols::server::{Body, Server};
//! # let listener = TcpListener::bind("127.0.0.1:0")?;
//! # let url = format!("http://{}/", listener.local_addr()?);
//! # let hello = |_: http::Request<_>| http::Response::new(Body::from("hello"));
//! # eventlet_green::spawn(move || Server::new(hello).serve(listener));
//!
//! let body = client::get(&url)?;
//! assert_eq!(body, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is on the wire is decided by [`wire`](crate::wire); here are the connections, the times and
//! what is asked of whom.
//!
//! * [`get`], [`head`], [`put`], [`post`], [`delete`], [`request`]: one call, a connection of its own.
//! * [`Agent`], [`Config`], [`Call`]: connections that are kept, settings, requests with fields.
//! * [`Body`], [`ResponseBody`]: streaming both ways. [`Upgraded`]: other protocols.
//! * [`Speaking`]: values instead of bodies; with the feature `json`, the module `json`.
//! * [`Error`], [`StatusError`], [`Phase`]: what went wrong, and which time was over.
//! * [`Proxies`], [`Proxy`]: on the way of others.
//! * [`Transport`], [`exchange_over`]: any stream.
//!
//! # Non-goals
//!
//! Cookies, caches, HTTP/2. Interim responses but 100 are passed over and not shown.

mod agent;
mod asked;
mod body;
mod call;
mod config;
mod connect;
mod endpoint;
mod error;
mod exchange;
mod follow;
#[cfg(feature = "gzip")]
mod inflate;
#[cfg(feature = "json")]
pub mod json;
mod pool;
mod proxy;
mod response_body;
mod send;
mod status;
mod timing;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod upgraded;
mod values;
mod verbs;

pub use agent::{Agent, FinalUri, exchange_over};
pub use body::Body;
pub use call::Call;
#[cfg(feature = "gzip")]
pub use config::Compression;
pub use config::Config;
pub use error::Error;
pub use pool::PoolStatus;
pub use proxy::{Proxies, Proxy};
pub use response_body::ResponseBody;
pub use status::StatusError;
pub use timing::Phase;
pub use transport::Transport;
pub use upgraded::Upgraded;
pub use values::Speaking;
pub use verbs::{delete, get, head, post, put, request};
