//! What people speak over green sockets: HTTP.
//!
//! [`wire`] is HTTP/1.1 as state machines over byte slices, without a socket: it can be embedded
//! anywhere. What carries its bytes is built on top of it and of `eventlet-green`: the [`client`],
//! the [`server`], and behind it the [`gateway`] to functions, sites, services and files. [`format`](mod@format) is how
//! values become bodies.
//!
//! # Features
//!
//! * `json`: values as JSON in bodies ([`format`](mod@format)).
//! * `tower`: services of tower behind the server, axum's routers among them ([`gateway`]).
//! * `files`: static files ([`gateway`]).
//! * `processes`: child processes, the module `process`.
//! * `cgi`: programs behind the server by CGI/1.1 ([`gateway`]).
//! * `websocket`: the module of that name.
//! * `tls`: HTTPS and TLS over any stream (the module `tls`); `tls-bundled-roots`: the roots of the public
//!   web within the program.
//! * `gzip`: compressed responses for the [`client`].
//! * `log`: line loggers, files with rotation, syslog: the module of that name; `tracing`: the same as a
//!   layer for subscribers of `tracing`.
//! * `backdoor`: a scripting console into the running program, the module of that name.
//! * `full`: all of them.
//!
//! # Non-goals
//!
//! HTTP/2 and HTTP/3: their streams want a scheduler of their own under each connection.

// Published docs say at each item which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!(
    "eventlet-protocols is there for Unix alone: see PLATFORMS.md. Of eventlet, leave the default features out."
);

#[cfg(feature = "backdoor")]
pub mod backdoor;
pub mod client;
pub mod format;
pub mod gateway;
#[cfg(any(feature = "backdoor", feature = "log"))]
mod line_writer;
#[cfg(feature = "log")]
pub mod log;
mod plain_body;
#[cfg(feature = "processes")]
pub mod process;
pub mod server;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "websocket")]
pub mod websocket;
pub mod wire;

/// The README's code is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
