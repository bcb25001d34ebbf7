//! The console: its line discipline, and sessions over real sockets under every hub from one source.

mod line;
