//! Handlers that fail: panics and errors before and within a response, and what the scheduler raises,
//! which is nobody's to catch.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use eventlet_green::{catch_panic, sleep, timeout};
use eventlet_protocols::server::{Body, RequestBody};
use http::{Request, Response};

use crate::support::client::Asked;
use crate::support::{Running, on_each_hub, on_each_hub_jumping, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Fails in the way that the path names.
fn failing(request: Request<RequestBody>) -> io::Result<Response<Body>> {
    let oops = || Err(io::Error::other("a secret"));
    let body = match request.uri().path() {
        "/fine" => Body::from("fine"),
        "/panic" => panic!("a secret"),
        "/error" => return Err(io::Error::other("a secret")),
        "/stream/panic-first" => Body::stream(|_| panic!("a secret")),
        "/stream/error-first" => Body::stream(move |_| oops()),
        "/stream/panic" => Body::stream(|sink| {
            sink.write_all(b"begun")?;
            panic!("a secret")
        }),
        "/stream/error" => Body::stream(move |sink| {
            sink.write_all(b"begun")?;
            oops()
        }),
        "/stream/panic-flushed" => Body::stream(|sink| {
            sink.write_all(b"begun")?;
            sink.flush()?;
            panic!("a secret")
        }),
        "/sized/panic" => Body::sized_stream(10, |sink| {
            sink.write_all(b"begun")?;
            panic!("a secret")
        }),
        other => panic!("no such path: {other}"),
    };
    Ok(Response::new(body))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn before_the_first_byte_is_answered_with_500() {
    on_each_hub(|| {
        let server = Running::new(failing);
        let mut other = server.connect();
        assert_eq!(other.ask(get("/fine")).text(), "fine");
        for path in ["/panic", "/stream/panic-first", "/stream/error-first"] {
            let reply = server.ask_once(get(path).as_bytes());
            assert_eq!(reply.status, 500, "{path}");
            assert!(reply.is_closing(), "{path}");
            assert_eq!(reply.text(), "500 Internal Server Error\n", "{path}");
        }
        // An error that a handler returns is an answer like any other.
        let reply = other.ask(get("/error"));
        assert_eq!(reply.status, 500);
        assert!(!reply.is_closing() && !reply.text().contains("secret"));
        assert_eq!(other.ask(get("/fine")).text(), "fine");
        drop(other);
        server.end();
    });
}

#[test]
fn within_a_stream_cuts_it_off() {
    on_each_hub(|| {
        let server = Running::new(failing);
        let mut other = server.connect();
        assert_eq!(other.ask(get("/fine")).text(), "fine");
        for path in [
            "/stream/panic",
            "/stream/error",
            "/stream/panic-flushed",
            "/sized/panic",
        ] {
            let mut client = server.connect();
            client.send(get(path));
            let reply = client.reply_or_part(Asked::Other);
            assert_eq!(reply.status, 200, "{path}");
            assert_eq!(reply.text(), "begun", "{path}");
            assert!(!reply.is_whole, "{path}");
            client.expect_end();
        }
        assert_eq!(other.ask(get("/fine")).text(), "fine");
        drop(other);
        server.end();
    });
}

#[test]
fn answers_to_earlier_requests_are_not_lost() {
    on_each_hub(|| {
        let server = Running::new(failing);
        for path in ["/panic", "/stream/panic"] {
            let mut client = server.connect();
            client.send(get("/fine") + &*get(path) + &*get("/fine"));
            assert_eq!(client.reply().text(), "fine");
            assert_eq!(
                client.reply_or_part(Asked::Other).is_whole,
                path == "/panic"
            );
            client.expect_end();
        }
        server.end();
    });
}

struct OnDrop(Rc<Cell<u32>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// `catch_panic` is what the server itself uses around handlers; a handler may, too.
#[test]
fn a_kill_passes_through_and_runs_destructors() {
    on_each_hub_jumping(|_| {
        let dropped = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&dropped);
        let server = Running::new(move |request: Request<RequestBody>| {
            let guard = OnDrop(Rc::clone(&theirs));
            let wait = move || -> io::Result<()> {
                let _guard = guard;
                let _ = catch_panic(|| sleep(Duration::from_secs(u64::from(u32::MAX))));
                unreachable!("a kill is not caught");
            };
            Response::new(match request.uri().path() {
                "/handler" => {
                    wait().unwrap();
                    Body::empty()
                }
                _ => Body::stream(move |sink| {
                    sink.write_all(b"begun")?;
                    sink.flush()?;
                    wait()
                }),
            })
        });
        let mut in_handler = server.connect();
        in_handler.send(get("/handler"));
        let mut in_stream = server.connect();
        in_stream.send(get("/stream"));
        assert!(in_stream.head().is_chunked());
        until(|| server.handle.status().busy == 2);
        server.handle.stop(Duration::from_secs(1));
        in_handler.expect_end();
        in_stream.expect("5\r\nbegun\r\n");
        in_stream.expect_end();
        assert_eq!(dropped.get(), 2);
        server.join();
    });
}

#[test]
fn a_time_limit_of_the_handlers_own_ends_there() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|_: Request<RequestBody>| {
            let outcome = timeout(Duration::from_secs(1), || {
                let _ = catch_panic(|| sleep(Duration::from_secs(100)));
                "not reached"
            });
            Response::new(Body::from(format!("{}", outcome.unwrap_err())))
        });
        let mut client = server.connect();
        assert_eq!(client.ask(GET).text(), "the time limit was over");
        assert_eq!(client.ask(GET).text(), "the time limit was over");
        drop(client);
        server.end();
    });
}

/// The state of a handler is its own affair; the server's is in order after a panic.
#[test]
fn a_handler_that_panics_every_time_is_called_every_time() {
    on_each_hub(|| {
        let calls = Rc::new(RefCell::new(0));
        let theirs = Rc::clone(&calls);
        let server = Running::new(move |_: Request<RequestBody>| -> Response<Body> {
            *theirs.borrow_mut() += 1;
            panic!("again");
        });
        for _ in 0..20 {
            assert_eq!(server.ask_once(GET.as_bytes()).status, 500);
        }
        assert_eq!(*calls.borrow(), 20);
        assert_eq!(server.handle.status().requests, 20);
        server.end();
    });
}

/// The bytes of a body, which panic when they are given up: after the handler, within the server.
struct Panics;

impl AsRef<[u8]> for Panics {
    fn as_ref(&self) -> &[u8] {
        b"fine"
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn a_body_that_panics_as_it_is_dropped_takes_its_own_connection_only() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            Response::new(match request.uri().path() {
                "/panics" => Body::from(Bytes::from_owner(Panics)),
                _ => Body::from("fine"),
            })
        });
        let mut other = server.connect();
        assert_eq!(other.ask(GET).text(), "fine");
        for _ in 0..3 {
            let mut client = server.connect();
            client.send(get("/panics"));
            let rest = client.rest().unwrap_or_default();
            assert!(
                !rest.starts_with(b"HTTP/1.1 500"),
                "it was answered: {rest:?}"
            );
            server.until_open(1);
            assert_eq!(other.ask(GET).text(), "fine");
        }
        drop(other);
        server.end();
    });
}
