//! What the benches share: the contest that measures ours beside its peers, the tokio runtime some of
//! those run on, the ring of pipes that hubs are compared on, a bare HTTP server as the lower bound of a request's cost, the load that is
//! put on servers, and the reading of a process's CPU time.
//!
//! What is measured, and how to run it, stands in `README.md` beside this crate. The benches
//! themselves are in `benches/`, the programs in `src/bin/`.

#![forbid(unsafe_code)]

pub mod bare_http;
pub mod contest;
pub mod cpu;
pub mod flags;
pub mod load;
pub mod ring;
pub mod servers;
pub mod tokio_local;
