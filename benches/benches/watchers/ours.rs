//! Any of our hubs, used the safe way: through the table of sources that hands out tokens, keeps
//! descriptors open and drops stale events.

use std::fs::File;
use std::io;
use std::rc::Rc;

use eventlet_benches::ring::{Ring, Watcher};
use eventlet_hub::{Events, Hub, Interest, Sources};

use super::BATCH;

/// A hub with its sources and its event buffer.
pub struct Ours<H> {
    sources: Sources<H, Rc<File>>,
    events: Events,
}

impl<H: Hub> Ours<H> {
    pub fn new(ring: &Ring, hub: io::Result<H>) -> io::Result<Ours<H>> {
        let mut sources = Sources::new(hub?);
        for (at, pipe) in ring.pipes().iter().enumerate() {
            let token = sources.register(Rc::clone(pipe))?;
            assert_eq!(token.slot() as usize, at, "slots are handed out in order");
            sources.arm(token, Interest::READABLE)?;
        }
        let events = Events::with_capacity(BATCH);
        Ok(Ours { sources, events })
    }
}

impl<H: Hub> Watcher for Ours<H> {
    fn turn(&mut self, mut ready: impl FnMut(usize)) -> io::Result<()> {
        self.sources.wait(&mut self.events, None)?;
        for event in &self.events {
            if self.sources.get(event.token).is_none() {
                continue;
            }
            ready(event.token.slot() as usize);
            self.sources.arm(event.token, Interest::READABLE)?;
        }
        Ok(())
    }
}
