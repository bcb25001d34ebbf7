//! Values as bodies: what is answered for each thing that can be wrong with one.

use std::collections::BTreeMap;
use std::io;

use eventlet_green::spawn;
use eventlet_protocols::format::{
    BEGINNING, BodyError, DEFAULT_BODY_LIMIT, Dump, Json, JsonFormat, Load, Octets, Text, read_as,
};
use eventlet_protocols::server::{Config, IntoResponse, RequestBody};
use http::{HeaderValue, Request};
use serde::{Deserialize, Serialize};

use crate::support::{Running, on_each_hub, on_each_hub_jumping, post};

#[derive(Debug, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

fn mirror(request: Request<RequestBody>) -> Result<Json<Point>, BodyError> {
    let point: Point = Json::read(request)?;
    Ok(Json(Point {
        x: -point.x,
        ..point
    }))
}

fn maybe(request: Request<RequestBody>) -> Result<String, BodyError> {
    let value: Option<u8> = Json::read(request)?;
    Ok(format!("{value:?}"))
}

#[test]
fn json_in_and_out() {
    on_each_hub(|| {
        let server = Running::new(mirror);
        let mut client = server.connect();
        let point = r#"{"x":1,"y":2}"#;
        for name in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
        ] {
            let reply = client.ask(post("/", name, point));
            assert_eq!((reply.status, &*reply.text()), (200, r#"{"x":-1,"y":2}"#));
            assert_eq!(reply.field("content-type"), Some("application/json"));
        }
        drop(client);
        server.end();
    });
}

#[test]
fn what_is_wrong_with_a_body_is_said_and_the_connection_goes_on() {
    on_each_hub(|| {
        let server = Running::new(mirror);
        let mut client = server.connect();
        let reply = client.ask(post("/", "application/json", "{\"x\":1"));
        assert_eq!(reply.status, 400);
        let text = reply.text();
        assert!(text.contains("EOF while parsing") && text.contains("line 1"));

        let reply = client.ask(post("/", "application/json", "<script>1</script>"));
        assert_eq!(reply.status, 400);
        assert!(!reply.text().contains("script"), "{}", reply.text());

        for name in ["text/plain", "application/x-www-form-urlencoded", "json"] {
            let reply = client.ask(post("/", name, "{}"));
            assert_eq!(reply.status, 415);
            assert!(reply.text().contains("must be application/json"));
        }
        let reply = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!(reply.status, 415);

        // Without a byte there is nothing that could be called wrong.
        let reply = client.ask("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.status, 400);
        assert_eq!(
            client
                .ask(post("/", "application/json", r#"{"x":1,"y":2}"#))
                .status,
            200
        );
        drop(client);
        server.end();
    });
}

#[test]
fn an_empty_body_is_none_where_the_type_allows() {
    on_each_hub(|| {
        let server = Running::new(maybe);
        assert_eq!(server.get("/").text(), "None");
        assert_eq!(server.ask(post("/", "application/json", "")).text(), "None");
        assert_eq!(
            server.ask(post("/", "application/json", "7")).text(),
            "Some(7)"
        );
        let spaces = server.ask(post("/", "application/json", " "));
        assert_eq!(spaces.status, 400);
        server.end();
    });
    let unit: () = JsonFormat.load(None, b"").unwrap();
    assert_eq!(unit, ());
    let value: serde_json::Value = JsonFormat.load(None, b"").unwrap();
    assert!(value.is_null());
    assert!(Load::<Point>::load(&JsonFormat, None, b"").is_err());
}

#[test]
fn a_body_is_read_up_to_the_limit() {
    const LIMIT: usize = 10;
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let (parts, mut body) = request.into_parts();
            read_as(&Text, &parts.headers, &mut body, LIMIT)
        });
        let mut client = server.connect();
        assert_eq!(
            client.ask(post("/", "text/plain", "0123456789")).text(),
            "0123456789"
        );
        let reply = client.ask(post("/", "text/plain", "0123456789x"));
        assert_eq!(reply.status, 413);
        assert!(reply.text().contains("more than the 10 bytes"));

        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\
                       Transfer-Encoding: chunked\r\n\r\n";
        let reply = client.ask(format!("{chunked}5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"));
        assert_eq!(reply.text(), "0123456789");
        let reply = client.ask(format!("{chunked}5\r\n01234\r\n6\r\n56789x\r\n0\r\n\r\n"));
        assert_eq!(reply.status, 413);

        // Who asks before sending is not told to.
        let reply = client.ask(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\
             Content-Length: 11\r\nExpect: 100-continue\r\n\r\n",
        );
        assert_eq!(reply.status, 413);
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn the_default_limit_holds() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let text: String = Json::read(request)?;
            Ok::<_, BodyError>(text.len().to_string())
        });
        let fitting = format!("\"{}\"", "x".repeat(DEFAULT_BODY_LIMIT - 2));
        let reply = server.ask(post("/", "application/json", &fitting));
        assert_eq!(reply.text(), (DEFAULT_BODY_LIMIT - 2).to_string());
        let beyond = format!("\"{}\"", "x".repeat(DEFAULT_BODY_LIMIT - 1));
        let mut client = server.connect();
        // It may be refused while it is still being sent.
        let sending = client.stream.try_clone().unwrap();
        let sender = spawn(move || {
            let bytes = post("/", "application/json", &beyond);
            io::Write::write_all(&mut &sending, bytes.as_bytes())
        });
        assert_eq!(client.head().status, 413);
        drop(client);
        let _ = sender.join().unwrap();
        server.end();
    });
}

#[test]
fn a_body_that_is_cut_off_or_late_is_answered() {
    on_each_hub_jumping(|_| {
        let server = Running::new(maybe);
        let cut = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                   Content-Length: 5\r\n\r\n12";
        let mut client = server.connect();
        client.send(cut);
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(client.head().status, 400);
        drop(client);

        let mut client = server.connect();
        client.send(cut);
        let start = eventlet_green::now();
        assert_eq!(client.head().status, 408);
        assert_eq!(eventlet_green::now() - start, Config::DEFAULT_BODY);
        drop(client);
        server.end();
    });
}

/// A format must not be a way to run a coroutine out of its stack.
#[test]
fn deep_nesting_is_refused_within_a_coroutines_stack() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            Json::<serde_json::Value>::read(request).map(Json)
        });
        let deep = |depth: usize| "[".repeat(depth) + &*"]".repeat(depth);
        let objects = r#"{"a":"#.repeat(127) + "0" + &*"}".repeat(127);
        for body in [deep(127), objects] {
            let reply = server.ask(post("/", "application/json", &body));
            assert_eq!((reply.status, reply.text()), (200, body));
        }
        let reply = server.ask(post("/", "application/json", &deep(100_000)));
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("recursion limit exceeded"));
        server.end();
    });
}

#[test]
fn a_value_without_a_form_is_500() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            Json(BTreeMap::from([([1, 2], "keys must be strings")]))
        });
        let reply = server.get("/");
        assert_eq!(
            (reply.status, &*reply.text()),
            (500, "500 Internal Server Error\n")
        );
        server.end();
    });
    let error = JsonFormat.dump(&BTreeMap::from([([1], 2)])).unwrap_err();
    assert_eq!(error.content_type(), "application/json");
    assert!(
        error.to_string().contains("key must be a string"),
        "{error}"
    );
}

#[test]
fn a_load_error_keeps_the_type_and_a_bounded_beginning() {
    let html = HeaderValue::from_static("text/html");
    let page = "x".repeat(BEGINNING + 1);
    for length in [0, 1, BEGINNING, BEGINNING + 1] {
        let body = &page.as_bytes()[..length];
        let error = Load::<u8>::load(&JsonFormat, Some(&html), body).unwrap_err();
        assert_eq!(error.content_type(), Some(&html));
        assert_eq!(error.beginning(), &body[..length.min(BEGINNING)]);
        assert_eq!(error.body_len(), length);
        assert!(error.to_string().len() < BEGINNING + 200);
    }
    let control = Load::<u8>::load(&JsonFormat, None, b"\x1b[2J\n\xff").unwrap_err();
    assert!(
        control.to_string().ends_with(r#"begins "\x1b[2J\n\xff""#),
        "{control}"
    );
}

#[test]
fn octets_are_bytes_and_take_any_name() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let (parts, mut body) = request.into_parts();
            read_as(&Octets, &parts.headers, &mut body, 100)
        });
        let reply = server.ask(post("/", "image/png", "\u{0}\u{1}"));
        assert_eq!(reply.body, [0, 1]);
        assert_eq!(
            reply.field("content-type"),
            Some("application/octet-stream")
        );
        server.end();
    });
    let error = BodyError::Unreadable(io::ErrorKind::ConnectionReset.into());
    assert_eq!(error.into_response().status(), 400);
}
