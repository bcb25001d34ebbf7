//! Ending a wait from another thread, or from a signal handler.
//!
//! Wake-ups coalesce: between two waits, a thousand cost one system call.
//!
//! * `bell`: the waker itself, over any mechanism.
//! * `pending`: the flag by which wake-ups coalesce.
//! * `source`: descriptors that a hub watches beside the others; Unix. Elsewhere a hub brings a
//!   mechanism of its own.

mod bell;
pub mod pending;
#[cfg(unix)]
mod source;

pub use bell::{Bell, BellTower, Waker};
#[cfg(unix)]
pub use source::WakeSource;
