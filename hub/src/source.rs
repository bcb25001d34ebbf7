//! Which types may be handed to a hub for as long as a registration lasts.
//!
//! A hub keeps the *number* of a descriptor. I/O safety (RFC 3128) therefore asks that the
//! descriptor behind it stays open, and stays the same, until the registration ends. [`Source`]
//! states that in the type; it is implemented for the standard library's owners of descriptors, on
//! Windows of sockets.

use std::rc::Rc;
use std::sync::Arc;

use crate::fd::AsFd;

/// An owner of one descriptor that stays open, and is the same, for as long as the owner lives.
///
/// Sources of several types go into one table as `Rc<dyn Source>` or `Box<dyn Source>`.
///
/// # Safety
///
/// From its creation to its drop, every call of [`AsFd::as_fd`] on the value must give the same,
/// open descriptor; moving the value must not change that. A shared reference to the value must
/// not suffice to close the descriptor or to put another open file without its own number's
/// consent behind it (replacing the file behind the number with `dup2` is allowed, because the
/// number stays owned).
///
/// # Examples
///
/// ```
/// use eventlet_hub::Source;
/// use eventlet_hub::fd::{AsFd, BorrowedFd};
/// use std::net::UdpSocket;
/// use std::rc::Rc;
///
/// struct Named {
///     name: &'static str,
///     socket: UdpSocket,
/// }
///
/// impl AsFd for Named {
///     fn as_fd(&self) -> BorrowedFd<'_> {
///         self.socket.as_fd()
///     }
/// }
///
/// // SAFETY: the socket is private and never exchanged, and closed when the owner is dropped.
/// unsafe impl Source for Named {}
///
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// let named = Named { name: "clock", socket };
/// assert_eq!(named.name, "clock");
/// let source: Rc<dyn Source> = Rc::new(named);
/// assert_eq!(Rc::strong_count(&source), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub unsafe trait Source: AsFd {}

/// Has types of the standard library be sources. Which ones, is said in `sys` for each system.
macro_rules! sources {
    ($($owner:ty),+ $(,)?) => {$(
        // SAFETY: the standard library's types own one descriptor from creation to drop and offer no
        // way to exchange or close it through a shared reference.
        unsafe impl $crate::Source for $owner {}
    )+};
}
pub(crate) use sources;

// SAFETY: the box owns the source and gives its descriptor.
unsafe impl<S: Source + ?Sized> Source for Box<S> {}
// SAFETY: a shared owner keeps the source alive, and only shared references to it exist.
unsafe impl<S: Source + ?Sized> Source for Rc<S> {}
// SAFETY: as for `Rc`.
unsafe impl<S: Source + ?Sized> Source for Arc<S> {}
