//! What is asked of poll, and what its answer means. One table, both directions, no system call.
//!
//! | poll flag | asked for | means |
//! |---|---|---|
//! | `POLLIN` | when readable is armed | readable |
//! | `POLLOUT` | when writable is armed | writable |
//! | `POLLRDHUP` (Linux) | when readable is armed | read-closed (so readable) |
//! | `POLLHUP` | always reported | hang-up (so everything but error) |
//! | `POLLERR` | always reported | error (so readable and writable) |
//! | `POLLNVAL` | always reported | error: the descriptor was closed while registered |
//!
//! `POLLRDHUP` goes with readable alone: it stays up, so a writer on a half-closed connection would
//! be told again and again.

use eventlet_hub::{Interest, Readiness};
use libc::c_short;

/// Half-close, where the system tells it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const READ_CLOSED: c_short = libc::POLLRDHUP;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const READ_CLOSED: c_short = 0;

/// Whether half-close is told apart from readable.
pub(crate) const TELLS_READ_CLOSED: bool = READ_CLOSED != 0;

/// What poll is asked for.
pub(crate) fn asked(interest: Interest) -> c_short {
    let mut flags = 0;
    if interest.is_readable() {
        flags |= libc::POLLIN | READ_CLOSED;
    }
    if interest.is_writable() {
        flags |= libc::POLLOUT;
    }
    flags
}

/// What is left of `asked` once `ready` was reported.
pub(crate) fn still_asked(asked: c_short, ready: Readiness) -> c_short {
    let mut flags = asked;
    if ready.is_readable() {
        flags &= !(libc::POLLIN | READ_CLOSED);
    }
    if ready.is_writable() {
        flags &= !libc::POLLOUT;
    }
    flags
}

/// What the kernel's answer means.
pub(crate) fn readiness(flags: c_short) -> Readiness {
    const TABLE: [(c_short, Readiness); 6] = [
        (libc::POLLIN, Readiness::READABLE),
        (libc::POLLOUT, Readiness::WRITABLE),
        (READ_CLOSED, Readiness::READ_CLOSED),
        (libc::POLLHUP, Readiness::HANG_UP),
        (libc::POLLERR, Readiness::ERROR),
        (libc::POLLNVAL, Readiness::ERROR),
    ];
    let mut ready = Readiness::NONE;
    for (flag, meaning) in TABLE {
        if flags & flag != 0 {
            ready |= meaning;
        }
    }
    ready
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_means_what_the_contract_says() {
        let table = [
            (libc::POLLIN, Readiness::READABLE),
            (libc::POLLOUT, Readiness::WRITABLE),
            (libc::POLLHUP, Readiness::HANG_UP),
            (libc::POLLERR, Readiness::ERROR),
            (libc::POLLNVAL, Readiness::ERROR),
            (libc::POLLPRI, Readiness::NONE),
            (0, Readiness::NONE),
        ];
        for (flags, meaning) in table {
            assert_eq!(readiness(flags), meaning, "{flags:#x}");
        }
    }

    #[test]
    fn a_report_disarms_what_it_reported() {
        let both = asked(Interest::BOTH);
        assert_eq!(
            still_asked(both, Readiness::READABLE),
            asked(Interest::WRITABLE)
        );
        assert_eq!(
            still_asked(both, Readiness::WRITABLE),
            asked(Interest::READABLE)
        );
        assert_eq!(still_asked(both, Readiness::HANG_UP), 0);
        assert_eq!(still_asked(both, Readiness::ERROR), 0);
    }

    #[test]
    fn a_writer_does_not_ask_for_half_close() {
        assert_eq!(asked(Interest::WRITABLE), libc::POLLOUT);
    }
}
