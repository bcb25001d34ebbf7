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
/// So long a script then stays away: it has a twentieth of a thread that is in demand, and all of one
/// that is not.
const PAUSE: Duration = Duration::from_millis(1);
/// After so many slices it is seen how large the process is: that takes as long as half of one.
const SLICES_A_LOOK: u32 = 50;
/// Where the system tells that (proc(5)).
const STATUS: &str = "/proc/self/status";

/// A session's turn to run. By the system's clock: what it takes from the others is real, also where
/// the loop's clock is a test's.
pub(super) struct Turn {
    begun: Cell<Instant>,
    slices: Cell<u32>,
    growth: Option<usize>,
    /// How large the process was when the statement began, in bytes.
    size: Cell<Option<usize>>,
}

impl Turn {
    pub(super) fn new(growth: Option<usize>) -> Self {
        Turn {
            begun: Cell::new(Instant::now()),
            slices: Cell::new(0),
            growth,
            size: Cell::new(None),
        }
    }

    pub(super) fn begin_statement(&self) {
        self.begun.set(Instant::now());
        self.slices.set(0);
        self.size.set(None);
    }

    /// Lets the others run if it is time; an error if the process has grown too much.
    pub(super) fn give_away_if_used(&self) -> Result<(), String> {
        let ended = Instant::now();
        if ended - self.begun.get() < SLICE {
            return Ok(());
        }
        self.check_size()?;
        yield_now();
        if ended.elapsed() > DEMAND {
            sleep(PAUSE);
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
        let Some(size) = resident() else {
            return Ok(());
        };
        let before = self.size.get().unwrap_or(size);
        self.size.set(Some(before));
        if size.saturating_sub(before) > most {
            let most = most >> 20;
            return Err(format!(
                "stopped: the process has grown by {most} MiB since it began"
            ));
        }
        Ok(())
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
