//! In what order ready calls run: as they were queued, or by the dice, for tests that look for what
//! depends on the order.
//!
//! Timers and events keep their order in either case. Running the calls is `turn.rs`'s business.

/// In what order ready calls run.
///
/// What a program does must not hang on the order in which those who are ready at the same time get
/// their turn. A test finds out by having it shuffled, and has the same order again by the same
/// seed, as long as nothing from outside (sockets, other threads, the system's clock) makes a
/// difference.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{CallOrder, RunLoop};
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// let seed = 7; // In a test: printed when it fails.
/// run_loop.set_call_order(CallOrder::Shuffled(seed));
/// assert_eq!(CallOrder::default(), CallOrder::Queued);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOrder {
    /// First in, first out. The default, and what a program should run with.
    #[default]
    Queued,
    /// Each time any one of those that are queued, picked by [`Dice`] with this seed.
    Shuffled(u64),
}

/// A small generator of numbers, the same for the same seed on every machine; for tests, not for
/// secrets.
///
/// SplitMix64: G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators",
/// 2014. Every seed is as good as any other.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::Dice;
///
/// let (mut one, mut same) = (Dice::new(7), Dice::new(7));
/// let rolls: Vec<usize> = (0..100).map(|_| one.roll(6)).collect();
/// assert!(rolls.iter().all(|&roll| roll < 6 && roll == same.roll(6)));
/// ```
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A generator with a seed.
    pub const fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number below `below`.
    ///
    /// # Panics
    ///
    /// If `below` is zero.
    #[inline]
    pub fn below(&mut self, below: u64) -> u64 {
        assert!(below > 0, "no number is below zero");
        ((u128::from(self.bits()) * u128::from(below)) >> u64::BITS) as u64
    }

    /// As [`below`](Self::below), for a place in a list.
    ///
    /// # Panics
    ///
    /// If `below` is zero.
    #[inline]
    pub fn roll(&mut self, below: usize) -> usize {
        self.below(below as u64) as usize
    }

    /// Sixty-four bits.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::Dice;
    ///
    /// let mut dice = Dice::new(7);
    /// assert!(dice.below(1 << 40) < 1 << 40);
    /// assert_ne!(dice.bits(), dice.bits());
    /// ```
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the published generator with the seed 1234567.
    #[test]
    fn the_numbers_are_the_published_ones() {
        let mut dice = Dice::new(1_234_567);
        let bits: Vec<u64> = (0..3).map(|_| dice.bits()).collect();
        assert_eq!(
            bits,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn every_side_comes_up() {
        let mut dice = Dice::new(0);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[dice.roll(6)] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)));
    }
}
