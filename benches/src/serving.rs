//! Servers under load, in turns: what each costs, how fast it answers.
//!
//! The servers run all the while and are measured round by round (A B C, B C A, …), so that a ratio is
//! taken between neighbours in time. Where there are two cores, the servers get the first and the load the
//! other. What counts is a server's own CPU time, user and system, over the exchanges it has answered:
//! requests per second say little where load and server share a machine. Connecting is not measured.

use std::io;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::cpu;
use crate::load::{Ask, Load, Plan};
use crate::outcome::{Outcome, Side};
use crate::servers::Server;

/// How long one round of one server may take before something is plainly wrong.
const ROUND_LIMIT: Duration = Duration::from_secs(120);

/// After the last answer the server still has to find out that there is nothing to do; only when it
/// sleeps is its CPU account complete.
const SETTLING: Duration = Duration::from_millis(2);

/// The latencies that are kept: the share of exchanges that took no longer, and what it is called.
pub const SHARES: [(f64, &str); 4] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")];

/// A server to start.
#[derive(Debug)]
pub struct Candidate {
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub side: Side,
    /// What starts it: prints its address.
    pub command: Command,
}

/// A server that runs.
#[derive(Debug)]
pub struct Contender {
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub side: Side,
    /// Its process.
    pub server: Server,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Rounds; in each, everybody has one turn.
    pub rounds: usize,
    /// Exchanges in a turn.
    pub exchanges: u64,
    /// Connections that keep asking.
    pub connections: usize,
    /// Requests written at once.
    pub depth: usize,
}

/// What came of one server's rounds.
#[derive(Clone, Debug, Default)]
pub struct Served {
    /// µs of CPU for each exchange, round by round.
    pub cost: Vec<f64>,
    /// Exchanges per second.
    pub per_second: Vec<f64>,
    /// µs from writing a burst to its last answer, as [`SHARES`] has them.
    pub latencies: [Vec<f64>; SHARES.len()],
}

/// Starts all of them, and keeps servers and load apart where there are two cores. Says where they are.
///
/// # Errors
///
/// A line that names the server that did not start, or what the kernel says of cores.
pub fn start(candidates: Vec<Candidate>) -> Result<(Vec<Contender>, String), String> {
    let told = |error: io::Error| error.to_string();
    let all = |candidates: Vec<Candidate>| {
        let start = |mut it: Candidate| match Server::start(&mut it.command) {
            Err(error) => Err(format!("{}: {error}", it.name)),
            Ok(server) => Ok(Contender {
                name: it.name,
                side: it.side,
                server,
            }),
        };
        candidates
            .into_iter()
            .map(start)
            .collect::<Result<Vec<_>, _>>()
    };
    match cpu::allowed_cores().map_err(told)?[..] {
        [server, load, ..] => {
            // Children inherit it, so the servers stay where they are when the load moves on.
            cpu::pin_this_thread(server).map_err(told)?;
            let contenders = all(candidates)?;
            cpu::pin_this_thread(load).map_err(told)?;
            let line = format!("servers on core {server}, load on core {load}");
            Ok((contenders, line))
        }
        _ => {
            let line =
                "ONE CORE for servers and load: figures are high, only ratios mean something";
            Ok((all(candidates)?, line.to_owned()))
        }
    }
}

/// Measures, round by round.
///
/// # Errors
///
/// Those of [`Load`], with the server's name.
pub fn measure(contenders: &[Contender], amount: Amount, ask: &Ask) -> io::Result<Vec<Served>> {
    let count = contenders.len();
    let mut served = vec![Served::default(); count];
    for round in 0..amount.rounds {
        for turn in 0..count {
            // Who comes first changes, so that nobody always follows the same neighbour.
            let at = (round + turn) % count;
            let contender = &contenders[at];
            served[at]
                .turn(&contender.server, amount, ask)
                .map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", contender.name))
                })?;
        }
    }
    Ok(served)
}

impl Served {
    fn turn(&mut self, server: &Server, amount: Amount, ask: &Ask) -> io::Result<()> {
        /// How much is asked beforehand, unmeasured: one in so many.
        const WARM_UP_SHARE: u64 = 10;
        let mut load = Load::connect(&Plan {
            address: server.address(),
            ask: ask.clone(),
            connections: amount.connections,
            depth: amount.depth,
        })?;
        // Accepts all connections, fills the caches, lets buffers grow.
        let whole = (amount.connections * amount.depth) as u64;
        load.run((amount.exchanges / WARM_UP_SHARE).max(whole), ROUND_LIMIT)?;
        thread::sleep(SETTLING);
        let before = cpu::time_used(server.pid())?;
        let report = load.run(amount.exchanges, ROUND_LIMIT)?;
        thread::sleep(SETTLING);
        let used = cpu::time_used(server.pid())?.saturating_sub(before);
        self.cost.push(micros(used) / report.requests as f64);
        self.per_second.push(report.per_second());
        for ((share, _), latencies) in SHARES.into_iter().zip(&mut self.latencies) {
            latencies.push(micros(report.latency(share)));
        }
        Ok(())
    }
}

/// What came of it, one for the cost, one for the rate, one for each latency.
pub fn outcomes(name: &str, contenders: &[Contender], served: &[Served]) -> Vec<Outcome> {
    let of = |what: &str, unit: &str, figures: &dyn Fn(&Served) -> Vec<f64>| {
        let mut outcome = Outcome::new(format!("{name}/{what}"), unit);
        for (contender, served) in contenders.iter().zip(served) {
            outcome.add(&contender.name, contender.side, figures(served));
        }
        outcome
    };
    let mut all = vec![
        of("cpu", "µs of server CPU each", &|served| {
            served.cost.clone()
        }),
        of("rate", "exchanges per second", &|served| {
            served.per_second.clone()
        }),
    ];
    for (at, (_, share)) in SHARES.into_iter().enumerate() {
        all.push(of(share, "µs until answered", &|served| {
            served.latencies[at].clone()
        }));
    }
    all
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
