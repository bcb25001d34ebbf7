//! A program that is kept running, with what it says logged line by line.
//!
//! ```text
//! cargo run --example supervisor --features log,processes -- sh -c 'echo working; sleep 1; exit 3'
//! ```
//!
//! One that fails is started again, after a pause that doubles each time; one that ends well is not.
//! Ctrl-C asks it to end, and kills it with all that it has started if it does not.

use std::cell::RefCell;
use std::io::{self, Read};
use std::process::{ExitCode, ExitStatus};
use std::rc::Rc;
use std::time::Duration;

use eventlet::logging::LineLogger;
use eventlet::process::{ChildHandle, Command, Group, OnDrop, Stdio};
use eventlet::signals::{STOP, Signals};
use eventlet::{race, sleep, spawn};

/// How long the program may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// The first pause before it is started again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

fn log_lines(id: u32, stream: &str, mut from: impl Read) {
    // It need not be text, and a line of it may have any length.
    let mut lines = LineLogger::text(|line| println!("[{id}] {stream}: {line}"));
    let _ = io::copy(&mut from, &mut lines);
}

/// Runs it once, to its end.
fn run_once(command: &mut Command, started: impl FnOnce(ChildHandle)) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    let id = child.id();
    println!("[{id}] started");
    started(child.handle());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let readers = [
        stdout.map(|pipe| spawn(move || log_lines(id, "out", pipe))),
        stderr.map(|pipe| spawn(move || log_lines(id, "err", pipe))),
    ];
    let status = child.wait()?;
    for reader in readers.into_iter().flatten() {
        // Those it has left behind may hold its streams for longer; that is not waited for.
        let _ = reader.join_timeout(GRACE);
    }
    println!("[{id}] ended: {status}");
    Ok(status)
}

fn supervise(mut command: Command) -> io::Result<()> {
    let signals = Signals::new(&STOP)?;
    let running = Rc::new(RefCell::new(None));
    let theirs = Rc::clone(&running);
    let keeper = spawn(move || {
        let mut pause = PAUSES.0;
        loop {
            let status = run_once(&mut command, |handle| {
                theirs.replace(Some(handle));
            })?;
            if status.success() {
                return Ok(());
            }
            println!("starting it again in {pause:?}");
            sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    });
    let stopper = spawn(move || {
        signals.wait()?;
        let running = running.take();
        running.map_or(Ok(()), |running| running.terminate(GRACE).map(drop))
    });
    // Whichever is first: the program has ended well, or was asked to end.
    let (_, outcome) = race(vec![keeper, stopper]).map_err(io::Error::other)?;
    outcome.map_err(|error| io::Error::other(error.to_string()))?
}

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let outcome = match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            command
                .args(words)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.process_group(Group::New).on_drop(OnDrop::Kill);
            supervise(command)
        }
        None => Err(io::Error::other("usage: supervisor PROGRAM [ARGUMENT…]")),
    };
    let outcome = outcome.inspect_err(|error| eprintln!("supervisor: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
