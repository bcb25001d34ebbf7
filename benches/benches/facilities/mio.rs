//! `mio`. Its timeouts are whole milliseconds, rounded up.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

use super::Facility;

/// Events of one wait.
const BATCH: usize = 64;

/// A `Poll` and its event buffer.
pub struct Mio {
    poll: Poll,
    events: Events,
}

impl Facility for Mio {
    type Waker = Waker;

    fn open() -> io::Result<Self> {
        Ok(Mio {
            poll: Poll::new()?,
            events: Events::with_capacity(BATCH),
        })
    }

    fn keep(&mut self, file: &Rc<File>) -> io::Result<()> {
        let mut source = SourceFd(&file.as_raw_fd());
        self.poll
            .registry()
            .register(&mut source, Token(0), Interest::READABLE)
    }

    fn churn(&mut self, file: &Rc<File>) -> io::Result<()> {
        self.keep(file)?;
        self.poll
            .registry()
            .deregister(&mut SourceFd(&file.as_raw_fd()))
    }

    fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), Token(usize::MAX))
    }

    fn wake(waker: &Waker) -> io::Result<()> {
        waker.wake()
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.poll.poll(&mut self.events, timeout)
    }
}
