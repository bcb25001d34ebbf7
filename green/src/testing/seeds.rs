//! Looking for an order of events in which a test fails, and finding it again.
//!
//! The order is made by the loop ([`CallOrder`](crate::CallOrder)); how tests are run stands in
//! [`Harness`].

use std::hash::{BuildHasher, RandomState};

use super::harness::Harness;

/// The environment variable with the seed of a shuffled test, to have a failure again.
pub const SEED_VARIABLE: &str = "EVENTLET_SEED";

/// Runs `f` with `count` seeds, from 0 on: each time in a fresh loop on the default hub, with a
/// clock that jumps, and with those who are ready getting their turn in an order that the seed
/// decides. Stops at the first that fails, and prints its seed; with that in [`SEED_VARIABLE`] only
/// that one is run.
///
/// The seeds are the same each time, so a test that has passed goes on passing until the program
/// changes. Each costs a thread and a loop, 0.3 to 0.5 ms as measured. That the same seed gives the
/// same order holds for what is decided in the loop; sockets, other threads and hash maps with seeds
/// of their own bring their own order, so streams in memory ([`duplex`](super::duplex())) are what
/// to use.
///
/// # Panics
///
/// When `f` does, or leaves something behind; or if the variable is no number.
///
/// # Examples
///
/// That what was spawned first also runs first is no order to rely on:
///
/// ```should_panic
/// use eventlet_green::spawn;
/// use eventlet_green::testing::for_seeds;
/// use std::{cell::Cell, rc::Rc};
///
/// for_seeds(100, |_| {
///     let address = Rc::new(Cell::new(None));
///     let known = address.clone();
///     let server = spawn(move || known.set(Some("127.0.0.1")));
///     let client = spawn(move || address.get().expect("the server is up"));
///     server.join().unwrap();
///     client.join().unwrap();
/// });
/// ```
#[track_caller]
pub fn for_seeds(count: u64, f: impl Fn(u64) + Sync) {
    Harness::new()
        .default_hub()
        .jumping()
        .shuffled(count)
        .run(|given| f(given.seed()));
}

/// The seed that [`SEED_VARIABLE`] gives, else a new one; for tests that roll [`Dice`](super::Dice)
/// without an order of calls. Print it.
///
/// # Panics
///
/// If the variable is no number.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::{Dice, seed};
///
/// let seed = seed();
/// println!("with EVENTLET_SEED={seed}");
/// assert!(Dice::new(seed).roll(6) < 6);
/// ```
pub fn seed() -> u64 {
    from_environment().unwrap_or_else(|| RandomState::new().hash_one(()))
}

/// The seed that the environment asks for.
pub(super) fn from_environment() -> Option<u64> {
    let text = std::env::var(SEED_VARIABLE).ok()?;
    match text.parse() {
        Ok(seed) => Some(seed),
        Err(_) => panic!("{SEED_VARIABLE}={text}: a seed is a whole number"),
    }
}
