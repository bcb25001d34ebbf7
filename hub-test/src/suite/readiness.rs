//! What is or becomes ready is reported, to whom it concerns, as what it is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use eventlet_hub::{Interest, Readiness};

use super::Outcome;
use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{fill, readable_pipe, sockets, tcp, watchable, writable_pipe};

super::cases![
    data_before_registration,
    data_after_arming,
    data_during_a_wait,
    a_fresh_socket_is_writable,
    a_full_socket_is_writable_when_drained,
    a_pipe_reads,
    a_pipe_writes,
    a_connection_to_accept,
    a_datagram,
    a_connection_both_ways,
    both_directions_join,
    the_other_one_is_not_reported,
    only_what_is_armed_and_once,
    each_direction_is_armed_by_itself,
    arming_twice_reports_once,
];

fn data_before_registration(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    peer.write_all(b"x").expect("write");
    let token = watch.add(file);
    watch.expect_readable(token);
}

fn data_after_arming(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.expect_not(token, Readiness::READABLE);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn data_during_a_wait(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.settle();
    std::thread::scope(|scope| {
        // Whether the byte comes before or during the wait, the wait must end.
        scope.spawn(|| peer.write_all(b"x").expect("write"));
        watch.expect_readable(token);
    });
}

fn a_fresh_socket_is_writable(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, _peer) = sockets();
    let token = watch.add(file);
    let seen = watch.expect_writable(token);
    assert!(!seen.is_readable(), "nothing to read, but {seen:?}");
}

fn a_full_socket_is_writable_when_drained(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let mut written = fill(&file);
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::WRITABLE);
    watch.expect_not(token, Readiness::WRITABLE);
    let mut room = vec![0; written];
    while written > 0 {
        written -= peer.read(&mut room).expect("read");
    }
    watch.expect_writable(token);
}

fn a_pipe_reads(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut writer) = readable_pipe();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.expect_not(token, Readiness::READABLE);
    writer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn a_pipe_writes(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut reader) = writable_pipe();
    let written = fill(&file);
    let token = watch.add(file);
    watch.settle();
    watch.arm(token, Interest::WRITABLE);
    watch.expect_not(token, Readiness::WRITABLE);
    reader.read_exact(&mut vec![0; written]).expect("read");
    watch.expect_writable(token);
}

fn a_connection_to_accept(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let address = listener.local_addr().expect("address");
    let token = watch.add(watchable(listener));
    watch.arm(token, Interest::READABLE);
    watch.settle();
    let _peer = TcpStream::connect(address).expect("connect");
    watch.expect_readable(token);
}

fn a_datagram(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let address = socket.local_addr().expect("address");
    let token = watch.add(watchable(socket));
    watch.arm(token, Interest::READABLE);
    watch.expect_not(token, Readiness::READABLE);
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    peer.send_to(b"x", address).expect("send");
    watch.expect_readable(token);
}

fn a_connection_both_ways(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = tcp();
    let token = watch.add(file);
    watch.expect_writable(token);
    watch.arm(token, Interest::READABLE);
    watch.expect_not(token, Readiness::READABLE);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn both_directions_join(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    peer.write_all(b"x").expect("write");
    let token = watch.add(file);
    watch.arm(token, Interest::BOTH);
    let batch = watch.wait(subject.patience());
    assert_eq!(
        batch,
        [(token, Readiness::READABLE | Readiness::WRITABLE)],
        "once in a batch, with all its facts"
    );
}

fn the_other_one_is_not_reported(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (quiet, _quiet_peer) = sockets();
    let (file, mut peer) = sockets();
    let quiet = watch.add(quiet);
    let token = watch.add(file);
    watch.arm(quiet, Interest::READABLE);
    watch.arm(token, Interest::READABLE);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
    watch.expect_not(quiet, Readiness::READABLE);
}

fn only_what_is_armed_and_once(subject: &Subject) -> Outcome {
    let mut watch = Watch::new(subject);
    if !watch.is_level() {
        return Outcome::Skipped("an edge-triggered hub reports unarmed readiness too".into());
    }
    let (file, mut peer) = sockets();
    peer.write_all(b"x").expect("write");
    let token = watch.add(file);
    assert_eq!(watch.wait(Duration::ZERO), [], "nothing is armed");
    watch.arm(token, Interest::READABLE);
    assert_eq!(
        watch.wait(subject.patience()),
        [(token, Readiness::READABLE)],
        "writable was not armed"
    );
    assert_eq!(watch.wait(Duration::ZERO), [], "armed once, reported once");
    Outcome::Passed
}

fn each_direction_is_armed_by_itself(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    watch.arm(token, Interest::WRITABLE);
    let mut seen = Readiness::NONE;
    for (_, readiness) in watch.wait(subject.patience()) {
        seen |= readiness;
    }
    assert_eq!(seen, Readiness::WRITABLE);
    // The report of the one direction left the other armed.
    peer.write_all(b"x").expect("write");
    for (_, readiness) in watch.wait(subject.patience()) {
        seen |= readiness;
    }
    assert!(seen.is_readable(), "still armed, but only {seen:?} came");
}

fn arming_twice_reports_once(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    watch.settle();
    for _ in 0..3 {
        watch.arm(token, Interest::READABLE);
    }
    peer.write_all(b"x").expect("write");
    let reports = watch.wait(subject.patience());
    assert_eq!(reports.len(), 1, "once in a batch: {reports:?}");
    watch.settle();
}
