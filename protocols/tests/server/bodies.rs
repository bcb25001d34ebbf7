//! Bodies of requests: read whole, in pieces, not at all, by two, too late.

use std::cell::RefCell;
use std::io::{ErrorKind, Read};
use std::rc::Rc;

use eventlet_green::{JoinHandle, State, spawn};
use eventlet_protocols::server::{Body, Config, RequestBody};
use eventlet_protocols::wire::Refusal;
use http::{Request, Response};

use crate::support::{Running, echo, on_each_hub, path, until, whole};

fn post(fields: &str, body: &str) -> String {
    format!("POST /p HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

#[test]
fn of_a_length_and_in_chunks_read_whole() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let mut client = server.connect();
        let reply = client.ask(post("Content-Length: 5\r\n", "hello"));
        assert_eq!(reply.text(), "hello");
        let chunks = "1\r\nh\r\n4;ext=\"x\"\r\nello\r\n0\r\nDigest: x\r\n\r\n";
        let reply = client.ask(post("Transfer-Encoding: chunked\r\n", chunks));
        assert_eq!(reply.text(), "hello");
        let reply = client.ask(post("Content-Length: 0\r\n", ""));
        assert_eq!(reply.text(), "");
        let reply = client.ask(post("", ""));
        assert_eq!(reply.text(), "");
        drop(client);
        server.end();
    });
}

#[test]
fn a_megabyte_comes_through_in_both_framings() {
    on_each_hub(|| {
        let server = Running::new(whole);
        let body: String = ('a'..='z').cycle().take(1 << 20).collect();
        let mut client = server.connect();
        let fields = format!("Content-Length: {}\r\n", body.len());
        assert!(client.ask(post(&fields, &body)).text() == body);
        let mut chunks = String::new();
        for piece in body.as_bytes().chunks(7919) {
            let text = std::str::from_utf8(piece).unwrap();
            chunks += &format!("{:X}\r\n{text}\r\n", piece.len());
        }
        chunks += "0\r\n\r\n";
        assert!(
            client
                .ask(post("Transfer-Encoding: chunked\r\n", &chunks))
                .text()
                == body
        );
        drop(client);
        server.end();
    });
}

/// Nothing is held back: each piece of a chunked body can be answered before the next is sent.
#[test]
fn is_echoed_piece_by_piece() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let mut client = server.connect();
        client.send(post("Transfer-Encoding: chunked\r\n", "3\r\none\r\n"));
        let head = client.head();
        assert!(head.is_chunked());
        client.expect("3\r\none\r\n");
        for piece in ["two", "three"] {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            client.send(&chunk);
            client.expect(&chunk);
        }
        client.send("0\r\n\r\n");
        client.expect("0\r\n\r\n");

        client.send(post("Content-Length: 6\r\n", "abc"));
        let head = client.head();
        assert_eq!(head.field("content-length"), Some("6"));
        client.expect("abc");
        client.send("def");
        client.expect("def");
        drop(client);
        server.end();
    });
}

#[test]
fn remaining_counts_down() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let mut body = request.into_body();
            let before = body.remaining();
            let mut two = [0; 2];
            let is_there = body.read_exact(&mut two).is_ok();
            let after = body.remaining();
            Response::new(Body::from(format!("{before:?} {is_there} {after:?}")))
        });
        let mut client = server.connect();
        let reply = client.ask(post("Content-Length: 5\r\n", "hello"));
        assert_eq!(reply.text(), "Some(5) true Some(3)");
        let reply = client.ask(post("", ""));
        assert_eq!(reply.text(), "Some(0) false Some(0)");
        let chunks = "2\r\nab\r\n0\r\n\r\n";
        let reply = client.ask(post("Transfer-Encoding: chunked\r\n", chunks));
        assert_eq!(reply.text(), "None true None");
        drop(client);
        server.end();
    });
}

#[test]
fn trailers_come_after_the_end_once() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let mut body = request.into_body();
            let early = body.take_trailers().len();
            std::io::copy(&mut body, &mut std::io::sink()).unwrap();
            let trailers = body.take_trailers();
            let again = body.take_trailers().len();
            let digest = trailers["digest"].to_str().unwrap();
            Response::new(Body::from(format!("{early} {digest} {again}")))
        });
        let mut client = server.connect();
        let chunks = "2\r\nab\r\n0\r\nDigest: d1\r\n\r\n";
        let reply = client.ask(post("Transfer-Encoding: chunked\r\n", chunks));
        assert_eq!(reply.text(), "0 d1 0");
        drop(client);
        server.end();
    });
}

/// Also one that looks like a request.
#[test]
fn unread_is_thrown_away_so_that_the_next_request_is_found() {
    on_each_hub(|| {
        let server = Running::new(path);
        let mut client = server.connect();
        let inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
        let length = format!("Content-Length: {}\r\n", inner.len());
        let chunk = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
        client.send(post(&length, inner));
        client.send(post("Transfer-Encoding: chunked\r\n", &chunk));
        client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.reply().text(), "/p");
        assert_eq!(client.reply().text(), "/p");
        assert_eq!(client.reply().text(), "/next");

        // The same for a body that comes after its answer.
        client.send(post("Content-Length: 4\r\n", ""));
        let reply = client.reply();
        assert!(!reply.is_closing());
        client.send("bodyGET /after HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.reply().text(), "/after");

        // And for a half-read one, and for HTTP/1.0.
        client.send(format!(
            "POST /old HTTP/1.0\r\nConnection: keep-alive\r\n{length}\r\n{inner}"
        ));
        assert_eq!(client.reply().text(), "/old");
        assert_eq!(client.ask("GET /x HTTP/1.0\r\n\r\n").text(), "/x");
        client.expect_end();
        server.end();
    });
}

#[test]
fn unread_beyond_the_limit_closes_and_says_so() {
    on_each_hub(|| {
        let mut config = Config::new();
        config.limits.drain = 10;
        let server = Running::with(config, path);
        let mut client = server.connect();
        let reply = client.ask(post("Content-Length: 10\r\n", "0123456789"));
        assert!(!reply.is_closing());
        client.send(post("Content-Length: 11\r\n", "01234"));
        assert!(client.reply().is_closing());
        client.send("567890");
        client.finish();
        client.expect_end();

        // Of a chunked body it is known only later: the connection is closed behind the answer.
        let mut client = server.connect();
        client.send(post("Transfer-Encoding: chunked\r\n", ""));
        assert_eq!(client.reply().text(), "/p");
        client.send("10\r\n0123456789abcdef\r\n0\r\n\r\n");
        client.finish();
        client.expect_end();
        server.end();
    });
}

#[test]
fn malformed_and_unread_closes_without_a_second_answer() {
    on_each_hub(|| {
        let server = Running::new(path);
        let mut client = server.connect();
        client.send(post("Transfer-Encoding: chunked\r\n", "zz\r\n"));
        assert_eq!(client.reply().text(), "/p");
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn a_second_coroutine_may_read_it_but_not_at_the_same_time() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let body = Rc::new(RefCell::new(Some(request.into_body())));
            let theirs = Rc::clone(&body);
            let reader = spawn(move || {
                let mut body = theirs.borrow_mut().take().unwrap();
                let mut first = [0; 3];
                body.read_exact(&mut first).unwrap();
                theirs.replace(Some(body));
                first
            });
            let first = reader.join().unwrap();
            let mut rest = String::new();
            let mut body = body.borrow_mut().take().unwrap();
            body.read_to_string(&mut rest).unwrap();
            let first = String::from_utf8_lossy(&first).into_owned();
            Response::new(Body::from(format!("{first}+{rest}")))
        });
        let mut client = server.connect();
        client.send(post("Content-Length: 6\r\n", "ab"));
        client.send("cdef");
        assert_eq!(client.reply().text(), "abc+def");
        drop(client);
        server.end();
    });
}

type Kept = Rc<RefCell<Vec<RequestBody>>>;

/// What handlers were told when a body broke off.
type Told = Rc<RefCell<Vec<(ErrorKind, Option<Refusal>)>>>;

#[test]
fn kept_after_the_answer_reads_nothing_of_later_requests() {
    on_each_hub(|| {
        let kept = Kept::default();
        let theirs = Rc::clone(&kept);
        let server = Running::new(move |request: Request<RequestBody>| {
            theirs.borrow_mut().push(request.into_body());
            Response::new(Body::empty())
        });
        let mut client = server.connect();
        client.ask(post("Content-Length: 3\r\n", "one"));
        client.send(post("Content-Length: 3\r\n", ""));
        client.reply();
        for body in kept.borrow_mut().iter_mut() {
            assert_eq!(body.remaining(), Some(0));
            assert_eq!(body.take_trailers().len(), 0);
            let error = body.read(&mut [0; 8]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotConnected);
            assert_eq!(body.peer_addr(), client.stream.local_addr().ok());
        }
        client.send("two");
        client.ask(post("Connection: close\r\n", ""));
        // Those who keep it do not keep the connection open.
        client.expect_end();
        server.until_open(0);
        let error = kept.borrow_mut()[2].read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        kept.borrow_mut().clear();
        server.end();
    });
}

/// A body belongs to one reader by its type; but the handler may give it away and answer. Here it
/// hands it to another coroutine and answers while that one waits for bytes.
#[test]
fn still_being_read_when_the_answer_is_out_closes_the_connection() {
    on_each_hub(|| {
        let reader: Rc<RefCell<Option<JoinHandle<ErrorKind>>>> = Rc::default();
        let theirs = Rc::clone(&reader);
        let server = Running::new(move |request: Request<RequestBody>| {
            let mut body = request.into_body();
            let reader = spawn(move || body.read(&mut [0; 8]).unwrap_err().kind());
            until(|| reader.state() == State::Parked);
            theirs.replace(Some(reader));
            Response::new(Body::from("early"))
        });
        let mut client = server.connect();
        client.send(post("Content-Length: 3\r\n", ""));
        assert_eq!(client.reply().text(), "early");
        client.expect_end();
        server.until_open(0);
        let reader = reader.take().unwrap();
        assert_eq!(reader.join().unwrap(), ErrorKind::NotConnected);
        server.end();
    });
}

#[test]
fn cut_off_is_an_error_with_a_reason_and_answered() {
    on_each_hub(|| {
        let seen: Told = Rc::default();
        let theirs = Rc::clone(&seen);
        let server = Running::new(move |request: Request<RequestBody>| {
            let error = std::io::copy(&mut request.into_body(), &mut std::io::sink());
            let error = error.unwrap_err();
            let refusal = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Refusal>().copied());
            theirs.borrow_mut().push((error.kind(), refusal));
            Response::new(Body::from("the handler's answer is not sent"))
        });
        let cut = [
            post("Content-Length: 5\r\n", "hel"),
            post("Transfer-Encoding: chunked\r\n", "5\r\nhel"),
            post("Transfer-Encoding: chunked\r\n", "3\r\nhel\r\n0\r\n"),
        ];
        for request in cut {
            let mut client = server.connect();
            client.send(request);
            client.finish();
            let reply = client.reply();
            assert_eq!(reply.status, 400);
            assert!(reply.is_closing());
            client.expect_end();
            let told = seen.borrow_mut().pop();
            assert_eq!(
                told,
                Some((ErrorKind::UnexpectedEof, Some(Refusal::BodyTruncated)))
            );
        }
        server.end();
    });
}
