//! The HTTP client over real sockets, under every hub from one source. `support` has servers to talk
//! to; the other files are named for what they test, and `bad_server` lists what a server can do
//! wrong.

mod bad_server;
mod bodies;
mod expect;
#[cfg(feature = "gzip")]
mod gzip;
mod ours;
mod pool;
mod proxies;
mod real_servers;
mod redirects;
mod requests;
mod retries;
mod splitting;
mod status;
mod support;
mod texts;
mod times;
mod unwinding;
mod upgrade;
#[cfg(feature = "json")]
mod values;
