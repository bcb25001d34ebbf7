//! What ends a wait: `EVFILT_USER`, registered once and from then on only triggered; a descriptor of
//! eventlet's where the system does not know that filter (NetBSD before 10, OpenBSD before it had it).

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use eventlet_hub::fork::HomeBound;
use eventlet_hub::{Bell, BellTower, Token, WakeSource, Waker};

use crate::constants::{EVFILT_READ, EVFILT_USER, NOTE_TRIGGER};
use crate::flags::WATCH;
use crate::queue::{APPLIED, submit};
use crate::{Kevent, Queue};

/// The hub's end of its wakers.
#[derive(Debug)]
pub(crate) enum Wake<Q> {
    User(BellTower<Trigger<Q>>),
    Watched(WakeSource),
}

/// What is given with the registration of either.
pub(crate) const UDATA: usize = Token::WAKER.to_word();

/// The number of our user event. A filter's numbers are its own, so it is in no descriptor's way.
const IDENT: usize = 0;

impl<Q: Queue + 'static> Wake<Q> {
    /// Registers the user event, or whatever takes its place.
    pub(crate) fn new(queue: &Arc<HomeBound<Q>>) -> io::Result<Self> {
        let user = Kevent::new(IDENT, EVFILT_USER, WATCH, UDATA);
        match submit(&***queue, [user])? {
            [APPLIED] => Ok(Wake::User(BellTower::new(Trigger(Arc::clone(queue))))),
            // No such filter.
            [libc::EINVAL] => Self::watched(&***queue),
            [error] => Err(io::Error::from_raw_os_error(error)),
        }
    }

    fn watched(queue: &Q) -> io::Result<Self> {
        let source = WakeSource::new()?;
        let number = source.as_fd().as_raw_fd() as usize;
        match submit(queue, [Kevent::new(number, EVFILT_READ, WATCH, UDATA)])? {
            [APPLIED] => Ok(Wake::Watched(source)),
            [error] => Err(io::Error::from_raw_os_error(error)),
        }
    }

    pub(crate) fn waker(&self) -> Waker {
        match self {
            Wake::User(tower) => tower.waker(),
            Wake::Watched(source) => source.waker(),
        }
    }

    /// When it was reported: whether a waker was behind it.
    pub(crate) fn acknowledge(&self) -> bool {
        match self {
            // EV_CLEAR has taken the trigger away.
            Wake::User(tower) => tower.acknowledge(),
            Wake::Watched(source) => source.acknowledge_edge(),
        }
    }
}

/// The user event as a bell. It keeps the queue until the last waker is gone.
#[derive(Debug)]
pub(crate) struct Trigger<Q>(Arc<HomeBound<Q>>);

impl<Q: Queue> Bell for Trigger<Q> {
    fn ring(&self) {
        // Without EV_ADD: it is there. With the udata, which every change sets anew. No room for a
        // receipt, so that no list has to be read; a failure has nobody to be told to.
        let trigger = Kevent::new(IDENT, EVFILT_USER, 0, UDATA).with_fflags(NOTE_TRIGGER);
        let _ = self.0.kevent(&[trigger], &mut [], None);
    }
}
