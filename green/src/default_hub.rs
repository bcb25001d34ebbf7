//! The one file that names backends: which are compiled in, which is preferred, which is picked.
//!
//! A Cargo feature compiles a hub in, on the systems that have its facility. Among those that are
//! there, the first of this list is the default, and `EVENTLET_HUB` in the environment, or
//! [`Setup::hub`](crate::Setup::hub), names another.
//!
//! | system | best first |
//! |---|---|
//! | Linux | epoll, polling, poll, select |
//! | macOS, iOS, FreeBSD, NetBSD, OpenBSD, DragonFly | kqueue, polling, poll, select |
//! | illumos, Solaris, other Unix | polling, poll, select |
//! | Windows | polling |
//!
//! The cost of a wait grows with the ready descriptors for the first two, with the waiting ones for
//! poll, with the highest number for select. `polling` is there with its feature only; on Windows, which
//! has no other, always.

use std::io;

use eventlet_hub::Hub;

/// The environment variable that names the hub for every thread of the process that does not ask
/// for one itself.
pub const HUB_VARIABLE: &str = "EVENTLET_HUB";

/// A hub that is compiled in.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    pub(crate) open: fn() -> io::Result<Box<dyn Hub>>,
}

/// What is compiled in, best first.
pub(crate) const BACKENDS: &[Backend] = &[
    #[cfg(all(feature = "hub-epoll", target_os = "linux"))]
    Backend {
        name: "epoll",
        open: || Ok(Box::new(eventlet_hub_epoll::EpollHub::new()?)),
    },
    #[cfg(all(
        feature = "hub-kqueue",
        any(
            target_os = "macos",
            target_os = "ios",
            target_os = "freebsd",
            target_os = "netbsd",
            target_os = "openbsd",
            target_os = "dragonfly"
        )
    ))]
    Backend {
        name: "kqueue",
        open: || Ok(Box::new(eventlet_hub_kqueue::KqueueHub::new()?)),
    },
    #[cfg(any(feature = "hub-polling", windows))]
    Backend {
        name: "polling",
        open: || Ok(Box::new(eventlet_hub_polling::PollingHub::new()?)),
    },
    #[cfg(all(feature = "hub-poll", unix))]
    Backend {
        name: "poll",
        open: || Ok(Box::new(eventlet_hub_poll::PollHub::new()?)),
    },
    #[cfg(all(feature = "hub-select", unix))]
    Backend {
        name: "select",
        open: || Ok(Box::new(eventlet_hub_select::SelectHub::new()?)),
    },
    // A test tool, hence behind everything else.
    #[cfg(all(feature = "hub-kqueue-emulated", target_os = "linux"))]
    Backend {
        name: "kqueue",
        open: || Ok(Box::new(eventlet_hub_kqueue::KqueueHub::emulated()?)),
    },
];

/// The names of the hubs that are compiled in, best first. The first is the default.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "hub-poll")]
/// assert!(eventlet_green::hubs().any(|name| name == "poll"));
/// ```
pub fn hubs() -> impl ExactSizeIterator<Item = &'static str> {
    BACKENDS.iter().map(|backend| backend.name)
}
