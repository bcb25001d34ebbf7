//! Unix: a wake-up descriptor of eventlet's own, watched beside the others.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use eventlet_hub::{WakeSource, Waker};
use polling::{Event, PollMode, Poller};

use crate::wake::KEY;

/// The descriptor, registered under [`KEY`].
#[derive(Debug)]
pub(crate) struct Watched {
    source: WakeSource,
    mode: PollMode,
}

impl Watched {
    /// Opens it; always `Some` here.
    pub(crate) fn open(poller: &Poller, mode: PollMode) -> io::Result<Option<Self>> {
        let source = WakeSource::new()?;
        super::add(
            poller,
            source.as_fd().as_raw_fd(),
            Event::readable(KEY),
            mode,
        )?;
        Ok(Some(Watched { source, mode }))
    }

    pub(crate) fn waker(&self) -> Waker {
        self.source.waker()
    }

    /// After it was reported: whether a waker had rung.
    pub(crate) fn acknowledge(&self, poller: &Poller) -> io::Result<bool> {
        if self.mode == PollMode::Edge {
            return Ok(self.source.acknowledge_edge());
        }
        let woken = self.source.acknowledge();
        poller.modify_with_mode(self.source.as_fd(), Event::readable(KEY), self.mode)?;
        Ok(woken)
    }
}
