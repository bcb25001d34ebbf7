//! What came of a measurement: the figures of ours and of its peers, round by round. Printed as lines to
//! look at, and recorded for the report where that was asked for.
//!
//! Who measures is somebody else: [`contest`](crate::contest) on one thread, the programs in `bin` with
//! servers and with memory.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

use serde::{Deserialize, Serialize};

/// The environment variable with the file that outcomes are appended to, one line of JSON each.
pub const RECORD: &str = "EVENTLET_BENCH_RECORD";

/// Whose an entrant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// Of this workspace: gets a line of ratios.
    Ours,
    /// What ours are compared with.
    Peer,
}

/// One who took part, and its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entrant {
    /// Its name, the same wherever it takes part.
    pub name: String,
    /// Whose it is.
    pub side: Side,
    /// A figure for each round, of the same round at the same place for everybody. Empty where it
    /// could not take part.
    pub figures: Vec<f64>,
    /// Why it could not, if it could not.
    #[serde(default)]
    pub stopped: Option<String>,
}

/// A piece of work and what it cost everybody.
///
/// # Examples
///
/// ```
/// use eventlet_benches::outcome::{Outcome, Side};
///
/// let mut outcome = Outcome::new("yield/2", "ns each");
/// outcome.add("eventlet", Side::Ours, vec![10.0, 12.0, 11.0]);
/// outcome.add("may", Side::Peer, vec![40.0, 48.0, 55.0]);
/// assert_eq!(outcome.ratio("eventlet", "may"), Some(0.25));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was done, and how much of it: `yield/2`.
    pub name: String,
    /// What a figure is: `ns each`.
    pub unit: String,
    /// Who did it.
    pub entrants: Vec<Entrant>,
}

impl Outcome {
    /// One without entrants.
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Outcome {
            name: name.into(),
            unit: unit.into(),
            entrants: Vec::new(),
        }
    }

    /// Adds one who took part.
    pub fn add(&mut self, name: &str, side: Side, figures: Vec<f64>) {
        self.entrants.push(Entrant {
            name: name.to_owned(),
            side,
            figures,
            stopped: None,
        });
    }

    /// Adds one who could not, and why.
    pub fn add_stopped(&mut self, name: &str, side: Side, why: impl Into<String>) {
        self.entrants.push(Entrant {
            name: name.to_owned(),
            side,
            figures: Vec::new(),
            stopped: Some(why.into()),
        });
    }

    /// The one of that name, if it has figures.
    pub fn entrant(&self, name: &str) -> Option<&Entrant> {
        self.entrants
            .iter()
            .find(|entrant| entrant.name == name && !entrant.figures.is_empty())
    }

    /// The median of somebody's figures.
    pub fn median(&self, name: &str) -> Option<f64> {
        self.entrant(name).map(Entrant::median)
    }

    /// The median over the rounds of one's figure over the other's: below 1, the first is the lower.
    /// Nothing where the other has none above zero.
    pub fn ratio(&self, one: &str, other: &str) -> Option<f64> {
        let (one, other) = (self.entrant(one)?, self.entrant(other)?);
        let ratio = median(quotients(&one.figures, &other.figures));
        ratio.is_finite().then_some(ratio)
    }

    /// Prints the figures, and the ratios of each of ours; records them if [`RECORD`] says where.
    ///
    /// # Panics
    ///
    /// If the record cannot be written.
    pub fn publish(&self) {
        self.print();
        if let Some(path) = env::var_os(RECORD).filter(|path| !path.is_empty()) {
            let line = serde_json::to_string(self).expect("figures and names are JSON");
            let mut record = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .expect("the file that EVENTLET_BENCH_RECORD names can be written");
            writeln!(record, "{line}").expect("there is room for the record");
        }
    }

    fn print(&self) {
        let rounds = self.entrants.iter().map(|entrant| entrant.figures.len());
        let figures: Vec<String> = self
            .entrants
            .iter()
            .map(|entrant| match &entrant.stopped {
                Some(why) => format!("{} stopped: {why}", entrant.name),
                None => {
                    let least = least(&entrant.figures);
                    format!("{} {least:.1}/{:.1}", entrant.name, entrant.median())
                }
            })
            .collect();
        println!(
            "{}: {}, least/median of {} rounds: {}",
            self.name,
            self.unit,
            rounds.max().unwrap_or(0),
            figures.join(", ")
        );
        for mine in self.entrants.iter().filter(|it| it.side == Side::Ours) {
            let ratios: Vec<String> = self
                .entrants
                .iter()
                .filter(|peer| peer.side == Side::Peer)
                .filter_map(|peer| {
                    let ratio = self.ratio(&mine.name, &peer.name)?;
                    let of_least = least(&mine.figures) / least(&peer.figures);
                    Some(format!("{ratio:.2} (least {of_least:.2}) of {}", peer.name))
                })
                .collect();
            if !ratios.is_empty() {
                println!("{}: {} = {}", self.name, mine.name, ratios.join(", "));
            }
        }
        println!();
    }
}

impl Entrant {
    /// The median of the figures; "not a number" without any.
    pub fn median(&self) -> f64 {
        median(self.figures.clone())
    }

    /// The first and the third quartile.
    pub fn quartiles(&self) -> (f64, f64) {
        (
            quantile(self.figures.clone(), 0.25),
            quantile(self.figures.clone(), 0.75),
        )
    }
}

/// The median; nothing measured gives "not a number".
///
/// # Examples
///
/// ```
/// assert_eq!(eventlet_benches::outcome::median(vec![3.0, 1.0, 2.0]), 2.0);
/// ```
pub fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value that `share` of the values do not exceed, between two of them in proportion; nothing
/// measured gives "not a number".
///
/// # Examples
///
/// ```
/// use eventlet_benches::outcome::quantile;
///
/// assert_eq!(quantile(vec![4.0, 1.0, 2.0, 3.0, 5.0], 0.25), 2.0);
/// assert_eq!(quantile(vec![1.0, 2.0], 0.5), 1.5);
/// ```
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (values[at.floor() as usize], values[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// The least; nothing measured gives infinity.
///
/// # Examples
///
/// ```
/// assert_eq!(eventlet_benches::outcome::least(&[3.0, 1.0, 2.0]), 1.0);
/// ```
pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Round by round, `ours` over `theirs`.
///
/// # Examples
///
/// ```
/// use eventlet_benches::outcome::quotients;
///
/// assert_eq!(quotients(&[2.0, 3.0], &[1.0, 2.0]), [2.0, 1.5]);
/// ```
pub fn quotients(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(a, b)| a / b).collect()
}
