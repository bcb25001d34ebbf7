//! Heads of requests as a client writes them (RFC 9112 section 3, RFC 9110 section 8.6), read back by
//! the parser of the server.

use std::panic::catch_unwind;

use eventlet_protocols::wire::{
    BodySize, LengthField, NameCase, RequestConnection, RequestFraming, RequestWriter,
    ResponseFraming, is_clients_own, plan_request,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::scenario::message;

fn written(length: LengthField, connection: RequestConnection, fields: &HeaderMap) -> Vec<u8> {
    let mut out = Vec::new();
    RequestWriter {
        method: &Method::PUT,
        target: "/a?b",
        host: "a.example:81",
        fields,
        length,
        connection,
        names: NameCase::Title,
    }
    .write_to(&mut out);
    out
}

#[test]
fn what_is_written_is_what_a_server_reads() {
    let mut fields = HeaderMap::new();
    fields.append("x-one", HeaderValue::from_static("1"));
    fields.append("x-one", HeaderValue::from_static("2"));
    fields.append("x-bytes", HeaderValue::from_bytes(b"\xe9\t\xff").unwrap());
    let length = LengthField::ContentLength(0);
    let found = message(&written(length, RequestConnection::Close, &fields));
    assert_eq!(
        (found.head.method, found.head.uri.to_string()),
        (Method::PUT, "/a?b".into())
    );
    assert_eq!(found.head.headers["host"], "a.example:81");
    assert_eq!(found.head.headers.get_all("x-one").iter().count(), 2);
    assert_eq!(found.head.headers["x-bytes"].as_bytes(), b"\xe9\t\xff");
    assert_eq!(found.head.framing, RequestFraming::Empty);
    assert!(found.head.connection.has_close());
}

#[test]
fn the_fields_that_rule_the_connection_are_written_once_whatever_a_program_sets() {
    let mut fields = HeaderMap::new();
    for (name, value) in [
        ("host", "elsewhere"),
        ("content-length", "17"),
        ("transfer-encoding", "gzip"),
        ("connection", "x-one"),
        ("keep-alive", "timeout=9"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        ("upgrade", "chat"),
        ("accept", "*/*"),
    ] {
        let name: HeaderName = name.parse().unwrap();
        assert_eq!(is_clients_own(&name), name != "accept", "{name}");
        fields.insert(name, HeaderValue::from_static(value));
    }
    let text =
        |length, connection| String::from_utf8(written(length, connection, &fields)).unwrap();
    assert_eq!(
        text(LengthField::Absent, RequestConnection::Keep),
        "PUT /a?b HTTP/1.1\r\nHost: a.example:81\r\nAccept: */*\r\n\r\n"
    );
    assert_eq!(
        text(LengthField::Chunked, RequestConnection::Upgrade),
        "PUT /a?b HTTP/1.1\r\nHost: a.example:81\r\nTransfer-Encoding: chunked\r\n\
         Connection: upgrade\r\nUpgrade: chat\r\nAccept: */*\r\n\r\n"
    );
}

/// RFC 9110 section 8.6.
#[test]
fn how_a_body_is_announced() {
    for (method, size, field, framing) in [
        (
            Method::GET,
            BodySize::Known(0),
            LengthField::Absent,
            ResponseFraming::Nothing,
        ),
        (
            Method::DELETE,
            BodySize::Known(0),
            LengthField::Absent,
            ResponseFraming::Nothing,
        ),
        (
            Method::POST,
            BodySize::Known(0),
            LengthField::ContentLength(0),
            ResponseFraming::Length(0),
        ),
        (
            Method::PATCH,
            BodySize::Known(0),
            LengthField::ContentLength(0),
            ResponseFraming::Length(0),
        ),
        (
            Method::GET,
            BodySize::Known(3),
            LengthField::ContentLength(3),
            ResponseFraming::Length(3),
        ),
        (
            Method::GET,
            BodySize::Unknown,
            LengthField::Chunked,
            ResponseFraming::Chunked,
        ),
    ] {
        let plan = plan_request(&method, size);
        assert_eq!(
            (plan.field, plan.framing),
            (field, framing),
            "{method} {size:?}"
        );
    }
}

#[test]
fn nothing_breaks_the_request_line() {
    for (target, host) in [
        ("/a b", "h"),
        ("/\r\nX: y", "h"),
        ("/", "h\r\nX: y"),
        ("/", "h h"),
    ] {
        let outcome = catch_unwind(|| {
            RequestWriter {
                method: &Method::GET,
                target,
                host,
                fields: &HeaderMap::new(),
                length: LengthField::Absent,
                connection: RequestConnection::Keep,
                names: NameCase::Lower,
            }
            .write_to(&mut Vec::new());
        });
        assert!(outcome.is_err(), "{target:?} {host:?}");
    }
}
