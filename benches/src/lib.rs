//! What the benches share: the contest that measures ours beside its peers, the tokio runtime some of
//! those run on, the ring of pipes that hubs are compared on, a bare HTTP server as the lower bound of a request's cost, the load that is
//! put on servers, and the reading of a process's CPU time.
//!
//! What is measured, and how to run it, stands in `README.md` beside this crate. The benches
//! themselves are in `benches/`, the programs in `src/bin/`.

#![forbid(unsafe_code)]

pub mod bare_echo;
pub mod bare_http;
mod bare_loop;
pub mod contest;
pub mod cpu;
pub mod flags;
pub mod http_servers;
pub mod load;
pub mod memory;
pub mod open_files;
pub mod outcome;
pub mod ring;
pub mod servers;
pub mod serving;
pub mod tokio_local;
