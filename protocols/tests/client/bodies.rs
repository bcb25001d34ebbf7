//! Streaming both ways, framings, trailers, and answers that come before the request is sent
//! (RFC 9112 sections 6, 7 and 9.3).

use std::cell::Cell;
use std::io::{self, Cursor, Read};
use std::rc::Rc;

use eventlet_protocols::client::{Agent, Body, Error};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::support::{LARGE, Peer, assert_empty, assert_unused, ok, on_each_hub, pattern, pause};

#[test]
fn bodies_go_out_in_each_framing() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            while let Some((head, body)) = talk.request() {
                let framing = head
                    .lines()
                    .find(|line| line.contains("ngth:") || line.contains("oding:"));
                talk.send(ok(&format!("{}|{body}", framing.unwrap_or_default())));
            }
        });
        let agent = Agent::new();
        let post = |body: Body| agent.post(&peer.url("/"), body).unwrap();
        assert_eq!(post(Body::empty()), "Content-Length: 0|");
        assert_eq!(post("text".into()), "Content-Length: 4|text");
        assert_eq!(
            post(Body::sized_reader(3, Cursor::new("abc"))),
            "Content-Length: 3|abc"
        );
        assert_eq!(
            post(Body::sized_reader(0, io::empty())),
            "Content-Length: 0|"
        );
        assert_eq!(
            post(Body::reader(Cursor::new("abc"))),
            "Transfer-Encoding: chunked|3\r\nabc\r\n0\r\n\r\n"
        );
        assert_eq!(
            post(Body::reader(io::empty())),
            "Transfer-Encoding: chunked|0\r\n\r\n"
        );
        assert_eq!(peer.accepted(), 1);
    });
}

/// What is beyond the announced length is not read: there the next request begins.
#[test]
fn a_sized_reader_is_read_no_further_than_its_length() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            while let Some((_, body)) = talk.request() {
                talk.send(ok(&body));
            }
        });
        let agent = Agent::new();
        let body = Body::sized_reader(3, io::repeat(b'x'));
        assert_eq!(agent.put(&peer.url("/"), body).unwrap(), "xxx");
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "");
        assert_eq!(peer.accepted(), 1);
    });
}

#[test]
fn a_reader_that_is_too_short_or_fails_is_not_sent_as_whole() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            talk.head();
            let rest = talk.rest();
            assert!(!rest.ends_with(b"0\r\n\r\n"), "it looks whole: {rest:?}");
        });
        let agent = Agent::new();
        let error = agent
            .put(&peer.url("/"), Body::sized_reader(5, &b"abc"[..]))
            .unwrap_err();
        assert!(
            matches!(error, Error::RequestLength { missing: 2 }),
            "{error:?}"
        );
        for body in [Body::reader(Broken), Body::sized_reader(5, Broken)] {
            let error = agent.put(&peer.url("/"), body).unwrap_err();
            assert!(matches!(&error, Error::RequestBody(_)), "{error:?}");
            assert!(error.to_string().contains("the disk is gone"));
        }
        assert_empty(&agent);
    });
}

#[test]
fn trailers_go_out_after_chunks() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            talk.head();
            let rest = talk.take(b"2\r\nab\r\n0\r\nX-Sum: 2\r\n\r\n".len());
            talk.send(ok(&String::from_utf8_lossy(&rest)));
        });
        let sum = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&sum);
        struct Counting(Cursor<&'static str>, Rc<Cell<usize>>);
        impl Read for Counting {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let count = self.0.read(into)?;
                self.1.set(self.1.get() + count);
                Ok(count)
            }
        }
        let body = Body::reader(Counting(Cursor::new("ab"), sum)).with_trailers(move || {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", HeaderValue::from(theirs.get()));
            trailers.insert("content-length", HeaderValue::from(17));
            trailers
        });
        let answer = Agent::new().post(&peer.url("/"), body).unwrap();
        assert_eq!(answer, "2\r\nab\r\n0\r\nX-Sum: 2\r\n\r\n");
    });
}

#[test]
fn bodies_come_in_each_framing_and_trailers_after_them() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            while let Some((head, _)) = talk.request() {
                match head.split(' ').nth(1).unwrap() {
                    "/sized" => talk.send(ok("hello")),
                    "/chunked" => {
                        talk.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                        for piece in [
                            "1\r\nh\r",
                            "\n4;e=",
                            "x\r\nello\r\n",
                            "0\r\nX-Sum: 5\r\n",
                            "\r\n",
                        ] {
                            talk.send(piece);
                            pause();
                        }
                    }
                    "/none" => talk.send("HTTP/1.1 204 No Content\r\n\r\n"),
                    _ => {
                        talk.send("HTTP/1.0 200 OK\r\n\r\nhel");
                        pause();
                        talk.send("lo");
                        return;
                    }
                }
            }
        });
        let agent = Agent::new();
        assert_eq!(agent.get(&peer.url("/sized")).unwrap(), "hello");
        assert_eq!(agent.get(&peer.url("/none")).unwrap(), "");
        let response = agent
            .call(Method::GET, &peer.url("/chunked"))
            .send()
            .unwrap();
        let mut body = response.into_body();
        assert_eq!(body.remaining(), None);
        let mut text = String::new();
        body.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert_eq!(body.take_trailers()["x-sum"], "5");
        assert!(body.take_trailers().is_empty(), "once");
        assert_eq!(
            agent.status().idle,
            1,
            "given back at the end, not when it is dropped"
        );
        assert_eq!(agent.get(&peer.url("/until-close")).unwrap(), "hello");
        assert_eq!(peer.accepted(), 1);
        assert_empty(&agent);
    });
}

#[test]
fn a_response_is_read_while_it_comes() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            talk.head();
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
            for piece in ["ab", "cd", "ef"] {
                pause();
                talk.send(piece);
            }
        });
        let agent = Agent::new();
        let mut body = agent
            .call(Method::GET, &peer.url("/"))
            .send()
            .unwrap()
            .into_body();
        let mut left = vec![body.remaining().unwrap()];
        let mut piece = [0; 100];
        let mut pieces = 0;
        while body.read(&mut piece).unwrap() > 0 {
            pieces += 1;
            left.push(body.remaining().unwrap());
        }
        assert!(pieces >= 3, "{left:?}");
        assert_eq!((left[0], *left.last().unwrap()), (6, 0));
        assert_eq!(body.read(&mut piece).unwrap(), 0);
    });
}

#[test]
fn large_bodies_go_both_ways() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            let (_, body) = (talk.head(), talk.take(LARGE));
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n");
            talk.send(head);
            talk.send(body);
        });
        let agent = Agent::new();
        let answer = agent.put(&peer.url("/"), pattern(LARGE)).unwrap();
        assert!(answer == pattern(LARGE));
        let body = Body::sized_reader(LARGE as u64, Cursor::new(pattern(LARGE)));
        assert!(agent.put(&peer.url("/"), body).unwrap() == pattern(LARGE));
        assert_unused(&agent);
    });
}

/// A server that refuses an upload and does not read it: heard at once, and no more is sent.
#[test]
fn an_early_refusal_is_heard_while_the_body_is_sent() {
    on_each_hub(|| {
        for close in [true, false] {
            let peer = Peer::new(move |talk, _| {
                talk.head();
                talk.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge");
                if close {
                    talk.finish();
                }
                // Reads nothing, for as long as the client is there.
                talk.idle();
            });
            let agent = Agent::new();
            for body in [
                Body::from(pattern(LARGE)),
                Body::reader(Cursor::new(pattern(LARGE))),
            ] {
                let response = agent
                    .call(Method::PUT, &peer.url("/"))
                    .body(body)
                    .send()
                    .unwrap();
                assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
                assert_eq!(response.into_body().into_text().unwrap(), "large");
            }
            assert_empty(&agent);
        }
    });
}

/// Refuses, and closes at once with the request unread: the kernel resets the connection. What had
/// come is heard all the same.
#[test]
fn an_early_refusal_with_a_reset_behind_it() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            talk.head();
            talk.send(
                "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        });
        let agent = Agent::new();
        for _ in 0..5 {
            match agent.put(&peer.url("/"), pattern(LARGE)) {
                Err(Error::Status(error)) => assert_eq!(error.status(), 413),
                // The reset may have overtaken it.
                Err(Error::Send(_) | Error::Receive(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_empty(&agent);
    });
}

/// A server that answers while it reads: neither side waits for the other to finish.
#[test]
fn a_response_that_begins_early_is_read_while_the_rest_is_sent() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, number| {
            while talk.head().is_some() {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n");
                talk.send(head);
                let mut left = LARGE;
                while left > 0 {
                    let some = talk.take(left.min(50_000));
                    left -= some.len();
                    talk.send(some);
                }
            }
            assert_eq!(number, 0);
        });
        let agent = Agent::new();
        for body in [
            Body::from(pattern(LARGE)),
            Body::sized_reader(LARGE as u64, Cursor::new(pattern(LARGE))),
        ] {
            let response = agent
                .call(Method::PUT, &peer.url("/"))
                .body(body)
                .send()
                .unwrap();
            let answer = response.into_body().into_bytes().unwrap();
            assert!(answer == pattern(LARGE));
        }
        assert_eq!((peer.accepted(), agent.status().idle), (1, 1));
    });
}

/// The response is over before the request is: the connection cannot be used again.
#[test]
fn an_early_success_that_leaves_the_body_unread() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            talk.head();
            talk.send(ok("never mind"));
            talk.idle();
        });
        let agent = Agent::new();
        assert_eq!(
            agent.put(&peer.url("/"), pattern(LARGE)).unwrap(),
            "never mind"
        );
        assert_empty(&agent);
    });
}

#[test]
fn a_body_that_is_dropped_closes_its_connection_unless_all_of_it_has_come() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            while let Some((head, _)) = talk.request() {
                if head.starts_with("GET /short ") {
                    talk.send(ok("little"));
                } else {
                    talk.send(format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"
                    ));
                    talk.send(pattern(LARGE));
                }
            }
        });
        let agent = Agent::new();
        drop(agent.call(Method::GET, &peer.url("/short")).send().unwrap());
        assert_eq!(agent.status().idle, 1);
        drop(agent.call(Method::GET, &peer.url("/long")).send().unwrap());
        assert_empty(&agent);
        assert_eq!(peer.accepted(), 1);
    });
}

#[test]
fn text_that_is_none_is_an_error() {
    on_each_hub(|| {
        let peer = Peer::answering_once(&b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff"[..]);
        let response = Agent::new()
            .call(Method::GET, &peer.url("/"))
            .send()
            .unwrap();
        let error = response.into_body().into_text().unwrap_err();
        assert!(matches!(error, Error::Encoding(_)), "{error:?}");
    });
}
