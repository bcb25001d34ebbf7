//! The `Host` that came last: nearly all requests to a server name the same one, and comparing is
//! cheaper than checking, and sharing than keeping another. What a valid host is, says
//! [`target`](super::target) (RFC 9110 section 7.2).

use std::cell::Cell;

use http::HeaderValue;

/// Longer ones are not remembered.
const LONGEST: usize = 64;

/// After so many others the one that is remembered is another: a server of many hosts is not to make
/// a copy for each request.
const PATIENCE: u32 = 16;

/// A valid `Host`.
#[derive(Debug, Default)]
pub(super) struct KnownHost {
    value: Option<HeaderValue>,
    /// Others that have come in a row.
    others: Cell<u32>,
}

impl KnownHost {
    /// The value with this text, if it is the one that is known.
    pub(super) fn get(&self, text: &[u8]) -> Option<HeaderValue> {
        let value = self.value.as_ref();
        value.filter(|_| self.is(text)).cloned()
    }

    /// Whether it is the one that is known, which has come again then.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        let is_known = self.value.as_ref().is_some_and(|known| known == text);
        if is_known {
            self.others.set(0);
        }
        is_known
    }

    /// Another one, which has been found valid.
    pub(super) fn met(&mut self, text: &[u8]) {
        self.others.set(self.others.get() + 1);
        let is_due = self.value.is_none() || self.others.get() == PATIENCE;
        if is_due && text.len() <= LONGEST {
            // A copy: the head it came in is not to be kept for its sake.
            self.value = HeaderValue::from_bytes(text).ok();
            self.others.set(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownHost, LONGEST, PATIENCE};

    #[test]
    fn the_first_is_known_until_others_have_come_often() {
        let mut known = KnownHost::default();
        assert_eq!(known.get(b"a.example"), None);
        known.met(b"a.example");
        for _ in 1..PATIENCE {
            assert_eq!(known.get(b"b.example"), None);
            known.met(b"b.example");
        }
        assert_eq!(known.get(b"a.example").unwrap(), "a.example", "one too few");
        for _ in 0..PATIENCE {
            known.met(b"b.example");
        }
        assert_eq!(known.get(b"a.example"), None);
        assert_eq!(known.get(b"b.example").unwrap(), "b.example");
        assert_eq!(known.get(b"b.exampl"), None);
    }

    #[test]
    fn one_that_comes_again_and_again_stays() {
        let mut known = KnownHost::default();
        known.met(b"a.example");
        for _ in 0..10 {
            for _ in 1..PATIENCE {
                assert!(!known.is(b"b.example"));
                known.met(b"b.example");
            }
            assert!(known.is(b"a.example"));
        }
    }

    #[test]
    fn one_that_is_too_long_is_not_remembered() {
        let mut known = KnownHost::default();
        let long = "a".repeat(LONGEST + 1);
        known.met(long.as_bytes());
        assert_eq!(known.get(long.as_bytes()), None);
        known.met(&long.as_bytes()[1..]);
        assert!(known.get(&long.as_bytes()[1..]).is_some());
    }
}
