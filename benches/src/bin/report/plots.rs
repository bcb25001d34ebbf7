//! The pictures of the report: which outcomes are lines over which numbers. Names stand in an order that
//! gives a peer the same colour in most of them.

use std::path::Path;

use eventlet_benches::outcome::Outcome;

use crate::plot::{Line, Panel, draw};

/// The pictures: the file, and the heading under which the page shows it.
pub const PICTURES: [(&str, &str); 5] = [
    (
        "hubs.svg",
        "What a hop of the ring costs, over the descriptors that are watched",
    ),
    (
        "memory.svg",
        "What a sleeping coroutine takes, over how many there are",
    ),
    (
        "latency.svg",
        "How long an echo takes, over the connections",
    ),
    ("yields.svg", "What giving way costs, over the coroutines"),
    (
        "timers.svg",
        "What arming and cancelling a timer costs, over those that are pending",
    ),
];

/// Draws those for which there are figures.
///
/// # Errors
///
/// A line about the file that could not be written.
pub fn draw_all(outcomes: &[Outcome], folder: &Path) -> Result<(), String> {
    let one = |title: &str, across: &str, upwards: &str, prefix, suffix, names: &[&str]| {
        let lines = lines(outcomes, prefix, suffix, names);
        vec![panel(title, across, upwards, lines)]
    };
    let servers = ["eventlet", "bare", "may", "tokio"];
    let pictures = [
        one(
            "Token ring, 10 of the descriptors active",
            "descriptors",
            "ns of CPU for each hop",
            "hubs/",
            "x10",
            &[
                "epoll",
                "bare-epoll",
                "mio",
                "polling-edge",
                "polling-oneshot",
                "poll",
                "select",
                "polling",
            ],
        ),
        one(
            "Sleeping coroutines",
            "coroutines",
            "bytes each, page tables included",
            "memory/",
            "",
            &["eventlet", "eventlet-mprotect", "may", "tokio-local"],
        ),
        ["p50", "p99"]
            .map(|share| {
                let title = match share {
                    "p50" => "TCP echo: half are answered within",
                    _ => "TCP echo: 99 of 100 are answered within",
                };
                let lines = lines(outcomes, "echo/", &format!("/{share}"), &servers);
                panel(title, "connections", "µs until answered", lines)
            })
            .into(),
        one(
            "Giving way through the scheduler",
            "coroutines",
            "ns of CPU each",
            "yield/",
            "",
            &["eventlet", "corosensei", "may", "tokio-local"],
        ),
        one(
            "Timers: arm and cancel",
            "timers pending",
            "ns of CPU each",
            "timer-arm+cancel/",
            "",
            &["task", "heap", "closure", "tokio"],
        ),
    ];
    for ((file, _), panels) in PICTURES.into_iter().zip(pictures) {
        if panels.iter().any(|panel| !panel.lines.is_empty()) {
            draw(&folder.join(file), &panels)?;
        }
    }
    Ok(())
}

fn panel(title: &str, across: &str, upwards: &str, lines: Vec<Line>) -> Panel {
    Panel {
        title: title.to_owned(),
        across: across.to_owned(),
        upwards: upwards.to_owned(),
        lines,
    }
}

/// A line for each name over the outcomes whose name is a number between `prefix` and `suffix`.
fn lines(outcomes: &[Outcome], prefix: &str, suffix: &str, names: &[&str]) -> Vec<Line> {
    let mut numbered: Vec<(f64, &Outcome)> = outcomes
        .iter()
        .filter_map(|outcome| {
            let number = outcome.name.strip_prefix(prefix)?.strip_suffix(suffix)?;
            Some((number.parse::<u64>().ok()? as f64, outcome))
        })
        .collect();
    numbered.sort_by(|one, other| one.0.total_cmp(&other.0));
    let line = |name: &&str| {
        let point = |(across, outcome): &(f64, &Outcome)| {
            let entrant = outcome.entrant(name)?;
            let (low, high) = entrant.quartiles();
            Some((*across, [low, entrant.median(), high]))
        };
        Line {
            name: (*name).to_owned(),
            points: numbered.iter().filter_map(point).collect(),
        }
    };
    if numbered.is_empty() {
        return Vec::new();
    }
    let lines = names.iter().map(line);
    lines.filter(|line| !line.points.is_empty()).collect()
}
