//! Clients that trickle: whatever each wait takes, a message that is slower than the least rate over
//! its whole length is given up. Over streams in memory, where a byte is a byte, and a clock that
//! jumps; others are served meanwhile.

use std::cell::Cell;
use std::io::{Read, Write};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::Stream;
use eventlet_green::testing::duplex;
use eventlet_green::{now, sleep, spawn};
use eventlet_protocols::server::{Body, Config, Peer, RequestBody, Server};
use http::{Request, Response};

use crate::support::{Client, on_each_hub_jumping, whole};

const SECOND: Duration = Duration::from_secs(1);

fn rated(bytes_per_second: u32) -> Config {
    let mut config = Config::new();
    config.least_rate = NonZeroU32::new(bytes_per_second);
    config
}

/// Sends so many pieces of a body of chunks, with a pause before each; says how many were taken
/// until the server gave up, and after how long it did.
fn trickle(config: Config, piece: usize, pause: Duration, most: usize) -> (usize, Duration, u16) {
    let (near, far) = duplex(1000);
    let server = Server::with_config(whole, config);
    let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
    let start = now();
    let taken = Rc::new(Cell::new(0));
    let mut client = Client::over(near);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let (theirs, mut writer) = (Rc::clone(&taken), client.stream.clone());
    let slow = spawn(move || {
        for _ in 0..most {
            sleep(pause);
            let chunk = format!("{piece:x}\r\n{}\r\n", "x".repeat(piece));
            if writer.write_all(chunk.as_bytes()).is_err() {
                return;
            }
            theirs.set(theirs.get() + 1);
        }
        let _ = writer.write_all(b"0\r\n\r\n");
    });
    let status = client.reply().status;
    let took = now() - start;
    Stream::close(&client.stream).unwrap();
    slow.join().unwrap();
    serving.join().unwrap();
    (taken.get(), took, status)
}

#[test]
fn the_sender_of_a_body() {
    on_each_hub_jumping(|_| {
        // Each wait is within its limit of 30 s, but ten bytes in ten seconds are one a second.
        let (taken, took, status) = trickle(rated(10), 10, 10 * SECOND, 100);
        assert_eq!(status, 408);
        assert!((2..=4).contains(&taken), "{taken}");
        assert!(took >= 30 * SECOND && took <= 40 * SECOND, "{took:?}");

        // By default as well.
        let (_, took, status) = trickle(Config::new(), 100, 10 * SECOND, 100);
        assert_eq!(status, 408);
        assert!(took >= 30 * SECOND && took <= 40 * SECOND, "{took:?}");
    });
}

/// Framing is counted as it comes, so the rate is met a little more easily than by data alone.
#[test]
fn one_that_keeps_the_rate_is_served_however_long_it_takes() {
    on_each_hub_jumping(|_| {
        let (taken, took, status) = trickle(rated(10), 100, 10 * SECOND, 50);
        assert_eq!((taken, status), (50, 200));
        assert_eq!(took, 500 * SECOND);
    });
}

#[test]
fn without_a_rate_each_read_has_its_time() {
    on_each_hub_jumping(|_| {
        let (taken, took, status) = trickle(rated(0), 1, 29 * SECOND, 50);
        assert_eq!((taken, status), (50, 200));
        assert_eq!(took, 50 * 29 * SECOND);
    });
}

/// What was earned early is not a stock for later.
#[test]
fn a_fast_beginning_buys_no_more_than_one_limit() {
    on_each_hub_jumping(|_| {
        let (near, far) = duplex(1 << 20);
        let server = Server::with_config(whole, rated(10));
        let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
        let mut client = Client::over(near);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        client.send("x".repeat(900_000));
        let start = now();
        let mut writer = client.stream.clone();
        let slow = spawn(move || {
            while writer.write_all(b"x").is_ok() {
                sleep(SECOND);
            }
        });
        assert_eq!(client.reply().status, 408);
        let took = now() - start;
        assert!(took >= 30 * SECOND && took <= 40 * SECOND, "{took:?}");
        drop(client);
        serving.join().unwrap();
        slow.join().unwrap();
    });
}

/// The time that a handler takes is not the client's.
#[test]
fn a_slow_handler_is_not_held_against_the_client() {
    on_each_hub_jumping(|_| {
        let (near, far) = duplex(1 << 20);
        let server = Server::with_config(
            |request: Request<RequestBody>| {
                let mut body = request.into_body();
                let mut byte = [0];
                let mut count = 0;
                while body.read(&mut byte).unwrap() == 1 {
                    count += 1;
                    sleep(60 * SECOND);
                }
                Response::new(Body::from(format!("{count}")))
            },
            rated(1_000_000),
        );
        let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
        let mut client = Client::over(near);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
        sleep(70 * SECOND);
        client.send("cde");
        assert_eq!(client.reply().text(), "5");
        drop(client);
        serving.join().unwrap();
    });
}

const LARGE: usize = 100_000;

fn large(request: Request<RequestBody>) -> Response<Body> {
    let bytes = vec![b'x'; LARGE];
    Response::new(match request.uri().path() {
        "/whole" => Body::from(bytes),
        _ => Body::stream(move |sink| {
            bytes.chunks(100).try_for_each(|piece| {
                sink.write_all(piece)?;
                sink.flush()
            })
        }),
    })
}

/// Reads so much at a time, with a pause before each; says how much came, and after how long the
/// server was through with it.
fn read_slowly(config: Config, path: &str, piece: usize, pause: Duration) -> (usize, Duration) {
    let (near, far) = duplex(100);
    let server = Server::with_config(large, config);
    let start = now();
    let serving = spawn(move || {
        server.serve_stream(far, Peer::Unknown);
        now()
    });
    let mut client = Client::over(near);
    let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.send(head);
    let mut total = 0;
    let mut room = vec![0; piece];
    loop {
        sleep(pause);
        match client.stream.read(&mut room) {
            Ok(0) | Err(_) => break,
            Ok(count) => total += count,
        }
    }
    drop(client);
    (total, serving.join().unwrap() - start)
}

#[test]
fn the_reader_of_a_response() {
    on_each_hub_jumping(|_| {
        for path in ["/whole", "/pieces"] {
            // A hundred bytes every ten seconds, where a hundred every second are due.
            let (read, took) = read_slowly(rated(100), path, 100, 10 * SECOND);
            assert!(read < 1000, "{path}: {read}");
            assert!(
                took >= 30 * SECOND && took <= 50 * SECOND,
                "{path}: {took:?}"
            );

            // At the rate, it gets all.
            let (read, took) = read_slowly(rated(10), path, 100, 9 * SECOND);
            assert!(read > LARGE, "{path}: {read}");
            assert!(took > LARGE as u32 / 100 * 8 * SECOND, "{path}: {took:?}");

            // Without a rate, too.
            let (read, _) = read_slowly(rated(0), path, 100, 29 * SECOND);
            assert!(read > LARGE, "{path}: {read}");
        }
    });
}

/// Slow ones of each kind, and another that does not notice.
#[test]
fn others_are_served_meanwhile() {
    on_each_hub_jumping(|_| {
        let server = crate::support::Running::new(large);
        let mut slow_head = server.connect();
        slow_head.send("GET / HT");
        let mut slow_body = server.connect();
        slow_body.send("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx");
        let mut slow_reader = server.connect();
        slow_reader.send("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200));
        let mut other = server.connect();
        let start = now();
        for _ in 0..20 {
            let reply = other.ask("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(reply.body.len(), LARGE);
        }
        assert_eq!(now(), start, "it never waited for time to pass");
        drop((slow_head, slow_body, slow_reader, other));
        server.end();
    });
}
