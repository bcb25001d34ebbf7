//! A script's use of the thread and of memory: it gives the thread away as it computes, and is stopped
//! before it takes all the memory there is.
//!
//! Limits on single values are the language's own; see `interpreter`.

use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};

use eventlet_green::{sleep, yield_now};

/// A script gives the thread away after it has had it for so long: about what ten requests take.
const SLICE: Duration = Duration::from_micros(50);
/// If the others then needed the thread for longer than this, the thread is in demand.
const DEMAND: Duration = Duration::from_micros(25);
/// So long a script then stays away: it has a twentieth of the thread.
const PAUSE: Duration = Duration::from_millis(1);
/// A statement that has computed for so long has no more than that twentieth, in demand or not: it may
/// have run away, and clients of the program may want the same processor.
const AT_ONCE: Duration = Duration::from_millis(250);
/// Where the thread is in demand, such a statement stays away for so long: it has a hundredth.
const LONG_PAUSE: Duration = Duration::from_millis(5);
/// After so many slices it is seen how large the process is: that takes as long as half of one.
const SLICES_A_LOOK: u32 = 50;
/// Where the system tells that (proc(5)).
const STATUS: &str = "/proc/self/status";

/// A session's turn to run. By the system's clock: what it takes from the others is real, also where
/// the loop's clock is a test's.
pub(super) struct Turn {
    begun: Cell<Instant>,
    /// How long the statement has computed.
    computed: Cell<Duration>,
    slices: Cell<u32>,
    growth: Option<usize>,
    /// How large the process was when the statement began, in bytes.
    size: Cell<Option<usize>>,
    /// By how much it has grown during the statements before, in bytes.
    held: Cell<usize>,
}

impl Turn {
    pub(super) fn new(growth: Option<usize>) -> Self {
        Turn {
            begun: Cell::new(Instant::now()),
            computed: Cell::new(Duration::ZERO),
            slices: Cell::new(0),
            growth,
            size: Cell::new(None),
            held: Cell::new(0),
        }
    }

    /// To be dropped when the statement has ended, in whatever way.
    pub(super) fn begin_statement(&self) -> Statement<'_> {
        self.size.set(self.growth.and_then(|_| resident()));
        self.computed.set(Duration::ZERO);
        self.slices.set(0);
        self.begun.set(Instant::now());
        Statement(self)
    }

    /// Lets the others run if it is time; an error if the process has grown too much.
    pub(super) fn give_away_if_used(&self) -> Result<(), String> {
        let ended = Instant::now();
        let used = ended - self.begun.get();
        if used < SLICE {
            return Ok(());
        }
        self.computed.set(self.computed.get() + used);
        self.check_size()?;
        yield_now();
        let is_in_demand = ended.elapsed() > DEMAND;
        match (self.computed.get() > AT_ONCE, is_in_demand) {
            (true, true) => sleep(LONG_PAUSE),
            (true, false) | (false, true) => sleep(PAUSE),
            (false, false) => {}
        }
        self.begun.set(Instant::now());
        Ok(())
    }

    fn check_size(&self) -> Result<(), String> {
        let slices = self.slices.get();
        self.slices.set((slices + 1) % SLICES_A_LOOK);
        let (0, Some(most)) = (slices, self.growth) else {
            return Ok(());
        };
        if self.grown() > most {
            let most = most >> 20;
            return Err(format!(
                "stopped: the process has grown by {most} MiB during this session's statements"
            ));
        }
        Ok(())
    }

    /// By how much the process has grown during the session's statements, in bytes.
    fn grown(&self) -> usize {
        match (self.size.get(), resident()) {
            (Some(before), Some(size)) => (self.held.get() + size).saturating_sub(before),
            _ => self.held.get(),
        }
    }
}

/// A statement that runs. What it has made the process grow by counts for the next one, too: dropping
/// a chain of values takes stack for each, whatever number of statements made it.
pub(super) struct Statement<'a>(&'a Turn);

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        self.0.held.set(self.0.grown());
    }
}

/// How much memory the process has, in bytes.
fn resident() -> Option<usize> {
    let status = fs::read_to_string(STATUS).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}
