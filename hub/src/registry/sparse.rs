//! Descriptors whose numbers are the system's business: a map from number to slot.
//!
//! A socket of Windows is a handle; most are small, but nothing bounds them.

use std::collections::BTreeMap;

/// The slot of each registered descriptor. A tree, because an empty one is made without a call.
#[derive(Debug)]
pub struct Places<N>(BTreeMap<N, u32>);

impl<N: Copy + Ord> Places<N> {
    pub(crate) const fn new() -> Self {
        Places(BTreeMap::new())
    }

    pub(crate) fn put(&mut self, number: N, slot: u32) {
        self.0.insert(number, slot);
    }

    pub(crate) fn take(&mut self, number: N) {
        self.0.remove(&number);
    }

    pub(crate) fn slot_of(&self, number: N) -> Option<u32> {
        self.0.get(&number).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_has_a_place_and_gives_it_back() {
        let mut places = Places::new();
        for (slot, number) in [3, u64::MAX - 1, 0].into_iter().enumerate() {
            places.put(number, slot as u32);
        }
        assert_eq!(places.slot_of(u64::MAX - 1), Some(1));
        assert_eq!(places.slot_of(0), Some(2));
        places.take(u64::MAX - 1);
        assert_eq!(places.slot_of(u64::MAX - 1), None);
        places.put(u64::MAX - 1, 7);
        assert_eq!(places.slot_of(u64::MAX - 1), Some(7));
        assert_eq!(places.slot_of(3), Some(0));
    }
}
