//! Other protocols after 101 (RFC 9110 sections 7.8 and 15.2.2), and single exchanges over a stream of
//! the caller's.

use std::io::{Read, Write};
use std::time::Duration;

use eventlet_green::net::unix::UnixStream;
use eventlet_green::spawn;
use eventlet_protocols::client::{Agent, Body, Config, Error, exchange_over};
use http::{Method, Request, StatusCode};

use crate::support::{Peer, assert_empty, ok, on_each_hub};

#[test]
fn the_other_protocol_is_spoken_from_its_first_byte() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            let head = talk.head().unwrap();
            assert!(
                head.contains("\r\nConnection: upgrade\r\nUpgrade: chat\r\n"),
                "{head}"
            );
            talk.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nhel");
            talk.send("lo");
            let asked = talk.take(4);
            talk.send(asked);
        });
        let agent = Agent::new();
        let call = agent
            .call(Method::GET, &peer.url("/"))
            .header("connection", "Upgrade");
        let response = call.header("upgrade", "chat").send().unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        let mut stream = response.into_body().into_upgraded().unwrap();
        assert_empty(&agent);
        stream.set_read_timeout(Some(Duration::from_secs(30)));
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"hello");
        stream.write_all(b"ping").unwrap();
        stream.flush().unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "ping");
    });
}

#[test]
fn an_upgrade_that_is_declined_is_an_ordinary_response() {
    on_each_hub(|| {
        let peer = Peer::answering(ok("no"));
        let agent = Agent::new();
        for _ in 0..2 {
            let call = agent
                .call(Method::GET, &peer.url("/"))
                .header("connection", "upgrade");
            let response = call.header("upgrade", "chat").send().unwrap();
            assert_eq!(response.status(), 200);
            assert!(response.into_body().into_upgraded().is_none());
        }
        assert_eq!(agent.status().idle, 1);
    });
}

#[test]
fn one_exchange_goes_over_any_stream() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let server = spawn(move || {
            let mut far = far;
            let mut seen = Vec::new();
            let mut piece = [0; 1000];
            while !seen.ends_with(b"abc") {
                let count = far.read(&mut piece).unwrap();
                seen.extend_from_slice(&piece[..count]);
            }
            far.write_all(ok("fine").as_bytes()).unwrap();
            far.read_to_end(&mut seen).unwrap();
            String::from_utf8(seen).unwrap()
        });
        let request = Request::post("https://a.example:81/x")
            .body(Body::from("abc"))
            .unwrap();
        let response = exchange_over(near, request, &Config::new()).unwrap();
        assert_eq!(response.into_body().into_text().unwrap(), "fine");
        let seen = server.join().unwrap();
        assert!(
            seen.starts_with("POST /x HTTP/1.1\r\nHost: a.example:81\r\n"),
            "{seen}"
        );
        assert!(seen.contains("\r\nConnection: close\r\n"), "{seen}");

        let (near, far) = UnixStream::pair().unwrap();
        drop(far);
        let request = Request::get("http://a.example/")
            .body(Body::empty())
            .unwrap();
        let error = exchange_over(near, request, &Config::new()).unwrap_err();
        assert!(matches!(error, Error::Send(_) | Error::Closed), "{error:?}");
    });
}
