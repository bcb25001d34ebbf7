//! Sockets, pipes and other descriptors: reading, writing, waiting, deadlines, being closed.

mod support;

mod network {
    #[cfg(unix)]
    mod buffered;
    #[cfg(unix)]
    mod close;
    mod connect;
    #[cfg(unix)]
    mod descriptor;
    #[cfg(unix)]
    mod duplex;
    #[cfg(unix)]
    mod hub_faults;
    #[cfg(unix)]
    mod options;
    #[cfg(unix)]
    mod pipes;
    mod readiness;
    mod tcp;
    mod tcp_deadlines;
    mod udp;
    #[cfg(unix)]
    mod unix;
    mod watch;
    mod watch_deadline;
}
