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
pub fn unknown_token(token: Token) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("{token:?} is not registered with this hub"),
    )
}

/// `AlreadyExists`: the descriptor has a registration.
pub fn descriptor_twice(fd: RawFd) -> Error {
    let text = format!(
        "descriptor {fd} is registered with this hub already; duplicate it to watch it twice"
    );
    Error::new(ErrorKind::AlreadyExists, text)
}

/// `AlreadyExists`: the token's slot has a tenant.
pub fn slot_taken(token: Token) -> Error {
    let text = format!("slot {} is registered with this hub already", token.slot());
    Error::new(ErrorKind::AlreadyExists, text)
}

/// `InvalidInput`: the number is negative (on Windows: `INVALID_SOCKET`), so no descriptor at all.
pub fn no_descriptor(fd: RawFd) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{fd} is not a descriptor"))
}

/// `InvalidInput`: the number is beyond what the facility can hold.
pub fn descriptor_too_high(hub: &str, fd: RawFd, max: RawFd) -> Error {
    let text =
        format!("descriptor {fd} is beyond what {hub} can watch (at most {max}); use another hub");
    Error::new(ErrorKind::InvalidInput, text)
}

/// `InvalidInput`: the facility refuses this kind of file.
pub fn unsupported_file(hub: &str, fd: RawFd) -> Error {
    let text = format!(
        "descriptor {fd} is of a kind {hub} cannot watch (a regular file or a directory, which \
         never blocks a reader; read it directly, or on another thread)"
    );
    Error::new(ErrorKind::InvalidInput, text)
}

/// `Unsupported`: the process was forked after the hub was made.
pub fn other_process(hub: &str) -> Error {
    let text =
        format!("this {hub} hub belongs to the process that made it; after a fork, make a new hub");
    Error::new(ErrorKind::Unsupported, text)
}

/// `OutOfMemory`: no slot number is left.
pub fn too_many_sources() -> Error {
    let text = format!("more than {} descriptors in one hub", Token::MAX_SLOT);
    Error::new(ErrorKind::OutOfMemory, text)
}
