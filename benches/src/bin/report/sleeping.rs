//! Coroutines and tasks asleep, more and more of them, each lot in a process of its own: what each takes
//! of memory, and where each kind stops.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use eventlet_benches::outcome::{Outcome, Side};

use crate::Pace;
use crate::run::{Ended, run};

/// How many sleep at once.
const COUNTS: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// How long one lot may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Ours, as two programs, and the peers. With a second engine of ours, its program goes here.
const KINDS: [(&str, Side); 4] = [
    ("eventlet", Side::Ours),
    ("eventlet-mprotect", Side::Ours),
    ("may", Side::Peer),
    ("tokio-local", Side::Peer),
];

/// Runs all of them: an outcome for each number.
///
/// # Errors
///
/// A line about the program that could not be started or did not end. One that could not hold so many is
/// no error; why is part of the outcome.
pub fn weigh(programs: &Path, protected: &Path, pace: Pace) -> Result<Vec<Outcome>, String> {
    let (rounds, most) = match pace {
        Pace::Quick => (1, 100_000),
        Pace::Full => (3, 1_000_000),
    };
    let mut outcomes = Vec::new();
    for count in COUNTS.into_iter().filter(|count| *count <= most) {
        let mut outcome = Outcome::new(format!("memory/{count}"), "bytes each");
        for (name, side) in KINDS {
            let mut bytes = Vec::new();
            let mut stopped = None;
            for _ in 0..rounds {
                let mut command = match name {
                    "eventlet" => Command::new(programs.join("examples").join("million")),
                    "eventlet-mprotect" => {
                        Command::new(protected.join("release").join("examples").join("million"))
                    }
                    "may" => sleepers(programs, "may"),
                    _ => sleepers(programs, "tokio"),
                };
                command.arg(count.to_string());
                let ended = run(&mut command, LIMIT).map_err(|error| format!("{name}: {error}"))?;
                match bytes_each(&ended) {
                    Some(each) if ended.status.success() => bytes.push(each),
                    _ => stopped = Some(reason(&ended)),
                }
            }
            match stopped {
                // Where it fails now and then, it fails.
                Some(why) => outcome.add_stopped(name, side, why),
                None => outcome.add(name, side, bytes),
            }
        }
        outcome.publish();
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn sleepers(programs: &Path, peer: &str) -> Command {
    let mut command = Command::new(programs.join("sleepers"));
    command.arg(peer);
    command
}

/// Of the line `memory    4137 bytes each: …`.
fn bytes_each(ended: &Ended) -> Option<f64> {
    let line = ended
        .output
        .lines()
        .find_map(|line| line.strip_prefix("memory"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Why it stopped: what a panic says, else the last thing it said, else how it ended.
fn reason(ended: &Ended) -> String {
    let mut lines = ended
        .errors
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let panic = lines
        .clone()
        .skip_while(|line| !line.contains("panicked at"))
        .nth(1);
    match panic.or(lines.next_back()) {
        // A panic's own place is a path of this machine; its text is not.
        Some(line) => line.to_owned(),
        None => ended.status.to_string(),
    }
}
