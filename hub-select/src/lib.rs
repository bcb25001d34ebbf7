//! select(2) as a hub of eventlet: the lowest common denominator.
//!
//! It says which descriptors are ready and nothing more; tokens, ownership and the loop around it
//! are the caller's ([`Sources`](eventlet_hub::Sources) for the first two).
//!
//! | system | works |
//! |---|---|
//! | any Unix | yes; timeouts in microseconds, rounded up |
//!
//! Its limits: descriptors up to `FD_SETSIZE` − 1 (1023 on most systems), refused at registration
//! with the limit in the message; hang-up and error are not told apart from readable and writable;
//! a wait costs in proportion to the highest armed number. Take `eventlet-hub-poll` where it exists.
//!
//! Registering, arming and deregistering make no system call. A report disarms what it reported.
//!
//! # Examples
//!
//! ```
//! use eventlet_hub::{Events, Interest, Sources};
//! use eventlet_hub_select::SelectHub;
//! use std::io::{Read, Write};
//! use std::os::unix::net::UnixStream;
//!
//! let (mut near, far) = UnixStream::pair()?;
//! far.set_nonblocking(true)?;
//! let mut sources = Sources::new(SelectHub::new()?);
//! let token = sources.register(far).map_err(|refused| refused.error)?;
//! sources.arm(token, Interest::READABLE)?;
//!
//! near.write_all(b"hello")?;
//! let mut events = Events::new();
//! sources.wait(&mut events, None)?;
//! for (_token, mut source, readiness) in sources.ready(&events) {
//!     assert!(readiness.is_readable());
//!     let mut text = [0; 5];
//!     source.read_exact(&mut text)?;
//!     assert_eq!(&text, b"hello");
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Non-goals
//!
//! Exceptional conditions (the third set): urgent data is not taken by an ordinary read, so waiting
//! for it as readable would spin.

#![cfg(unix)]

mod fd_set;
mod hub;
mod sys;

pub use hub::SelectHub;

/// The README's code is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
