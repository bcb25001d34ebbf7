//! Responses: which have a body and how it is framed, streams, wrong lengths, and that no field of a
//! handler's can break the framing.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::sleep;
use eventlet_protocols::server::{Body, Config, RequestBody};
use eventlet_protocols::wire::NameCase;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use crate::support::client::Asked;
use crate::support::{Running, on_each_hub, on_each_hub_jumping};

/// Bodies of every kind, by path.
fn kinds(request: Request<RequestBody>) -> Response<Body> {
    Response::new(match request.uri().path() {
        "/empty" => Body::empty(),
        "/bytes" => Body::from("thirteen byte"),
        "/large" => Body::from(vec![b'x'; 100_000]),
        "/stream" => Body::stream(|sink| {
            for _ in 0..13 {
                sink.write_all(b"s")?;
                sink.write_all(b"")?;
            }
            Ok(())
        }),
        "/nothing" => Body::stream(|_| Ok(())),
        "/sized" => Body::sized_stream(13, |sink| sink.write_all(b"thirteen byte")),
        "/reader" => Body::reader(&b"thirteen byte"[..]),
        "/sized-reader" => Body::sized_reader(13, &b"thirteen byte"[..]),
        other => panic!("no such path: {other}"),
    })
}

const KINDS: [(&str, usize); 8] = [
    ("/empty", 0),
    ("/bytes", 13),
    ("/large", 100_000),
    ("/stream", 13),
    ("/nothing", 0),
    ("/sized", 13),
    ("/reader", 13),
    ("/sized-reader", 13),
];

fn has_a_length(path: &str) -> bool {
    !matches!(path, "/stream" | "/nothing" | "/reader")
}

#[test]
fn every_kind_of_body_to_both_versions() {
    on_each_hub(|| {
        let server = Running::new(kinds);
        let mut client = server.connect();
        for (path, length) in KINDS {
            let reply = client.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(reply.body.len(), length, "{path}");
            assert_eq!(reply.is_chunked(), !has_a_length(path), "{path}");
            assert!(!reply.is_closing(), "{path}");

            let reply = server.ask_once(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
            assert_eq!(reply.body.len(), length, "{path}");
            assert!(!reply.is_chunked(), "{path}");
            assert_eq!(reply.field("content-length").is_some(), has_a_length(path));

            // To stay open, it must be known where the body ends.
            let keep = format!("GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            let mut old = server.connect();
            let reply = old.ask(keep);
            assert_eq!(reply.body.len(), length, "{path}");
            assert_eq!(reply.is_closing(), !has_a_length(path), "{path}");
        }
        drop(client);
        server.end();
    });
}

#[test]
fn head_has_the_fields_and_no_body() {
    on_each_hub(|| {
        let server = Running::new(kinds);
        let mut client = server.connect();
        for (path, length) in KINDS {
            client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let reply = client.reply_to_head();
            assert_eq!(reply.status, 200, "{path}");
            assert!(!reply.is_closing(), "{path}");
            let expected = (has_a_length(path) && length > 0).then(|| length.to_string());
            assert_eq!(reply.field("content-length"), expected.as_deref(), "{path}");
            // Nothing is between it and the next response.
            let next = client.ask("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(next.text(), "thirteen byte");
        }
        drop(client);
        server.end();
    });
}

#[test]
fn some_statuses_have_no_body() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let status = request.uri().path()[1..].parse().unwrap();
            let body = match request.method() {
                &Method::GET => Body::from("dropped"),
                _ => Body::stream(|_| panic!("nobody is to call this")),
            };
            Response::builder()
                .status::<u16>(status)
                .body(body)
                .unwrap()
        });
        let mut client = server.connect();
        for (status, length) in [(204, None), (205, Some("0")), (304, None)] {
            for method in ["GET", "POST"] {
                let reply = client.ask(format!("{method} /{status} HTTP/1.1\r\nHost: a\r\n\r\n"));
                assert_eq!(reply.status, status);
                assert_eq!(reply.field("content-length"), length);
                assert_eq!(reply.field("transfer-encoding"), None);
                assert!(!reply.is_closing());
            }
        }
        // An interim status cannot be the answer.
        for status in [100, 103, 101] {
            let reply = client.ask(format!("GET /{status} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(reply.status, 500);
        }
        drop(client);
        server.end();
    });
}

#[test]
fn a_flush_goes_out_at_once() {
    on_each_hub_jumping(|_| {
        const HOUR: Duration = Duration::from_secs(3600);
        let sent = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&sent);
        let server = Running::new(move |_: Request<RequestBody>| {
            let sent = Rc::clone(&theirs);
            Response::new(Body::stream(move |sink| {
                for piece in 0..3 {
                    write!(sink, "piece ")?;
                    write!(sink, "{piece}")?;
                    sink.flush()?;
                    sent.set(piece + 1);
                    sleep(HOUR);
                }
                Ok(())
            }))
        });
        for version in ["1.1", "1.0"] {
            sent.set(0);
            let mut client = server.connect();
            client.send(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n"));
            let head = client.head();
            assert_eq!(head.is_chunked(), version == "1.1");
            for piece in 0..3 {
                match version {
                    "1.1" => client.expect(&format!("7\r\npiece {piece}\r\n")),
                    _ => client.expect(&format!("piece {piece}")),
                }
                assert_eq!(sent.get(), piece + 1, "held back");
            }
            if version == "1.1" {
                client.expect("0\r\n\r\n");
                client.finish();
            }
            client.expect_end();
        }
        server.end();
    });
}

/// Its last piece goes out with the answers to the requests behind it; nobody asks it for more.
#[test]
fn a_reader_of_known_length_is_not_read_beyond_it() {
    const PIECE: usize = 5;

    struct Strict {
        left: usize,
    }

    impl Read for Strict {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            assert_ne!(self.left, 0, "read beyond the length");
            let count = PIECE.min(into.len()).min(self.left);
            into[..count].fill(b'x');
            self.left -= count;
            Ok(count)
        }
    }

    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let left = request.uri().path()[1..].parse().unwrap();
            Response::new(Body::sized_reader(left as u64, Strict { left }))
        });
        let mut client = server.connect();
        let lengths = [1, PIECE, PIECE + 1, 3 * PIECE, 0, 40_000];
        let requests = lengths.map(|length| format!("GET /{length} HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.send(requests.concat());
        for length in lengths {
            assert_eq!(client.reply().text(), "x".repeat(length));
        }
        drop(client);
        server.end();
    });
}

/// Even without a byte of the body: the client learns the status.
#[test]
fn a_flush_before_the_first_byte_sends_the_head() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink| {
                sink.flush()?;
                sleep(Duration::from_secs(3600));
                sink.write_all(b"late")
            }))
        });
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(client.head().is_chunked());
        assert!(client.ahead.is_empty());
        client.expect("4\r\nlate\r\n0\r\n\r\n");
        drop(client);
        server.end();
    });
}

#[test]
fn small_pieces_are_gathered_into_few_chunks() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink| {
                (0..50_000).try_for_each(|_| sink.write_all(b"x"))
            }))
        });
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let head = client.head();
        assert!(head.is_chunked());
        let wire = client.rest().unwrap();
        let chunks = wire.windows(2).filter(|two| two == b"\r\n").count() / 2;
        assert!(chunks <= 6, "{chunks} chunks");
        server.end();
    });
}

#[test]
fn trailers_go_out_with_chunks_only() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let writer = |sink: &mut eventlet_protocols::server::BodySink<'_>| {
                sink.write_all(b"body")?;
                let mut trailers = HeaderMap::new();
                trailers.insert("digest", HeaderValue::from_static("d1"));
                trailers.insert("content-length", HeaderValue::from_static("99"));
                sink.set_trailers(trailers);
                Ok(())
            };
            Response::new(match request.uri().path() {
                "/sized" => Body::sized_stream(4, writer),
                _ => Body::stream(writer),
            })
        });
        let mut client = server.connect();
        let reply = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.trailers, [("Digest".to_owned(), "d1".to_owned())]);
        let reply = client.ask("GET /sized HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.text(), "body");
        drop(client);
        let reply = server.ask_once(b"GET / HTTP/1.0\r\n\r\n");
        assert_eq!(reply.text(), "body");
        server.end();
    });
}

#[test]
fn longer_than_its_length_is_cut_and_the_connection_stays_in_step() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let mut response = Response::new(match request.uri().path() {
                "/sized" => Body::sized_stream(4, |sink| sink.write_all(b"too long")),
                "/large" => Body::sized_stream(4, |sink| sink.write_all(&[b'l'; 40_000])),
                _ => Body::stream(|sink| sink.write_all(b"too long")),
            });
            if request.uri().path() == "/declared" {
                let length = HeaderValue::from_static("4");
                response.headers_mut().insert("content-length", length);
            }
            response
        });
        let mut client = server.connect();
        for (path, body) in [("sized", "too "), ("large", "llll"), ("declared", "too ")] {
            let reply = client.ask(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(reply.text(), body);
            assert_eq!(reply.field("content-length"), Some("4"));
        }
        assert!(client.ahead.is_empty());
        drop(client);
        server.end();
    });
}

#[test]
fn shorter_than_its_length_cuts_the_connection() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            Response::new(Body::sized_stream(10, |sink| sink.write_all(b"short")))
        });
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let reply = client.reply_or_part(Asked::Other);
        assert!(!reply.is_whole);
        assert_eq!(reply.text(), "short");
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn a_known_length_wins_over_the_handlers_field() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            Response::builder()
                .header("content-length", "99")
                .header("transfer-encoding", "gzip, chunked")
                .header("keep-alive", "timeout=1")
                .header("server", "mine")
                .body(Body::from("four"))
                .unwrap()
        });
        let mut client = server.connect();
        let reply = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.field("content-length"), Some("4"));
        assert_eq!(reply.field("transfer-encoding"), None);
        assert_eq!(reply.field("keep-alive"), None);
        assert_eq!(reply.field("server"), Some("mine"));
        assert_eq!(reply.text(), "four");
        drop(client);
        server.end();
    });
}

/// What a handler takes over from a request cannot begin a field or a response of its own: the types
/// at the surface do not hold a line end.
#[test]
fn no_response_can_be_split() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let path = request.uri().path().to_owned();
            let decoded = eventlet_protocols::wire::percent_decode(&path);
            let is_refused = HeaderValue::from_bytes(&decoded).is_err()
                && HeaderName::from_bytes(&decoded).is_err();
            Response::builder()
                .status(StatusCode::FOUND)
                .header("location", path)
                .header("x-refused", is_refused.to_string())
                .body(())
                .unwrap()
        });
        let mut client = server.connect();
        let reply = client.ask("GET /%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.field("location"), Some("/%0d%0aX-Evil:%201"));
        assert_eq!(reply.field("x-refused"), Some("true"));
        assert_eq!(reply.field("x-evil"), None);
        drop(client);
        server.end();
    });
}

#[test]
fn names_and_server_field_follow_the_settings() {
    on_each_hub(|| {
        let mut config = Config::new();
        config.names = NameCase::Lower;
        config.server = None;
        let server = Running::with(config, |_: Request<RequestBody>| {
            Response::builder().header("x-one", "1").body("a").unwrap()
        });
        let reply = server.ask_once(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(reply.field("server"), None);
        for (name, _) in &reply.fields {
            assert_eq!(*name, name.to_ascii_lowercase());
        }
        server.end();
    });
}
