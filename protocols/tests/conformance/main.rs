//! The rules of HTTP/1.1 as a table: what is sent, what must come back, and the section that says so.
//! Raw bytes over real sockets, against the server under every hub, whole and cut at each byte; against
//! any other server whose address `CONFORMANCE_TARGET` names and that answers as `examples/testbed`
//! does.
//!
//! `cargo test -p eventlet-protocols --test conformance -- --nocapture` prints the table.
//!
//! * `rule`: what a rule is made of.
//! * `answer`: responses, read by rules written down again there.
//! * `run`: one rule, the whole table, the report.
//! * `site`: what the server under test answers.
//! * the others: the rules, by what they are about.

mod answer;
mod chunks;
mod expectations;
mod fields;
mod hosts;
mod lengths;
mod persistence;
mod request_line;
mod responses;
mod rule;
mod run;
mod site;

use std::collections::HashSet;
use std::env;

use eventlet_green::net::TcpListener;
use eventlet_green::testing::on_each_hub;
use eventlet_green::{offload, spawn};
use eventlet_protocols::server::Server;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use rule::Rule;
use run::Run;

/// Names another server to hold against the table: `HOST:PORT`.
const TARGET: &str = "CONFORMANCE_TARGET";

/// How long what is left at the end of a test may take: never needed.
const GRACE: Duration = Duration::from_secs(60);

/// Under all hubs but the first, messages are cut at each so manieth byte.
const STEP: usize = 5;

fn table() -> Vec<Rule> {
    [
        request_line::rules(),
        hosts::rules(),
        fields::rules(),
        lengths::rules(),
        chunks::rules(),
        persistence::rules(),
        expectations::rules(),
        responses::rules(),
    ]
    .concat()
}

/// Gives the address of a server of ours to `talk`, and stops it afterwards.
fn with_server(talk: impl FnOnce(SocketAddr)) {
    let server = Server::new(site::answer);
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = spawn(move || server.serve(listener));
    talk(address);
    handle.stop(GRACE);
    serving.join().unwrap().unwrap();
    assert_eq!(handle.status().open, 0);
}

#[test]
fn every_rule_is_kept() {
    if let Ok(target) = env::var(TARGET) {
        on_another_server(&target);
        return;
    }
    on_each_hub(|| {
        with_server(|address| {
            let hub = eventlet_green::stats().hub;
            hold(&format!("the server under {hub}"), &Run::ours(address));
        });
    });
}

/// The table against a server that is not ours. What it decides otherwise where it may is shown, what
/// it must not do fails.
fn on_another_server(target: &str) {
    let mut addresses = target.to_socket_addrs().expect(TARGET);
    let address = addresses.next().expect(TARGET);
    hold(&format!("the server at {target}"), &Run::theirs(address));
}

/// Prints the table, and fails with the rules that are not kept.
fn hold(who: &str, run: &Run) {
    let report = run.all(&table());
    println!("\n{who}:\n{}", report.lines.join("\n"));
    let failures = report.failures;
    assert!(failures.is_empty(), "{who}:\n{}", failures.join("\n"));
}

/// Each message that is sent in one piece, cut in two at each byte: what comes back keeps the rule all
/// the same.
#[test]
fn every_rule_is_kept_at_each_cut() {
    if env::var(TARGET).is_ok() {
        return; // Whether it has seen the first part before the second comes cannot be told.
    }
    on_each_hub(|| {
        with_server(|address| {
            // The machine that is cut about is the same under all of them: once at each byte is enough.
            let is_first = eventlet_green::hubs().next() == Some(eventlet_green::stats().hub);
            let step = if is_first { 1 } else { STEP };
            let failures = Run::ours(address).all_cut(&table(), step);
            assert!(failures.is_empty(), "{}", failures.join("\n"));
        });
    });
}

#[test]
fn no_rule_is_there_twice_and_each_names_its_section() {
    let mut names = HashSet::new();
    let table = table();
    for rule in &table {
        assert!(names.insert(rule.what.clone()), "twice: {}", rule.what);
        assert!(rule.section.starts_with("RFC 9"), "{}", rule.section);
        assert!(!rule.steps.is_empty(), "{}", rule.what);
    }
    // So many as were written; a table that shrinks is to be noticed.
    const LEAST: usize = 200;
    assert!(table.len() >= LEAST, "{}", table.len());
}

/// A server that takes everything, and one that refuses everything, must not pass.
#[test]
fn the_table_finds_a_server_that_keeps_no_rule() {
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!",
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // One answer to each connection, whatever it says.
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // Clients may leave at any time.
                let _ = stream.read(&mut [0; 64 * 1024]);
                let _ = stream.write_all(reply.as_bytes());
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            }
        });
        let table = table();
        let failures = offload(move || Run::theirs(address).all(&table).failures.len()).unwrap();
        const MANY: usize = 50;
        assert!(failures >= MANY, "only {failures} faults were found");
    }
}
