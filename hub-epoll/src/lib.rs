//! epoll(7), edge-triggered, as a hub of eventlet.
//!
//! It says which descriptors are ready and nothing more; tokens, ownership and the loop around it
//! are the caller's ([`Sources`](eventlet_hub::Sources) for the first two).
//!
//! | system | works |
//! |---|---|
//! | Linux, Android | yes; nanosecond timeouts from Linux 5.11 on, milliseconds before |
//! | others | the crate is empty |
//!
//! A descriptor costs one `epoll_ctl` in its life: it is added for everything, edge-triggered, and
//! arming is free. A descriptor that is closed right after
//! [`deregister_closing`](eventlet_hub::Hub::deregister_closing) costs none more, because the kernel
//! forgets a closed descriptor by itself.
//!
//! **What edge-triggered means for the caller:** only a *change* to ready is reported. Try the
//! operation first, and wait only after it gave `WouldBlock` (or fell short, which says the same).
//!
//! # Examples
//!
//! ```
//! use eventlet_hub::{Events, Interest, Sources};
//! use eventlet_hub_epoll::EpollHub;
//! use std::io::{Read, Write};
//! use std::os::unix::net::UnixStream;
//!
//! let (mut near, far) = UnixStream::pair()?;
//! far.set_nonblocking(true)?;
//! let mut sources = Sources::new(EpollHub::new()?);
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
//! Regular files and directories (the kernel refuses them, they are always ready), level-triggered
//! and one-shot modes, `EPOLLEXCLUSIVE`.

#![cfg(any(target_os = "linux", target_os = "android"))]

mod alarm;
mod flags;
mod hub;
mod sys;

pub use hub::EpollHub;

/// The README's code is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
