//! Access log lines: their layouts, and that nothing a peer sends can forge one.

use std::net::IpAddr;
use std::time::Duration;

use eventlet_protocols::wire::{DateCache, LogFormat, LogRecord};
use http::StatusCode;

fn line<'a>(
    dates: &'a mut DateCache,
    format: LogFormat,
    change: impl FnOnce(&mut LogRecord<'a>),
) -> String {
    let mut record = LogRecord {
        client: &"127.0.0.1",
        client_port: Some(4711),
        forwarded_for: &[],
        date: dates.at_second(784_111_777),
        request_line: b"GET /a HTTP/1.1",
        status: StatusCode::NOT_FOUND,
        body_length: 1234,
        received: 5,
        wall: Duration::from_nanos(1_000_421_900),
        host: None,
        referer: None,
        user_agent: None,
    };
    change(&mut record);
    let mut out = Vec::new();
    record.write_to(format, &mut out);
    String::from_utf8(out).expect("ASCII")
}

#[test]
fn each_format_has_its_layout() {
    let start = "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a HTTP/1.1\" 404 1234";
    assert_eq!(
        line(&mut DateCache::new(), LogFormat::Common, |_| ()),
        format!("{start}\n")
    );
    assert_eq!(
        line(&mut DateCache::new(), LogFormat::CommonSeconds, |_| ()),
        format!("{start} 1.000421\n")
    );
    let combined = line(&mut DateCache::new(), LogFormat::Combined, |record| {
        record.referer = Some(b"http://a/");
        record.user_agent = Some(b"curl/8");
    });
    assert_eq!(combined, format!("{start} \"http://a/\" \"curl/8\"\n"));
    assert_eq!(
        line(&mut DateCache::new(), LogFormat::Combined, |_| ()),
        format!("{start} \"-\" \"-\"\n")
    );
    assert_eq!(
        line(&mut DateCache::new(), LogFormat::Original, |_| ()),
        "127.0.0.1 - - [06/Nov/1994 08:49:37] \"GET /a HTTP/1.1\" 404 1234 1.000421\n"
    );
}

#[test]
fn a_request_that_was_not_read_is_a_dash() {
    let found = line(&mut DateCache::new(), LogFormat::Common, |record| {
        record.request_line = b""
    });
    assert!(found.contains(" \"-\" 404 "), "{found}");
}

#[test]
fn forwarded_addresses_come_first_without_spaces() {
    let addresses = [[1, 2, 3, 4], [5, 6, 7, 8]].map(IpAddr::from);
    let mut dates = DateCache::new();
    let found = line(&mut dates, LogFormat::Common, |record| {
        record.forwarded_for = &addresses
    });
    assert!(
        found.starts_with("1.2.3.4,5.6.7.8,127.0.0.1 - - ["),
        "{found}"
    );
}

#[test]
fn nothing_a_peer_sends_leaves_its_quotes() {
    let evil = b"x\" 200 1\n1.1.1.1 - - \"\r\t\x00\x1b[2J\\\x7f\xe9";
    let escaped = "x\\\" 200 1\\x0a1.1.1.1 - - \\\"\\x0d\\x09\\x00\\x1b[2J\\\\\\x7f\\xe9";
    let found = line(&mut DateCache::new(), LogFormat::Combined, |record| {
        record.request_line = evil;
        record.referer = Some(evil);
        record.user_agent = Some(evil);
    });
    assert_eq!(found.matches(escaped).count(), 3, "{found}");
    assert_eq!(found.matches('\n').count(), 1);
    let found = line(&mut DateCache::new(), LogFormat::Common, |record| {
        record.client = &"a\nb"
    });
    assert!(found.starts_with("a\\x0ab - - "), "{found}");
}

#[test]
fn the_request_line_comes_apart() {
    let words = |line: &[u8]| {
        let mut dates = DateCache::new();
        let record = LogRecord {
            client: &"-",
            client_port: None,
            forwarded_for: &[],
            date: dates.at_second(0),
            request_line: line,
            status: StatusCode::OK,
            body_length: 0,
            received: 0,
            wall: Duration::ZERO,
            host: None,
            referer: None,
            user_agent: None,
        };
        let words = [record.method(), record.target(), record.version()];
        words.map(|word| String::from_utf8(word.to_vec()).unwrap())
    };
    assert_eq!(words(b"GET /a?b HTTP/1.1"), ["GET", "/a?b", "HTTP/1.1"]);
    assert_eq!(words(b""), ["", "", ""]);
    assert_eq!(words(b"GET"), ["GET", "", ""]);
}

/// For a program's own messages: nothing a peer sent is printed as it came.
#[test]
fn is_shown_as_its_line() {
    let mut shown = String::new();
    line(&mut DateCache::new(), LogFormat::Common, |record| {
        record.user_agent = Some(b"a\nb");
        shown = format!("{record:?}");
    });
    assert!(shown.starts_with("LogRecord(127.0.0.1 - - ["), "{shown}");
    assert!(shown.ends_with("404 1234 \"-\" \"a\\x0ab\")"), "{shown}");
}
