//! What ends a wait: eventlet's own wake-up descriptor, or the package's `notify`.
//!
//! On Unix the descriptor, because over kqueue the package's `notify` asks for memory, and a waker must
//! be usable in a signal handler. Windows has neither such handlers nor such descriptors, so there it
//! is `notify`.

use std::io;
use std::sync::Arc;

use eventlet_hub::fork::HomeBound;
use eventlet_hub::{Bell, BellTower, Token, Waker};
use polling::{PollMode, Poller};

use crate::sys::Watched;

/// The hub's end of its wakers.
#[derive(Debug)]
pub(crate) enum Wake {
    /// Registered under [`KEY`].
    Watched(Watched),
    Notified(BellTower<Notify>),
}

/// The key of the watched one: a slot that no token has (above [`Token::MAX_SLOT`]). The highest key is
/// the package's own.
pub(crate) const KEY: usize = Token::WAKER.to_word() - 1;

impl Wake {
    /// A descriptor of our own, where there is such a thing; else the package's wake-up.
    pub(crate) fn best(poller: &Arc<HomeBound<Poller>>, mode: PollMode) -> io::Result<Self> {
        Ok(match Watched::open(poller, mode)? {
            Some(watched) => Wake::Watched(watched),
            None => Wake::notified(poller),
        })
    }

    /// The package's wake-up.
    pub(crate) fn notified(poller: &Arc<HomeBound<Poller>>) -> Self {
        Wake::Notified(BellTower::new(Notify(Arc::clone(poller))))
    }

    pub(crate) fn waker(&self) -> Waker {
        match self {
            Wake::Watched(watched) => watched.waker(),
            Wake::Notified(tower) => tower.waker(),
        }
    }

    /// After a wait that reported [`KEY`] or not: whether a waker ended it.
    pub(crate) fn acknowledge(&self, poller: &Poller, reported: Reported) -> io::Result<bool> {
        match (self, reported) {
            // The package does not say whether it was notified; our flag does. A notification that is
            // still on its way makes the next wait look once more, in vain.
            (Wake::Notified(tower), _) => Ok(tower.acknowledge()),
            (Wake::Watched(_), Reported::No) => Ok(false),
            (Wake::Watched(watched), Reported::Yes) => watched.acknowledge(poller),
        }
    }
}

/// Whether a wait reported the wake-up descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reported {
    Yes,
    No,
}

/// The package's wake-up as a bell. It keeps the poller, and so its descriptors, until the last waker
/// is gone.
#[derive(Debug)]
pub(crate) struct Notify(Arc<HomeBound<Poller>>);

impl Bell for Notify {
    fn ring(&self) {
        // The wait it would have ended is beyond help then.
        let _ = self.0.notify();
    }
}
