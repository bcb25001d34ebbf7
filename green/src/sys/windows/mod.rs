//! Windows. What each is for, is said in [`sys`](super).

pub(crate) mod bell;
pub(crate) mod descriptor;
pub(crate) mod memory;
pub(crate) mod overflow;
pub(crate) mod socket;
