//! kqueue(2), edge-triggered (`EV_CLEAR`), as a hub of eventlet.
//!
//! It says which descriptors are ready and nothing more; tokens, ownership and the loop around it
//! are the caller's ([`Sources`](eventlet_hub::Sources) for the first two).
//!
//! | system | works |
//! |---|---|
//! | macOS, iOS, FreeBSD, NetBSD, OpenBSD, DragonFly | `KqueueHub::new`; see `PLATFORMS.md` for what has been run |
//! | Linux, with the feature `emulated` | `KqueueHub::emulated`, for tests |
//! | others | the crate is empty |
//!
//! A descriptor costs one `kevent` in its life, with two changes: it is added for reading and for
//! writing, and arming is free. One that is closed right after
//! [`deregister_closing`](eventlet_hub::Hub::deregister_closing) costs none more, because the kernel
//! forgets a closed number by itself.
//!
//! **What edge-triggered means for the caller:** only a *change* to ready is reported. Try the
//! operation first, and wait only after it gave `WouldBlock`.
//!
//! # How it is tested
//!
//! Everything but the system call is generic over `Queue`, a trait of one method: `kevent`. Its
//! implementation for the systems above is a few lines (`native`, `sys`). On Linux the suite runs over
//! `EmulatedQueue`, which behaves as the manuals of kqueue(2) say, and over a scripted one that plays
//! back what a kernel does once in a blue moon. That shows that this code keeps to the manuals; it does
//! not show that a kernel does.
//!
//! # Examples
//!
//! ```
//! # #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly"))]
//! # fn main() -> std::io::Result<()> {
//! use eventlet_hub::{Events, Interest, Sources};
//! use eventlet_hub_kqueue::KqueueHub;
//! use std::io::{Read, Write};
//! use std::os::unix::net::UnixStream;
//!
//! let (mut near, far) = UnixStream::pair()?;
//! far.set_nonblocking(true)?;
//! let mut sources = Sources::new(KqueueHub::new()?);
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
//! # Ok(())
//! # }
//! # #[cfg(not(any(target_vendor = "apple", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly")))]
//! # fn main() {}
//! ```
//!
//! # Non-goals
//!
//! The other filters (files' changes, processes, signals, timers), level-triggered and one-shot modes,
//! urgent data.

#![cfg(any(
    all(target_os = "linux", feature = "emulated"),
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
))]

#[cfg(target_os = "linux")]
mod emulated;
mod flags;
mod hub;
mod kevent;
#[cfg(not(target_os = "linux"))]
mod native;
mod queue;
mod sys;
mod wake;

#[cfg(target_os = "linux")]
pub use emulated::EmulatedQueue;
pub use hub::KqueueHub;
pub use kevent::{Kevent, constants};
#[cfg(not(target_os = "linux"))]
pub use native::NativeQueue;
pub use queue::Queue;

/// The README's code is compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
