//! Running a test's body in a fresh loop: under which hubs, by which clock, in which order, and
//! what is looked at when it has ended.
//!
//! What hangs is ended by [`Watchdog`]; what is left is listed by [`Leftovers`](super::Leftovers).

use std::num::NonZeroU64;
use std::panic::resume_unwind;
use std::process::{ExitCode, Termination};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::children::is_child;
use super::each_hub::each_hub;
use super::given::Given;
use super::hub_faults::HubFaults;
use super::leftovers::assert_nothing_is_left;
use super::open_files::OpenFiles;
use super::seeds::{self, SEED_VARIABLE};
use super::watchdog::{Watchdog, label, patience};
use crate::setup::open_named;
use crate::sys::failing_hub::FailingHub;
use crate::sys::fiber;
use crate::{CallOrder, HUB_VARIABLE, Setup, hubs};
use eventlet_runloop::ManualClock;

/// Settings for running a test's body, each time on a fresh thread with a fresh loop:
///
/// * under each hub that is compiled in, by the system's clock, in the order of the queue, unless
///   told otherwise;
/// * with a [`Watchdog`];
/// * and when the body has returned nothing may be left behind: no coroutine, no timer, no
///   registered descriptor; and, where the test is alone in its process, no open descriptor.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::Harness;
/// use eventlet_green::{sleep, spawn};
/// use std::time::Duration;
///
/// Harness::new().jumping().shuffled(10).run(|given| {
///     let start = eventlet_green::now();
///     spawn(|| sleep(Duration::from_secs(60))).join().unwrap();
///     assert_eq!(eventlet_green::now() - start, Duration::from_secs(60));
///     assert!(given.seed() < 10);
/// });
/// ```
///
/// ```
/// use eventlet_green::testing::{Harness, until_parked};
/// use eventlet_green::{sleep, spawn};
/// use std::time::Duration;
///
/// // A clock that stands still until the test moves it.
/// Harness::new().default_hub().stepped().patience(Duration::from_secs(20)).run(|given| {
///     let sleeper = spawn(|| sleep(Duration::from_secs(60)));
///     until_parked(&sleeper);
///     given.step(Duration::from_secs(59));
///     assert!(!sleeper.is_finished());
///     given.step(Duration::from_secs(1));
///     assert!(sleeper.is_finished());
/// });
/// // Under one hub, in the order of a seed.
/// Harness::new().hub("select").shuffled(1).run(|given| assert_eq!(given.hub(), "select"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is run until `run`"]
pub struct Harness {
    hubs: Hubs,
    clock: Pace,
    /// `None`: the order of the queue.
    seeds: Option<NonZeroU64>,
    patience: Option<Duration>,
    files: Files,
    kernel: Kernel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    Sound,
    FailsAsOrdered,
}

#[derive(Clone, Debug)]
enum Hubs {
    Each,
    Default,
    Named(String),
}

#[derive(Clone, Copy, Debug)]
enum Pace {
    System,
    Jumping,
    Stepped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Files {
    CheckedIfChild,
    Checked,
}

impl Default for Harness {
    fn default() -> Self {
        Self::new()
    }
}

impl Harness {
    /// The defaults: see the type.
    pub fn new() -> Self {
        Harness {
            hubs: Hubs::Each,
            clock: Pace::System,
            seeds: None,
            patience: None,
            files: Files::CheckedIfChild,
            kernel: Kernel::Sound,
        }
    }

    /// Only under the hub of this name. Default: under each.
    pub fn hub(mut self, name: impl Into<String>) -> Self {
        self.hubs = Hubs::Named(name.into());
        self
    }

    /// Only under the default hub (or the one that `EVENTLET_HUB` names): for what no hub can make
    /// a difference to. Default: under each.
    pub fn default_hub(mut self) -> Self {
        self.hubs = Hubs::Default;
        self
    }

    /// With a clock that jumps to the next deadline whenever nothing else is left to do: an hour
    /// takes no time, and the clock says exactly how much has passed. Default: the system's clock.
    pub fn jumping(mut self) -> Self {
        self.clock = Pace::Jumping;
        self
    }

    /// With a clock that stands still until it is moved, by [`Given::step`]. Default: the system's
    /// clock.
    pub fn stepped(mut self) -> Self {
        self.clock = Pace::Stepped;
        self
    }

    /// Once with each of the seeds below `seeds`, those who are ready getting their turn in an
    /// order that the seed decides; see [`for_seeds`](super::for_seeds). Default: first come,
    /// first served.
    ///
    /// # Panics
    ///
    /// If `seeds` is zero.
    pub fn shuffled(mut self, seeds: u64) -> Self {
        self.seeds = Some(NonZeroU64::new(seeds).expect("at least one seed"));
        self
    }

    /// How long one run of the body may take. Default: 60 seconds, or as many as
    /// `EVENTLET_TEST_PATIENCE` says.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Looks for open descriptors that were not there before, registered or not. They belong to the
    /// process, so this is for a test binary in which nothing else runs at the same time. Default:
    /// only in a child of [`in_children`](super::in_children) or
    /// [`child_command`](super::child_command).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::testing::{Harness, tcp_pair};
    ///
    /// Harness::new().default_hub().check_open_files().run(|_| {
    ///     let (near, far) = tcp_pair().unwrap();
    ///     drop((near, far)); // Else it would say which are still open.
    /// });
    /// ```
    pub fn check_open_files(mut self) -> Self {
        self.files = Files::Checked;
        self
    }

    /// With a hub whose calls fail as [`Given::faults`] is ordered to have them, around the one that
    /// is named. What the body has left behind is looked at with a hub that is whole again. Default:
    /// the hub alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::UdpSocket;
    /// use eventlet_green::testing::{Harness, HubCall};
    /// use std::io::ErrorKind;
    ///
    /// Harness::new().default_hub().failing().run(|given| {
    ///     given.faults().fail(HubCall::Register, 1, || ErrorKind::StorageFull.into());
    ///     assert!(UdpSocket::bind("127.0.0.1:0").is_err());
    ///     assert!(UdpSocket::bind("127.0.0.1:0").is_ok());
    /// });
    /// ```
    pub fn failing(mut self) -> Self {
        self.kernel = Kernel::FailsAsOrdered;
        self
    }

    /// Runs the body, in each of the circumstances asked for. It may give a `Result`, as a test may.
    ///
    /// # Panics
    ///
    /// When the body does, gives an error, or leaves something behind. Which run it was is printed.
    #[track_caller]
    pub fn run<T: Termination>(&self, body: impl Fn(&Given) -> T + Sync) {
        for hub in self.hubs() {
            for seed in self.seeds() {
                self.run_once(&hub, seed, &body);
            }
        }
    }

    /// Runs the body once on this thread, whose loop it is, or makes: for children.
    #[track_caller]
    pub(super) fn run_here(&self, body: impl Fn() + Sync) {
        let _watchdog = self.watchdog("child");
        let run = || {
            crate::init().expect("the child's loop");
            let before = self.open_files();
            body();
            assert_nothing_is_left();
            assert_no_new(before);
        };
        crate::run(run).expect("the child's loop");
    }

    #[track_caller]
    fn run_once<T: Termination>(
        &self,
        hub: &str,
        seed: Option<u64>,
        body: &(impl Fn(&Given) -> T + Sync),
    ) {
        let circumstances = match seed {
            None => hub.to_owned(),
            Some(seed) => format!("{hub}, {SEED_VARIABLE}={seed}"),
        };
        let _turn = turn();
        let _watchdog = self.watchdog(&circumstances);
        let before = self.open_files();
        let label = label(&circumstances);
        let outcome = thread::scope(|scope| {
            let run = || crate::run(|| self.in_fresh_loop(hub, seed, body)).expect("a turn");
            let thread = thread::Builder::new().name(label.clone());
            let thread = thread.spawn_scoped(scope, run).expect("a thread");
            thread.join()
        });
        if let Err(panic) = outcome {
            eprintln!("{label} has failed");
            resume_unwind(panic);
        }
        assert_no_new(before);
    }

    fn in_fresh_loop<T: Termination>(
        &self,
        hub: &str,
        seed: Option<u64>,
        body: &impl Fn(&Given) -> T,
    ) {
        let clock = match self.clock {
            Pace::System => None,
            Pace::Jumping => Some(ManualClock::auto_advancing()),
            Pace::Stepped => Some(ManualClock::new()),
        };
        let faults = HubFaults::default();
        let mut setup = match self.kernel {
            Kernel::Sound => Setup::new().hub(hub),
            Kernel::FailsAsOrdered => match open_named(hub) {
                Ok(inner) => Setup::new().custom_hub(FailingHub::new(inner, faults.clone())),
                Err(error) => panic!("no hub for the test: {error}"),
            },
        };
        if let Some(clock) = &clock {
            setup = setup.clock(clock.clone());
        }
        if let Some(seed) = seed {
            setup = setup.call_order(CallOrder::Shuffled(seed));
        }
        if let Err(error) = setup.install() {
            panic!("no loop for the test: {error}");
        }
        let given = Given {
            hub: hub.to_owned(),
            clock,
            seed: seed.unwrap_or(0),
            faults: (self.kernel == Kernel::FailsAsOrdered).then_some(faults),
        };
        let outcome = body(&given).report();
        assert_eq!(outcome, ExitCode::SUCCESS, "the body gave an error");
        if let Some(faults) = &given.faults {
            faults.heal();
        }
        assert_nothing_is_left();
    }

    fn hubs(&self) -> Vec<String> {
        match &self.hubs {
            Hubs::Each => each_hub(),
            Hubs::Named(name) => vec![name.clone()],
            Hubs::Default => match std::env::var(HUB_VARIABLE) {
                Ok(name) if !name.is_empty() => vec![name],
                _ => hubs().take(1).map(str::to_owned).collect(),
            },
        }
    }

    fn seeds(&self) -> Vec<Option<u64>> {
        match (self.seeds, seeds::from_environment()) {
            (None, _) => vec![None],
            (Some(_), Some(seed)) => vec![Some(seed)],
            (Some(count), None) => (0..count.get()).map(Some).collect(),
        }
    }

    fn watchdog(&self, what: &str) -> Watchdog {
        Watchdog::with_patience(what, self.patience.unwrap_or_else(patience))
    }

    fn open_files(&self) -> Option<OpenFiles> {
        // Windows has no list of them.
        let wanted = self.files == Files::Checked || (is_child() && cfg!(unix));
        wanted.then(|| match OpenFiles::now() {
            Ok(files) => files,
            Err(error) => panic!("the open descriptors cannot be listed: {error}"),
        })
    }
}

/// Runs the body on a thread that has no loop yet, and whose loop, if the body makes one, ends with
/// it: for tests of how loops begin and end, which have no use for [`Harness`]. Not to be called
/// within one.
///
/// # Panics
///
/// When the body does.
///
/// # Examples
///
/// ```
/// use eventlet_green::{Setup, stats, testing::on_fresh_thread};
///
/// let turns = on_fresh_thread(|| {
///     Setup::new().install().unwrap();
///     stats().turns
/// });
/// assert_eq!(turns, 0);
/// ```
pub fn on_fresh_thread<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    let _turn = turn();
    let outcome = thread::scope(|scope| scope.spawn(|| crate::run(body).expect("a turn")).join());
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Waits for the turn of this run, where the engine has one loop at a time in a process.
fn turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    (!fiber::MANY_LOOPS).then(|| {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // The engine keeps descriptors of its own open from its start on, which are no leak.
        let _ = crate::run(|| ());
        turn
    })
}

#[track_caller]
fn assert_no_new(before: Option<OpenFiles>) {
    let Some(before) = before else { return };
    match OpenFiles::now() {
        Ok(after) => {
            let left = after.since(&before);
            assert!(left.is_empty(), "left behind: {left}");
        }
        Err(error) => panic!("the open descriptors cannot be listed: {error}"),
    }
}

/// Runs the body once, in a fresh loop on the default hub, by the system's clock; see [`Harness`].
///
/// # Panics
///
/// As [`Harness::run`].
///
/// # Examples
///
/// ```
/// eventlet_green::testing::run(|| {
///     assert_eq!(eventlet_green::spawn(|| 7).join().unwrap(), 7);
/// });
/// ```
#[track_caller]
pub fn run<T: Termination>(body: impl Fn() -> T + Sync) {
    Harness::new().default_hub().run(|_| body());
}

/// Runs the body once under each hub that is compiled in, by the system's clock; see [`Harness`].
///
/// # Panics
///
/// As [`Harness::run`].
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::{on_each_hub, tcp_pair};
/// use std::io::{Read, Write};
///
/// on_each_hub(|| {
///     let (mut near, mut far) = tcp_pair().unwrap();
///     near.write_all(b"x").unwrap();
///     assert_eq!(far.read(&mut [0; 8]).unwrap(), 1);
/// });
/// ```
#[track_caller]
pub fn on_each_hub<T: Termination>(body: impl Fn() -> T + Sync) {
    Harness::new().run(|_| body());
}

/// As [`on_each_hub`], with a clock that jumps to the next deadline whenever nothing else is left
/// to do; see [`Harness::jumping`].
///
/// # Panics
///
/// As [`Harness::run`].
///
/// # Examples
///
/// ```
/// use eventlet_green::{sleep, testing::on_each_hub_jumping};
/// use eventlet_runloop::{Clock, Time};
/// use std::time::Duration;
///
/// on_each_hub_jumping(|clock| {
///     sleep(Duration::from_secs(3600));
///     assert_eq!(clock.now() - Time::ORIGIN, Duration::from_secs(3600));
/// });
/// ```
#[track_caller]
pub fn on_each_hub_jumping<T: Termination>(body: impl Fn(&ManualClock) -> T + Sync) {
    Harness::new().jumping().run(|given| body(given.clock()));
}
