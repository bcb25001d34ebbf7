//! A million coroutines, all asleep at once: what each costs.
//!
//! ```text
//! cargo run --release -p eventlet-green --example million -- 1000000
//! ```
//!
//! Each is made, runs, and goes to sleep until one common deadline; memory is read while all of
//! them sleep; then all are woken and joined. Linux 6.13 or later, else the limit on mappings
//! (`vm.max_map_count`) ends it near 32,000 with a clear error. A million take about 4 GiB.

use std::cell::Cell;
use std::env;
use std::fs;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eventlet_green::{Builder, Setup, sleep, stats, yield_now};
use eventlet_runloop::ManualClock;

const DEFAULT_COUNT: usize = 1_000_000;
/// More would need more memory than this is meant to take.
const MOST: usize = 4_000_000;
/// By a clock that is moved by hand, so it comes when all are asleep, and not before.
const DEADLINE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let count = match env::args().nth(1).map(|text| text.parse()) {
        None => DEFAULT_COUNT,
        Some(Ok(count)) if (1..=MOST).contains(&count) => count,
        Some(_) => {
            eprintln!("usage: million [COUNT], from 1 to {MOST}");
            return ExitCode::FAILURE;
        }
    };
    match run(count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("million: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let clock = ManualClock::new();
    Setup::new().clock(clock.clone()).install()?;
    let before = Memory::now();
    let woken = Rc::new(Cell::new(0));

    let start = Instant::now();
    let mut handles = Vec::with_capacity(count);
    for _ in 0..count {
        let woken = Rc::clone(&woken);
        handles.push(Builder::new().spawn(move || {
            sleep(DEADLINE);
            woken.set(woken.get() + 1);
        })?);
    }
    let spawned = start.elapsed();
    while stats().timers < count {
        yield_now();
    }
    let asleep = start.elapsed();
    let grown = Memory::now().since(before);

    clock.advance(DEADLINE);
    let start = Instant::now();
    for handle in handles {
        handle.join()?;
    }
    let joined = start.elapsed();
    assert_eq!(woken.get(), count);

    println!(
        "coroutines      {count}, all asleep at once under {}",
        stats().hub
    );
    println!(
        "memory          {} bytes each: {} resident, {} page tables",
        grown.total() / count,
        grown.resident / count,
        grown.tables / count
    );
    println!("mappings        {} more", grown.mappings);
    println!(
        "spawned         {spawned:.2?}, {} ns each",
        nanos(spawned, count)
    );
    println!(
        "all asleep      {asleep:.2?}, {} ns each",
        nanos(asleep, count)
    );
    println!(
        "woken, joined   {joined:.2?}, {} ns each",
        nanos(joined, count)
    );
    Ok(())
}

fn nanos(time: Duration, count: usize) -> u128 {
    time.as_nanos() / count as u128
}

/// What the process takes, in bytes, and its number of mappings; zero where `/proc` is missing.
#[derive(Clone, Copy)]
struct Memory {
    resident: usize,
    tables: usize,
    mappings: usize,
}

impl Memory {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            kibibytes.unwrap_or(0) * 1024
        };
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        Memory {
            resident: field("VmRSS:"),
            tables: field("VmPTE:"),
            mappings: maps.lines().count(),
        }
    }

    fn since(self, before: Memory) -> Memory {
        Memory {
            resident: self.resident.saturating_sub(before.resident),
            tables: self.tables.saturating_sub(before.tables),
            mappings: self.mappings.saturating_sub(before.mappings),
        }
    }

    fn total(self) -> usize {
        self.resident + self.tables
    }
}
