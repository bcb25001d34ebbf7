//! The HTTP server over real sockets, under every hub from one source. `support` has the harness and
//! a client that takes nothing from the crate; the other files are named for what they test.

mod behaviours;
mod bodies;
mod connections;
mod cores;
mod deadlines;
mod expect;
mod failures;
mod fairness;
mod given_away;
mod hub_faults;
mod keep_alive;
mod leftovers;
mod limits;
mod log;
mod refusals;
mod remembered;
mod responses;
mod scale;
mod shortcut;
mod slowness;
mod splitting;
mod stopping;
mod support;
mod transports;
mod upgrade;
mod upgrade_endings;
mod upgrade_refusals;
