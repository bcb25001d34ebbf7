//! Clients that vanish at every byte of a request and of a response: the server goes on, and nothing
//! of them is left.

use std::io::Write;

use eventlet_green::stats;
use eventlet_protocols::server::{Body, RequestBody};
use http::{Request, Response};

use crate::support::{Running, echo, on_each_hub, whole};

/// A head, a chunked body with trailers, and the beginning of another request.
const REQUEST: &[u8] = b"POST /p?q HTTP/1.1\r\nHost: a\r\nX-Some: field\r\n\
    Transfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n1\r\n.\r\n0\r\nTrailer: 1\r\n\r\nGET /";

fn check(server: &Running, before: usize) {
    server.until_open(0);
    assert_eq!(stats().descriptors, before);
}

/// Each leaves once by an end of the stream and once by a reset (unread bytes make one).
#[test]
fn at_each_byte_of_a_request() {
    on_each_hub(|| {
        for handler in [
            Running::new(whole),
            Running::new(echo),
            Running::new(unread),
        ] {
            let server = handler;
            server.until_open(0);
            let before = stats().descriptors;
            for cut in 0..=REQUEST.len() {
                let mut client = server.connect();
                client.send(&REQUEST[..cut]);
                drop(client);

                let mut client = server.connect();
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                server.until_open(1);
                client.send(&REQUEST[..cut]);
                drop(client);
                check(&server, before);
            }
            assert_eq!(
                server
                    .connect()
                    .ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    .status,
                200
            );
            server.end();
        }
    });
}

fn unread(_: Request<RequestBody>) -> Response<Body> {
    Response::new(Body::from("unread"))
}

#[test]
fn at_each_byte_of_a_response() {
    on_each_hub(|| {
        // More than the kernel takes at once, so that the server is in the middle of it.
        let server = Running::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink| {
                for _ in 0..1000 {
                    sink.write_all(&[b'x'; 20_000])?;
                }
                Ok(())
            }))
        });
        server.until_open(0);
        let before = stats().descriptors;
        for cut in (0..300).chain([5000, 50_000, 500_000]) {
            let mut client = server.connect();
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            client.take(cut);
            drop(client);
            check(&server, before);
        }
        server.end();
    });
}

#[test]
fn in_a_body_that_is_being_asked_for() {
    on_each_hub(|| {
        let server = Running::new(whole);
        server.until_open(0);
        let before = stats().descriptors;
        for taken in 0..25 {
            let mut client = server.connect();
            client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
            );
            client.take(taken);
            drop(client);
            check(&server, before);
        }
        server.end();
    });
}

/// A client that shuts its sending side down still gets its answer.
#[test]
fn a_half_closed_client_is_answered() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        client.finish();
        assert_eq!(client.reply().status, 200);
        assert_eq!(client.reply().text(), "body");
        client.expect_end();
        server.end();
    });
}
