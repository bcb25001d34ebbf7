//! The console: its line discipline, and sessions over real sockets under every hub from one source.

mod inspect;
mod limits;
mod line;
mod log;
mod names;
mod places;
mod sessions;
mod support;
mod tools;
