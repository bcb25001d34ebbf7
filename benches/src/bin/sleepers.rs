//! Peers asleep: so many tasks of tokio or coroutines of `may`, and what each takes of memory.
//!
//! `sleepers tokio|may COUNT` prints the line that the example `million` of `eventlet-green` prints for
//! ours: bytes each, all of them asleep at once. A peer that cannot hold so many ends as it ends: with a
//! panic, or with a signal, and that is what is reported of it.

#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use eventlet_benches::flags::exit_code;
use eventlet_benches::memory::Memory;
use eventlet_benches::tokio_local::block_on_with_time;
use may::go;

/// Longer than anybody waits here.
const NIGHT: Duration = Duration::from_secs(24 * 3600);

/// More would need more memory than this is meant to take.
const MOST: usize = 4_000_000;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let count = words.get(1).and_then(|text| text.parse().ok());
    let weighed = match (words.first().map(String::as_str), count) {
        (Some("tokio"), Some(count)) if (1..=MOST).contains(&count) => tokio(count),
        (Some("may"), Some(count)) if (1..=MOST).contains(&count) => may(count),
        _ => {
            eprintln!("usage: sleepers tokio|may COUNT, from 1 to {MOST}");
            return ExitCode::from(2);
        }
    };
    let printed = weighed.map(|(count, grown)| {
        let each = |bytes: u64| bytes / count as u64;
        println!(
            "memory          {} bytes each: {} resident, {} page tables",
            each(grown.total()),
            each(grown.resident),
            each(grown.tables)
        );
    });
    // All those that sleep need not be woken.
    exit_code("sleepers", printed)
}

fn tokio(count: usize) -> io::Result<(usize, Memory)> {
    let before = Memory::of("self")?;
    block_on_with_time(async move {
        let asleep = Arc::new(AtomicUsize::new(0));
        let mut handles = Vec::with_capacity(count);
        for _ in 0..count {
            let asleep = Arc::clone(&asleep);
            handles.push(tokio::task::spawn_local(async move {
                asleep.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(NIGHT).await;
            }));
        }
        while asleep.load(Ordering::Relaxed) < count {
            tokio::task::yield_now().await;
        }
        Ok((count, Memory::of("self")?.since(before)))
    })
}

fn may(count: usize) -> io::Result<(usize, Memory)> {
    may::config().set_workers(1);
    // Before its first coroutine: with that it makes stacks ahead, which later ones use.
    let before = Memory::of("self")?;
    let asleep = Arc::new(AtomicUsize::new(0));
    let mut handles = Vec::with_capacity(count);
    for _ in 0..count {
        let asleep = Arc::clone(&asleep);
        handles.push(go!(move || {
            asleep.fetch_add(1, Ordering::Relaxed);
            may::coroutine::sleep(NIGHT);
        }));
    }
    while asleep.load(Ordering::Relaxed) < count {
        thread::sleep(Duration::from_millis(1));
    }
    let grown = Memory::of("self")?.since(before);
    // Not joined: they sleep on.
    Ok((count, grown))
}
