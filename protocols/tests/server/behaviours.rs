//! What the original's tests ask of its servers (wsgi, httpd), as far as no other file here is about
//! it: the table is by behaviour, so names follow what was asked there.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::TcpListener;
use eventlet_green::testing::{duplex, settle};
use eventlet_green::{sleep, spawn, stats, turn_count};
use eventlet_protocols::server::{Body, Config, Peer, RequestBody, Server};
use eventlet_protocols::wire::{path_segments, query_pairs, query_value};
use http::{Request, Response, StatusCode};

use crate::support::client::Asked;
use crate::support::{Client, Running, on_each_hub, on_each_hub_jumping, path, whole};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

/// Whatever the method: without a length there is no body, and what follows is the next request.
#[test]
fn no_length_and_no_coding_is_an_empty_body() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let remaining = request.body().remaining();
            let method = request.method().clone();
            let text = request.into_body().into_text().unwrap();
            Response::new(Body::from(format!("{method} {remaining:?} {text:?}")))
        });
        let mut client = server.connect();
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let reply = client.ask(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(reply.text(), format!("{method} Some(0) \"\""));
        }
        drop(client);
        server.end();
    });
}

/// A body that nobody has read and that looks like a request is not taken for one.
#[test]
fn an_unread_body_that_looks_like_a_request_is_thrown_away() {
    on_each_hub(|| {
        let server = Running::new(path);
        let evil = "GET /evil HTTP/1.0\r\n\r\n";
        for head in [
            "POST /1 HTTP/1.0\r\nConnection: keep-alive\r\n",
            "POST /1 HTTP/1.1\r\nHost: a\r\n",
        ] {
            let mut client = server.connect();
            let length = evil.len();
            client.send(format!("{head}Content-Length: {length}\r\n\r\n{evil}{GET}"));
            assert_eq!(client.reply().text(), "/1");
            assert_eq!(client.reply().text(), "/x");
            client.finish();
            client.expect_end();
        }
        assert_eq!(server.handle.status().requests, 4);
        server.end();
    });
}

/// Pieces of nothing at any place neither end a chunked body nor show in it, and its end comes once.
#[test]
fn empty_pieces_never_end_a_stream() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink| {
                for piece in ["", "a", "", "", "b", ""] {
                    sink.write_all(piece.as_bytes())?;
                    assert_eq!(sink.write(b"")?, 0);
                    sink.flush()?;
                }
                Ok(())
            }))
        });
        let mut client = server.connect();
        client.send(GET);
        assert!(client.head().is_chunked());
        client.expect("1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
        assert_eq!(client.ask(GET).text(), "ab");
        client.finish();
        client.expect_end();
        server.end();
    });
}

/// A stream that takes and gives one byte at a time: everything arrives, both ways.
#[test]
fn one_byte_at_a_time_delivers_everything() {
    on_each_hub(|| {
        let (near, far) = duplex(1);
        let server = Server::new(whole);
        let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
        let mut writer = near.clone();
        let body = "0123456789".repeat(50);
        let sent = body.clone();
        let sending = spawn(move || {
            let length = sent.len();
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
            writer.write_all((head + &sent + GET).as_bytes()).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut client = Client::over(near);
        assert_eq!(client.reply().text(), body);
        assert_eq!(client.reply().text(), "");
        client.expect_end();
        sending.join().unwrap();
        serving.join().unwrap();
    });
}

#[test]
fn fields_keep_their_values_and_their_order() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let values = request.headers().get_all("x-a").iter();
            let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
            let mut response = Response::builder();
            for value in values.iter().rev() {
                response = response.header("set-cookie", *value);
            }
            response.body(Body::from(values.join("|"))).unwrap()
        });
        let mut client = server.connect();
        let fields = "X-A: 1\r\nx-a:  two, 2 \r\nX-B: b\r\nX-a:\r\n";
        let reply = client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(reply.text(), "1|two, 2|");
        let cookies = reply.fields.iter().filter(|(name, _)| name == "Set-Cookie");
        let cookies: Vec<_> = cookies.map(|(_, value)| &**value).collect();
        assert_eq!(cookies, ["", "two, 2", "1"]);
        drop(client);
        server.end();
    });
}

/// Query and form are read side by side; nothing of the target is lost on the way.
#[test]
fn a_query_and_a_form() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let segments: Vec<_> = path_segments(request.uri().path()).collect();
            let segments = segments.len();
            let form = request.into_body().into_text().unwrap();
            let from_query = query_value(&query, "a").unwrap();
            let pairs: Vec<_> = query_pairs(&form).collect();
            Response::new(Body::from(format!("{segments} {from_query} {pairs:?}")))
        });
        let mut client = server.connect();
        let reply = client.ask(
            "POST /p/q%20r?a=1&amp;b=2 HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\na=x+y&empty",
        );
        assert_eq!(reply.text(), "2 1 [(\"a\", \"x y\"), (\"empty\", \"\")]");
        drop(client);
        server.end();
    });
}

/// The phrase of an error does not stay for what follows on the connection.
#[test]
fn an_error_and_what_follows_are_not_mixed_up() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let code = request.uri().path()[1..].parse::<u16>().unwrap();
            let mut response = Response::new(Body::from("text"));
            *response.status_mut() = StatusCode::from_u16(code).unwrap();
            response
        });
        let mut client = server.connect();
        for (code, line) in [
            (500, "HTTP/1.1 500 Internal Server Error"),
            (200, "HTTP/1.1 200 OK"),
            (404, "HTTP/1.1 404 Not Found"),
            // It has no phrase, and the space stays (RFC 9112 section 4).
            (799, "HTTP/1.1 799 "),
            (201, "HTTP/1.1 201 Created"),
        ] {
            let reply = client.ask(format!("GET /{code} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(reply.line, line);
            assert_eq!(reply.text(), "text");
        }
        drop(client);
        server.end();
    });
}

/// A writer without end would keep the loop to itself, since what is cut never waits.
#[test]
fn a_body_that_never_ends_ends_behind_its_length() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            Response::new(match request.uri().path() {
                "/reader" => Body::sized_reader(4, io::repeat(b'x')),
                _ => Body::sized_stream(4, |sink| {
                    loop {
                        sink.write_all(b"xxxxxx")?;
                    }
                }),
            })
        });
        for path in ["/reader", "/stream"] {
            let mut client = server.connect();
            let reply = client.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(reply.text(), "xxxx");
            client.finish();
            client.expect_end();
        }
        server.end();
    });
}

struct Hook(Rc<Cell<u32>>);

impl Drop for Hook {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// What the original had post-hooks for is a value that the response owns: it is dropped when the
/// response is through, whatever becomes of it.
#[test]
fn what_a_response_owns_is_dropped_however_it_ends() {
    on_each_hub(|| {
        let dropped = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&dropped);
        let server = Running::new(move |request: Request<RequestBody>| {
            let hook = Hook(Rc::clone(&theirs));
            let path = request.uri().path().to_owned();
            Response::new(Body::stream(move |sink| {
                sink.write_all(b"begun")?;
                sink.flush()?;
                let result = match &*path {
                    "/fail" => Err(io::Error::other("on purpose")),
                    "/panic" => panic!("on purpose"),
                    "/endless" => loop {
                        sink.write_all(&[b'x'; 10_000])?;
                    },
                    _ => Ok(()),
                };
                drop(hook);
                result
            }))
        });
        let mut expected = 0;
        for (method, path) in [
            ("GET", "/fine"),
            ("HEAD", "/fine"),
            ("GET", "/fail"),
            ("GET", "/panic"),
            ("GET", "/endless"),
        ] {
            let mut client = server.connect();
            client.send(format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            if path == "/endless" {
                client.head();
            } else if method == "HEAD" {
                client.reply_to_head();
            } else {
                client.reply_or_part(Asked::Other);
            }
            drop(client);
            server.until_open(0);
            expected += 1;
            assert_eq!(dropped.get(), expected, "{method} {path}");
        }
        server.end();
    });
}

/// A handle to the listening socket that the program kept is the program's.
#[test]
fn a_duplicate_of_the_listener_stays_usable_after_the_end() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let duplicate = listener.as_fd().try_clone_to_owned().unwrap();
        let server = Server::new(path);
        let handle = server.handle();
        let serving = spawn(move || server.serve(listener));
        assert_eq!(Client::connect(address).ask(GET).text(), "/x");
        handle.stop(Duration::ZERO);
        serving.join().unwrap().unwrap();

        let listener = TcpListener::from_std(duplicate.into()).unwrap();
        let server = Server::new(path);
        let handle = server.handle();
        let serving = spawn(move || server.serve(listener));
        assert_eq!(Client::connect(address).ask(GET).text(), "/x");
        handle.stop(Duration::ZERO);
        serving.join().unwrap().unwrap();
    });
}

/// A listener that can accept no more ends `serve` with what the system says; who is connected is
/// served to the end.
#[test]
fn an_error_of_accept_ends_cleanly() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let duplicate = listener.as_fd().try_clone_to_owned().unwrap();
        let server = Server::new(path);
        let serving = spawn(move || server.serve(listener));
        let mut client = Client::connect(address);
        assert_eq!(client.ask(GET).text(), "/x");
        std::net::TcpStream::from(duplicate)
            .shutdown(Shutdown::Both)
            .unwrap();
        settle();
        assert_eq!(client.ask(GET).text(), "/x");
        drop(client);
        let error = serving.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

/// The handler says no to a body before it has come: no `100 Continue`, and the next one that says
/// yes is asked for.
#[test]
fn a_handler_may_refuse_an_expectation_and_then_meet_some() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            if request.uri().path() == "/no" {
                let mut response = Response::new(Body::from("no"));
                *response.status_mut() = StatusCode::EXPECTATION_FAILED;
                return response;
            }
            Response::new(Body::from(request.into_body().into_text().unwrap()))
        });
        let ask = |path: &str| {
            let fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n";
            format!("POST {path} HTTP/1.1\r\n{fields}\r\n")
        };
        let mut client = server.connect();
        for body in ["ab", "cd", "ef"] {
            client.send(ask("/yes"));
            client.expect("HTTP/1.1 100 Continue\r\n\r\n");
            client.send(body);
            assert_eq!(client.reply().text(), body);
        }
        let reply = client.ask(ask("/no"));
        assert_eq!((reply.status, reply.is_closing()), (417, true));
        client.expect_end();
        drop(client);
        server.end();
    });
}

/// Announced to old clients in whole seconds, rounded down: who keeps to it is in time.
#[test]
fn the_idle_time_is_announced_in_whole_seconds() {
    on_each_hub(|| {
        for (idle, announced) in [(75_000, "timeout=75"), (1999, "timeout=1")] {
            let mut config = Config::new();
            config.idle = Duration::from_millis(idle);
            let server = Running::with(config, path);
            let mut client = server.connect();
            let reply = client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            assert_eq!(reply.field("keep-alive"), Some(announced));
            drop(client);
            server.end();
        }
    });
}

/// Connections that idle, wait for a body or for a slow reader cost no turns of the loop.
#[test]
fn who_waits_keeps_nobody_busy() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|request: Request<RequestBody>| {
            if request.method() == "POST" {
                let _ = request.into_body().read(&mut [0; 10]);
            }
            Response::new(Body::from(vec![b'x'; 16 << 20]))
        });
        let idle: Vec<_> = (0..20).map(|_| server.connect()).collect();
        let mut body = server.connect();
        body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
        let mut slow = server.connect();
        slow.send(GET);
        settle();
        let before = turn_count();
        sleep(Duration::from_secs(20));
        let turns = turn_count() - before;
        assert!(turns < 20, "{turns} turns");
        drop((idle, body, slow));
        server.until_open(0);
        server.end();
        settle();
        assert_eq!(stats().timers, 0);
    });
}
