//! The page: facts, levels, pictures, and every figure with its spread.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use eventlet_benches::outcome::{Outcome, Side};

use crate::facts::Facts;
use crate::levels::{Verdict, rows, trimmed};
use crate::plots::PICTURES;
use crate::{FIGURES, FOLDER};

/// What is counted, and compared in CI.
const COUNTS: &str = "benches/counts.txt";

/// The whole page.
pub fn page(facts: &Facts, outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "# Report\n\nWritten by `bash ci/bench.sh report`; what the pieces of work are, and how noise is \
         held down, stands in [README.md](README.md). Figures are medians over rounds in which everybody \
         takes turns, with the first and the third quartile; ratios are taken within a round. They are \
         those of one machine on one day.\n",
    );
    if facts.is_quick {
        text += "\n**A quick run: it shows that everything works. Its figures are not to be quoted.**\n";
    }
    text += "\n| | |\n|---|---|\n";
    for (name, fact) in &facts.lines {
        row(&mut text, &[name, fact]);
    }
    levels(&mut text, outcomes);
    text += "\n## Pictures\n\nBoth axes are logarithmic; the fine upright lines go from the first to the \
             third quartile. A line ends where its program stops; why stands in the table below.\n";
    for (file, heading) in PICTURES {
        if Path::new(FOLDER).join(file).exists() {
            let _ = write!(text, "\n### {heading}\n\n![{heading}](report/{file})\n");
        }
    }
    counts(&mut text);
    let name = FIGURES.strip_prefix("benches/").unwrap_or(FIGURES);
    let _ = write!(
        text,
        "\n## All figures\n\nMedian, and in brackets the first and the third quartile; in the last column \
         each of ours over each peer, within the rounds: below 1, ours costs less. Every round's figure is \
         in [{name}]({name}).\n"
    );
    figures(&mut text, outcomes);
    text
}

/// A row of a table.
fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn levels(text: &mut String, outcomes: &[Outcome]) {
    let rows = rows(outcomes);
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let _ = write!(
        text,
        "\n## Levels\n\n{} met, {} missed, {} not measured. A level counts as met if the median of all \
         rounds meets it.\n\n| what | asked | measured | | |\n|---|---|---|---|---|\n",
        count(Verdict::Met),
        count(Verdict::Missed),
        count(Verdict::Open)
    );
    for level in &rows {
        let verdict = match level.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "**missed**",
            Verdict::Open => "open",
        };
        row(
            text,
            &[
                level.what,
                &level.asked,
                &level.measured,
                verdict,
                &level.remark,
            ],
        );
    }
}

/// The committed counts, as a table.
fn counts(text: &mut String) {
    let Ok(counts) = fs::read_to_string(COUNTS) else {
        return;
    };
    let line = |kind: &str, name: &str| {
        let prefix = format!("{kind} {name} ");
        counts
            .lines()
            .find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
    };
    let name = COUNTS.strip_prefix("benches/").unwrap_or(COUNTS);
    let compiler = counts
        .lines()
        .find_map(|line| line.strip_prefix("compiler "))
        .unwrap_or("unknown");
    let _ = write!(
        text,
        "\n## Counted\n\nInstructions of one operation under callgrind, its system calls under strace, from \
         [{name}]({name}), which CI compares with. {compiler}.\n\n| operation | instructions | system calls \
         | which |\n|---|---:|---:|---|\n"
    );
    let named = counts
        .lines()
        .filter_map(|line| line.strip_prefix("calls ")?.split(' ').next());
    for name in named {
        let instructions = line("instructions", name).unwrap_or_default();
        let calls = line("calls", name).unwrap_or_default();
        let (number, which) = calls.split_once(' ').unwrap_or((&calls, ""));
        row(text, &[name, &instructions, number, which]);
    }
}

fn figures(text: &mut String, outcomes: &[Outcome]) {
    let mut group = "";
    for outcome in outcomes {
        let own = outcome.name.split('/').next().unwrap_or_default();
        if own != group {
            group = own;
            let _ = write!(
                text,
                "\n### {group}\n\n| | unit | ours | peers | ratios |\n|---|---|---|---|---|\n"
            );
        }
        let of = |side| {
            let all: Vec<String> = outcome
                .entrants
                .iter()
                .filter(|entrant| entrant.side == side)
                .map(|entrant| match &entrant.stopped {
                    Some(why) => format!("{} stopped: {why}", entrant.name),
                    None => {
                        let (low, high) = entrant.quartiles();
                        let middle = trimmed(entrant.median());
                        let (low, high) = (trimmed(low), trimmed(high));
                        format!("{} {middle} ({low} to {high})", entrant.name)
                    }
                })
                .collect();
            all.join("<br>")
        };
        let ratios = ratios(outcome);
        row(
            text,
            &[
                &outcome.name,
                &outcome.unit,
                &of(Side::Ours),
                &of(Side::Peer),
                &ratios,
            ],
        );
    }
}

fn ratios(outcome: &Outcome) -> String {
    let of = |side| {
        outcome
            .entrants
            .iter()
            .filter(move |entrant| entrant.side == side)
    };
    let lines: Vec<String> = of(Side::Ours)
        .filter_map(|ours| {
            let ratios: Vec<String> = of(Side::Peer)
                .filter_map(|peer| {
                    let ratio = outcome.ratio(&ours.name, &peer.name)?;
                    Some(format!("{ratio:.2} of {}", peer.name))
                })
                .collect();
            (!ratios.is_empty()).then(|| format!("{}: {}", ours.name, ratios.join(", ")))
        })
        .collect();
    lines.join("<br>")
}
