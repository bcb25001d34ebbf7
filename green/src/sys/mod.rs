//! Everything of this crate that needs `unsafe`: the rest denies it.
//!
//! * [`fiber`]: the engine, the only file that touches the context-switch crate; which of two is
//!   decided here.
//! * [`stage`]: which fiber runs.
//! * [`memory`]: address space, guard pages, giving pages back.
//! * `action`: a signal's handler, put before the one there is.
//! * `interrupt`, `modules`: where a thread is that does not come back; how its stack is unwound.
//! * [`overflow`]: telling a stack overflow from any other fault.
//! * [`slot`]: the thread's pointer to its scheduler.
//! * [`descriptor`]: replacing the file behind a descriptor that stays owned.
//! * [`scope`]: coroutines that borrow from the caller's stack.

#![allow(unsafe_code)] // the one folder where it is allowed; see the crate root

pub(crate) mod action;
pub(crate) mod descriptor;
#[cfg(not(feature = "engine-may"))]
pub(crate) mod fiber;
#[cfg(feature = "engine-may")]
pub(crate) mod fiber_may;
#[cfg(feature = "engine-may")]
pub(crate) use fiber_may as fiber;
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) mod interrupt;
#[cfg_attr(
    feature = "engine-may",
    expect(dead_code, reason = "that engine's stacks are its own")
)]
pub(crate) mod memory;
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) mod modules;
pub(crate) mod overflow;
pub(crate) mod scope;
pub(crate) mod slot;
pub(crate) mod stage;
