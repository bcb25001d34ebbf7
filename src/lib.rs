//! Ordinary, blocking-looking Rust that is concurrent.
//!
//! A coroutine that would block on a socket, a timer or another coroutine is parked, the thread's
//! run loop turns, and whoever is ready goes on. No `async`, no `Send` bounds, no `unsafe`.
//!
//! This crate is a door to the layers, each of which can be used alone:
//!
//! | module | crate | what |
//! |---|---|---|
//! | [`hub`] | `eventlet-hub` | which descriptors are ready |
//! | [`runloop`] | `eventlet-runloop` | timers, observers and callbacks over a hub |
//! | the root of this crate, [`net`], [`io`], [`channel`], [`sync`], [`pool`], [`cross`], … | `eventlet-green` | coroutines |
//! | [`http`] (feature `http`) | `eventlet-protocols` | HTTP, server and client |
//! | [`process`] (feature `processes`) | `eventlet-protocols` | child processes |
//! | [`logging`] (feature `log`) | `eventlet-protocols` | log sinks: lines, files with rotation, syslog |
//! | [`backdoor`] (feature `backdoor`) | `eventlet-protocols` | a console into the running program |
//!
//! ```
//! use eventlet::net::{TcpListener, TcpStream};
//! use eventlet::spawn;
//! use std::io::{Read, Write};
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let address = listener.local_addr()?;
//!     let server = spawn(move || -> std::io::Result<()> {
//!         let (mut stream, _) = listener.accept()?;
//!         stream.write_all(b"hello")
//!     });
//!     let mut text = String::new();
//!     TcpStream::connect(address)?.read_to_string(&mut text)?;
//!     assert_eq!(text, "hello");
//!     server.join().unwrap()
//! }
//! ```
//!
//! The [guide] begins with a first server, and has a chapter for whoever comes from Eventlet, gevent, Go or
//! tokio. The packages' READMEs and `examples/README.md` have programs to try.
//!
//! # Features
//!
//! `hub-epoll`, `hub-kqueue`, `hub-poll`, `hub-select` compile a hub in where its facility exists, `http`
//! the HTTP server and client; all by default. `hub-polling` adds the `polling` package as a hub, for
//! systems that have none of their own.
//!
//! What the protocols have beyond that, `full` adds as a whole: `json` makes bodies of values, `gzip` has
//! the client take compressed responses, `tls` adds HTTPS and TLS over any stream, `tls-bundled-roots` the
//! public web's roots within the program, `websocket` the module of that name, `tower` serves the services
//! of tower (axum's routers among them), `files` directories, `cgi` programs in any language; `processes`
//! starts child processes, `log` writes log lines without holding the loop up, `backdoor` adds the console.
//!
//! `engine-may` runs coroutines on another engine, to be measured against: see [`design::engines`].
//! `tracing` keeps a coroutine's spans with it, `watchdog` names a coroutine that keeps the thread to
//! itself, `testing` adds the test kit, for dev-dependencies.
//!
// What a feature would add is told of below, while there is nothing else to lead to.
#![cfg_attr(not(feature = "processes"), doc = "[`process`]: #features")]
#![cfg_attr(not(feature = "log"), doc = "[`logging`]: #features")]
#![cfg_attr(not(feature = "backdoor"), doc = "[`backdoor`]: #features")]
#![forbid(unsafe_code)]
// Published docs say at each item which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use eventlet_green::*;
#[doc(inline)]
pub use eventlet_hub as hub;
#[cfg(feature = "http")]
#[doc(inline)]
pub use eventlet_protocols as http;
#[cfg(feature = "backdoor")]
pub use eventlet_protocols::backdoor;
// Not as `log`: that is what programs call the package of that name.
#[cfg(feature = "log")]
pub use eventlet_protocols::log as logging;
#[cfg(feature = "processes")]
pub use eventlet_protocols::process;
#[doc(inline)]
pub use eventlet_runloop as runloop;

/// Why things are as they are, with figures. It stands here so that its code compiles and runs.
pub mod design {
    #[doc = include_str!("../docs/design/engines.md")]
    pub mod engines {}
}

/// From a first server to a hub of one's own, chapter by chapter.
///
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/README.md")]
pub mod guide;
