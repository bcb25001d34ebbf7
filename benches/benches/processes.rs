//! Starting a program and waiting for its end, against std and tokio.
//!
//! | bench | one operation |
//! |---|---|
//! | `spawn` | a program that does nothing is started and waited for |
//! | `spawn-output` | the same, and what it writes is read to its end |
//! | `spawn-burst` | [`BURST`] of them at a time; std starts them all before it waits for the first |
//!
//! Each is held by the time that passes and by the CPU time of this process, without its children's.
//! What a program costs is mostly the kernel's work; the figures show that starting it on another
//! thread, so that the loop goes on, takes no longer than starting it in place, as the peers do.

#![forbid(unsafe_code)]
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

use std::process;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use eventlet::process::{Command, Stdio};
use eventlet::spawn;
use eventlet_benches::contest::{self, Contest, timed_by};
use eventlet_benches::cpu::{Clock, Stopwatch};
use tokio::runtime;

/// How many are started before the first is waited for.
const BURST: u64 = 16;

/// What writes one line and ends.
const SAYS: [&str; 2] = ["echo", "hello"];

/// Both ways to measure, with their names.
const CLOCKS: [(Clock, &str); 2] = [(Clock::Elapsed, "elapsed"), (Clock::Process, "cpu")];

type Work = fn(Clock, u64) -> Duration;

/// How many are started at a time, until it is so many in all.
fn bursts_of(times: u64) -> impl Iterator<Item = u64> {
    let rest = Some(times % BURST).filter(|&rest| rest > 0);
    std::iter::repeat_n(BURST, (times / BURST) as usize).chain(rest)
}

mod ours {
    use super::{Clock, Command, Duration, SAYS, Stdio, Stopwatch, bursts_of, spawn, timed_by};

    fn once() {
        let status = Command::new("true").stdin(Stdio::null()).status();
        assert!(status.expect("it starts").success());
    }

    pub fn spawns(clock: Clock, times: u64) -> Duration {
        timed_by(clock, times, once)
    }

    pub fn outputs(clock: Clock, times: u64) -> Duration {
        timed_by(clock, times, || {
            let output = Command::new(SAYS[0]).arg(SAYS[1]).output();
            assert_eq!(output.expect("it starts").stdout, b"hello\n");
        })
    }

    pub fn bursts(clock: Clock, times: u64) -> Duration {
        let begun = Stopwatch::start_by(clock);
        for count in bursts_of(times) {
            let all: Vec<_> = (0..count).map(|_| spawn(once)).collect();
            all.into_iter().for_each(|one| one.join().expect("it ends"));
        }
        begun.elapsed()
    }
}

mod std_process {
    use super::{Clock, Duration, SAYS, Stopwatch, bursts_of, process, timed_by};

    fn start() -> process::Child {
        let mut command = process::Command::new("true");
        let child = command.stdin(process::Stdio::null()).spawn();
        child.expect("it starts")
    }

    pub fn spawns(clock: Clock, times: u64) -> Duration {
        timed_by(clock, times, || {
            assert!(start().wait().expect("it ends").success());
        })
    }

    pub fn outputs(clock: Clock, times: u64) -> Duration {
        timed_by(clock, times, || {
            let output = process::Command::new(SAYS[0]).arg(SAYS[1]).output();
            assert_eq!(output.expect("it starts").stdout, b"hello\n");
        })
    }

    pub fn bursts(clock: Clock, times: u64) -> Duration {
        let begun = Stopwatch::start_by(clock);
        for count in bursts_of(times) {
            let all: Vec<_> = (0..count).map(|_| start()).collect();
            for mut one in all {
                assert!(one.wait().expect("it ends").success());
            }
        }
        begun.elapsed()
    }
}

mod tokio_process {
    use super::{Clock, Duration, SAYS, Stopwatch, bursts_of, process, runtime};
    use tokio::process::Command;

    /// Its processes want a runtime that watches descriptors.
    fn block_on<T>(work: impl Future<Output = T>) -> T {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(work)
    }

    async fn once() {
        let status = Command::new("true").stdin(process::Stdio::null()).status();
        assert!(status.await.expect("it starts").success());
    }

    pub fn spawns(clock: Clock, times: u64) -> Duration {
        block_on(async move {
            let begun = Stopwatch::start_by(clock);
            for _ in 0..times {
                once().await;
            }
            begun.elapsed()
        })
    }

    pub fn outputs(clock: Clock, times: u64) -> Duration {
        block_on(async move {
            let begun = Stopwatch::start_by(clock);
            for _ in 0..times {
                let output = Command::new(SAYS[0]).arg(SAYS[1]).output().await;
                assert_eq!(output.expect("it starts").stdout, b"hello\n");
            }
            begun.elapsed()
        })
    }

    pub fn bursts(clock: Clock, times: u64) -> Duration {
        block_on(async move {
            let begun = Stopwatch::start_by(clock);
            for count in bursts_of(times) {
                let all: Vec<_> = (0..count).map(|_| tokio::spawn(once())).collect();
                for one in all {
                    one.await.expect("it ends");
                }
            }
            begun.elapsed()
        })
    }
}

/// Holds a contest by each clock.
fn hold(criterion: &mut Criterion, bench: &str, ours: Work, std: Work, tokio: Work) {
    for (clock, name) in CLOCKS {
        Contest::new(format!("{bench}/{name}"))
            .ours("eventlet", move || {
                Box::new(move |times| ours(clock, times))
            })
            .peer("std", move || Box::new(move |times| std(clock, times)))
            .peer("tokio", move || Box::new(move |times| tokio(clock, times)))
            .hold(criterion);
    }
}

fn processes(criterion: &mut Criterion) {
    use {ours as we, std_process as std, tokio_process as tokio};
    hold(criterion, "spawn", we::spawns, std::spawns, tokio::spawns);
    hold(
        criterion,
        "spawn-output",
        we::outputs,
        std::outputs,
        tokio::outputs,
    );
    hold(
        criterion,
        "spawn-burst",
        we::bursts,
        std::bursts,
        tokio::bursts,
    );
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = processes
}
criterion_main!(benches);
