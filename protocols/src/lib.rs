//! What people speak over green sockets: HTTP.
//!
//! [`wire`] is HTTP/1.1 as state machines over byte slices, without a socket: it can be embedded
//! anywhere. What carries its bytes is built on top of it and of `eventlet-green`.
//!
//! # Features
//!
//! `backdoor`: a scripting console into the running program.
//!
//! # Non-goals
//!
//! HTTP/2 and HTTP/3: their streams want a scheduler of their own under each connection.

#![forbid(unsafe_code)]

#[cfg(feature = "backdoor")]
pub mod backdoor;
pub mod server;
pub mod wire;
