//! CPU time of a server per request: ours beside a bare epoll loop and beside its peers.
//!
//! Requests per second say little when the load and the server share a machine: the load is often
//! the limit. So the server gets one core and the load another, and what counts is the server's own
//! CPU time, user and system, over the requests it answered (see `eventlet_benches::serving`). Three
//! pieces of work: `GET /plaintext` one at a time and 16 pipelined, and `POST /echo` with 1 KiB.
//!
//! `cpu_per_request [--ours PATH] [--only NAME,NAME] [--server NAME=COMMAND] [--rounds N]
//! [--requests N] [--connections N] [--deepest N] [--at-most RATIO]`
//!
//! * `--ours`: the program of the `httpd` example; by default where a release build puts it.
//! * `--only`: of `bare`, `ours`, `hyper`, `may` and what `--server` adds; `bare` is always there.
//! * `--server`: one more, words separated by blanks; it prints its address and serves `/plaintext`
//!   and `/echo`.
//! * `--requests`: per round at depth 1 (100,000 by default); pipelined, ten times as many.
//! * `--deepest`: 1 leaves the pipelined requests out. Many short rounds (`--rounds 100 --requests
//!   4000`) give steadier medians on a busy machine than few long ones.
//! * `--at-most`: exit with status 1 if ours costs more than so many times the bare loop for
//!   `/plaintext`.
//!
//! `EVENTLET_BENCH_SMOKE=1` asks for a few requests only, to see that everything works.

#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::ExitCode;

use eventlet_benches::bare_http::PLAINTEXT;
use eventlet_benches::contest::SMOKE;
use eventlet_benches::flags::{Flags, exit_code};
use eventlet_benches::http_servers::{BARE, OURS, candidates};
use eventlet_benches::load::Ask;
use eventlet_benches::outcome::{least, median, quotients};
use eventlet_benches::serving::{Amount, Contender, Served, measure, outcomes, start};

/// A pipelined request costs about a tenth, so ten times as many take about as long.
const PIPELINED_TIMES: u64 = 10;

/// Requests written at once: as many as the usual benchmarks pipeline.
const PIPELINED: usize = 16;

/// The body that is sent and comes back.
const BODY: [u8; 1024] = [b'b'; 1024];

fn main() -> ExitCode {
    exit_code("cpu_per_request", run(Flags::of_process()))
}

fn run(mut flags: Flags) -> Result<ExitCode, String> {
    let smoke = env::var_os(SMOKE).is_some_and(|value| value != "0");
    let (rounds, requests) = if smoke { (2, 2_000) } else { (9, 100_000) };
    let amount = Amount {
        rounds: flags.value("--rounds", rounds)?,
        exchanges: flags.value("--requests", requests)?,
        connections: flags.value("--connections", 64)?,
        depth: 1,
    };
    if amount.rounds == 0 || amount.exchanges == 0 {
        return Err("at least one round and one request".to_owned());
    }
    let deepest = flags.value("--deepest", usize::MAX)?;
    let at_most = flags.value("--at-most", f64::INFINITY)?;
    let candidates = candidates(&mut flags)?;
    flags.finish()?;

    let (contenders, cores) = start(candidates)?;
    println!("{cores}");
    let told = |error: io::Error| error.to_string();
    let pipelined = Amount {
        depth: PIPELINED,
        exchanges: amount.exchanges * PIPELINED_TIMES,
        ..amount
    };
    let plaintext = Ask::get("/plaintext", PLAINTEXT);
    let echo = Ask::post_back("/echo", &BODY);
    let mut worst: f64 = 0.0;
    for (name, amount, ask) in [
        ("plaintext", amount, &plaintext),
        ("pipelined", pipelined, &plaintext),
        ("echo-1KiB", amount, &echo),
    ] {
        if amount.depth > deepest {
            continue;
        }
        let served = measure(&contenders, amount, ask).map_err(told)?;
        let ratio = print(name, &contenders, &served, amount);
        if name != "echo-1KiB" {
            worst = worst.max(ratio);
        }
        for outcome in outcomes(&format!("http/{name}"), &contenders, &served) {
            outcome.publish();
        }
    }
    if worst > at_most {
        eprintln!("cpu_per_request: ours costs {worst:.2} of the bare loop, above {at_most:.2}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The table of one piece of work. Gives back how many times the bare loop's cost ours is (0 without
/// ours).
fn print(name: &str, contenders: &[Contender], served: &[Served], amount: Amount) -> f64 {
    println!(
        "\n{name}: {} connections, {} requests at a time, {} requests a round, {} rounds",
        amount.connections, amount.depth, amount.exchanges, amount.rounds
    );
    println!("  server     µs CPU/request: least  median   to bare   requests/s");
    let mut of_ours = 0.0;
    let bare = contenders.iter().position(|it| it.name == BARE);
    for (contender, figures) in contenders.iter().zip(served) {
        let ratio = bare.map_or(f64::NAN, |bare| {
            median(quotients(&figures.cost, &served[bare].cost))
        });
        if contender.name == OURS {
            of_ours = ratio;
        }
        println!(
            "  {:<16} {:>15.3} {:>7.3} {:>9.2} {:>12.0}",
            contender.name,
            least(&figures.cost),
            median(figures.cost.clone()),
            ratio,
            median(figures.per_second.clone()),
        );
    }
    println!();
    of_ours
}
