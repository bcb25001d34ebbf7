//! The pulse of a run loop, which other threads can feel: counters that move whenever somebody else
//! gets the thread, and whether it waits for the hub.
//!
//! The loop's own thread alone writes them: a load and a store without order, which is what a plain
//! counter costs. Who feels it is the watchdog (feature `watchdog`).

#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Times a coroutine was resumed.
    switches: AtomicU64,
    /// Times the root stack went on, or the loop came back from a wait.
    others: AtomicU64,
    /// The loop waits for the hub. Kept only while somebody watches.
    #[cfg(all(
        feature = "watchdog",
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    waits: AtomicBool,
    /// The loop is gone.
    #[cfg(all(
        feature = "watchdog",
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    ended: AtomicBool,
}

fn count(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

impl Pulse {
    #[inline]
    pub(crate) fn note_switch(&self) {
        count(&self.switches);
    }

    #[inline]
    pub(crate) fn note_root(&self) {
        count(&self.others);
    }

    pub(crate) fn switches(&self) -> u64 {
        self.switches.load(Ordering::Relaxed)
    }
}

/// For who watches.
#[cfg(all(
    feature = "watchdog",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
impl Pulse {
    /// Notes that the loop is gone.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Notes that the loop begins to wait for the hub.
    pub(crate) fn begin_wait(&self) {
        self.waits.store(true, Ordering::Relaxed);
    }

    /// Notes that the loop has come back from the hub.
    pub(crate) fn end_wait(&self) {
        count(&self.others);
        self.waits.store(false, Ordering::Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }

    /// Grows whenever somebody gets the thread.
    pub(crate) fn beats(&self) -> u64 {
        self.switches() + self.others.load(Ordering::Relaxed)
    }
}
