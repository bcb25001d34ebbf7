//! TCP echo over 1 to 10,000 connections: CPU time of the server for each round trip, round trips per
//! second, and the latency percentiles. Ours beside a bare epoll loop, tokio and `may`.
//!
//! `connections [--sizes 1,10,100,1000,10000] [--rounds N] [--exchanges N] [--message BYTES]`. Each
//! connection has one message on its way at a time, so with many of them the latency is that of a queue:
//! as many messages as there are connections, over the rate. `EVENTLET_BENCH_SMOKE=1` asks for a few.

#![forbid(unsafe_code)]

use std::env;
use std::process::{Command, ExitCode};

use eventlet_benches::contest::SMOKE;
use eventlet_benches::flags::{Flags, exit_code};
use eventlet_benches::load::Ask;
use eventlet_benches::open_files;
use eventlet_benches::outcome::Side;
use eventlet_benches::serving::{Amount, Candidate, measure, outcomes, start};

/// The servers of `echod`. With a second engine of ours, its line goes here.
const SERVERS: [(&str, Side); 4] = [
    ("bare", Side::Peer),
    ("eventlet", Side::Ours),
    ("tokio", Side::Peer),
    ("may", Side::Peer),
];

fn main() -> ExitCode {
    exit_code("connections", run(Flags::of_process()))
}

fn run(mut flags: Flags) -> Result<(), String> {
    let smoke = env::var_os(SMOKE).is_some_and(|value| value != "0");
    let (rounds, exchanges, sizes) = match smoke {
        true => (1, 200, "1,50"),
        false => (7, 50_000, "1,10,100,1000,10000"),
    };
    let rounds = flags.value("--rounds", rounds)?;
    let exchanges: u64 = flags.value("--exchanges", exchanges)?;
    let message = flags.value("--message", 64_usize)?;
    let sizes = flags.value("--sizes", sizes.to_owned())?;
    flags.finish()?;
    if rounds == 0 || exchanges == 0 || message == 0 {
        return Err("at least one round, one exchange and one byte".to_owned());
    }
    let sizes: Result<Vec<usize>, _> = sizes.split(',').map(str::parse).collect();
    let sizes = sizes.map_err(|error| format!("--sizes: {error}"))?;

    open_files::allow_many();
    let here = env::current_exe().map_err(|error| error.to_string())?;
    let candidates = SERVERS.map(|(name, side)| {
        let mut command = Command::new(here.with_file_name("echod"));
        command.arg(name);
        Candidate {
            name: name.to_owned(),
            side,
            command,
        }
    });
    let (contenders, cores) = start(candidates.into())?;
    println!("{cores}");
    let ask = Ask::Echo(vec![b'e'; message]);
    for connections in sizes {
        if let Err(line) = open_files::suffice(connections) {
            println!("SKIPPED: {connections} connections: {line}");
            continue;
        }
        let amount = Amount {
            rounds,
            // Every connection has its turn, several times over.
            exchanges: exchanges.max(2 * connections as u64),
            connections,
            depth: 1,
        };
        let served = measure(&contenders, amount, &ask).map_err(|error| error.to_string())?;
        for outcome in outcomes(&format!("echo/{connections}"), &contenders, &served) {
            outcome.publish();
        }
    }
    Ok(())
}
