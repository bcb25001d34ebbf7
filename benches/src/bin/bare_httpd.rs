//! The bare epoll + httparse server as a program: the lower bound that servers are measured against.
//!
//! `bare_httpd [--listen ADDR]` prints the address it listens on, then serves `GET /plaintext`.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;

use eventlet_benches::bare_http::BareHttp;
use eventlet_benches::flags::{Flags, exit_code};

fn main() -> ExitCode {
    exit_code("bare_httpd", serve(Flags::of_process()))
}

fn serve(mut flags: Flags) -> Result<(), String> {
    let listen = flags.value("--listen", SocketAddr::from(([127, 0, 0, 1], 0)))?;
    flags.finish()?;
    let failed = |error: std::io::Error| error.to_string();
    let mut server = BareHttp::bind(listen).map_err(failed)?;
    println!("http://{}/plaintext", server.address().map_err(failed)?);
    server.run().map_err(failed)
}
