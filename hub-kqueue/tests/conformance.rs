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

#[cfg(target_os = "linux")]
eventlet_hub_test::conformance!(eventlet_hub_kqueue::KqueueHub::emulated);
#[cfg(not(target_os = "linux"))]
eventlet_hub_test::conformance!(eventlet_hub_kqueue::KqueueHub::new);
