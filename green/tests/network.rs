//! Sockets, pipes and other descriptors: reading, writing, waiting, deadlines, being closed.

mod support;

mod network {
    mod buffered;
    mod close;
    mod connect;
    mod descriptor;
    mod duplex;
    mod options;
    mod pipes;
    mod readiness;
    mod tcp;
    mod tcp_deadlines;
    mod udp;
    mod unix;
    mod watch;
}
