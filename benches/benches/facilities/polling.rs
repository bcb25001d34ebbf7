//! `polling`, edge-triggered. Its way of registering is `unsafe`, as in `watchers::polling`.
#![allow(unsafe_code)] // `Poller::add_with_mode` is the only way into a `Poller`.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use polling::{Event, Events, PollMode, Poller};

use super::Facility;

/// A `Poller`, its event buffer, and the files it watches.
pub struct Polling {
    poller: Arc<Poller>,
    events: Events,
    /// Keeps the descriptors open, which registering promises.
    kept: Vec<Rc<File>>,
}

impl Polling {
    fn add(&self, file: &Rc<File>) -> io::Result<()> {
        // SAFETY: the file stays open until it is deleted from the poller: at once in `churn`, whose
        // caller has it, else in `drop`, until when `kept` has it.
        unsafe {
            self.poller
                .add_with_mode(file.as_raw_fd(), Event::readable(0), PollMode::Edge)
        }
    }
}

impl Facility for Polling {
    type Waker = Arc<Poller>;

    fn open() -> io::Result<Self> {
        Ok(Polling {
            poller: Arc::new(Poller::new()?),
            events: Events::new(),
            kept: Vec::new(),
        })
    }

    fn keep(&mut self, file: &Rc<File>) -> io::Result<()> {
        self.add(file)?;
        self.kept.push(Rc::clone(file));
        Ok(())
    }

    fn churn(&mut self, file: &Rc<File>) -> io::Result<()> {
        self.add(file)?;
        self.poller.delete(file.as_fd())
    }

    fn waker(&self) -> io::Result<Arc<Poller>> {
        Ok(Arc::clone(&self.poller))
    }

    fn wake(waker: &Arc<Poller>) -> io::Result<()> {
        waker.notify()
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.events.clear();
        self.poller.wait(&mut self.events, timeout).map(drop)
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        for file in &self.kept {
            // Nothing can be done about a failure, and the poller itself is about to go.
            let _ = self.poller.delete(file.as_fd());
        }
    }
}
