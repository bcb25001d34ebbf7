//! How long a connection lives, and in which order responses come: keep-alive of both versions,
//! `Connection: close`, pipelining, the limit of requests.

use eventlet_green::sync::Semaphore;
use eventlet_green::yield_now;
use eventlet_protocols::server::{Body, Config, RequestBody};
use http::{HeaderName, HeaderValue, Request, Response};

use crate::support::{Running, on_each_hub, path, whole};

#[test]
fn http11_stays_open_until_the_client_leaves() {
    on_each_hub(|| {
        let server = Running::new(path);
        let mut client = server.connect();
        for round in 0..3 {
            let reply = client.ask(format!("GET /{round} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(reply.line, "HTTP/1.1 200 OK");
            assert_eq!(reply.text(), format!("/{round}"));
            assert_eq!(reply.field("connection"), None);
            assert_eq!(reply.field("server"), Some("eventlet"));
            let date = reply.field("date").unwrap();
            assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
        }
        assert_eq!(server.handle.status().open, 1);
        assert_eq!(server.handle.status().requests, 3);
        client.finish();
        client.expect_end();
        server.end();
    });
}

#[test]
fn close_is_obeyed_and_announced() {
    on_each_hub(|| {
        let server = Running::new(path);
        let request = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, CLOSE\r\n\r\n";
        let reply = server.ask_once(request);
        assert_eq!(reply.text(), "/x");
        assert!(reply.is_closing());
        server.end();
    });
}

#[test]
fn what_follows_a_close_is_not_answered() {
    on_each_hub(|| {
        let server = Running::new(path);
        let mut client = server.connect();
        client.send(
            "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\
             GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        );
        assert_eq!(client.reply().text(), "/1");
        client.expect_end();
        assert_eq!(server.handle.status().requests, 1);
        drop(client);
        server.end();
    });
}

#[test]
fn http10_closes_unless_asked_to_stay() {
    on_each_hub(|| {
        let server = Running::new(path);
        let reply = server.ask_once(b"GET /old HTTP/1.0\r\n\r\n");
        assert_eq!(reply.line, "HTTP/1.1 200 OK");
        assert!(reply.is_closing());
        assert_eq!(reply.text(), "/old");

        let mut client = server.connect();
        for round in 0..2 {
            let reply = client.ask(format!(
                "GET /{round} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            ));
            assert_eq!(reply.text(), format!("/{round}"));
            assert_eq!(reply.field("connection"), Some("keep-alive"));
            assert_eq!(reply.field("keep-alive"), Some("timeout=75"));
        }
        let reply = client.ask("GET /last HTTP/1.0\r\n\r\n");
        assert!(reply.is_closing());
        client.expect_end();
        server.end();
    });
}

#[test]
fn the_handler_can_close() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            Response::builder()
                .header("connection", "close")
                .body(Body::from("bye"))
                .unwrap()
        });
        let reply = server.ask_once(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(reply.is_closing());
        assert_eq!(reply.text(), "bye");
        server.end();
    });
}

#[test]
fn sixteen_in_one_packet_are_answered_in_order() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        let mut packet = String::new();
        for n in 0..16 {
            let text = format!("body {n}");
            packet += &match n % 3 {
                0 => format!(
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{text}",
                    text.len()
                ),
                1 => format!(
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                     {:x}\r\n{text}\r\n0\r\n\r\n",
                    text.len()
                ),
                _ => "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            };
        }
        client.send(&packet);
        for n in 0..16 {
            let expected = match n % 3 {
                2 => String::new(),
                _ => format!("body {n}"),
            };
            assert_eq!(client.reply().text(), expected, "response {n}");
        }
        assert!(client.ahead.is_empty());
        drop(client);
        server.end();
    });
}

/// The tables of fields are used again, from a response to the next request: nothing is found in them
/// of the message before, however it ended, and whoever it was from.
#[test]
fn fields_of_one_message_are_not_found_in_the_next() {
    fn names(request: Request<RequestBody>) -> Response<Body> {
        let names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
        let mut response = Response::new(Body::from(names.join(" ")));
        let many = if request.uri().path() == "/many" {
            200
        } else {
            1
        };
        for n in 0..many {
            let name = HeaderName::try_from(format!("x-answer-{n}")).unwrap();
            response.headers_mut().insert(name, HeaderValue::from(n));
        }
        response
    }

    on_each_hub(|| {
        let server = Running::new(names);
        let (mut one, mut other) = (server.connect(), server.connect());
        for path in ["/", "/many", "/"] {
            let reply = one.ask(format!(
                "GET {path} HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-Two: 2\r\n\r\n"
            ));
            assert_eq!(reply.text(), "host x-one x-two");
            // Begun, and left standing while the other's are read.
            one.send("GET / HTTP/1.1\r\nHost: a\r\nX-Half: ");
            let refused = b"GET / HTTP/1.1\r\nHost: a\r\nX-Bad: 1\r\nContent-Length: x\r\n\r\n";
            assert_eq!(server.ask_once(refused).line, "HTTP/1.1 400 Bad Request");
            let reply = other.ask("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
            assert_eq!(reply.text(), "host");
            assert_eq!(reply.field("x-answer-0"), Some("0"));
            assert_eq!(reply.field("x-answer-1"), None);
            one.send("1\r\n\r\n");
            assert_eq!(one.reply().text(), "host x-half");
        }
        drop((one, other));
        server.end();
    });
}

/// Otherwise client and server would wait for each other.
#[test]
fn an_earlier_response_is_out_before_a_body_is_waited_for() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n\
             POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
        );
        assert_eq!(client.reply().status, 200);
        assert!(client.ahead.is_empty());
        client.send("late");
        assert_eq!(client.reply().text(), "late");

        // The same when the second request ends inside of its head.
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT");
        assert_eq!(client.reply().status, 200);
        client.send("TP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.reply().status, 200);
        drop(client);
        server.end();
    });
}

/// Old clients send one after a body (RFC 9112 section 2.2).
#[test]
fn empty_lines_between_requests_are_passed_over() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        for _ in 0..3 {
            let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\n";
            assert_eq!(client.ask(request).text(), "hi");
        }
        client.finish();
        client.expect_end();
        server.end();
    });
}

#[test]
fn the_limit_of_requests_closes() {
    on_each_hub(|| {
        let mut config = Config::new();
        config.limits.requests = Some(2);
        let server = Running::with(config, path);
        let mut client = server.connect();
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        client.send(request.repeat(3));
        assert!(!client.reply().is_closing());
        assert!(client.reply().is_closing());
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn a_pipelined_answer_does_not_wait_for_the_next_handler() {
    on_each_hub(|| {
        let gate = Semaphore::new(0);
        let theirs = gate.clone();
        let server = Running::new(move |request: Request<RequestBody>| {
            if request.uri().path() == "/slow" {
                theirs.acquire().unwrap().forget();
            }
            Response::new(Body::from("done"))
        });
        let mut client = server.connect();
        client.send(
            "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n\
             GET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
        );
        assert_eq!(client.reply().text(), "done");
        gate.add_permits(1);
        assert_eq!(client.reply().text(), "done");
        drop(client);
        server.end();
    });
}

#[test]
fn many_that_come_together_are_all_answered() {
    // More than are sent for at once.
    const CLIENTS: usize = 150;
    on_each_hub(|| {
        let server = Running::new(path);
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
        for round in 0..3 {
            for (n, client) in clients.iter_mut().enumerate() {
                client.send(format!("GET /{n}/{round} HTTP/1.1\r\nHost: a\r\n\r\n"));
            }
            for (n, client) in clients.iter_mut().enumerate() {
                assert_eq!(client.reply().text(), format!("/{n}/{round}"));
            }
        }
        assert_eq!(server.handle.status().requests, 3 * CLIENTS as u64);
        drop(clients);
        server.end();
    });
}

#[test]
fn an_answer_beyond_what_the_kernel_takes_is_sent_to_its_end() {
    // Fits what is gathered for one write; a client that reads nothing makes the rest wait.
    const PIECE: usize = 15 * 1024;
    const REQUESTS: usize = 2000;
    on_each_hub(|| {
        let server =
            Running::new(|_: Request<RequestBody>| Response::new(Body::from(vec![b'.'; PIECE])));
        let mut client = server.connect();
        for _ in 0..REQUESTS {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            // Each comes by itself, and is answered by itself.
            yield_now();
        }
        for _ in 0..REQUESTS {
            assert_eq!(client.reply().text().len(), PIECE);
        }
        drop(client);
        server.end();
    });
}
