//! The `polling` package as a hub of eventlet: the portable one.
//!
//! It says which descriptors are ready and nothing more; tokens, ownership and the loop around it
//! are the caller's ([`Sources`](eventlet_hub::Sources) for the first two). What the facility behind
//! it is, and how it is called, is the package's business.
//!
//! | system | facility | trigger |
//! |---|---|---|
//! | Linux, Android | epoll | edge |
//! | macOS and its kin, FreeBSD, NetBSD, OpenBSD, DragonFly | kqueue | edge |
//! | illumos, Solaris | event ports | one-shot |
//! | Windows | IOCP | one-shot |
//! | other Unix | poll | one-shot |
//!
//! A system with a hub of its own is better off with that: see the README for what this one costs and
//! cannot tell.
//!
//! # Examples
//!
//! ```
//! use eventlet_hub::{Events, Interest, Sources};
//! use eventlet_hub_polling::PollingHub;
//! use std::io::{Read, Write};
//! use std::net::{TcpListener, TcpStream};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let mut near = TcpStream::connect(listener.local_addr()?)?;
//! let (far, _) = listener.accept()?;
//! far.set_nonblocking(true)?;
//! let mut sources = Sources::new(PollingHub::new()?);
//! let token = sources.register(far).map_err(|refused| refused.error)?;
//! sources.arm(token, Interest::READABLE)?;
//!
//! near.write_all(b"hello")?;
//! let mut events = Events::new();
//! let mut text = Vec::new();
//! while text != b"hello" {
//!     sources.wait(&mut events, None)?;
//!     for (_token, mut source, readiness) in sources.ready(&events) {
//!         let mut piece = [0; 5];
//!         if readiness.is_readable() {
//!             // It may be readable spuriously: then there is nothing.
//!             let count = source.read(&mut piece).unwrap_or(0);
//!             text.extend_from_slice(&piece[..count]);
//!         }
//!     }
//!     sources.arm(token, Interest::READABLE)?;
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Non-goals
//!
//! Level-triggered mode; the package's extensions for signals, processes and waitable handles.

mod hub;
mod meaning;
mod sys;
mod wake;

pub use hub::PollingHub;

/// The README's code is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
