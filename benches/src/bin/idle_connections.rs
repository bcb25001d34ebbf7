//! What an idle connection costs: memory of each server with many connections that are kept alive and
//! ask for nothing, and how often it wakes up meanwhile.
//!
//! `idle_connections [--connections 5000] [--rounds 3] [--seconds 2] [--ours PATH] [--only NAME,NAME]
//! [--server NAME=COMMAND]`, the last three as for `cpu_per_request`. Each connection has been answered
//! once; in each round every server is started anew. `EVENTLET_BENCH_SMOKE=1` asks for a few.

#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use eventlet_benches::bare_http::PLAINTEXT;
use eventlet_benches::contest::SMOKE;
use eventlet_benches::flags::{Flags, exit_code};
use eventlet_benches::http_servers::{HANDLER, candidates};
use eventlet_benches::load::{Ask, Load, Plan};
use eventlet_benches::memory::{Memory, naps};
use eventlet_benches::open_files;
use eventlet_benches::outcome::Outcome;
use eventlet_benches::servers::Server;

/// How long a server may take for one answer to each connection.
const LIMIT: Duration = Duration::from_secs(60);

/// After the last answer: what a server gives back, it gives back soon.
const SETTLING: Duration = Duration::from_millis(1500);

fn main() -> ExitCode {
    exit_code("idle_connections", run(Flags::of_process()))
}

fn run(mut flags: Flags) -> Result<(), String> {
    let smoke = env::var_os(SMOKE).is_some_and(|value| value != "0");
    let (rounds, connections, seconds) = if smoke { (1, 50, 0.2) } else { (3, 5_000, 2.0) };
    let rounds = flags.value("--rounds", rounds)?;
    let connections = flags.value("--connections", connections)?;
    let watched = Duration::from_secs_f64(flags.value("--seconds", seconds)?);
    if rounds == 0 || connections == 0 {
        return Err("at least one round and one connection".to_owned());
    }
    open_files::allow_many();
    let mut candidates = candidates(&mut flags)?;
    // Where nothing is asked for, it is as the other.
    candidates.retain(|candidate| candidate.name != HANDLER);
    flags.finish()?;

    let (mut bytes, mut wakes) = (
        vec![Vec::new(); candidates.len()],
        vec![Vec::new(); candidates.len()],
    );
    for _ in 0..rounds {
        for (at, candidate) in candidates.iter_mut().enumerate() {
            let told = |error: io::Error| format!("{}: {error}", candidate.name);
            let server = Server::start(&mut candidate.command).map_err(told)?;
            let (each, naps) = weigh(&server, connections, watched)
                .map_err(|error| format!("{}: {error}", candidate.name))?;
            bytes[at].push(each);
            wakes[at].push(naps);
        }
    }
    let mut memory = Outcome::new(format!("idle/{connections}/memory"), "bytes each");
    let mut woken = Outcome::new(format!("idle/{connections}/wake-ups"), "per second");
    for (candidate, (bytes, wakes)) in candidates.iter().zip(bytes.into_iter().zip(wakes)) {
        memory.add(&candidate.name, candidate.side, bytes);
        woken.add(&candidate.name, candidate.side, wakes);
    }
    memory.publish();
    woken.publish();
    Ok(())
}

/// Bytes for each connection, and wake-ups per second while nothing happens.
fn weigh(server: &Server, connections: usize, watched: Duration) -> io::Result<(f64, f64)> {
    let plan = |connections| Plan {
        address: server.address(),
        ask: Ask::get("/plaintext", PLAINTEXT),
        connections,
        depth: 1,
    };
    // What the first connection brings in, code and buffers, is not counted.
    Load::connect(&plan(1))?.run(10, LIMIT)?;
    let before = Memory::of(server.pid())?;
    let mut load = Load::connect(&plan(connections))?;
    load.run(connections as u64, LIMIT)?;
    thread::sleep(SETTLING);
    let grown = Memory::of(server.pid())?.since(before);
    let slept = naps(server.pid())?;
    thread::sleep(watched);
    let naps = naps(server.pid())? - slept;
    Ok((
        grown.total() as f64 / connections as f64,
        naps as f64 / watched.as_secs_f64(),
    ))
}
