//! Descriptors, by one set of names on every system.
//!
//! | name | Unix | Windows |
//! |---|---|---|
//! | [`RawFd`] | `std::os::fd::RawFd` | `std::os::windows::io::RawSocket` |
//! | [`BorrowedFd`] | `std::os::fd::BorrowedFd` | `std::os::windows::io::BorrowedSocket` |
//! | [`OwnedFd`] | `std::os::fd::OwnedFd` | `std::os::windows::io::OwnedSocket` |
//! | [`AsFd`] | `std::os::fd::AsFd` | a trait of this crate, which says `as_socket` |
//! | [`AsRawFd`] | `std::os::fd::AsRawFd` | a trait of this crate, which says `as_raw_socket` |
//!
//! On Unix they are the standard library's own, so nothing has to be imported from here. Code for both
//! kinds of systems names descriptors by this module alone; only sockets can be waited for on Windows.
//!
//! # Examples
//!
//! ```
//! use eventlet_hub::fd::{AsFd, AsRawFd, RawFd};
//! use std::net::UdpSocket;
//!
//! fn number(socket: &impl AsFd) -> RawFd {
//!     socket.as_fd().as_raw_fd()
//! }
//!
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! assert_eq!(number(&socket), number(&&socket));
//! # Ok::<(), std::io::Error>(())
//! ```

pub use crate::sys::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
