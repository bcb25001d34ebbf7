//! What is asked of kqueue, and what its answer means. One table, both directions, no system call.
//!
//! | filter | with | means |
//! |---|---|---|
//! | `EVFILT_READ` | | readable |
//! | | `EV_EOF` | read-closed (so readable); data may be left all the same |
//! | `EVFILT_WRITE` | | writable |
//! | | `EV_EOF` | writable: the write fails rather than blocks |
//! | either | `EV_EOF` and `fflags` | error (so readable and writable): `fflags` is the socket's |
//! | both, in whatever order | `EV_EOF` | hang-up (so everything but error) |
//!
//! The end of one direction says nothing about the other: half-close. So a registration remembers which
//! of its directions have ended ([`Ended`]), and the second end makes the hang-up.

use eventlet_hub::Readiness;

use crate::Kevent;
use crate::constants::{EV_ADD, EV_CLEAR, EV_DELETE, EV_ENABLE, EV_EOF, EVFILT_READ, EVFILT_WRITE};

/// How every registration is made: both words of "from now on", and edge-triggered.
pub(crate) const WATCH: u32 = EV_ADD | EV_ENABLE | EV_CLEAR;

/// The two changes that watch a descriptor.
pub(crate) fn watching(fd: usize, udata: usize) -> [Kevent; 2] {
    DIRECTIONS.map(|filter| Kevent::new(fd, filter, WATCH, udata))
}

/// The two changes that end that.
pub(crate) fn forgetting(fd: usize) -> [Kevent; 2] {
    DIRECTIONS.map(|filter| Kevent::new(fd, filter, EV_DELETE, 0))
}

const DIRECTIONS: [i32; 2] = [EVFILT_READ, EVFILT_WRITE];

/// Which directions of a descriptor have come to their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    reading: bool,
    writing: bool,
}

/// What the kernel's answer means, beside the ends it tells of.
#[inline]
pub(crate) fn readiness(event: &Kevent) -> Readiness {
    let mut ready = match event.filter() {
        EVFILT_READ => Readiness::READABLE,
        EVFILT_WRITE => Readiness::WRITABLE,
        _ => Readiness::NONE,
    };
    if is_end(event) && event.fflags() != 0 {
        ready |= Readiness::ERROR;
    }
    ready
}

/// Whether a direction has come to its end.
#[inline]
pub(crate) fn is_end(event: &Kevent) -> bool {
    event.flags() & EV_EOF != 0
}

impl Ended {
    /// Takes note of an end, and says what it means.
    pub(crate) fn note(&mut self, event: &Kevent) -> Readiness {
        match event.filter() {
            EVFILT_READ => self.reading = true,
            EVFILT_WRITE => self.writing = true,
            _ => {}
        }
        match self {
            Ended {
                reading: true,
                writing: true,
            } => Readiness::HANG_UP,
            Ended { reading: true, .. } => Readiness::READ_CLOSED,
            Ended { .. } => Readiness::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(filter: i32, flags: u32, fflags: u32) -> Kevent {
        Kevent::new(3, filter, flags, 0).with_fflags(fflags)
    }

    #[test]
    fn each_answer_means_what_the_contract_says() {
        const RESET: u32 = libc::ECONNRESET as u32;
        for (event, meaning) in [
            (event(EVFILT_READ, 0, 0), Readiness::READABLE),
            (event(EVFILT_WRITE, 0, 0), Readiness::WRITABLE),
            (event(EVFILT_READ, EV_EOF, 0), Readiness::READABLE),
            (event(EVFILT_READ, EV_EOF, RESET), Readiness::ERROR),
            (event(EVFILT_WRITE, EV_EOF, RESET), Readiness::ERROR),
            // Without an end, they are flags of the filter's own (NOTE_LOWAT).
            (event(EVFILT_READ, 0, 1), Readiness::READABLE),
        ] {
            assert_eq!(readiness(&event), meaning, "{event:?}");
        }
    }

    #[test]
    fn a_hang_up_is_both_ends_in_whatever_order() {
        let (read, write) = (
            event(EVFILT_READ, EV_EOF, 0),
            event(EVFILT_WRITE, EV_EOF, 0),
        );
        let mut ended = Ended::default();
        assert_eq!(ended.note(&read), Readiness::READ_CLOSED);
        assert_eq!(ended.note(&read), Readiness::READ_CLOSED);
        assert_eq!(ended.note(&write), Readiness::HANG_UP);
        let mut ended = Ended::default();
        assert_eq!(ended.note(&write), Readiness::NONE);
        assert_eq!(ended.note(&read), Readiness::HANG_UP);
    }

    #[test]
    fn a_registration_is_enabled_and_edge_triggered() {
        let [read, write] = watching(7, 9);
        for (change, filter) in [(read, EVFILT_READ), (write, EVFILT_WRITE)] {
            assert_eq!(change.flags(), EV_ADD | EV_ENABLE | EV_CLEAR);
            assert_eq!((change.ident(), change.filter()), (7, filter));
            assert_eq!(change.udata(), 9);
        }
        assert!(
            forgetting(7)
                .iter()
                .all(|change| change.flags() == EV_DELETE)
        );
    }
}
