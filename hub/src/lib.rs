//! Which descriptors are ready: the contract of every event-notification facility of eventlet.
//!
//! A hub is not a loop: it has no timers, no callbacks and no coroutines, and it never reads or
//! writes. Those are the jobs of the layers above (`eventlet-runloop`, `eventlet-green`).
//!
//! | backend | facility | systems |
//! |---|---|---|
//! | `eventlet-hub-epoll` | epoll(7) | Linux |
//! | `eventlet-hub-poll` | poll(2) | any Unix |
//! | `eventlet-hub-select` | select(2) | any Unix, descriptors below 1024 |
//! | `eventlet-hub-kqueue` | kqueue(2) | macOS and its kin, FreeBSD, NetBSD, OpenBSD, DragonFly |
//! | `eventlet-hub-polling` | whatever the `polling` package uses | all that it knows |
//!
//! The contract, with what differs between the facilities, is in [`Hub`]. Each
//! backend passes one conformance suite, `eventlet-hub-test`.
//!
//! **The caveat of the whole contract:** an event is a hint. Try the operation first; wait only after
//! it gave `WouldBlock`.
//!
//! # Examples
//!
//! A function that works under every hub:
//!
//! ```
//! use eventlet_hub::{Events, Hub, Interest, Sources};
//! use std::io::{self, PipeReader, Read};
//! use std::time::Duration;
//!
//! /// Waits until there is something to read from a non-blocking pipe; `None` if it takes too long.
//! fn first_byte<H: Hub>(hub: H, pipe: PipeReader, patience: Duration) -> io::Result<Option<u8>> {
//!     let mut byte = [0];
//!     let mut sources = Sources::new(hub);
//!     let token = sources.register(pipe)?;
//!     sources.arm(token, Interest::READABLE)?;
//!     let mut events = Events::with_capacity(1);
//!     sources.wait(&mut events, Some(patience))?;
//!     for (_token, mut pipe, readiness) in sources.ready(&events) {
//!         if readiness.is_readable() {
//!             pipe.read_exact(&mut byte)?;
//!             return Ok(Some(byte[0]));
//!         }
//!     }
//!     Ok(None)
//! }
//! ```
//!
//! # Index
//!
//! * [`Hub`]: the trait. [`Sources`]: a hub with the descriptors it watches, no `unsafe` needed.
//! * [`Token`], [`Interest`], [`Readiness`], [`Event`], [`Events`]: what goes in and what comes out.
//! * [`Waker`], [`WakeSource`] (Unix): ending a wait from elsewhere. [`Bell`], [`BellTower`]: the same for a
//!   backend whose facility has a wake-up of its own.
//! * [`Source`]: what may be registered. [`fd`]: descriptors, by one set of names on every system.
//! * [`error`]: which situation is which error.
//! * For backends, so that what they share exists once: [`registry`] (who is registered),
//!   [`timeout`] (as each system call wants it), [`retry`] (signals and clamped timeouts),
//!   [`fork`] (noticing that this is a child).
//!
//! # Non-goals
//!
//! Completion-based facilities (io_uring, IOCP) do not fit a contract of readiness.

pub mod error;
mod events;
pub mod fd;
pub mod fork;
mod hub;
mod interest;
mod readiness;
pub mod registry;
pub mod retry;
mod source;
mod sources;
mod sys;
pub mod timeout;
mod token;
mod waker;

pub use events::{Event, Events};
pub use hub::{Capabilities, Hub, Trigger};
pub use interest::Interest;
pub use readiness::Readiness;
pub use source::Source;
pub use sources::{Refused, Sources};
pub use token::Token;
#[cfg(unix)]
pub use waker::WakeSource;
pub use waker::{Bell, BellTower, Waker};
// For the models of the wake-up from end to end, which are green's.
#[cfg(loom)]
pub use waker::pending;

/// The README's code is compiled with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
