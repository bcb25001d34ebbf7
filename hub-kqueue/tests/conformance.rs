//! The conformance suite under kqueue(2): the system's own where there is one, emulated on Linux.
#![cfg(any(
    target_os = "linux",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
))]

use eventlet_hub_kqueue::KqueueHub;

#[cfg(target_os = "linux")]
eventlet_hub_test::conformance!(KqueueHub::emulated);
#[cfg(not(target_os = "linux"))]
eventlet_hub_test::conformance!(KqueueHub::new);

/// As on a system without `EVFILT_USER`.
#[cfg(target_os = "linux")]
mod without_user_events {
    use super::KqueueHub;
    use eventlet_hub_kqueue::EmulatedQueue;

    eventlet_hub_test::conformance!(|| KqueueHub::over(EmulatedQueue::without_user_events()?));
}
