//! Half-close, close, reset, a refused connect: both sides wake, and what is told apart is right.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener};
use std::time::Duration;

use eventlet_hub::{Interest, Readiness};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, connect, getsockopt, socket, sockopt,
};
use std::os::fd::AsRawFd;

use super::Outcome;
use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{
    drain, fill, readable_pipe, set_nonblocking, sockets, tcp, watchable, writable_pipe,
};

super::cases![
    a_half_close_is_readable,
    a_half_close_is_told_apart,
    a_half_close_leaves_the_data_before_it,
    a_close_wakes_the_reader,
    a_close_wakes_the_writer,
    a_close_before_registration,
    a_hang_up_is_told_apart,
    a_reset_wakes_both,
    a_refused_connect_ends,
    a_pipe_loses_its_writer,
    a_pipe_loses_its_reader,
    a_hang_up_nobody_waits_for_does_not_spin,
];

fn a_half_close_is_readable(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, peer) = tcp();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.expect_not(token, Readiness::READABLE);
    peer.shutdown(Shutdown::Write).expect("shutdown");
    watch.expect_readable(token);
    let mut file = watch.sources.get(token).expect("registered");
    assert!(drain(file).ended);
    file.write_all(b"x").expect("the other direction is open");
}

fn a_half_close_is_told_apart(subject: &Subject) -> Outcome {
    let mut watch = Watch::new(subject);
    if !watch.capabilities().tells_read_closed {
        return Outcome::Skipped("the facility does not tell a half-close from data".into());
    }
    for (file, shut) in [
        {
            let (file, peer) = tcp();
            let shut: Box<dyn FnOnce() -> Box<dyn Send>> = Box::new(move || {
                peer.shutdown(Shutdown::Write).expect("shutdown");
                Box::new(peer)
            });
            (file, shut)
        },
        {
            let (file, peer) = sockets();
            let shut: Box<dyn FnOnce() -> Box<dyn Send>> = Box::new(move || {
                peer.shutdown(Shutdown::Write).expect("shutdown");
                Box::new(peer)
            });
            (file, shut)
        },
    ] {
        let token = watch.add(file);
        let _peer = shut();
        let seen = watch.expect(token, Interest::READABLE, Readiness::READ_CLOSED);
        assert!(!seen.is_error() && !seen.is_hang_up(), "{seen:?}");
    }
    Outcome::Passed
}

fn a_half_close_leaves_the_data_before_it(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = tcp();
    let token = watch.add(file);
    peer.write_all(b"last words").expect("write");
    peer.shutdown(Shutdown::Write).expect("shutdown");
    let mut text = Vec::new();
    loop {
        watch.expect_readable(token);
        let mut piece = [0; 4];
        let mut file = watch.sources.get(token).expect("registered");
        // Edge-triggered: read until it says stop.
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(&piece[..count]),
            Err(error) => panic!("{error}"),
        }
        if !watch.is_level() {
            let mut file = watch.sources.get(token).expect("registered");
            file.read_to_end(&mut text).expect("read to the end");
            break;
        }
    }
    assert_eq!(text, b"last words");
}

fn a_close_wakes_the_reader(subject: &Subject) {
    let mut watch = Watch::new(subject);
    for (file, peer) in [
        {
            let (file, peer) = sockets();
            (file, Box::new(peer) as Box<dyn Send>)
        },
        {
            let (file, peer) = tcp();
            (file, Box::new(peer) as Box<dyn Send>)
        },
    ] {
        let token = watch.add(file);
        watch.arm(token, Interest::READABLE);
        watch.expect_not(token, Readiness::READABLE);
        drop(peer);
        watch.expect_readable(token);
        assert!(drain(watch.sources.get(token).expect("registered")).ended);
    }
}

fn a_close_wakes_the_writer(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, peer) = sockets();
    fill(&file);
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::WRITABLE);
    watch.expect_not(token, Readiness::WRITABLE);
    drop(peer);
    watch.expect_writable(token);
    let mut file = watch.sources.get(token).expect("registered");
    let error = file.write(b"x").expect_err("nobody is there to read it");
    assert_ne!(error.kind(), ErrorKind::WouldBlock);
}

fn a_close_before_registration(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, peer) = sockets();
    drop(peer);
    let token = watch.add(file);
    watch.expect_readable(token);
}

fn a_hang_up_is_told_apart(subject: &Subject) -> Outcome {
    let mut watch = Watch::new(subject);
    if !watch.capabilities().tells_hang_up {
        return Outcome::Skipped("the facility does not tell a hang-up from data".into());
    }
    let (file, peer) = sockets();
    let token = watch.add(file);
    drop(peer);
    let seen = watch.expect(token, Interest::READABLE, Readiness::HANG_UP);
    assert!(seen.is_readable() && seen.is_writable() && seen.is_read_closed());
    Outcome::Passed
}

fn a_reset_wakes_both(subject: &Subject) {
    for interest in [Interest::READABLE, Interest::WRITABLE] {
        let mut watch = Watch::new(subject);
        let (file, peer) = tcp();
        fill(&file);
        let token = watch.add(file);
        watch.settle();
        // Closing with unread data resets the connection (RFC 9293, section 3.10.4, note).
        drop(peer);
        let wanted = if interest.is_readable() {
            Readiness::READABLE
        } else {
            Readiness::WRITABLE
        };
        let wanted = if watch.capabilities().tells_hang_up {
            wanted | Readiness::ERROR
        } else {
            wanted
        };
        watch.expect(token, interest, wanted);
        let mut file = watch.sources.get(token).expect("registered");
        let error = file.read(&mut [0]).expect_err("the connection was reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

fn a_refused_connect_ends(subject: &Subject) -> Outcome {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::empty(),
        None,
    )
    .expect("socket");
    set_nonblocking(&socket);
    let address = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
    match connect(socket.as_raw_fd(), &address) {
        Err(Errno::EINPROGRESS) => {}
        Err(Errno::ECONNREFUSED) => {
            return Outcome::Skipped("this system refuses a connect to itself at once".into());
        }
        other => panic!("connect to a closed port: {other:?}"),
    }
    let mut watch = Watch::new(subject);
    let token = watch.add(watchable(socket));
    let seen = watch.expect_writable(token);
    assert!(seen.is_error() || !watch.capabilities().tells_hang_up);
    let file = watch.sources.get(token).expect("registered");
    let error = getsockopt(file, sockopt::SocketError).expect("SO_ERROR");
    assert_eq!(Errno::from_raw(error), Errno::ECONNREFUSED);
    Outcome::Passed
}

fn a_pipe_loses_its_writer(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, writer) = readable_pipe();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.expect_not(token, Readiness::READABLE);
    drop(writer);
    watch.expect_readable(token);
    assert!(drain(watch.sources.get(token).expect("registered")).ended);
}

fn a_pipe_loses_its_reader(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, reader) = writable_pipe();
    fill(&file);
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::WRITABLE);
    watch.expect_not(token, Readiness::WRITABLE);
    drop(reader);
    watch.expect_writable(token);
    let mut file = watch.sources.get(token).expect("registered");
    let error = file.write(b"x").expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

fn a_hang_up_nobody_waits_for_does_not_spin(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, peer) = sockets();
    let token = watch.add(file);
    drop(peer);
    watch.expect_readable(token);
    watch.settle();
    assert_eq!(watch.wait(Duration::from_millis(5)), []);
    assert!(watch.events.is_empty());
}
