//! What differs between the kinds of systems, once for each: descriptors and their names, the few
//! system calls that what hubs share needs, and `errno`. No policy.
//!
//! * `unix`: descriptors of files.
//! * `windows`: sockets; what has no counterpart there does nothing, or is not there.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;
