//! Any of our hubs, used the safe way, through its table of sources.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Events, Hub, Interest, Sources, Waker};
use eventlet_hub_epoll::EpollHub;
use eventlet_hub_poll::PollHub;
use eventlet_hub_polling::PollingHub;
use eventlet_hub_select::SelectHub;

use super::Facility;

/// How a hub is made, which the trait does not say.
pub trait Open: Hub + Sized {
    fn open() -> io::Result<Self>;
}

impl Open for EpollHub {
    fn open() -> io::Result<Self> {
        Self::new()
    }
}

impl Open for PollHub {
    fn open() -> io::Result<Self> {
        Self::new()
    }
}

impl Open for PollingHub {
    fn open() -> io::Result<Self> {
        Self::new()
    }
}

impl Open for SelectHub {
    fn open() -> io::Result<Self> {
        Self::new()
    }
}

/// A hub with its sources and its event buffer.
pub struct Ours<H> {
    sources: Sources<H, Rc<File>>,
    events: Events,
    hub: PhantomData<H>,
}

impl<H: Open> Facility for Ours<H> {
    type Waker = Waker;

    fn open() -> io::Result<Self> {
        Ok(Ours {
            sources: Sources::new(H::open()?),
            events: Events::new(),
            hub: PhantomData,
        })
    }

    fn keep(&mut self, file: &Rc<File>) -> io::Result<()> {
        let token = self.sources.register(Rc::clone(file))?;
        self.sources.arm(token, Interest::READABLE)
    }

    fn churn(&mut self, file: &Rc<File>) -> io::Result<()> {
        let token = self.sources.register(Rc::clone(file))?;
        self.sources.arm(token, Interest::READABLE)?;
        self.sources.deregister(token).map(drop)
    }

    fn waker(&self) -> io::Result<Waker> {
        Ok(self.sources.waker())
    }

    fn wake(waker: &Waker) -> io::Result<()> {
        waker.wake();
        Ok(())
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.sources.wait(&mut self.events, timeout)
    }
}
