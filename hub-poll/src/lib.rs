//! poll(2) as a hub of eventlet.
//!
//! It says which descriptors are ready and nothing more; tokens, ownership and the loop around it
//! are the caller's ([`Sources`](eventlet_hub::Sources) for the first two).
//!
//! | system | works |
//! |---|---|
//! | Linux, Android, FreeBSD, DragonFly | yes, with `ppoll`: nanosecond timeouts |
//! | any other Unix | yes, with `poll`: timeouts in milliseconds, rounded up |
//!
//! Registering, arming and deregistering make no system call. A wait costs in proportion to what is
//! *armed*; a report disarms what it reported, so descriptors nobody waits for cost nothing and a
//! hang-up nobody looks at does not spin.
//!
//! # Examples
//!
//! ```
//! use eventlet_hub::{Events, Interest, Sources};
//! use eventlet_hub_poll::PollHub;
//! use std::io::{Read, Write};
//! use std::os::unix::net::UnixStream;
//!
//! let (mut near, far) = UnixStream::pair()?;
//! far.set_nonblocking(true)?;
//! let mut sources = Sources::new(PollHub::new()?);
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
//! Urgent data (`POLLPRI`): an ordinary read does not take it, so waiting for it as readable would
//! spin.

#![cfg(unix)]

mod flags;
mod hub;
mod poll_set;
mod sys;

pub use hub::PollHub;

/// The README's code is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
