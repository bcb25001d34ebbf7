//! Which situation is which [`ErrorKind`], and the text that goes with it.
//!
//! | situation | kind |
//! |---|---|
//! | the token (or slot) is not registered | `NotFound` |
//! | the descriptor, or the slot, is registered already | `AlreadyExists` |
//! | the number is beyond the facility's limit | `InvalidInput` |
//! | the facility cannot watch this kind of file | `InvalidInput` |
//! | the hub is a copy from before a `fork` | `Unsupported` |
//! | every slot number is in use | `OutOfMemory` |
//!
//! These constructors are for backends, so that the same situation reads the same under each.

use std::io::{Error, ErrorKind};

use crate::Token;
use crate::fd::RawFd;

/// `NotFound`: nothing is registered under `token`.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Token, error};
/// use std::io::ErrorKind;
///
/// let error = error::unknown_token(Token::new(3, 1));
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.to_string(), "Token(3.1) is not registered with this hub");
/// ```
pub fn unknown_token(token: Token) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("{token:?} is not registered with this hub"),
    )
}

/// `AlreadyExists`: the descriptor has a registration.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{error, fd::RawFd};
/// use std::collections::BTreeSet;
/// use std::io::{self, ErrorKind};
///
/// fn insert(known: &mut BTreeSet<RawFd>, fd: RawFd) -> io::Result<()> {
///     match known.insert(fd) {
///         true => Ok(()),
///         false => Err(error::descriptor_twice(fd)),
///     }
/// }
///
/// let mut known = BTreeSet::new();
/// insert(&mut known, 3)?;
/// let error = insert(&mut known, 3).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::AlreadyExists);
/// # Ok::<(), io::Error>(())
/// ```
pub fn descriptor_twice(fd: RawFd) -> Error {
    let text = format!(
        "descriptor {fd} is registered with this hub already; duplicate it to watch it twice"
    );
    Error::new(ErrorKind::AlreadyExists, text)
}

/// `AlreadyExists`: the token's slot has a tenant.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Token, error};
/// use std::io::ErrorKind;
///
/// let error = error::slot_taken(Token::new(7, 2));
/// assert_eq!(error.kind(), ErrorKind::AlreadyExists);
/// assert_eq!(error.to_string(), "slot 7 is registered with this hub already");
/// ```
pub fn slot_taken(token: Token) -> Error {
    let text = format!("slot {} is registered with this hub already", token.slot());
    Error::new(ErrorKind::AlreadyExists, text)
}

/// `InvalidInput`: the number is negative (on Windows: `INVALID_SOCKET`), so no descriptor at all.
///
/// # Examples
///
/// ```
/// use eventlet_hub::error;
/// use std::io::ErrorKind;
///
/// let error = error::no_descriptor(0);
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert_eq!(error.to_string(), "0 is not a descriptor");
/// ```
pub fn no_descriptor(fd: RawFd) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{fd} is not a descriptor"))
}

/// `InvalidInput`: the number is beyond what the facility can hold.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{error, fd::RawFd};
/// use std::io::{self, ErrorKind};
///
/// const MAX: RawFd = 1023;
///
/// fn check(fd: RawFd) -> io::Result<()> {
///     if fd > MAX {
///         return Err(error::descriptor_too_high("select", fd, MAX));
///     }
///     Ok(())
/// }
///
/// check(1023)?;
/// assert_eq!(check(1024).unwrap_err().kind(), ErrorKind::InvalidInput);
/// # Ok::<(), io::Error>(())
/// ```
pub fn descriptor_too_high(hub: &str, fd: RawFd, max: RawFd) -> Error {
    let text =
        format!("descriptor {fd} is beyond what {hub} can watch (at most {max}); use another hub");
    Error::new(ErrorKind::InvalidInput, text)
}

/// `InvalidInput`: the facility refuses this kind of file.
///
/// # Examples
///
/// ```
/// use eventlet_hub::error;
/// use std::io::ErrorKind;
///
/// let error = error::unsupported_file("epoll", 3);
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert!(error.to_string().starts_with("descriptor 3 is of a kind epoll cannot watch"));
/// ```
pub fn unsupported_file(hub: &str, fd: RawFd) -> Error {
    let text = format!(
        "descriptor {fd} is of a kind {hub} cannot watch (a regular file or a directory, which \
         never blocks a reader; read it directly, or on another thread)"
    );
    Error::new(ErrorKind::InvalidInput, text)
}

/// `Unsupported`: the process was forked after the hub was made.
///
/// # Examples
///
/// ```
/// use eventlet_hub::error;
/// use std::io::ErrorKind;
///
/// let error = error::other_process("poll");
/// assert_eq!(error.kind(), ErrorKind::Unsupported);
/// assert!(error.to_string().ends_with("after a fork, make a new hub"));
/// ```
pub fn other_process(hub: &str) -> Error {
    let text =
        format!("this {hub} hub belongs to the process that made it; after a fork, make a new hub");
    Error::new(ErrorKind::Unsupported, text)
}

/// `OutOfMemory`: no slot number is left.
///
/// # Examples
///
/// ```
/// use eventlet_hub::error;
/// use std::io::ErrorKind;
///
/// assert_eq!(error::too_many_sources().kind(), ErrorKind::OutOfMemory);
/// ```
pub fn too_many_sources() -> Error {
    let text = format!("more than {} descriptors in one hub", Token::MAX_SLOT);
    Error::new(ErrorKind::OutOfMemory, text)
}
