//! Unix.
//!
//! `action` (a signal's handler, put before the one there is) has no counterpart elsewhere; the others
//! are listed in [`sys`](super).

pub(crate) mod action;
pub(crate) mod bell;
pub(crate) mod descriptor;
#[cfg_attr(
    feature = "engine-may",
    expect(dead_code, reason = "that engine's stacks are its own")
)]
pub(crate) mod memory;
pub(crate) mod overflow;
pub(crate) mod socket;
