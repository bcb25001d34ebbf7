//! Windows: no descriptor to be woken by. The package's `notify` does for all of it.

use std::io;

use eventlet_hub::Waker;
use polling::{PollMode, Poller};

/// There is none.
#[derive(Debug)]
pub(crate) enum Watched {}

impl Watched {
    /// `None`.
    pub(crate) fn open(_: &Poller, _: PollMode) -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub(crate) fn waker(&self) -> Waker {
        match *self {}
    }

    pub(crate) fn acknowledge(&self, _: &Poller) -> io::Result<bool> {
        match *self {}
    }
}
