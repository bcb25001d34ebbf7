//! The system's own queue. A `kqueue::Watcher` owns the descriptor; `kevent` is called on its number,
//! because the package's own loop fetches one event a call and cannot take `udata` (see the README).

use std::fmt;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use kqueue::Watcher;

use crate::{Kevent, KqueueHub, Queue, sys};

/// kqueue(2).
pub struct NativeQueue {
    watcher: Watcher,
}

impl NativeQueue {
    /// Makes a queue, close-on-exec.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`), no memory.
    pub fn new() -> io::Result<Self> {
        let watcher = Watcher::new()?;
        sys::close_on_exec(watcher.as_raw_fd())?;
        Ok(NativeQueue { watcher })
    }
}

impl Queue for NativeQueue {
    fn kevent(
        &self,
        changes: &[Kevent],
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        sys::kevent(self.watcher.as_raw_fd(), changes, events, timeout)
    }
}

impl fmt::Debug for NativeQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativeQueue")
            .field(&self.watcher.as_raw_fd())
            .finish()
    }
}

impl KqueueHub<NativeQueue> {
    /// Makes a queue.
    ///
    /// # Errors
    ///
    /// What the kernel gives: no descriptor left (`EMFILE`, `ENFILE`), no memory.
    pub fn new() -> io::Result<Self> {
        Self::over(NativeQueue::new()?)
    }
}
