//! What is asked of epoll, and what its answer means. One table, both directions, no system call.
//!
//! | epoll flag | asked for | means |
//! |---|---|---|
//! | `EPOLLIN` | yes | readable |
//! | `EPOLLOUT` | yes | writable |
//! | `EPOLLRDHUP` | yes | read-closed (so readable) |
//! | `EPOLLHUP` | always reported | hang-up (so everything but error) |
//! | `EPOLLERR` | always reported | error (so readable and writable) |
//! | `EPOLLPRI` | yes | urgent (and nothing else) |
//!
//! An ordinary read does not take urgent data, so it does not mean readable. It is told because a
//! read stops short at it, with more behind it: a layer that takes a short read for a drained
//! buffer has to know. (The level-triggered hubs do not watch it: they would spin on it.)

use eventlet_hub::Readiness;
use nix::sys::epoll::EpollFlags;

/// What every registered descriptor is watched for, all its life.
pub(crate) const WATCHED: EpollFlags = EpollFlags::EPOLLIN
    .union(EpollFlags::EPOLLOUT)
    .union(EpollFlags::EPOLLRDHUP)
    .union(EpollFlags::EPOLLPRI)
    .union(EpollFlags::EPOLLET);

/// What the descriptors of the hub's own are watched for: the waker's, and the alarm's.
pub(crate) const OWN: EpollFlags = EpollFlags::EPOLLIN.union(EpollFlags::EPOLLET);

/// What the kernel's answer means.
#[inline]
pub(crate) fn readiness(flags: EpollFlags) -> Readiness {
    const TABLE: [(EpollFlags, Readiness); 6] = [
        (EpollFlags::EPOLLIN, Readiness::READABLE),
        (EpollFlags::EPOLLOUT, Readiness::WRITABLE),
        (EpollFlags::EPOLLRDHUP, Readiness::READ_CLOSED),
        (EpollFlags::EPOLLHUP, Readiness::HANG_UP),
        (EpollFlags::EPOLLERR, Readiness::ERROR),
        (EpollFlags::EPOLLPRI, Readiness::URGENT),
    ];
    let mut ready = Readiness::NONE;
    for (flag, meaning) in TABLE {
        if flags.contains(flag) {
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
            (EpollFlags::EPOLLIN, Readiness::READABLE),
            (EpollFlags::EPOLLOUT, Readiness::WRITABLE),
            (EpollFlags::EPOLLRDHUP, Readiness::READ_CLOSED),
            (EpollFlags::EPOLLHUP, Readiness::HANG_UP),
            (EpollFlags::EPOLLERR, Readiness::ERROR),
            (EpollFlags::EPOLLPRI, Readiness::URGENT),
            (EpollFlags::empty(), Readiness::NONE),
        ];
        for (flags, meaning) in table {
            assert_eq!(readiness(flags), meaning, "{flags:?}");
        }
    }

    #[test]
    fn flags_join() {
        let both = readiness(EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT);
        assert_eq!(both, Readiness::READABLE | Readiness::WRITABLE);
    }

    #[test]
    fn urgent_data_does_not_mean_readable() {
        assert!(WATCHED.contains(EpollFlags::EPOLLPRI));
        assert!(!readiness(EpollFlags::EPOLLPRI).is_readable());
        assert!(WATCHED.contains(EpollFlags::EPOLLET));
    }
}
