//! What the figures depend on beside the code: the machine, the versions, the day, and what else the
//! machine was doing.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::Pace;

/// Packages whose versions are told: the peers, and what ours stand on.
const PACKAGES: [&str; 10] = [
    "corosensei",
    "crossbeam-channel",
    "httparse",
    "hyper",
    "may",
    "may_minihttp",
    "mio",
    "nix",
    "polling",
    "tokio",
];

/// The facts of a run, each a name and a text.
#[derive(Debug, Serialize, Deserialize)]
pub struct Facts {
    /// Whether the run was a quick one, whose figures show no more than that it works.
    pub is_quick: bool,
    /// In the order in which they are told.
    pub lines: Vec<(String, String)>,
}

impl Facts {
    /// Those of this machine, now.
    pub fn of_machine(pace: Pace) -> Facts {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map_or("an unknown processor", |(_, model)| model.trim());
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let mebibytes = memory
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kibibytes| kibibytes / 1024);
        let mappings = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
        let day = httpdate::fmt_http_date(SystemTime::now());
        let lines = [
            (
                "machine",
                format!("{model}, {cores} cores, {mebibytes} MiB"),
            ),
            (
                "system",
                format!(
                    "Linux {}, vm.max_map_count {}",
                    said("uname", &["-r"]),
                    mappings.trim()
                ),
            ),
            ("compiler", said("rustc", &["--version"])),
            ("versions", versions()),
            (
                "measured",
                format!(
                    "{day}, commit {}",
                    said("git", &["rev-parse", "--short", "HEAD"])
                ),
            ),
            ("load before", load()),
        ];
        Facts {
            is_quick: pace == Pace::Quick,
            lines: lines.map(|(name, text)| (name.to_owned(), text)).into(),
        }
    }

    /// Adds what is known when all is done.
    pub fn finish(&mut self, elapsed: Duration) {
        self.lines.push(("load after".to_owned(), load()));
        self.lines
            .push(("took".to_owned(), format!("{} s", elapsed.as_secs())));
    }
}

/// The averages of 1, 5 and 15 minutes: above the number of cores at the start, something else was running.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a program prints, or that it is unknown.
fn said(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}

fn versions() -> String {
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let version = |package: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
        Some(format!("{package} {}", rest.split_once('"')?.0))
    };
    let all: Vec<_> = PACKAGES.into_iter().filter_map(version).collect();
    all.join(", ")
}
