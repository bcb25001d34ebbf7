//! The array that `poll` is given: dense, in the order of arming. No system call.
//!
//! The order is what makes the hub fair. A report takes an entry out, arming puts it at the end, and
//! a wait reports from the front: so what did not fit into a batch comes before whatever was
//! reported and armed again. Taking out must therefore keep the order. It leaves a hole, in O(1),
//! and [`close_gaps`](PollSet::close_gaps) closes all holes in one pass before the next wait, which
//! is proportional to what is armed anyway.
//!
//! ```text
//!   0       1    2    3    4    5
//! [ waker | a | hole | b | hole | c ]   ──close_gaps──►   [ waker | a | b | c ]
//! ```

use std::os::fd::RawFd;

use eventlet_hub::Token;
use libc::{c_short, pollfd};

/// Where an armed descriptor stands in the array; the position of one that is not armed.
///
/// A position rather than an `Option`, to keep a registration's note at four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position(u32);

impl Position {
    /// Not in the array.
    pub(crate) const NONE: Position = Position(u32::MAX);

    fn new(index: usize) -> Self {
        // At most Token::MAX_SLOT registrations and the waker, so it fits.
        Position(index as u32)
    }

    fn index(self) -> Option<usize> {
        (self != Self::NONE).then_some(self.0 as usize)
    }
}

/// What is armed. The entry in front is the waker's and stays.
#[derive(Debug)]
pub(crate) struct PollSet {
    array: Vec<pollfd>,
    /// Beside each entry whose it is; `None` for a hole. Invariant: as long as `array`.
    owners: Vec<Option<Token>>,
    holes: usize,
}

impl PollSet {
    /// A set of the waker alone.
    pub(crate) fn new(waker: RawFd) -> Self {
        PollSet {
            array: vec![entry(waker, libc::POLLIN)],
            owners: vec![Some(Token::WAKER)],
            holes: 0,
        }
    }

    /// Arms: adds `flags` to the entry at `position`, or makes one at the end. Returns its place.
    pub(crate) fn arm(
        &mut self,
        position: Position,
        fd: RawFd,
        token: Token,
        flags: c_short,
    ) -> Position {
        if let Some(index) = position.index() {
            self.array[index].events |= flags;
            return position;
        }
        self.array.push(entry(fd, flags));
        self.owners.push(Some(token));
        Position::new(self.array.len() - 1)
    }

    /// Takes an entry out, if it is in.
    pub(crate) fn disarm(&mut self, position: Position) {
        if let Some(index) = position.index() {
            self.owners[index] = None;
            self.holes += 1;
        }
    }

    /// Closes the holes and tells everybody who moved where to. Call before [`array`](Self::array).
    pub(crate) fn close_gaps(&mut self, mut moved: impl FnMut(Token, Position)) {
        if self.holes == 0 {
            return;
        }
        let mut end = 0;
        for index in 0..self.array.len() {
            let Some(token) = self.owners[index] else {
                continue;
            };
            if end != index {
                self.array[end] = self.array[index];
                self.owners[end] = Some(token);
                moved(token, Position::new(end));
            }
            end += 1;
        }
        self.array.truncate(end);
        self.owners.truncate(end);
        self.holes = 0;
    }

    /// Whether closing the holes now costs no more than making them did.
    pub(crate) fn is_mostly_holes(&self) -> bool {
        self.holes > self.array.len() / 2
    }

    /// What `poll` is given.
    pub(crate) fn array(&mut self) -> &mut [pollfd] {
        debug_assert_eq!(self.holes, 0, "the holes were not closed before the wait");
        &mut self.array
    }

    /// How many entries there are, holes included.
    pub(crate) fn len(&self) -> usize {
        self.array.len()
    }

    /// Whose entry it is, and what `poll` was asked and answered.
    pub(crate) fn answer(&self, index: usize) -> (Option<Token>, pollfd) {
        (self.owners[index], self.array[index])
    }
}

fn entry(fd: RawFd, events: c_short) -> pollfd {
    pollfd {
        fd,
        events,
        revents: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(slot: u32) -> Token {
        Token::new(slot, 0)
    }

    fn numbers(set: &mut PollSet) -> Vec<RawFd> {
        set.array().iter().map(|entry| entry.fd).collect()
    }

    #[test]
    fn taking_out_keeps_the_order_and_tells_who_moved() {
        let mut set = PollSet::new(100);
        let places: Vec<_> = (0..4)
            .map(|n| set.arm(Position::NONE, n, token(n as u32), libc::POLLIN))
            .collect();
        set.disarm(places[0]);
        set.disarm(places[2]);
        set.arm(Position::NONE, 9, token(9), libc::POLLIN);

        let mut moved = Vec::new();
        set.close_gaps(|token, place| moved.push((token, place)));
        assert_eq!(numbers(&mut set), [100, 1, 3, 9]);
        assert_eq!(
            moved,
            [
                (token(1), Position(1)),
                (token(3), Position(2)),
                (token(9), Position(3))
            ]
        );
    }

    #[test]
    fn arming_twice_joins() {
        let mut set = PollSet::new(100);
        let place = set.arm(Position::NONE, 5, token(0), libc::POLLIN);
        assert_eq!(set.arm(place, 5, token(0), libc::POLLOUT), place);
        assert_eq!(set.len(), 2);
        assert_eq!(set.answer(1).1.events, libc::POLLIN | libc::POLLOUT);
    }

    #[test]
    fn disarming_what_is_not_armed_does_nothing() {
        let mut set = PollSet::new(100);
        set.disarm(Position::NONE);
        set.close_gaps(|token, _| panic!("{token:?} moved"));
        assert_eq!(numbers(&mut set), [100]);
    }
}
