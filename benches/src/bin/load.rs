//! Load on an HTTP server on this machine, or on an echo, every answer checked.
//!
//! `load --address ADDR [--connections 64] [--depth 1] [--requests 200000] [--path /plaintext]
//! [--body "Hello, World!"] [--echo] [--limit SECONDS]` prints requests, seconds and latencies.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use eventlet_benches::flags::{Flags, exit_code};
use eventlet_benches::load::{Ask, Load, Plan};

fn main() -> ExitCode {
    exit_code("load", put(Flags::of_process()))
}

fn put(mut flags: Flags) -> Result<(), String> {
    const REQUESTS: u64 = 200_000;
    const LIMIT_SECONDS: u64 = 60;
    let path = flags.value("--path", "/plaintext".to_owned())?;
    let body = flags.value("--body", "Hello, World!".to_owned())?;
    let plan = Plan {
        address: flags.value("--address", SocketAddr::from(([127, 0, 0, 1], 8080)))?,
        ask: match flags.is_set("--echo") {
            true => Ask::Echo(body.into_bytes()),
            false => Ask::get(&path, body.as_bytes()),
        },
        connections: flags.value("--connections", 64)?,
        depth: flags.value("--depth", 1)?,
    };
    let requests = flags.value("--requests", REQUESTS)?;
    let limit = Duration::from_secs(flags.value("--limit", LIMIT_SECONDS)?);
    flags.finish()?;
    let report = Load::connect(&plan).and_then(|mut load| load.run(requests, limit));
    println!("{}", report.map_err(|error| error.to_string())?);
    Ok(())
}
