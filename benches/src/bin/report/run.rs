//! The steps of a report: programs that are built and run, each within a limit, each adding its outcomes
//! to one record.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use eventlet_benches::contest::ROUNDS;
use eventlet_benches::outcome::{Outcome, RECORD};

use crate::{Pace, sleeping};

/// How long building may take, all of it from nothing.
const BUILD_LIMIT: Duration = Duration::from_secs(3600);

/// How long a step may take before something is plainly wrong.
const STEP_LIMIT: Duration = Duration::from_secs(600);

/// How often a program that runs is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The cfg that has stacks guarded as on kernels before 6.13.
const PROTECTED: &str = "--cfg eventlet_mprotect_guard";

/// What is built, always together: with the same features, nothing is built twice.
#[rustfmt::skip] // A command line.
const PACKAGES: [&str; 7] = ["--quiet", "-p", "eventlet", "-p", "eventlet-green", "-p", "eventlet-benches"];

/// What a step runs.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A bench of this package.
    Bench,
    /// A program of this package, with its arguments for either pace.
    Program(
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    ),
    /// Coroutines asleep, in processes of their own.
    Sleeping,
}

/// A step: its name and what it runs.
pub type Step = (&'static str, Kind);

const STEPS: [Step; 11] = [
    ("hubs", Kind::Bench),
    ("coroutines", Kind::Bench),
    ("timers", Kind::Bench),
    ("channels", Kind::Bench),
    ("locks", Kind::Bench),
    ("threads", Kind::Bench),
    ("processes", Kind::Bench),
    (
        "echo",
        Kind::Program(
            "connections",
            &["--rounds", "7", "--exchanges", "30000"],
            &["--rounds", "3", "--exchanges", "3000"],
        ),
    ),
    (
        "http",
        Kind::Program(
            "cpu_per_request",
            // Many and short: what the neighbours of the machine do hits all servers alike.
            &["--rounds", "60", "--requests", "8000"],
            &["--rounds", "3", "--requests", "3000"],
        ),
    ),
    (
        "idle",
        Kind::Program(
            "idle_connections",
            &["--rounds", "3"],
            &["--rounds", "1", "--seconds", "1"],
        ),
    ),
    ("memory", Kind::Sleeping),
];

/// The steps of these names, or all.
///
/// # Errors
///
/// A line that names the one there is not.
pub fn steps(only: Option<&str>) -> Result<Vec<Step>, String> {
    let Some(only) = only else {
        return Ok(STEPS.to_vec());
    };
    only.split(',')
        .map(|name| {
            let step = STEPS.iter().find(|(known, _)| *known == name);
            step.copied().ok_or(format!("--only {name}: no such step"))
        })
        .collect()
}

/// Builds, runs the steps, gives back what came of them.
///
/// # Errors
///
/// A line about the step that failed.
pub fn all(steps: &[Step], pace: Pace) -> Result<Vec<Outcome>, String> {
    let here = env::current_exe().map_err(|error| error.to_string())?;
    let programs = here.parent().unwrap_or(Path::new("."));
    let target = programs.parent().unwrap_or(Path::new("."));
    let record = target.join("report.jsonl");
    match fs::remove_file(&record) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    build(steps, target)?;
    let rounds = match pace {
        Pace::Quick => "quick",
        Pace::Full => "report",
    };
    let mut outcomes = Vec::new();
    for (at, (name, kind)) in steps.iter().enumerate() {
        println!("[{}/{}] {name} …", at + 1, steps.len());
        let begun = Instant::now();
        let mut command = match kind {
            Kind::Sleeping => {
                outcomes.extend(sleeping::weigh(programs, &protected(target), pace)?);
                println!(
                    "[{}/{}] {name}: {:.0?}",
                    at + 1,
                    steps.len(),
                    begun.elapsed()
                );
                continue;
            }
            Kind::Bench => {
                let mut command = cargo(target);
                command.arg("bench").args(PACKAGES).args(["--bench", name]);
                command
            }
            Kind::Program(program, full, quick) => {
                let mut command = Command::new(programs.join(program));
                command.args(match pace {
                    Pace::Quick => *quick,
                    Pace::Full => *full,
                });
                command
            }
        };
        command.env(RECORD, &record).env(ROUNDS, rounds);
        let ended = run(&mut command, STEP_LIMIT).map_err(|error| format!("{name}: {error}"))?;
        for line in ended
            .output
            .lines()
            .filter(|line| line.starts_with("SKIPPED"))
        {
            println!("    {line}");
        }
        if !ended.status.success() {
            return Err(format!(
                "{name}: {}\n{}{}",
                ended.status, ended.output, ended.errors
            ));
        }
        println!(
            "[{}/{}] {name}: {:.0?}",
            at + 1,
            steps.len(),
            begun.elapsed()
        );
    }
    let text = fs::read_to_string(&record).unwrap_or_default();
    let measured = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<_>, _>>();
    let mut measured: Vec<Outcome> = measured.map_err(|error| error.to_string())?;
    measured.append(&mut outcomes);
    Ok(measured)
}

/// Where what is built with the other guards goes.
fn protected(target: &Path) -> PathBuf {
    target.join("ci").join("mprotect")
}

fn cargo(target: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.env("CARGO_TARGET_DIR", target);
    command
}

/// Everything that is measured. What is up to date already takes a second.
fn build(steps: &[Step], target: &Path) -> Result<(), String> {
    let needs = |wanted: fn(&Kind) -> bool| steps.iter().any(|(_, kind)| wanted(kind));
    let mut builds = Vec::new();
    if needs(|kind| !matches!(kind, Kind::Bench)) {
        let mut programs = cargo(target);
        programs.args(["build", "--release"]).args(PACKAGES);
        programs.args(["--bins", "--example", "httpd", "--example", "million"]);
        builds.push(("servers and programs", programs));
    }
    if needs(|kind| matches!(kind, Kind::Sleeping)) {
        let mut guarded = cargo(&protected(target));
        guarded.args(["build", "--release", "--quiet", "-p", "eventlet-green"]);
        guarded.args(["--example", "million"]);
        let mut flags = env::var_os("RUSTFLAGS").unwrap_or_default();
        flags.push(OsString::from(format!(" {PROTECTED}")));
        guarded.env("RUSTFLAGS", flags);
        builds.push(("coroutines with mprotect guards", guarded));
    }
    if needs(|kind| matches!(kind, Kind::Bench)) {
        let mut benches = cargo(target);
        benches.args(["bench", "--no-run"]).args(PACKAGES);
        for (name, _) in steps.iter().filter(|(_, kind)| matches!(kind, Kind::Bench)) {
            benches.args(["--bench", name]);
        }
        builds.push(("benches", benches));
    }
    for (what, mut command) in builds {
        println!("[build] {what} …");
        let begun = Instant::now();
        let ended = run(&mut command, BUILD_LIMIT).map_err(|error| format!("{what}: {error}"))?;
        if !ended.status.success() {
            return Err(format!(
                "building {what}: {}\n{}",
                ended.status, ended.errors
            ));
        }
        println!("[build] {what}: {:.0?}", begun.elapsed());
    }
    Ok(())
}

/// A program that has ended.
pub struct Ended {
    pub status: ExitStatus,
    pub output: String,
    pub errors: String,
}

/// Runs a program to its end.
///
/// # Errors
///
/// `TimedOut` when `limit` was over: it is ended then. Else those of starting it.
pub fn run(command: &mut Command, limit: Duration) -> io::Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{command:?}: {error}")))?;
    let reading = [reader(child.stdout.take()), reader(child.stderr.take())];
    let status = wait(&mut child, limit)?;
    let [output, errors] = reading.map(|it| it.join().unwrap_or_default());
    Ok(Ended {
        status,
        output,
        errors,
    })
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What has come before an error is what there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            let text = format!("not done after {limit:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(LOOK);
    }
}
