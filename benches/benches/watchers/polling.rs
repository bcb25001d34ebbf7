//! `polling`: one-shot by default, which costs a call per event, and edge-triggered if asked.
//!
//! Its way of registering is `unsafe`, so this is the one file of the benches that is not free of it.
#![allow(unsafe_code)] // `Poller::add_with_mode` is the only way into a `Poller`.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;

use eventlet_benches::ring::{Ring, Watcher};
use polling::{Event, Events, PollMode, Poller};

use super::BATCH;

/// A `Poller`, its event buffer, and the pipes it watches.
pub struct Polling {
    poller: Poller,
    events: Events,
    mode: PollMode,
    /// Keeps the descriptors open, which registering promises.
    pipes: Vec<Rc<File>>,
}

impl Polling {
    pub fn new(ring: &Ring, mode: PollMode) -> io::Result<Polling> {
        let pipes = ring.pipes().to_vec();
        let poller = Poller::new()?;
        for (at, pipe) in pipes.iter().enumerate() {
            // SAFETY: the pipe stays open until it is deleted from the poller: both happen in `drop`.
            unsafe { poller.add_with_mode(pipe.as_raw_fd(), Event::readable(at), mode)? };
        }
        let batch = NonZero::new(BATCH).expect("a batch holds events");
        Ok(Polling {
            poller,
            events: Events::with_capacity(batch),
            mode,
            pipes,
        })
    }
}

impl Watcher for Polling {
    fn turn(&mut self, mut ready: impl FnMut(usize)) -> io::Result<()> {
        self.events.clear();
        self.poller.wait(&mut self.events, None)?;
        for event in self.events.iter() {
            ready(event.key);
            if self.mode == PollMode::Oneshot {
                let pipe = self.pipes[event.key].as_fd();
                self.poller.modify(pipe, Event::readable(event.key))?;
            }
        }
        Ok(())
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        for pipe in &self.pipes {
            // Nothing can be done about a failure, and the poller itself is about to go.
            let _ = self.poller.delete(pipe);
        }
    }
}
