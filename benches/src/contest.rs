//! Ours beside its peers on the same work: Criterion's record of each, then rounds that give ratios.
//!
//! Criterion measures one contestant after the other, minutes apart on a long list; on a machine
//! whose speed drifts meanwhile, the quotient of two such figures is worth little. So after the
//! Criterion group come rounds in which the contestants take turns (A B C, B C A, …), each for some
//! milliseconds. A ratio is taken within a round, between neighbours in time, and its median over the
//! rounds is printed, one line for each of ours; beside it the ratio of the least of all rounds, which
//! is the better figure when other programs take the cores away now and then.
//!
//! Time is CPU time of the thread that works ([`timed`]), so that the work of other programs, which
//! a busy machine puts in between, is not counted. Nothing that is measured so ever waits. What goes
//! from thread to thread is held twice ([`timed_by`]): by the time that passes, and by the CPU time of
//! all threads together.
//!
//! A name filter on the command line chooses contestants as ever; ratios are printed for those
//! that were chosen. In smoke mode (`EVENTLET_BENCH_SMOKE=1`, or Criterion's `--test`, or a run by
//! `cargo test`) everything runs, briefly, and the figures mean nothing.

use std::cell::Cell;
use std::env;
use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;

use crate::cpu::{Clock, Stopwatch};
use crate::outcome::{Outcome, Side};

/// Ours, by the name of the engine if it is not the default one.
pub const OURS: &str = if cfg!(feature = "engine-may") {
    "eventlet-on-may"
} else {
    "eventlet"
};

/// The environment variable that asks for a brief run.
pub const SMOKE: &str = "EVENTLET_BENCH_SMOKE";

/// The environment variable that asks for the rounds alone, without Criterion's own measurement: so many
/// as a `report` needs, or few and short ones (`quick`).
pub const ROUNDS: &str = "EVENTLET_BENCH_ROUNDS";

/// A piece of work made ready: does it so many times and tells how long that took, without what it
/// had to prepare.
pub type Runner<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

struct Contestant<'a> {
    name: String,
    side: Side,
    /// Prepares a runner. Only one contestant is prepared at a time.
    prepare: Box<dyn FnMut() -> Runner<'a> + 'a>,
}

/// One piece of work and all who do it.
///
/// # Examples
///
/// ```
/// use eventlet_benches::contest::{Contest, timed};
///
/// let mut criterion = eventlet_benches::contest::criterion();
/// Contest::new("sum")
///     .ours("fold", || Box::new(|times| timed(times, || (0..100_u64).fold(0, |a, b| a + b))))
///     .peer("sum", || Box::new(|times| timed(times, || (0..100_u64).sum::<u64>())))
///     .hold(&mut criterion);
/// ```
pub struct Contest<'a> {
    name: String,
    contestants: Vec<Contestant<'a>>,
}

/// How much of everything; less of it in smoke mode.
struct Scale {
    samples: usize,
    warm_up: Duration,
    measurement: Duration,
    rounds: usize,
    /// How long one contestant works in one round.
    turn: Duration,
}

const FULL: Scale = Scale {
    samples: 20,
    warm_up: Duration::from_millis(300),
    measurement: Duration::from_millis(1000),
    rounds: 21,
    turn: Duration::from_millis(40),
};

const BRIEF: Scale = Scale {
    samples: 10,
    warm_up: Duration::from_millis(1),
    measurement: Duration::from_millis(5),
    rounds: 3,
    turn: Duration::from_millis(1),
};

/// For the report, which needs the rounds alone.
const REPORT: Scale = Scale {
    rounds: 15,
    turn: Duration::from_millis(20),
    ..BRIEF
};

/// For a report that only shows whether it works, and roughly what would come of it.
const QUICK: Scale = Scale {
    rounds: 5,
    turn: Duration::from_millis(3),
    ..BRIEF
};

/// A [`Criterion`] with this crate's settings, for `criterion_group!`'s `config`.
pub fn criterion() -> Criterion {
    let scale = Scale::of_process();
    Criterion::default()
        .sample_size(scale.samples)
        .warm_up_time(scale.warm_up)
        .measurement_time(scale.measurement)
        .without_plots()
}

/// Does `work` so many times and tells how long that took. The usual inside of a [`Runner`].
///
/// # Panics
///
/// As for [`Stopwatch::start`].
pub fn timed<T>(times: u64, work: impl FnMut() -> T) -> Duration {
    timed_by(Clock::Thread, times, work)
}

/// [`timed`], by any clock.
///
/// # Panics
///
/// As for [`Stopwatch::start`].
pub fn timed_by<T>(clock: Clock, times: u64, mut work: impl FnMut() -> T) -> Duration {
    let begun = Stopwatch::start_by(clock);
    for _ in 0..times {
        black_box(work());
    }
    begun.elapsed()
}

impl<'a> Contest<'a> {
    /// A contest without contestants. The name is the Criterion group's.
    pub fn new(name: impl Into<String>) -> Self {
        Contest {
            name: name.into(),
            contestants: Vec::new(),
        }
    }

    /// Adds one of ours: gets a line of ratios.
    #[must_use]
    pub fn ours(self, name: &str, prepare: impl FnMut() -> Runner<'a> + 'a) -> Self {
        self.add(name, Side::Ours, prepare)
    }

    /// Adds one to compare with.
    #[must_use]
    pub fn peer(self, name: &str, prepare: impl FnMut() -> Runner<'a> + 'a) -> Self {
        self.add(name, Side::Peer, prepare)
    }

    fn add(mut self, name: &str, side: Side, prepare: impl FnMut() -> Runner<'a> + 'a) -> Self {
        self.contestants.push(Contestant {
            name: name.to_owned(),
            side,
            prepare: Box::new(prepare),
        });
        self
    }

    /// Measures: first by Criterion, then in rounds. Prints the ratios.
    pub fn hold(mut self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group(&self.name);
        self.contestants.retain_mut(|contestant| {
            let chosen = Cell::new(false);
            let mut runner = None;
            group.bench_function(&contestant.name, |bencher| {
                chosen.set(true);
                let runner = runner.get_or_insert_with(|| (contestant.prepare)());
                bencher.iter_custom(runner);
            });
            chosen.get()
        });
        group.finish();
        if !self.contestants.is_empty() {
            self.rounds(Scale::of_process());
        }
    }

    fn rounds(mut self, scale: &Scale) {
        let count = self.contestants.len();
        let times: Vec<u64> = self
            .contestants
            .iter_mut()
            .map(|contestant| fitting(&mut *(contestant.prepare)(), scale.turn))
            .collect();
        let mut cost = vec![Vec::with_capacity(scale.rounds); count];
        for round in 0..scale.rounds {
            for turn in 0..count {
                // Who comes first changes, so that nobody always follows the same neighbour.
                let at = (round + turn) % count;
                let mut runner = (self.contestants[at].prepare)();
                // Warms up what the others have pushed out of the caches.
                runner(times[at].div_ceil(WARM_UP_SHARE));
                let elapsed = runner(times[at]);
                cost[at].push(elapsed.as_nanos() as f64 / times[at] as f64);
            }
        }
        let mut outcome = Outcome::new(self.name, "ns each");
        for (contestant, cost) in self.contestants.iter().zip(cost) {
            outcome.add(&contestant.name, contestant.side, cost);
        }
        outcome.publish();
    }
}

/// How much of a turn is done beforehand, unmeasured: one in so many.
const WARM_UP_SHARE: u64 = 8;

impl Scale {
    fn of_process() -> &'static Scale {
        if is_smoke() {
            return &BRIEF;
        }
        match env::var(ROUNDS).as_deref() {
            Ok("quick") => &QUICK,
            Ok("report") => &REPORT,
            _ => &FULL,
        }
    }
}

/// Whether this run only has to show that everything works.
pub fn is_smoke() -> bool {
    // `cargo bench` passes `--bench`; without it Criterion itself only tests.
    let mut asked = env::args().any(|word| word == "--test");
    asked |= !env::args().any(|word| word == "--bench");
    asked || env::var_os(SMOKE).is_some_and(|value| value != "0")
}

/// How often the work fits into `turn`; at least once.
fn fitting(runner: &mut (dyn FnMut(u64) -> Duration + '_), turn: Duration) -> u64 {
    const MOST: u64 = 1 << 32;
    let mut times = 1;
    loop {
        let elapsed = runner(times);
        if elapsed * 2 >= turn || times >= MOST {
            let share = turn.as_secs_f64() / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
            return ((times as f64 * share) as u64).clamp(1, MOST);
        }
        times *= 2;
    }
}
