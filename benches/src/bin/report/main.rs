//! The one command behind `benches/REPORT.md`: builds and runs everything in bounded time, says how far it
//! is, and writes the page with its tables and plots.
//!
//! `report [--quick] [--only STEP,STEP] [--render]`, in the root of the workspace (`ci/bench.sh report`
//! goes there).
//!
//! * `--quick`: a tenth of the time, and figures to match; the page says so in its first lines.
//! * `--only`: these steps alone, and the figures of the others as they were recorded last: `hubs`,
//!   `coroutines`, `timers`, `channels`, `locks`, `threads`, `processes`, `echo`, `http`, `idle`, `memory`.
//! * `--render`: measures nothing; writes the page anew from what was recorded.
//!
//! What was measured is kept in `benches/report/figures.jsonl`: the machine in its first line, then an
//! outcome a line. Why a level is missed stands in `benches/report/reasons.txt`, which people write.

#![forbid(unsafe_code)]

mod facts;
mod levels;
mod page;
mod plot;
mod plots;
mod run;
mod sleeping;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use eventlet_benches::flags::{Flags, exit_code};
use eventlet_benches::outcome::Outcome;

use facts::Facts;

/// Where plots and figures go.
const FOLDER: &str = "benches/report";

/// What was measured.
const FIGURES: &str = "benches/report/figures.jsonl";

/// The page.
const PAGE: &str = "benches/REPORT.md";

/// How long a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Some two minutes once everything is built: whether it works.
    Quick,
    /// Some ten.
    Full,
}

fn main() -> ExitCode {
    exit_code("report", report(Flags::of_process()))
}

fn report(mut flags: Flags) -> Result<(), String> {
    let pace = match flags.is_set("--quick") {
        true => Pace::Quick,
        false => Pace::Full,
    };
    let renders_only = flags.is_set("--render");
    let only = flags.text("--only")?;
    flags.finish()?;
    if !Path::new(PAGE).with_file_name("Cargo.toml").exists() {
        return Err("run it in the root of the workspace".to_owned());
    }
    fs::create_dir_all(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;

    let begun = Instant::now();
    let (facts, outcomes) = if renders_only {
        recorded()?
    } else {
        let steps = run::steps(only.as_deref())?;
        let mut facts = Facts::of_machine(pace);
        let mut outcomes = run::all(&steps, pace)?;
        if only.is_some()
            && let Ok((_, before)) = recorded()
        {
            // What was measured anew takes the place of what stood there.
            let kept = before
                .into_iter()
                .filter(|old| !outcomes.iter().any(|new| new.name == old.name));
            outcomes.extend(kept.collect::<Vec<_>>());
        }
        facts.finish(begun.elapsed());
        record(&facts, &outcomes)?;
        (facts, outcomes)
    };
    plots::draw_all(&outcomes, Path::new(FOLDER))?;
    let text = page::page(&facts, &outcomes);
    fs::write(PAGE, text).map_err(|error| format!("{PAGE}: {error}"))?;
    println!(
        "report: {PAGE} from {} outcomes, {:.0?} in all",
        outcomes.len(),
        begun.elapsed()
    );
    Ok(())
}

fn record(facts: &Facts, outcomes: &[Outcome]) -> Result<(), String> {
    let json = |error: serde_json::Error| error.to_string();
    let mut lines = vec![serde_json::to_string(facts).map_err(json)?];
    for outcome in outcomes {
        lines.push(serde_json::to_string(outcome).map_err(json)?);
    }
    fs::write(FIGURES, lines.join("\n") + "\n").map_err(|error| format!("{FIGURES}: {error}"))
}

fn recorded() -> Result<(Facts, Vec<Outcome>), String> {
    let told = |error: &dyn std::fmt::Display| format!("{FIGURES}: {error}");
    let text = fs::read_to_string(FIGURES).map_err(|error| told(&error))?;
    let mut lines = text.lines();
    let facts =
        serde_json::from_str(lines.next().unwrap_or_default()).map_err(|error| told(&error))?;
    let outcomes = lines.map(serde_json::from_str).collect::<Result<_, _>>();
    Ok((facts, outcomes.map_err(|error| told(&error))?))
}
