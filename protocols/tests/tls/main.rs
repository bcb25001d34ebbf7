//! TLS: streams over sockets and over memory, the HTTP server on it, and other programs' TLS at the
//! other end. Certificates are made as they are needed (`support`).

mod certificates;
mod client;
mod ends;
mod faults;
mod handshakes;
mod https;
mod idle;
mod others;
mod resumption;
mod streams;
mod support;
mod waits;
#[cfg(feature = "websocket")]
mod web_sockets;
