//! What a test's body is told of its circumstances, and moves them by.
//!
//! Who makes them is the [`Harness`](super::Harness).

use std::time::Duration;

use eventlet_runloop::{Dice, ManualClock};

use super::hub_faults::HubFaults;
use super::time;

/// What a body is given: its circumstances, and the clock to move.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::{Given, Harness};
///
/// Harness::new().jumping().shuffled(2).default_hub().run(|given: &Given| {
///     let mut dice = given.dice(); // By the seed, so that a failure can be had again.
///     assert!(dice.roll(6) < 6);
///     println!("under {} with seed {}, at {:?}", given.hub(), given.seed(), given.clock());
/// });
/// ```
#[derive(Debug)]
pub struct Given {
    pub(super) hub: String,
    pub(super) clock: Option<ManualClock>,
    pub(super) seed: u64,
    pub(super) faults: Option<HubFaults>,
}

impl Given {
    /// The name of the hub.
    pub fn hub(&self) -> &str {
        &self.hub
    }

    /// The clock of the loop.
    ///
    /// # Panics
    ///
    /// If the test runs by the system's clock.
    pub fn clock(&self) -> &ManualClock {
        match &self.clock {
            Some(clock) => clock,
            None => {
                panic!("this test runs by the system's clock: see Harness::jumping and stepped")
            }
        }
    }

    /// Moves the clock; see [`step`](super::step).
    ///
    /// # Panics
    ///
    /// As for [`clock`](Self::clock) and [`step`](super::step).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::testing::Harness;
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use std::time::Duration;
    ///
    /// Harness::new().default_hub().stepped().run(|given| {
    ///     let rings = Rc::new(Cell::new(0));
    ///     let count = Rc::clone(&rings);
    ///     eventlet_green::call_after(Duration::from_secs(60), move || count.set(1));
    ///     given.step(Duration::from_secs(60));
    ///     assert_eq!(rings.get(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn step(&self, by: Duration) {
        time::step(self.clock(), by);
    }

    /// What orders the calls of the hub that fail.
    ///
    /// # Panics
    ///
    /// If the test runs by a hub that does not: see [`Harness::failing`](super::Harness::failing).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::testing::Harness;
    ///
    /// Harness::new().default_hub().failing().run(|given| {
    ///     assert_eq!(given.faults().met(), 0, "nothing was ordered");
    /// });
    /// ```
    pub fn faults(&self) -> &HubFaults {
        match &self.faults {
            Some(faults) => faults,
            None => panic!("this test's hub does not fail as ordered: see Harness::failing"),
        }
    }

    /// The seed of this run; 0 if the order is the queue's.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Dice with the seed of this run, for choices of the test's own.
    pub fn dice(&self) -> Dice {
        Dice::new(self.seed)
    }
}
