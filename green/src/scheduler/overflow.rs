//! Whose guard a faulting address lies in. Called in a signal handler: nothing here allocates.
//!
//! The handler itself is in [`sys::overflow`](crate::sys::overflow).

use std::fmt;

use super::Scheduler;
use crate::coroutine::{Coroutine, StackBounds};
use crate::sys::fiber::GUARD_PAGES;
use crate::sys::memory::page_size;

impl Scheduler {
    /// If `address` lies in the guard of the coroutine that runs, writes a report and gives `true`.
    pub(crate) fn describe_overflow(
        &self,
        address: usize,
        report: &mut dyn fmt::Write,
    ) -> Result<bool, fmt::Error> {
        self.stage
            .with_current(|coroutine| describe_overflow(coroutine, address, report))
            .unwrap_or(Ok(false))
    }
}

fn describe_overflow(
    coroutine: &Coroutine,
    address: usize,
    report: &mut dyn fmt::Write,
) -> Result<bool, fmt::Error> {
    let StackBounds { bottom, size } = coroutine.stack;
    let guard = bottom..bottom + GUARD_PAGES * page_size();
    if bottom == 0 || !guard.contains(&address) {
        return Ok(false);
    }
    writeln!(
        report,
        "\neventlet: {} has overflowed its stack of {} KiB; give it a larger one with \
         Builder::stack_size",
        coroutine.label(),
        size / 1024,
    )?;
    Ok(true)
}
