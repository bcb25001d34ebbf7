//! The examples do what they say.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use eventlet_green::{HUB_VARIABLE, hubs};
use support::{Watchdog, assert_success};

/// Where Cargo put an example: it builds them along with the tests.
fn example(name: &str) -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(name);
    Command::new(path)
}

#[test]
fn echo_echoes_and_stops_when_it_is_told() {
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let mut server = example("echo")
            .args(["--listen", "127.0.0.1:0"])
            .env(HUB_VARIABLE, hub)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let address = line.strip_prefix("listening on ").unwrap().to_owned();
        let mut client = TcpStream::connect(&address).unwrap();
        client.write_all(b"hello").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        let line = lines.next().unwrap().unwrap();
        assert!(line.ends_with(": 5 bytes"), "{line}");
        support::sys::terminate(server.id());
        assert!(server.wait().unwrap().success());
        assert_eq!(lines.next().unwrap().unwrap(), "0 connections were open");
    }
}

#[test]
fn echo_says_what_is_wrong() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for arguments in [&["--listen", &address][..], &["--listen"], &["what?"]] {
        let output = example("echo").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(support::stderr(&output).lines().count(), 1);
    }
}

#[test]
fn a_small_million() {
    let _watchdog = Watchdog::new("default");
    let output = example("million").arg("2000").output().unwrap();
    assert_success(&output);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("coroutines      2000, all asleep"),
        "{text}"
    );
    for wrong in ["0", "x", "-1", "99999999999"] {
        let output = example("million").arg(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{wrong}");
    }
}

#[test]
fn ping_and_pong() {
    let _watchdog = Watchdog::new("default");
    let output = example("ping_pong").arg("1000").output().unwrap();
    assert_success(&output);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 6, "{text}");
    assert!(text.lines().all(|line| line.ends_with(" ns a round trip")));
    for wrong in ["0", "x", "-1"] {
        let output = example("ping_pong").arg(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{wrong}");
    }
}
