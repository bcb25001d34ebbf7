//! Each limit of a request through the socket: what is at it is served, what is one past it is
//! refused, with the defaults and with settings. (The wire code's own tests are in `wire/limits.rs`.)

use eventlet_protocols::server::Config;
use eventlet_protocols::wire::Limits;

use crate::support::{Running, on_each_hub, path, whole};

/// What has to be served and what is to be refused with that status, over one connection.
#[track_caller]
fn hold(config: Config, at: &str, past: &str, status: u16) {
    let server = Running::with(config, whole);
    let mut client = server.connect();
    assert_eq!(client.ask(at).status, 200);
    let reply = client.ask(past);
    assert_eq!(reply.status, status);
    assert!(reply.is_closing());
    client.expect_end();
    drop(client);
    server.end();
}

fn with(change: impl FnOnce(&mut Limits)) -> Config {
    let mut config = Config::new();
    change(&mut config.limits);
    config
}

fn target(length: usize) -> String {
    format!(
        "GET /{} HTTP/1.1\r\nHost: a\r\n\r\n",
        "a".repeat(length - 1)
    )
}

#[test]
fn the_target() {
    on_each_hub(|| {
        hold(Config::new(), &target(8192), &target(8193), 414);
        let config = with(|limits| limits.uri = 10);
        hold(config, &target(10), &target(11), 414);
        // Beyond the original's: a limit can be raised.
        let config = with(|limits| limits.uri = 20_000);
        hold(config, &target(20_000), &target(20_001), 414);
    });
}

#[test]
fn the_method() {
    on_each_hub(|| {
        let method = |length| format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(length));
        hold(Config::new(), &method(32), &method(33), 501);
    });
}

#[test]
fn empty_lines() {
    on_each_hub(|| {
        let lines = |count| "\r\n".repeat(count) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        hold(Config::new(), &lines(4), &lines(5), 400);
    });
}

fn fields(count: usize) -> String {
    let others: String = (1..count).map(|n| format!("F{n}: x\r\n")).collect();
    format!("GET / HTTP/1.1\r\nHost: a\r\n{others}\r\n")
}

#[test]
fn the_number_of_fields() {
    on_each_hub(|| {
        hold(Config::new(), &fields(100), &fields(101), 431);
        let config = with(|limits| limits.fields = 3);
        hold(config, &fields(3), &fields(4), 431);
        let config = with(|limits| limits.fields = 300);
        hold(config, &fields(300), &fields(301), 431);
    });
}

#[test]
fn the_length_of_a_field() {
    on_each_hub(|| {
        let field = |length: usize| {
            let value = "x".repeat(length - "X: ".len());
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n")
        };
        hold(Config::new(), &field(8192), &field(8193), 431);
        let config = with(|limits| limits.field = 20);
        hold(config, &field(20), &field(21), 431);
    });
}

/// A head of exactly so many bytes, in fields that are within their own limit.
fn head(length: usize) -> String {
    let mut head = "GET / HTTP/1.1\r\nHost: a\r\n".to_owned();
    let end = "\r\n";
    while head.len() + end.len() < length {
        let room = length - end.len() - head.len();
        // What is left must have room for another field.
        let line = if room > 8000 { 7900 } else { room };
        head += &format!("X: {}\r\n", "x".repeat(line - "X: \r\n".len()));
    }
    head + end
}

#[test]
fn the_whole_head() {
    on_each_hub(|| {
        assert_eq!(head(65_536).len(), 65_536);
        hold(Config::new(), &head(65_536), &head(65_537), 431);
        let config = with(|limits| limits.head = 1000);
        hold(config, &head(1000), &head(1001), 431);
    });
}

#[test]
fn the_body_in_both_framings() {
    on_each_hub(|| {
        let length = |length: usize| {
            let body = "x".repeat(length);
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
        };
        let chunks = |length: usize| {
            let chunks = "1\r\nx\r\n".repeat(length);
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
            )
        };
        let config = || with(|limits| limits.body = Some(1000));
        hold(config(), &length(1000), &length(1001), 413);
        hold(config(), &chunks(1000), &chunks(1001), 413);
        let none = || with(|limits| limits.body = Some(0));
        hold(none(), &length(0), &length(1), 413);
        hold(none(), &chunks(0), &chunks(1), 413);
    });
}

/// The last one says that it is.
#[test]
fn requests_on_a_connection() {
    on_each_hub(|| {
        for most in [1, 2, 5] {
            let config = with(|limits| limits.requests = Some(most));
            let server = Running::with(config, path);
            for get in [
                "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            ] {
                let mut client = server.connect();
                for number in 1..=most {
                    let reply = client.ask(get);
                    assert_eq!(reply.status, 200);
                    assert_eq!(reply.is_closing(), number == most, "{number} of {most}");
                }
                client.expect_end();
            }
            server.end();
        }
    });
}
