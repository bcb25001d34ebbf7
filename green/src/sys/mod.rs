//! Everything of this crate that needs `unsafe`: the rest denies it. And what differs between the
//! kinds of systems.
//!
//! * [`fiber`]: the engine, the only file that touches the context-switch crate; which of two is
//!   decided here.
//! * [`stage`]: which fiber runs.
//! * `failing_hub`: the test kit's hub, which fails as ordered.
//! * `interrupt`, `modules`: where a thread is that does not come back; how its stack is unwound.
//! * [`slot`]: the thread's pointer to its scheduler.
//! * [`scope`]: coroutines that borrow from the caller's stack.
//!
//! Once for each kind of system, in `unix` and in `windows`:
//!
//! * [`bell`]: hearing of a signal.
//! * [`descriptor`]: ending what is behind a descriptor that stays owned; lending it.
//! * [`memory`]: address space, guard pages, giving pages back.
//! * [`overflow`]: telling a stack overflow from any other fault.
//! * [`socket`]: errors and options of sockets.

#![allow(unsafe_code)] // the one folder where it is allowed; see the crate root

#[cfg(not(feature = "engine-may"))]
pub(crate) mod fiber;
#[cfg(feature = "engine-may")]
pub(crate) mod fiber_may;
#[cfg(feature = "engine-may")]
pub(crate) use fiber_may as fiber;
#[cfg(feature = "testing")]
pub(crate) mod failing_hub;
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) mod interrupt;
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) mod modules;
pub(crate) mod scope;
pub(crate) mod slot;
pub(crate) mod stage;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{bell, descriptor, memory, overflow, socket};
#[cfg(windows)]
pub(crate) use windows::{bell, descriptor, memory, overflow, socket};
