//! The facilities of the ring, each as a [`Watcher`](eventlet_benches::ring::Watcher):
//! [`bare`] epoll calls, [`mio`], [`polling`], and [`ours`], any hub.

pub mod bare;
pub mod mio;
pub mod ours;
pub mod polling;

/// Events of one wait, the same for everybody.
pub const BATCH: usize = 1024;
