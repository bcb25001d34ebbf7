//! Nothing between the ring and edge-triggered epoll: the lower bound.

use std::io;

use eventlet_benches::ring::{Ring, Watcher};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::BATCH;

/// An epoll instance and its event buffer.
pub struct Bare {
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

impl Bare {
    pub fn new(ring: &Ring) -> io::Result<Bare> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        for (at, pipe) in ring.descriptors().enumerate() {
            epoll.add(pipe, EpollEvent::new(flags, at as u64))?;
        }
        let events = vec![EpollEvent::empty(); BATCH];
        Ok(Bare { epoll, events })
    }
}

impl Watcher for Bare {
    fn turn(&mut self, mut ready: impl FnMut(usize)) -> io::Result<()> {
        let count = self.epoll.wait(&mut self.events, EpollTimeout::NONE)?;
        for event in &self.events[..count] {
            ready(event.data() as usize);
        }
        Ok(())
    }
}
