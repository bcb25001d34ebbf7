//! The bare server and the load on it: a lower bound is worth something only if what stands there is
//! a server, and a figure only if the answers were right.

mod watchdog;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use eventlet_benches::bare_echo::BareEcho;
use eventlet_benches::bare_http::{BareHttp, PLAINTEXT};
use eventlet_benches::load::{Ask, Load, Plan};

use watchdog::watchdog;

/// Longer than any of these tests takes: a read that waits for ever becomes an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bare server on a thread of its own, until the process ends.
fn server() -> SocketAddr {
    let mut server = BareHttp::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = server.address().unwrap();
    thread::spawn(move || server.run());
    address
}

/// Sends `parts` one write each, says that no more will come, gives back all that is answered.
#[track_caller]
fn answers(address: SocketAddr, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    for part in parts {
        stream.write_all(part).unwrap();
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

const REQUEST: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: here\r\n\r\n";

#[test]
fn plaintext_has_the_head_of_a_real_server() {
    let _watched = watchdog("plaintext_has_the_head_of_a_real_server");
    let text = answers(server(), &[REQUEST]);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    for field in [
        "Server: ",
        "Content-Type: text/plain\r\n",
        "Content-Length: 13\r\n",
    ] {
        assert!(text.contains(field), "{field} in {text}");
    }
    let (_, date) = text.split_once("Date: ").unwrap();
    let (date, _) = date.split_once("\r\n").unwrap();
    httpdate::parse_http_date(date).unwrap();
    assert!(text.ends_with("\r\n\r\nHello, World!"), "{text}");
}

#[test]
fn pipelined_requests_are_all_answered_in_order() {
    let _watched = watchdog("pipelined_requests_are_all_answered_in_order");
    let unknown = b"GET /unknown HTTP/1.1\r\nHost: here\r\n\r\n";
    let text = answers(server(), &[&[REQUEST, unknown, REQUEST].concat()]);
    let statuses: Vec<_> = text
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &text[at + 9..at + 12])
        .collect();
    assert_eq!(statuses, ["200", "404", "200"]);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let _watched = watchdog("a_request_may_come_byte_by_byte");
    let address = server();
    let bytes: Vec<&[u8]> = REQUEST.chunks(1).collect();
    let text = answers(address, &bytes);
    assert!(text.ends_with("Hello, World!"), "{text}");
}

#[test]
fn close_is_honoured() {
    let _watched = watchdog("close_is_honoured");
    let close = b"GET /plaintext HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    let text = answers(server(), &[&[&close[..], REQUEST].concat()]);
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{text}");
}

#[test]
fn what_it_does_not_do_is_refused() {
    let _watched = watchdog("what_it_does_not_do_is_refused");
    let address = server();
    let body = b"POST /plaintext HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n\r\n";
    assert!(answers(address, &[body]).starts_with("HTTP/1.1 413 "));
    assert!(answers(address, &[b"\x01\r\n\r\n"]).starts_with("HTTP/1.1 400 "));
}

#[test]
fn a_body_comes_back_however_it_is_cut() {
    let _watched = watchdog("a_body_comes_back_however_it_is_cut");
    let address = server();
    let post = b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello";
    let bytes: Vec<&[u8]> = post.chunks(1).collect();
    assert!(answers(address, &bytes).ends_with("\r\n\r\nhello"));
    // What follows it is a request of its own.
    let text = answers(address, &[&[&post[..], REQUEST].concat()]);
    assert_eq!(text.matches("HTTP/1.1 200").count(), 2, "{text}");
    assert!(
        text.contains("hello") && text.ends_with("Hello, World!"),
        "{text}"
    );
    let large = b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 99999\r\n\r\n";
    assert!(answers(address, &[large]).starts_with("HTTP/1.1 413 "));
    let signed = b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: +5\r\n\r\nhello";
    assert!(answers(address, &[signed]).starts_with("HTTP/1.1 413 "));
}

#[test]
fn a_slow_reader_gets_every_answer() {
    let _watched = watchdog("a_slow_reader_gets_every_answer");
    // Far more than the socket buffers of both sides hold.
    const REQUESTS: usize = 200_000;
    let mut stream = TcpStream::connect(server()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let writing = thread::spawn(move || {
        for _ in 0..REQUESTS {
            writer.write_all(REQUEST).unwrap();
        }
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    writing.join().unwrap();
    let found = bytes
        .windows(PLAINTEXT.len())
        .filter(|part| *part == PLAINTEXT);
    assert_eq!(found.count(), REQUESTS);
}

fn plan(address: SocketAddr, depth: usize) -> Plan {
    Plan {
        address,
        ask: Ask::get("/plaintext", PLAINTEXT),
        connections: 8,
        depth,
    }
}

#[test]
fn the_load_counts_whole_bursts() {
    let _watched = watchdog("the_load_counts_whole_bursts");
    let mut load = Load::connect(&plan(server(), 16)).unwrap();
    let report = load.run(1_000, PATIENCE).unwrap();
    assert_eq!(report.requests, 1_008);
    assert!(report.latency(0.5) <= report.latency(1.0));
    assert!(report.latency(1.0) <= report.elapsed);
}

#[test]
fn the_load_notices_a_wrong_answer() {
    let _watched = watchdog("the_load_notices_a_wrong_answer");
    let mut other_body = plan(server(), 1);
    other_body.ask = Ask::get("/plaintext", b"Hello, World?");
    let mut other_path = plan(other_body.address, 1);
    other_path.ask = Ask::get("/unknown", PLAINTEXT);
    for plan in [other_body, other_path] {
        let error = Load::connect(&plan).unwrap().run(1, PATIENCE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
}

#[test]
fn an_echo_is_loaded_and_compared() {
    let _watched = watchdog("an_echo_is_loaded_and_compared");
    let mut server = BareEcho::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), 16).unwrap();
    let address = server.address().unwrap();
    thread::spawn(move || server.run());
    let mut plan = plan(address, 3);
    // Longer than the server's buffer, so that it comes back in parts.
    plan.ask = Ask::Echo((0..100).collect());
    let report = Load::connect(&plan).unwrap().run(300, PATIENCE).unwrap();
    assert_eq!(report.requests, 300);
    // What does not come back as it was sent is noticed.
    plan.address = self::server();
    plan.ask = Ask::Echo(REQUEST.to_vec());
    let error = Load::connect(&plan).unwrap().run(1, PATIENCE).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    plan.ask = Ask::Echo(Vec::new());
    let error = Load::connect(&plan).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
}

#[test]
fn the_load_does_not_wait_for_ever() {
    let _watched = watchdog("the_load_does_not_wait_for_ever");
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut load = Load::connect(&plan(silent.local_addr().unwrap(), 1)).unwrap();
    let error = load.run(1, Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn the_load_stays_on_this_machine() {
    let _watched = watchdog("the_load_stays_on_this_machine");
    // TEST-NET-1 of RFC 5737: belongs to nobody.
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 80));
    let error = Load::connect(&plan(elsewhere, 1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
