//! The conformance suite under epoll(7).
#![cfg(any(target_os = "linux", target_os = "android"))]

eventlet_hub_test::conformance!(eventlet_hub_epoll::EpollHub::new);
