//! Each deadline, exactly: the clock jumps, so an hour takes no time and nothing else passes.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{now, sleep, spawn};
use eventlet_protocols::server::{Body, Config, RequestBody};
use eventlet_runloop::{Clock, ManualClock, Time};
use http::{Request, Response};

use crate::support::client::Asked;
use crate::support::{Running, on_each_hub_jumping, path, whole};

const SECOND: Duration = Duration::from_secs(1);
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn elapsed(clock: &ManualClock) -> Duration {
    clock.now() - Time::ORIGIN
}

#[test]
fn idle_before_the_first_request_and_between_two() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(path);
        let mut client = server.connect();
        client.expect_end();
        assert_eq!(elapsed(clock), Config::DEFAULT_IDLE);

        let mut client = server.connect();
        for round in 2..5 {
            sleep(74 * SECOND);
            assert_eq!(client.ask(GET).status, 200);
            assert!(elapsed(clock) < round * Config::DEFAULT_IDLE);
        }
        let last = elapsed(clock);
        client.expect_end();
        assert_eq!(elapsed(clock) - last, Config::DEFAULT_IDLE);
        server.end();
    });
}

/// Empty lines are no request.
#[test]
fn idle_is_not_prolonged_by_empty_lines_for_ever() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(path);
        let mut client = server.connect();
        client.send("\r\n");
        client.expect_end();
        assert_eq!(elapsed(clock), Config::DEFAULT_IDLE);
        drop(client);
        server.end();
    });
}

/// However busily the bytes of a head trickle in.
#[test]
fn a_head_has_twenty_seconds_from_its_first_byte() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(path);
        let mut client = server.connect();
        sleep(10 * SECOND);
        let mut writer = client.stream.try_clone().unwrap();
        let slow = spawn(move || {
            let mut sent = 0;
            for byte in "GET /a-long-target HTTP/1.1\r\nHost: a\r\n\r\n".bytes() {
                if writer.write_all(&[byte]).is_err() {
                    break;
                }
                sent += 1;
                sleep(SECOND);
            }
            sent
        });
        let reply = client.reply();
        assert_eq!(elapsed(clock), 10 * SECOND + Config::DEFAULT_HEAD);
        assert_eq!(reply.status, 408);
        assert!(reply.is_closing());
        client.expect_end();
        assert!(slow.join().unwrap() >= 20);
        drop(client);
        server.end();
    });
}

#[test]
fn a_head_that_is_just_in_time_is_served_and_the_next_has_its_own_time() {
    on_each_hub_jumping(|_| {
        let server = Running::new(path);
        let mut client = server.connect();
        for _ in 0..3 {
            client.send("G");
            sleep(19 * SECOND);
            assert_eq!(client.ask("ET /x HTTP/1.1\r\nHost: a\r\n\r\n").text(), "/x");
        }
        drop(client);
        server.end();
    });
}

#[test]
fn each_read_of_a_body_has_its_time() {
    on_each_hub_jumping(|clock| {
        let errors: Rc<RefCell<Vec<ErrorKind>>> = Rc::default();
        let theirs = Rc::clone(&errors);
        let mut config = Config::new();
        config.least_rate = None;
        let server = Running::with(config, move |request: Request<RequestBody>| {
            let mut text = String::new();
            let mut body = request.into_body();
            match body.read_to_string(&mut text) {
                Ok(_) => Response::new(Body::from(text)),
                Err(error) => {
                    theirs.borrow_mut().push(error.kind());
                    // It does not wait once more.
                    let again = body.read(&mut [0]).unwrap_err();
                    theirs.borrow_mut().push(again.kind());
                    Response::new(Body::from("gave up"))
                }
            }
        });
        let mut client = server.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
        for byte in ["a", "b", "c"] {
            sleep(29 * SECOND);
            client.send(byte);
        }
        assert_eq!(client.reply().text(), "abc");

        let start = elapsed(clock);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
        let reply = client.reply();
        assert_eq!(elapsed(clock) - start, Config::DEFAULT_BODY);
        assert_eq!(*errors.borrow(), [ErrorKind::TimedOut; 2]);
        assert!(reply.is_closing());
        assert_eq!(reply.status, 408);
        let page = "408 Request Timeout: the body of the request did not come in time\n";
        assert_eq!(reply.text(), page);
        client.expect_end();
        drop(client);
        server.end();
    });
}

/// What nobody reads is worth one such time in all.
#[test]
fn a_body_that_is_thrown_away_has_one_time_for_all() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(path);
        let mut client = server.connect();
        client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
        assert_eq!(client.reply().text(), "/p");
        let mut writer = client.stream.try_clone().unwrap();
        let slow = spawn(move || {
            while writer.write_all(b"x").is_ok() {
                sleep(SECOND);
            }
        });
        client.expect_end();
        assert_eq!(elapsed(clock), Config::DEFAULT_BODY);
        slow.join().unwrap();
        drop(client);
        server.end();
    });
}

/// A body that is different at each place, so that bytes sent twice are seen.
fn pattern(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    for number in 0..length / 8 {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// More than the kernel keeps for a client that does not read.
const LARGE: usize = 16 * 1024 * 1024;

#[test]
fn a_client_that_does_not_read_is_left() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(|request: Request<RequestBody>| {
            Response::new(match request.uri().path() {
                "/whole" => Body::from(pattern(LARGE)),
                "/pieces" => Body::stream(|sink| {
                    pattern(LARGE)
                        .chunks(1000)
                        .try_for_each(|piece| sink.write_all(piece))
                }),
                _ => Body::sized_reader(LARGE as u64, std::io::Cursor::new(pattern(LARGE))),
            })
        });
        for path in ["/whole", "/pieces", "/reader"] {
            let start = elapsed(clock);
            let mut client = server.connect();
            client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            sleep(Config::DEFAULT_WRITE - SECOND);
            assert_eq!(server.handle.status().busy, 1);
            sleep(2 * SECOND);
            server.until_open(0);
            assert_eq!(elapsed(clock) - start, Config::DEFAULT_WRITE + SECOND);
            let reply = client.reply_or_part(Asked::Other);
            assert!(!reply.is_whole && reply.body.len() < LARGE, "{path}");
            assert!(pattern(LARGE).starts_with(&reply.body), "{path}");
        }
        server.end();
    });
}

fn limited(exchange: Duration) -> Config {
    let mut config = Config::new();
    config.exchange = Some(exchange);
    config
}

#[test]
fn a_handler_that_takes_too_long_is_answered_for() {
    on_each_hub_jumping(|clock| {
        let server = Running::with(limited(10 * SECOND), |request: Request<RequestBody>| {
            let seconds: u64 = request.uri().path()[1..].parse().unwrap();
            sleep(Duration::from_secs(seconds));
            Response::new(Body::from("done"))
        });
        let mut client = server.connect();
        assert_eq!(
            client.ask("GET /9 HTTP/1.1\r\nHost: a\r\n\r\n").text(),
            "done"
        );
        let start = elapsed(clock);
        let reply = client.ask("GET /11 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(elapsed(clock) - start, 10 * SECOND);
        assert_eq!(reply.status, 503);
        assert!(reply.is_closing());
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn an_exchange_includes_reading_the_body() {
    on_each_hub_jumping(|clock| {
        let server = Running::with(limited(10 * SECOND), whole);
        let mut client = server.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
        assert_eq!(client.reply().status, 503);
        assert_eq!(elapsed(clock), 10 * SECOND);
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn a_stream_that_takes_too_long_is_cut_off() {
    on_each_hub_jumping(|clock| {
        let server = Running::with(limited(10 * SECOND), |_: Request<RequestBody>| {
            Response::new(Body::stream(|sink| {
                loop {
                    sink.write_all(b"tick")?;
                    sink.flush()?;
                    sleep(3 * SECOND);
                }
            }))
        });
        let mut client = server.connect();
        client.send(GET);
        let reply = client.reply_or_part(Asked::Other);
        assert_eq!(reply.text(), "ticktickticktick");
        assert!(!reply.is_whole);
        assert_eq!(elapsed(clock), 10 * SECOND);
        drop(client);
        server.end();
    });
}

/// Unwound in the middle of a write: what follows must not be taken for the rest of it, and nothing
/// is sent twice.
#[test]
fn an_exchange_that_ends_within_a_write_leaves_a_clean_cut() {
    on_each_hub_jumping(|clock| {
        let server = Running::with(limited(10 * SECOND), |request: Request<RequestBody>| {
            Response::new(match request.uri().path() {
                "/whole" => Body::from(pattern(LARGE)),
                "/pieces" => Body::stream(|sink| {
                    pattern(LARGE)
                        .chunks(1000)
                        .try_for_each(|piece| sink.write_all(piece))
                }),
                _ => Body::sized_stream(LARGE as u64, |sink| {
                    pattern(LARGE)
                        .chunks(15_000)
                        .try_for_each(|piece| sink.write_all(piece))
                }),
            })
        });
        for path in ["/whole", "/pieces", "/sized"] {
            let start = elapsed(clock);
            let mut client = server.connect();
            client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            sleep(11 * SECOND);
            server.until_open(0);
            assert_eq!(elapsed(clock) - start, 11 * SECOND);
            let reply = client.reply_or_part(Asked::Other);
            assert!(!reply.is_whole && reply.body.len() < LARGE, "{path}");
            assert!(pattern(LARGE).starts_with(&reply.body), "{path}");
            client.expect_end();
        }
        server.end();
    });
}

#[test]
fn the_settings_are_obeyed() {
    on_each_hub_jumping(|_| {
        let mut config = Config::new();
        config.idle = Duration::from_millis(1500);
        config.head = Duration::from_millis(2500);
        let server = Running::with(config, path);
        let start = now();
        server.connect().expect_end();
        assert_eq!(now() - start, Duration::from_millis(1500));
        let start = now();
        let mut client = server.connect();
        assert_eq!(client.ask("G").status, 408);
        assert_eq!(now() - start, Duration::from_millis(2500));
        drop(client);
        server.end();
    });
}
