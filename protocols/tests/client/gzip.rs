//! Compressed responses (RFC 9110 section 8.4): asked for, decompressed, damaged, too large.

use std::io::Write;

use eventlet_protocols::client::{Agent, Compression, Error};
use flate2::write::GzEncoder;
use http::Method;

use crate::support::{Peer, agent_with, on_each_hub, pause};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn answer(coding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn inflating() -> Agent {
    agent_with(|config| config.compression = Compression::Gzip)
}

#[test]
fn a_body_is_decompressed_if_that_was_asked_for() {
    on_each_hub(|| {
        for coding in ["gzip", "x-GZIP"] {
            let compressed = answer(coding, &gzip(b"hello"));
            let peer = Peer::new(move |talk, _| {
                while let Some((head, _)) = talk.request() {
                    let is_asked = head.contains("\r\nAccept-Encoding: gzip\r\n");
                    talk.send(if is_asked {
                        compressed.clone()
                    } else {
                        answer("identity", b"plain")
                    });
                }
            });
            let agent = inflating();
            for _ in 0..2 {
                let response = agent.call(Method::GET, &peer.url("/")).fetch().unwrap();
                assert_eq!(response.body(), "hello");
                assert!(!response.headers().contains_key("content-encoding"));
                assert!(!response.headers().contains_key("content-length"));
            }
            assert_eq!(peer.accepted(), 1);
            assert_eq!(Agent::new().get(&peer.url("/")).unwrap(), "plain");
        }
    });
}

#[test]
fn who_asks_for_a_coding_himself_gets_it_as_it_comes() {
    on_each_hub(|| {
        let peer = Peer::answering(answer("gzip", &gzip(b"hello")));
        let call = inflating().call(Method::GET, &peer.url("/"));
        let response = call.header("accept-encoding", "gzip").fetch().unwrap();
        assert_eq!(response.body()[..], gzip(b"hello"));
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(
            Agent::new().get(&peer.url("/")).unwrap()[..],
            gzip(b"hello")
        );
    });
}

#[test]
fn what_has_no_body_or_another_coding_is_left_alone() {
    on_each_hub(|| {
        let agent = inflating();
        let peer = Peer::answering(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n",
        );
        assert_eq!(agent.head(&peer.url("/")).unwrap()["content-length"], "20");
        let peer = Peer::answering(answer("gzip", b""));
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "");
        let peer = Peer::answering(answer("br", b"brotli"));
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "brotli");
    });
}

/// Cut at each byte, in chunks, of two members.
#[test]
fn pieces_and_members() {
    on_each_hub(|| {
        let body = [gzip(b"hello "), gzip(b"world")].concat();
        let length = body.len();
        let peer = Peer::new(move |talk, _| {
            while let Some(head) = talk.head() {
                let cut: usize = head.split(' ').nth(1).unwrap()[1..].parse().unwrap();
                talk.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
                for piece in [&body[..cut], &body[cut..]] {
                    talk.send(format!("{:x}\r\n", piece.len()));
                    talk.send(piece);
                    talk.send("\r\n");
                    pause();
                }
                talk.send("0\r\n\r\n");
            }
        });
        let agent = inflating();
        for cut in 1..length {
            let body = agent.get(&peer.url(&format!("/{cut}"))).unwrap();
            assert_eq!(body, "hello world", "cut at {cut}");
        }
        assert_eq!(peer.accepted(), 1);
    });
}

#[test]
fn damage_is_an_error() {
    on_each_hub(|| {
        let whole = gzip(&b"hello".repeat(100));
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        let mut bodies = vec![
            damaged,
            b"not gzip at all".to_vec(),
            [&whole[..], b"junk"].concat(),
        ];
        bodies.extend((1..whole.len()).map(|cut| whole[..cut].to_vec()));
        for body in bodies {
            let peer = Peer::answering(answer("gzip", &body));
            let error = inflating().get(&peer.url("/")).unwrap_err();
            assert!(
                matches!(error, Error::Encoding(_)),
                "{error:?} of {} bytes",
                body.len()
            );
        }
        // A connection that ends early is that, and not damage.
        let peer = Peer::answering_once(
            &b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n\x1f\x8b"[..],
        );
        let error = inflating().get(&peer.url("/")).unwrap_err();
        assert!(
            matches!(error, Error::Response(fault) if fault.is_truncation()),
            "{error:?}"
        );
    });
}

/// At the limit it is read, one past it is too much: however small it came.
#[test]
fn a_bomb_is_defused() {
    on_each_hub(|| {
        let agent = agent_with(|config| {
            config.compression = Compression::Gzip;
            config.inflated = 100_000;
        });
        let peer = Peer::answering(answer("gzip", &gzip(&[0; 100_000])));
        assert_eq!(agent.get(&peer.url("/")).unwrap().len(), 100_000);
        let peer = Peer::answering(answer("gzip", &gzip(&[0; 100_001])));
        let error = agent.get(&peer.url("/")).unwrap_err();
        assert!(
            matches!(&error, Error::Encoding(inner) if inner.kind() == std::io::ErrorKind::FileTooLarge),
            "{error:?}"
        );

        let bomb = Peer::answering(answer("gzip", &gzip(&vec![0; 3 << 20])));
        let mut body = agent
            .call(Method::GET, &bomb.url("/"))
            .send()
            .unwrap()
            .into_body();
        let error = std::io::copy(&mut body, &mut std::io::sink()).unwrap_err();
        assert!(matches!(Error::of_io(error).unwrap(), Error::Encoding(_)));
        let again = std::io::Read::read(&mut body, &mut [0; 10]).unwrap_err();
        assert!(matches!(Error::of_io(again).unwrap(), Error::Encoding(_)));
    });
}

/// Decompressing fits the stack of a coroutine.
#[test]
fn a_coroutine_has_room_for_it() {
    on_each_hub(|| {
        let peer = Peer::answering(answer("gzip", &gzip(&[7; 1_000_000])));
        let url = peer.url("/");
        let asking = eventlet_green::spawn(move || inflating().get(&url));
        assert_eq!(asking.join().unwrap().unwrap().len(), 1_000_000);
    });
}
