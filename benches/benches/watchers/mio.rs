//! `mio`: edge-triggered by nature.

use std::io;
use std::os::fd::AsRawFd;

use eventlet_benches::ring::{Ring, Watcher};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::BATCH;

/// A `Poll` and its event buffer.
pub struct Mio {
    poll: Poll,
    events: Events,
}

impl Mio {
    pub fn new(ring: &Ring) -> io::Result<Mio> {
        let poll = Poll::new()?;
        for (at, pipe) in ring.descriptors().enumerate() {
            let mut source = SourceFd(&pipe.as_raw_fd());
            poll.registry()
                .register(&mut source, Token(at), Interest::READABLE)?;
        }
        let events = Events::with_capacity(BATCH);
        Ok(Mio { poll, events })
    }
}

impl Watcher for Mio {
    fn turn(&mut self, mut ready: impl FnMut(usize)) -> io::Result<()> {
        self.poll.poll(&mut self.events, None)?;
        for event in &self.events {
            ready(event.token().0);
        }
        Ok(())
    }
}
