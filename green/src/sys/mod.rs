//! Everything of this crate that needs `unsafe`: the rest denies it.
//!
//! * [`fiber`]: the engine seam, the only file that touches the context-switch crate.
//! * [`memory`]: address space, guard pages, giving pages back.
//! * [`overflow`]: telling a stack overflow from any other fault.
//! * [`slot`]: the thread's pointer to its scheduler.
//! * [`descriptor`]: replacing the file behind a descriptor that stays owned.
//! * [`scope`]: coroutines that borrow from the caller's stack.

#![allow(unsafe_code)] // the one folder where it is allowed; see the crate root

pub(crate) mod descriptor;
pub(crate) mod fiber;
pub(crate) mod memory;
pub(crate) mod overflow;
pub(crate) mod scope;
pub(crate) mod slot;
