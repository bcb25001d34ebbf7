//! `Expect: 100-continue` (RFC 9110 section 10.1.1): sent with the first read of the body, once, and
//! never after the response has begun.

use std::io::{ErrorKind, Read};

use eventlet_protocols::server::{Body, RequestBody};
use http::{Request, Response, StatusCode};

use crate::support::{Client, Running, echo, on_each_hub, path, whole};

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

fn expecting(version: &str, fields: &str) -> String {
    format!("POST /p HTTP/{version}\r\nHost: a\r\nExpect: 100-Continue\r\n{fields}\r\n")
}

/// Checks that the connection is good for another request.
fn is_in_step(client: &mut Client) {
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.reply().status, 200);
}

#[test]
fn the_first_read_asks_for_the_body_and_the_second_does_not() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        for _ in 0..2 {
            client.send(expecting("1.1", "Content-Length: 4\r\n"));
            client.expect(CONTINUE);
            client.send("bo");
            client.send("dy");
            assert_eq!(client.reply().text(), "body");

            client.send(expecting("1.1", "Transfer-Encoding: chunked\r\n"));
            client.expect(CONTINUE);
            client.send("1\r\nb\r\n");
            client.send("3\r\nody\r\n0\r\n\r\n");
            assert_eq!(client.reply().text(), "body");
        }
        is_in_step(&mut client);
        drop(client);
        server.end();
    });
}

#[test]
fn a_handler_that_refuses_does_not_ask() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            let mut response = Response::new(Body::from("no"));
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        });
        let reply = server.ask_once(expecting("1.1", "Content-Length: 1000000000\r\n").as_bytes());
        assert_eq!(reply.status, 403);
        // Whether the client will send its body is unknown, so there is no next request.
        assert!(reply.is_closing());
        server.end();
    });
}

#[test]
fn an_answer_without_reading_does_not_ask_either() {
    on_each_hub(|| {
        let server = Running::new(path);
        let reply = server.ask_once(expecting("1.1", "Content-Length: 4\r\n").as_bytes());
        assert_eq!(reply.text(), "/p");
        assert!(reply.is_closing());
        server.end();
    });
}

/// The head of a streaming response waits for its first byte, so that the body can be asked for.
#[test]
fn a_streaming_echo_asks_before_it_answers() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let mut client = server.connect();
        client.send(expecting("1.1", "Transfer-Encoding: chunked\r\n"));
        client.expect(CONTINUE);
        client.send("3\r\none\r\n");
        assert_eq!(client.head().status, 200);
        client.expect("3\r\none\r\n");
        client.send("3\r\ntwo\r\n0\r\n\r\n");
        client.expect("3\r\ntwo\r\n0\r\n\r\n");

        client.send(expecting("1.1", "Content-Length: 6\r\n"));
        client.expect(CONTINUE);
        client.send("one");
        assert_eq!(client.head().status, 200);
        client.expect("one");
        client.send("two");
        client.expect("two");
        is_in_step(&mut client);
        drop(client);
        server.end();
    });
}

#[test]
fn a_response_that_has_begun_withholds_it() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let mut body = request.into_body();
            Response::new(Body::stream(move |sink| {
                use std::io::Write;
                sink.write_all(b"begun ")?;
                sink.flush()?;
                let error = body.read(&mut [0; 4]).unwrap_err();
                write!(sink, "{:?}", error.kind())
            }))
        });
        let reply = server.ask_once(expecting("1.1", "Content-Length: 4\r\n").as_bytes());
        assert_eq!(reply.text(), "begun NotConnected");
        assert!(reply.is_closing());
        server.end();
    });
}

#[test]
fn a_client_that_does_not_wait_is_not_asked() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        client.send(expecting("1.1", "Content-Length: 4\r\n") + "body");
        assert_eq!(client.reply().text(), "body");
        is_in_step(&mut client);
        drop(client);
        server.end();
    });
}

/// Its first bytes come with the head, and show that it does not wait; the rest comes later, when
/// the response has begun.
#[test]
fn a_client_that_begins_at_once_is_read_to_its_end() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let mut client = server.connect();
        client.send(expecting("1.1", "Content-Length: 4\r\n") + "bo");
        assert_eq!(client.head().status, 200);
        client.expect("bo");
        client.send("dy");
        client.expect("dy");

        client.send(expecting("1.1", "Transfer-Encoding: chunked\r\n") + "2\r\nbo\r\n");
        assert_eq!(client.head().status, 200);
        client.expect("2\r\nbo\r\n");
        client.send("2\r\ndy\r\n0\r\n\r\n");
        client.expect("2\r\ndy\r\n0\r\n\r\n");
        is_in_step(&mut client);
        drop(client);
        server.end();
    });
}

#[test]
fn http10_and_requests_without_a_body_are_not_asked() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        client.send(expecting("1.0", "Content-Length: 4\r\n") + "body");
        assert_eq!(client.reply().text(), "body");
        client.expect_end();

        let mut client = server.connect();
        assert_eq!(client.ask(expecting("1.1", "")).status, 200);
        let empty = expecting("1.1", "Content-Length: 0\r\n");
        assert_eq!(client.ask(empty).status, 200);
        is_in_step(&mut client);
        drop(client);
        server.end();
    });
}

/// The response to an earlier, pipelined request is in front of it.
#[test]
fn comes_after_earlier_responses() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        let first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
        client.send(first + &expecting("1.1", "Content-Length: 1\r\n"));
        assert_eq!(client.reply().status, 200);
        client.expect(CONTINUE);
        assert_eq!(client.ask("x").text(), "x");
        drop(client);
        server.end();
    });
}

#[test]
fn another_expectation_is_refused() {
    on_each_hub(|| {
        let server = Running::new(path);
        let request = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n";
        let reply = server.ask_once(request);
        assert_eq!(reply.status, 417);
        assert!(reply.is_closing());
        server.end();
    });
}

fn interim(code: u16) -> Response<()> {
    let response = Response::builder().status(code).header("x-note", "early");
    response.body(()).unwrap()
}

/// Hints go out at once, in front of the response; a 100 of the handler's own replaces ours.
#[test]
fn a_handler_sends_interim_responses_of_its_own() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let mut body = request.into_body();
            let mut sent = Vec::new();
            for code in [103, 100, 102, 100] {
                sent.push(body.send_interim(&interim(code)).unwrap());
            }
            for code in [101, 200] {
                let refused = body.send_interim(&interim(code)).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::InvalidInput);
            }
            let mut text = String::new();
            body.read_to_string(&mut text).unwrap();
            Response::new(Body::stream(move |sink| {
                use std::io::Write;
                write!(sink, "{text} {sent:?} ")?;
                sink.flush()?;
                let late = body.send_interim(&interim(103)).unwrap_err();
                write!(sink, "{:?}", late.kind())
            }))
        });
        let early = |line: &str| format!("HTTP/1.1 {line}\r\nX-Note: early\r\n\r\n");
        let mut client = server.connect();
        client.send(expecting("1.1", "Content-Length: 4\r\n"));
        client.expect(&early("103 Early Hints"));
        client.expect(&early("100 Continue"));
        client.expect(&early("102 Processing"));
        client.send("body");
        let reply = client.reply();
        assert_eq!(reply.text(), "body [true, true, true, false] NotConnected");

        // Who does not wait for a 100 gets none.
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client.expect(&early("103 Early Hints"));
        client.expect(&early("102 Processing"));
        let reply = client.reply();
        assert_eq!(reply.text(), " [true, false, true, false] NotConnected");

        // And an old client gets nothing of the kind.
        let reply = client.ask("GET / HTTP/1.0\r\n\r\n");
        assert_eq!(reply.text(), " [false, false, false, false] NotConnected");
        drop(client);
        server.end();
    });
}
