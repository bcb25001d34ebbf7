//! The levels this library is to reach, each beside what was measured.
//!
//! A level is never reached by giving up a promise; what was kept while it was measured stands with it.

use std::collections::HashMap;
use std::fs;

use eventlet_benches::outcome::{Outcome, median, quantile, quotients};

/// Where people write why a level is missed: `KEY: TEXT` lines; a key is as [`Level::key`] has it.
const REASONS: &str = "benches/report/reasons.txt";

/// What is asked of a figure.
#[derive(Clone, Copy, Debug)]
enum Bound {
    /// No more than that, in the outcome's unit.
    Figure(f64, &'static str),
    /// No more than so many times this peer's.
    Ratio(&'static str, f64),
    /// Below this peer's.
    Ahead(&'static str),
}

/// One thing that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    what: &'static str,
    outcome: &'static str,
    ours: &'static str,
    bound: Bound,
    /// The promises that were kept.
    kept: &'static str,
}

/// What every coroutine has while it is measured.
const ALWAYS: &str = "guarded stacks, first come first served, accounting";
const TIMED: &str = "exact order, never early, cancelling removes";
const SERVED: &str = "deadlines, limits, fairness between connections";
const WATCHED: &str = "tokens with generations, descriptors kept open";

#[rustfmt::skip] // A table.
pub const LEVELS: [Level; 35] = [
    level("yield between two coroutines", "yield/2", "eventlet", Bound::Figure(15.0, "ns each"), ALWAYS),
    level("yield between two coroutines", "yield/2", "eventlet", Bound::Ratio("may", 1.0 / 3.0), ALWAYS),
    level("yield between two coroutines", "yield/2", "eventlet", Bound::Ratio("tokio-local", 1.0 / 3.0), ALWAYS),
    level("spawn and join, pooled stack", "spawn+join", "eventlet", Bound::Figure(80.0, "ns each"), ALWAYS),
    level("spawn and join, pooled stack", "spawn+join", "eventlet", Bound::Ratio("tokio-local", 1.0 / 3.0), ALWAYS),
    level("spawn and join, pooled stack", "spawn+join", "eventlet", Bound::Ratio("may", 0.1), ALWAYS),
    level("channel round trip, rendezvous", "channel/rendezvous", "eventlet", Bound::Ratio("tokio-bounded1", 0.5), ALWAYS),
    level("channel round trip, rendezvous", "channel/rendezvous", "eventlet", Bound::Ratio("may-unbounded", 0.5), ALWAYS),
    level("channel round trip, unbounded", "channel/unbounded", "eventlet", Bound::Ratio("tokio-unbounded", 0.5), ALWAYS),
    level("channel round trip, unbounded", "channel/unbounded", "eventlet", Bound::Ratio("may-unbounded", 0.5), ALWAYS),
    level("1,000,000 sleeping coroutines", "memory/1000000", "eventlet", Bound::Figure(5.0 * 1024.0, "bytes each"), "a guard for each stack; all are woken and joined"),
    level("timer armed and cancelled, 100,000 pending", "timer-arm+cancel/100000", "task", Bound::Figure(50.0, "ns each"), TIMED),
    level("timer armed and cancelled, 100,000 pending", "timer-arm+cancel/100000", "task", Bound::Ahead("tokio"), TIMED),
    level("token ring, 1,000 descriptors, 10 active", "hubs/1000x10", "epoll", Bound::Ratio("bare-epoll", 1.05), WATCHED),
    level("token ring, 1,000 descriptors, 10 active", "hubs/1000x10", "epoll", Bound::Ahead("mio"), WATCHED),
    level("token ring, 1,000 descriptors, 10 active", "hubs/1000x10", "epoll", Bound::Ahead("polling-edge"), WATCHED),
    level("token ring, 1,000 descriptors, 10 active", "hubs/1000x10", "epoll", Bound::Ahead("polling-oneshot"), WATCHED),
    level("TCP echo, 100 connections, server CPU", "echo/100/cpu", "eventlet", Bound::Ratio("bare", 1.05), ALWAYS),
    level("TCP echo, 100 connections, server CPU", "echo/100/cpu", "eventlet", Bound::Ahead("tokio"), ALWAYS),
    level("TCP echo, 100 connections, server CPU", "echo/100/cpu", "eventlet", Bound::Ahead("may"), ALWAYS),
    level("HTTP /plaintext by a shortcut, server CPU", "http/plaintext/cpu", "ours", Bound::Ratio("bare", 1.05), SERVED),
    level("HTTP /plaintext by a shortcut, server CPU", "http/plaintext/cpu", "ours", Bound::Ahead("may"), SERVED),
    level("HTTP /plaintext by a shortcut, server CPU", "http/plaintext/cpu", "ours", Bound::Ahead("hyper"), SERVED),
    level("HTTP /plaintext by a shortcut, 16 pipelined, server CPU", "http/pipelined/cpu", "ours", Bound::Ratio("bare", 1.05), SERVED),
    level("HTTP /plaintext by a shortcut, 16 pipelined, server CPU", "http/pipelined/cpu", "ours", Bound::Ahead("may"), SERVED),
    level("HTTP /plaintext by a shortcut, 16 pipelined, server CPU", "http/pipelined/cpu", "ours", Bound::Ahead("hyper"), SERVED),
    level("HTTP /plaintext by a handler, server CPU", "http/plaintext/cpu", "ours-handler", Bound::Ratio("bare", 1.05), SERVED),
    level("HTTP /plaintext by a handler, server CPU", "http/plaintext/cpu", "ours-handler", Bound::Ahead("may"), SERVED),
    level("HTTP /plaintext by a handler, server CPU", "http/plaintext/cpu", "ours-handler", Bound::Ahead("hyper"), SERVED),
    level("HTTP /plaintext by a handler, 16 pipelined, server CPU", "http/pipelined/cpu", "ours-handler", Bound::Ratio("bare", 1.05), SERVED),
    level("HTTP /plaintext by a handler, 16 pipelined, server CPU", "http/pipelined/cpu", "ours-handler", Bound::Ahead("may"), SERVED),
    level("HTTP /plaintext by a handler, 16 pipelined, server CPU", "http/pipelined/cpu", "ours-handler", Bound::Ahead("hyper"), SERVED),
    level("idle keep-alive HTTP connection", "idle/5000/memory", "ours", Bound::Figure(8.0 * 1024.0, "bytes each"), SERVED),
    level("a parked server wakes up", "idle/5000/wake-ups", "ours", Bound::Figure(0.0, "per second"), SERVED),
    level("HTTP, body of 1 KiB there and back, server CPU", "http/echo-1KiB/cpu", "ours", Bound::Ahead("hyper"), SERVED),
];

const fn level(
    what: &'static str,
    outcome: &'static str,
    ours: &'static str,
    bound: Bound,
    kept: &'static str,
) -> Level {
    Level {
        what,
        outcome,
        ours,
        bound,
        kept,
    }
}

/// Whether a level is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    /// Not measured here.
    Open,
}

/// A level as a row of the table.
pub struct Row {
    pub what: &'static str,
    pub asked: String,
    pub measured: String,
    pub verdict: Verdict,
    /// What was kept, and why it is missed.
    pub remark: String,
}

/// All levels, in figures.
pub fn rows(outcomes: &[Outcome]) -> Vec<Row> {
    let reasons = fs::read_to_string(REASONS).unwrap_or_default();
    let reasons: HashMap<&str, &str> = reasons
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .map(|(key, text)| (key.trim(), text.trim()))
        .collect();
    LEVELS
        .iter()
        .map(|level| level.row(outcomes, &reasons))
        .collect()
}

impl Level {
    /// What a reason is filed under: the outcome, and the peer if there is one: `yield/2`, `yield/2 of may`.
    fn key(&self) -> String {
        match self.bound {
            Bound::Figure(..) => self.outcome.to_owned(),
            Bound::Ratio(peer, _) | Bound::Ahead(peer) => format!("{} of {peer}", self.outcome),
        }
    }

    fn row(&self, outcomes: &[Outcome], reasons: &HashMap<&str, &str>) -> Row {
        let outcome = outcomes.iter().find(|outcome| outcome.name == self.outcome);
        let asked = match self.bound {
            Bound::Figure(most, unit) => format!("≤ {} {unit}", trimmed(most)),
            Bound::Ratio(peer, most) => format!("≤ {} of {peer}", trimmed(most)),
            Bound::Ahead(peer) => format!("below {peer}"),
        };
        let found = outcome.and_then(|outcome| self.figures(outcome));
        let (measured, verdict) = match (&found, outcome.and_then(|it| stopped(it, self.ours))) {
            (None, Some(why)) => (format!("stopped: {why}"), Verdict::Missed),
            (None, None) => ("not measured".to_owned(), Verdict::Open),
            (Some(figures), _) => {
                let middle = median(figures.clone());
                let low = quantile(figures.clone(), 0.25);
                let high = quantile(figures.clone(), 0.75);
                let is_met = match self.bound {
                    Bound::Figure(most, _) | Bound::Ratio(_, most) => middle <= most,
                    Bound::Ahead(_) => middle < 1.0,
                };
                let text = format!(
                    "{} ({} to {})",
                    trimmed(middle),
                    trimmed(low),
                    trimmed(high)
                );
                let verdict = if is_met {
                    Verdict::Met
                } else {
                    Verdict::Missed
                };
                (text, verdict)
            }
        };
        let mut remark = format!("with {}", self.kept);
        if verdict == Verdict::Missed {
            let reason = reasons.get(self.key().as_str());
            let reason = reason.unwrap_or(&"no reason has been written down yet");
            remark = format!("{reason}; {remark}");
        }
        Row {
            what: self.what,
            asked,
            measured,
            verdict,
            remark,
        }
    }

    /// The figures, or ratios, round by round.
    fn figures(&self, outcome: &Outcome) -> Option<Vec<f64>> {
        let ours = &outcome.entrant(self.ours)?.figures;
        match self.bound {
            Bound::Figure(..) => Some(ours.clone()),
            Bound::Ratio(peer, _) | Bound::Ahead(peer) => {
                Some(quotients(ours, &outcome.entrant(peer)?.figures))
            }
        }
    }
}

/// Why one could not take part.
fn stopped<'o>(outcome: &'o Outcome, name: &str) -> Option<&'o str> {
    let entrant = outcome
        .entrants
        .iter()
        .find(|entrant| entrant.name == name)?;
    entrant.stopped.as_deref()
}

/// A figure with as many places as it deserves.
pub fn trimmed(figure: f64) -> String {
    let text = match figure.abs() {
        size if size >= 100.0 => return grouped(figure),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number with its thousands apart.
fn grouped(figure: f64) -> String {
    let digits = format!("{:.0}", figure.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if figure < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}
