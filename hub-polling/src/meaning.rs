//! What is asked of the package, and what its answer means. Both directions, no call.
//!
//! | the package says | means |
//! |---|---|
//! | `readable` | readable |
//! | `writable` | writable |
//! | `is_interrupt` | hang-up (so everything but error); epoll, event ports and IOCP tell it |
//! | `is_err` | error (so readable and writable); where the package knows |
//! | `is_priority` | urgent |
//!
//! The package takes urgent data for readable as well. It does not ask for half-close anywhere.

use eventlet_hub::{Interest, Readiness};
use polling::Event;

/// Whether hang-up and error are told apart from readable and writable. Elsewhere the package may tell
/// them; where nobody has run the suite, nothing is promised.
pub(crate) const TELLS_HANG_UP: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Whether urgent data is told.
pub(crate) const TELLS_URGENT: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Whether the facility takes regular files: kqueue does.
pub(crate) const TAKES_REGULAR_FILES: bool = cfg!(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
));

/// What to ask for: `interest`, or nothing.
pub(crate) fn asked(key: usize, interest: Option<Interest>) -> Event {
    Event::new(
        key,
        interest.is_some_and(Interest::is_readable),
        interest.is_some_and(Interest::is_writable),
    )
}

/// What is left of `asked` once `ready` was reported.
pub(crate) fn still_asked(asked: Option<Interest>, ready: Readiness) -> Option<Interest> {
    let asked = asked?;
    let reads = asked.is_readable() && !ready.is_readable();
    let writes = asked.is_writable() && !ready.is_writable();
    match (reads, writes) {
        (true, true) => Some(Interest::BOTH),
        (true, false) => Some(Interest::READABLE),
        (false, true) => Some(Interest::WRITABLE),
        (false, false) => None,
    }
}

/// What an answer means.
pub(crate) fn readiness(event: &Event) -> Readiness {
    let mut ready = Readiness::NONE;
    for (is, meaning) in [
        (event.readable, Readiness::READABLE),
        (event.writable, Readiness::WRITABLE),
        (event.is_interrupt(), Readiness::HANG_UP),
        (event.is_err() == Some(true), Readiness::ERROR),
        (event.is_priority(), Readiness::URGENT),
    ] {
        if is {
            ready |= meaning;
        }
    }
    ready
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_means_what_the_contract_says() {
        let hung_up = Event::none(0).with_interrupt();
        let urgent = Event::readable(0).with_priority();
        for (event, meaning) in [
            (Event::none(0), Readiness::NONE),
            (Event::readable(0), Readiness::READABLE),
            (Event::writable(0), Readiness::WRITABLE),
            (Event::all(0), Readiness::READABLE | Readiness::WRITABLE),
        ] {
            assert_eq!(readiness(&event), meaning);
        }
        assert_eq!(readiness(&hung_up).is_hang_up(), TELLS_HANG_UP);
        assert_eq!(readiness(&urgent).is_urgent(), TELLS_URGENT);
    }

    #[test]
    fn a_report_leaves_the_other_direction_asked_for() {
        let both = Some(Interest::BOTH);
        assert_eq!(
            still_asked(both, Readiness::READABLE),
            Some(Interest::WRITABLE)
        );
        assert_eq!(
            still_asked(both, Readiness::WRITABLE),
            Some(Interest::READABLE)
        );
        assert_eq!(still_asked(both, Readiness::URGENT), both);
        assert_eq!(still_asked(both, Readiness::ERROR), None);
        assert_eq!(still_asked(both, Readiness::HANG_UP), None);
        assert_eq!(
            still_asked(Some(Interest::WRITABLE), Readiness::READABLE),
            Some(Interest::WRITABLE)
        );
        assert_eq!(still_asked(None, Readiness::READABLE), None);
    }

    #[test]
    fn what_is_asked_for_is_what_was_armed() {
        assert_eq!(asked(3, None), Event::none(3));
        assert_eq!(asked(3, Some(Interest::READABLE)), Event::readable(3));
        assert_eq!(asked(3, Some(Interest::WRITABLE)), Event::writable(3));
        assert_eq!(asked(3, Some(Interest::BOTH)), Event::all(3));
    }
}
