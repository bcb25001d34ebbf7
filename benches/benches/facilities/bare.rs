//! epoll(7) and an eventfd(2), and nothing else: the lower bound. Its timeouts are whole milliseconds,
//! rounded up.

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::Facility;

/// Events of one wait.
const BATCH: usize = 64;

/// An epoll instance and the eventfd that wakes it.
pub struct Bare {
    epoll: Epoll,
    waker: Arc<EventFd>,
    events: [EpollEvent; BATCH],
}

const WAKER: u64 = u64::MAX;

impl Facility for Bare {
    type Waker = Arc<EventFd>;

    fn open() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let waker = Arc::new(EventFd::from_flags(flags)?);
        let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(&*waker, EpollEvent::new(edge, WAKER))?;
        Ok(Bare {
            epoll,
            waker,
            events: [EpollEvent::empty(); BATCH],
        })
    }

    fn keep(&mut self, file: &Rc<File>) -> io::Result<()> {
        let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        Ok(self.epoll.add(&**file, EpollEvent::new(edge, 0))?)
    }

    fn churn(&mut self, file: &Rc<File>) -> io::Result<()> {
        self.keep(file)?;
        Ok(self.epoll.delete(&**file)?)
    }

    fn waker(&self) -> io::Result<Arc<EventFd>> {
        Ok(Arc::clone(&self.waker))
    }

    fn wake(waker: &Arc<EventFd>) -> io::Result<()> {
        waker.write(1)?;
        Ok(())
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = match timeout {
            None => EpollTimeout::NONE,
            Some(timeout) => {
                let millis = timeout.as_nanos().div_ceil(1_000_000);
                EpollTimeout::try_from(millis).unwrap_or(EpollTimeout::MAX)
            }
        };
        self.epoll.wait(&mut self.events, timeout)?;
        Ok(())
    }
}
