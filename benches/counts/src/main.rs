//! One operation, so many times, for tools that count: `counts NAME TIMES`.
//!
//! It prints nothing and measures nothing. `ci/counts.sh` runs each operation twice under callgrind and
//! under strace, with two numbers of times, and divides the difference, so that starting up cancels out.
//! What becomes of it stands in `benches/counts.txt`. Everything happens on one thread: an operation
//! with two ends has both of them here, in two coroutines, and what is counted is both.

#![forbid(unsafe_code)]

mod layers;
mod sockets;

use std::env;
use std::process::ExitCode;

/// Does the operation so many times.
type Work = fn(u64);

/// Every operation: its name, what does it, and what it is.
const OPERATIONS: [(&str, Work, &str); 16] = [
    (
        "switch",
        layers::switch,
        "the engine alone: resume, suspend",
    ),
    ("yield", layers::yields, "one of two coroutines gives way"),
    ("spawn", layers::spawns, "a coroutine is made and joined"),
    (
        "channel",
        layers::channel,
        "a value there and back, no buffer",
    ),
    ("timeout", layers::timeouts, "a scope with a deadline"),
    ("timer", layers::timers, "armed and cancelled, 100 pending"),
    ("sleep", layers::sleeps, "a microsecond, nothing else to do"),
    ("arm", layers::arms, "a registered descriptor is waited for"),
    ("register", layers::registers, "and taken out again"),
    (
        "accept",
        sockets::accepts,
        "connect(2) and close(2) included",
    ),
    ("echo", sockets::echoes, "16 bytes there and back"),
    ("http", sockets::requests, "a GET and its answer"),
    ("pipelined", sockets::pipelined, "the same, 16 at a time"),
    (
        "shortcut",
        sockets::shortcuts,
        "a GET that a shortcut answers",
    ),
    (
        "short-pipelined",
        sockets::pipelined_shortcuts,
        "the same, 16 at a time",
    ),
    (
        "prepared",
        sockets::pipelined_prepared,
        "the same, at once with an answer made once",
    ),
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let asked = match &words[..] {
        [list] if list == "--list" => {
            for (name, _, what) in OPERATIONS {
                println!("{name}\t{what}");
            }
            return ExitCode::SUCCESS;
        }
        [name, times] => OPERATIONS
            .iter()
            .find(|(known, ..)| known == name)
            .zip(times.parse().ok()),
        _ => None,
    };
    let Some(((_, work, _), times)) = asked else {
        eprintln!("usage: counts NAME TIMES, or counts --list, which names them all");
        return ExitCode::from(2);
    };
    work(times);
    ExitCode::SUCCESS
}
