//! What is refused: each is answered with its status and `Connection: close`, and the answer arrives
//! whatever the client is still sending.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use eventlet_green::offload;
use eventlet_protocols::server::{Body, Config, RequestBody};
use http::{Request, Response};

use crate::support::{Running, echo, on_each_hub, on_each_hub_jumping, whole};

fn long(count: usize) -> String {
    "x".repeat(count)
}

fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\n{fields}\r\n")
}

fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

fn refused_heads() -> Vec<(u16, String)> {
    let chunked = "Transfer-Encoding: chunked\r\n";
    let many: String = (0..101).map(|n| format!("F{n}: x\r\n")).collect();
    let large: String = (0..9)
        .map(|n| format!("F{n}: {}\r\n", long(8000)))
        .collect();
    vec![
        (400, "nonsense\r\n\r\n".into()),
        (400, "GET /\r\n\r\n".into()),
        (400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\nHost: a\n\n".into()),
        (400, "\r\n".repeat(5)),
        (400, get("")),
        (400, get("Host: a\r\nHost: a\r\n")),
        (400, get("Host: a b\r\n")),
        (400, get("Host: a/b\r\n")),
        (400, get("Host : a\r\n")),
        (400, get("Host: a\r\nX: a\r\n folded\r\n")),
        (400, get("Host: a\r\nX: a\x00b\r\n")),
        (400, get("Host: a\r\n: a\r\n")),
        (
            400,
            post(
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
        ),
        (400, post("Content-Length: 1\r\nContent-Length: 1\r\n", "x")),
        (400, post("Content-Length: 1, 1\r\n", "x")),
        (400, post("Content-Length: -1\r\n", "")),
        (400, post("Content-Length: +1\r\n", "x")),
        (400, post("Content-Length: 0x1\r\n", "x")),
        (400, post("Content-Length: \r\n", "")),
        (400, post("Content-Length: 18446744073709551616\r\n", "")),
        (400, post("Transfer-Encoding: gzip\r\n", "")),
        (400, post("Transfer-Encoding: chunked, chunked\r\n", "")),
        (400, format!("POST / HTTP/1.0\r\n{chunked}\r\n0\r\n\r\n")),
        (413, post("Content-Length: 1000001\r\n", "")),
        (
            414,
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", long(8192)),
        ),
        (417, post("Expect: x\r\nContent-Length: 1\r\n", "")),
        (431, get(&format!("Host: a\r\nX: {}\r\n", long(8192)))),
        (431, get(&format!("Host: a\r\n{many}"))),
        (431, get(&format!("Host: a\r\n{large}"))),
        (501, format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", long(33))),
        (501, post("Transfer-Encoding: gzip, chunked\r\n", "")),
        (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n".into()),
        (505, "GET / HTTP/9.9\r\nHost: a\r\n\r\n".into()),
    ]
}

fn limited() -> Config {
    let mut config = Config::new();
    config.limits.body = Some(1_000_000);
    config
}

#[test]
fn heads_are_answered_and_the_connection_closed() {
    on_each_hub(|| {
        let server = Running::with(limited(), whole);
        for (status, request) in refused_heads() {
            let mut client = server.connect();
            // What follows must not be taken for a request.
            client.send(request.clone() + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
            let reply = client.reply();
            assert_eq!(reply.status, status, "{request:?}: {}", reply.text());
            assert!(reply.is_closing(), "{request:?}");
            assert!(reply.text().starts_with(&status.to_string()));
            let content_type = reply.field("content-type");
            assert_eq!(content_type, Some("text/plain; charset=utf-8"));
            client.expect_end();
        }
        server.end();
    });
}

#[test]
fn an_earlier_answer_goes_first() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        assert_eq!(client.reply().status, 200);
        assert_eq!(client.reply().status, 400);
        client.expect_end();
        drop(client);
        server.end();
    });
}

fn refused_bodies() -> Vec<(u16, String)> {
    let size = format!("{}\r\n", "0".repeat(17));
    let extension = format!("1;{}\r\nx\r\n", long(257));
    let overhead = format!("1;{}\r\nx\r\n", long(250)).repeat(80);
    let trailer = format!("0\r\nX: {}\r\n\r\n", long(8192));
    let trailers: String = (0..33).map(|n| format!("F{n}: x\r\n")).collect();
    let trailers = format!("0\r\n{trailers}\r\n");
    vec![
        (400, "zz\r\n".into()),
        (400, "-1\r\n".into()),
        (400, "2\nab\r\n0\r\n\r\n".into()),
        (400, "2\r\nabc\r\n0\r\n\r\n".into()),
        (400, size),
        (400, extension),
        (400, overhead),
        (400, "0\r\nno colon\r\n\r\n".into()),
        (413, "f4241\r\n".into()),
        (431, trailer),
        (431, trailers),
    ]
}

#[test]
fn chunks_are_answered_whatever_the_handler_makes_of_the_error() {
    on_each_hub(|| {
        let failing = Running::with(limited(), whole);
        let streaming = Running::with(limited(), echo);
        let swallowing = Running::with(limited(), |request: Request<RequestBody>| {
            let _ = std::io::copy(&mut request.into_body(), &mut std::io::sink());
            Response::new(Body::from("fine"))
        });
        for (status, body) in refused_bodies() {
            for server in [&failing, &streaming, &swallowing] {
                let mut client = server.connect();
                client.send(post("Transfer-Encoding: chunked\r\n", &body));
                let reply = client.reply_or_part(crate::support::client::Asked::Other);
                // Of an echo the beginning may be out by then: it is cut off.
                if reply.is_whole || reply.status != 200 {
                    assert_eq!(reply.status, status, "{body:?}: {}", reply.text());
                    assert!(reply.is_closing());
                }
                client.expect_end();
            }
        }
        for server in [failing, streaming, swallowing] {
            server.end();
        }
    });
}

#[test]
fn a_bad_chunk_in_the_middle_of_a_stream_cuts_it_off() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let mut client = server.connect();
        client.send(post("Transfer-Encoding: chunked\r\n", "3\r\none\r\n"));
        assert_eq!(client.head().status, 200);
        client.expect("3\r\none\r\n");
        client.send("bad\rchunk");
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn a_body_beyond_the_limit_is_refused_when_it_gets_there() {
    on_each_hub(|| {
        let mut config = Config::new();
        config.limits.body = Some(4);
        let server = Running::with(config, whole);
        let mut client = server.connect();
        let chunks = post("Transfer-Encoding: chunked\r\n", "4\r\n1234\r\n0\r\n\r\n");
        assert_eq!(client.ask(chunks).text(), "1234");
        assert_eq!(
            client.ask(post("Content-Length: 4\r\n", "1234")).text(),
            "1234"
        );
        let chunks = post(
            "Transfer-Encoding: chunked\r\n",
            "4\r\n1234\r\n1\r\n5\r\n0\r\n\r\n",
        );
        assert_eq!(client.ask(chunks).status, 413);
        client.expect_end();
        drop(client);
        server.end();
    });
}

/// A client of its own thread that sends all before it looks for an answer, as many do. If the
/// server closed at once, the answer would be destroyed by the reset (RFC 9112 section 9.6).
fn sends_everything_first(address: SocketAddr, head: String, length: usize) -> Vec<u8> {
    let client = offload(move || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(head.as_bytes())?;
        for _ in 0..length / 1024 {
            stream.write_all(&[b'x'; 1024])?;
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    });
    client.unwrap().expect("no reset")
}

#[test]
fn the_answer_survives_what_the_client_still_sends() {
    on_each_hub(|| {
        const LENGTH: usize = 512 * 1024;
        let mut config = Config::new();
        config.limits.body = Some(1000);
        let server = Running::with(config, |_: Request<RequestBody>| Response::new("unread"));
        let announced = post(&format!("Content-Length: {LENGTH}\r\n"), "");
        let answer = sends_everything_first(server.address, announced, LENGTH);
        assert!(answer.starts_with(b"HTTP/1.1 413 "));

        let malformed = "GET / HTTP/1.1\r\n\r\n".to_owned();
        let answer = sends_everything_first(server.address, malformed, LENGTH);
        assert!(answer.starts_with(b"HTTP/1.1 400 "));
        server.end();

        // Not refused, but not wanted: more than is drained.
        let server = Running::new(|_: Request<RequestBody>| Response::new("unread"));
        let announced = post(&format!("Content-Length: {LENGTH}\r\n"), "");
        let answer = sends_everything_first(server.address, announced, LENGTH);
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
        assert!(answer.ends_with(b"unread"));
        server.end();
    });
}

/// The lingering has its end: a client that holds the connection open is left after two seconds.
#[test]
fn a_refused_client_that_stays_is_left() {
    on_each_hub_jumping(|clock| {
        use eventlet_runloop::{Clock, Time};
        let server = Running::new(whole);
        let mut client = server.connect();
        assert_eq!(client.ask("nonsense\r\n\r\n").status, 400);
        client.expect_end();
        assert_eq!(server.handle.status().open, 1);
        eventlet_green::sleep(std::time::Duration::from_secs(2));
        server.until_open(0);
        let passed = clock.now() - Time::ORIGIN;
        assert_eq!(passed.as_secs(), 2);
        drop(client);
        server.end();
    });
}
