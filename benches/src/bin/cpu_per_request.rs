//! CPU time of a server per request: ours beside a bare epoll loop and beside its peers.
//!
//! Requests per second say little when the load and the server share a machine: the load is often
//! the limit. So the server gets one core and the load another, and what counts is the server's own
//! CPU time, user and system, over the requests it answered. The servers run all the while and are
//! measured in turns, round by round (bare, ours, hyper, may; ours, hyper, may, bare; …): a ratio is
//! taken within a round, and its median over the rounds is printed. Connecting is not measured.
//!
//! `cpu_per_request [--ours PATH] [--only NAME,NAME] [--server NAME=COMMAND] [--rounds N]
//! [--requests N] [--connections N] [--deepest N] [--at-most RATIO]`
//!
//! * `--ours`: the program of the `httpd` example; by default where a release build puts it.
//! * `--only`: of `bare`, `ours`, `hyper`, `may` and what `--server` adds; `bare` is always there.
//! * `--server`: one more, words separated by blanks; it prints its address and serves `/plaintext`.
//! * `--requests`: per round at depth 1 (100,000 by default); pipelined, ten times as many.
//! * `--deepest`: 1 leaves the pipelined requests out. Many short rounds (`--rounds 100 --requests
//!   4000`) give steadier medians on a busy machine than few long ones.
//! * `--at-most`: exit with status 1 if ours costs more than so many times the bare loop.
//!
//! `EVENTLET_BENCH_SMOKE=1` asks for a few requests only, to see that everything works.

#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use eventlet_benches::bare_http::PLAINTEXT;
use eventlet_benches::contest::{SMOKE, least, median, quotients};
use eventlet_benches::cpu;
use eventlet_benches::flags::Flags;
use eventlet_benches::load::{Load, Plan};
use eventlet_benches::servers::Server;

/// The server that the others are set against.
const BARE: &str = "bare";

/// The `httpd` example of this workspace.
const OURS: &str = "ours";

/// Requests written at once: none behind another, and as many as the usual benchmarks pipeline.
const DEPTHS: [usize; 2] = [1, 16];

/// A pipelined request costs about a tenth, so ten times as many take about as long.
const PIPELINED_TIMES: u64 = 10;

/// How long one round of one server may take before something is plainly wrong.
const ROUND_LIMIT: Duration = Duration::from_secs(120);

/// After the last answer the server still has to find out that there is nothing to do; only when it
/// sleeps is its CPU account complete.
const SETTLING: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    match measure(Flags::of_process()) {
        Ok(code) => code,
        Err(line) => {
            eprintln!("cpu_per_request: {line}");
            ExitCode::FAILURE
        }
    }
}

/// How much is measured.
struct Amount {
    rounds: usize,
    requests: u64,
    connections: usize,
}

/// A server under measurement and what came of its rounds.
struct Entrant {
    name: String,
    server: Server,
    /// µs of CPU per request, round by round.
    cost: Vec<f64>,
    per_second: Vec<f64>,
}

fn measure(mut flags: Flags) -> Result<ExitCode, String> {
    let smoke = env::var_os(SMOKE).is_some_and(|value| value != "0");
    let (rounds, requests) = if smoke { (2, 2_000) } else { (9, 100_000) };
    let amount = Amount {
        rounds: flags.value("--rounds", rounds)?,
        requests: flags.value("--requests", requests)?,
        connections: flags.value("--connections", 64)?,
    };
    if amount.rounds == 0 || amount.requests == 0 {
        return Err("at least one round and one request".to_owned());
    }
    let deepest = flags.value("--deepest", usize::MAX)?;
    let at_most = flags.value("--at-most", f64::INFINITY)?;
    let commands = commands(&mut flags)?;
    flags.finish()?;

    let told = |error: io::Error| error.to_string();
    let cores = cpu::allowed_cores().map_err(told)?;
    let mut entrants = Vec::new();
    match cores[..] {
        [server, load, ..] => {
            // Children inherit it, so the servers stay where they are when the load moves on.
            cpu::pin_this_thread(server).map_err(told)?;
            start(commands, &mut entrants)?;
            cpu::pin_this_thread(load).map_err(told)?;
            println!("servers on core {server}, load on core {load}");
        }
        _ => {
            start(commands, &mut entrants)?;
            println!("ONE CORE for servers and load: figures are high, only ratios mean something");
        }
    }

    let mut worst: f64 = 0.0;
    for depth in DEPTHS.into_iter().filter(|&depth| depth <= deepest) {
        measure_depth(&mut entrants, &amount, depth).map_err(told)?;
        worst = worst.max(print(&entrants, &amount, depth));
        for entrant in &mut entrants {
            entrant.cost.clear();
            entrant.per_second.clear();
        }
    }
    if worst > at_most {
        eprintln!("cpu_per_request: ours costs {worst:.2} of the bare loop, above {at_most:.2}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The servers to start, by name.
fn commands(flags: &mut Flags) -> Result<Vec<(String, Command)>, String> {
    let here = env::current_exe().map_err(|error| error.to_string())?;
    let beside = |name: &str| here.with_file_name(name);
    let ours = flags.value(
        "--ours",
        beside("examples").join("httpd").display().to_string(),
    )?;
    let ours = PathBuf::from(ours);
    let only = flags.text("--only")?;
    let wanted = |name: &str| match &only {
        None => true,
        Some(names) => name == BARE || names.split(',').any(|other| other == name),
    };

    let mut commands = vec![(BARE.to_owned(), Command::new(beside("bare_httpd")))];
    if wanted(OURS) {
        if ours.exists() {
            let mut command = Command::new(&ours);
            command.args(["--listen", "127.0.0.1:0", "--quiet"]);
            commands.push((OURS.to_owned(), command));
        } else {
            println!(
                "SKIPPED: ours: no {}; build it first: cargo build --release --example httpd",
                ours.display()
            );
        }
    }
    for peer in ["hyper", "may"].into_iter().filter(|peer| wanted(peer)) {
        let program = beside(&format!("{peer}_httpd"));
        commands.push((peer.to_owned(), Command::new(program)));
    }
    while let Some(server) = flags.text("--server")? {
        let (name, words) = server
            .split_once('=')
            .ok_or_else(|| format!("--server {server}: NAME=COMMAND"))?;
        let mut words = words.split_whitespace();
        let program = words
            .next()
            .ok_or_else(|| format!("--server {server}: no command"))?;
        let mut command = Command::new(program);
        command.args(words);
        commands.push((name.to_owned(), command));
    }
    Ok(commands)
}

fn start(commands: Vec<(String, Command)>, entrants: &mut Vec<Entrant>) -> Result<(), String> {
    for (name, mut command) in commands {
        let server = Server::start(&mut command).map_err(|error| format!("{name}: {error}"))?;
        entrants.push(Entrant {
            name,
            server,
            cost: Vec::new(),
            per_second: Vec::new(),
        });
    }
    Ok(())
}

fn measure_depth(entrants: &mut [Entrant], amount: &Amount, depth: usize) -> io::Result<()> {
    let count = entrants.len();
    for round in 0..amount.rounds {
        for turn in 0..count {
            let entrant = &mut entrants[(round + turn) % count];
            entrant.round(amount, depth).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", entrant.name))
            })?;
        }
    }
    Ok(())
}

fn requests_of(amount: &Amount, depth: usize) -> u64 {
    match depth {
        1 => amount.requests,
        _ => amount.requests * PIPELINED_TIMES,
    }
}

impl Entrant {
    fn round(&mut self, amount: &Amount, depth: usize) -> io::Result<()> {
        let mut load = Load::connect(&Plan {
            address: self.server.address(),
            path: "/plaintext".to_owned(),
            body: PLAINTEXT.to_vec(),
            connections: amount.connections,
            depth,
        })?;
        let requests = requests_of(amount, depth);
        // Accepts all connections, fills the caches, lets buffers grow.
        load.run(requests / 10, ROUND_LIMIT)?;
        thread::sleep(SETTLING);
        let before = cpu::time_used(self.server.pid())?;
        let report = load.run(requests, ROUND_LIMIT)?;
        thread::sleep(SETTLING);
        let used = cpu::time_used(self.server.pid())?.saturating_sub(before);
        let micros = used.as_secs_f64() * 1e6;
        self.cost.push(micros / report.requests as f64);
        self.per_second.push(report.per_second());
        Ok(())
    }
}

/// The table of one depth. Gives back how many times the bare loop's cost ours is (0 without ours).
fn print(entrants: &[Entrant], amount: &Amount, depth: usize) -> f64 {
    println!(
        "\n{} connections, {depth} requests at a time, {} requests a round, {} rounds",
        amount.connections,
        requests_of(amount, depth),
        amount.rounds
    );
    println!("  server     µs CPU/request: least  median   to bare   requests/s");
    let bare = &entrants[0];
    let mut of_ours = 0.0;
    for entrant in entrants {
        let ratio = median(quotients(&entrant.cost, &bare.cost));
        if entrant.name == OURS {
            of_ours = ratio;
        }
        println!(
            "  {:<16} {:>15.3} {:>7.3} {:>9.2} {:>12.0}",
            entrant.name,
            least(&entrant.cost),
            median(entrant.cost.clone()),
            ratio,
            median(entrant.per_second.clone()),
        );
    }
    let against: Vec<String> = entrants
        .iter()
        .filter(|other| other.name != OURS)
        .filter_map(|other| {
            let ours = entrants.iter().find(|entrant| entrant.name == OURS)?;
            let ratio = median(quotients(&ours.cost, &other.cost));
            Some(format!("{ratio:.2} of {}", other.name))
        })
        .collect();
    if !against.is_empty() {
        println!("  ours = {}", against.join(", "));
    }
    of_ours
}
