//! Closing: who began, what was said, how long it may take, and what is left of a connection that was
//! just dropped.

use std::io::Read;
use std::time::Duration;

use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, settle, until_parked};
use eventlet_green::{now, spawn};
use eventlet_protocols::websocket::{CloseCode, Error, Settings};

use crate::support::{
    BINARY, CAPACITY, CLOSE, FIN, From, PING, PONG, TEXT, both, close_payload, pair, pair_with,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn by_the_peer() {
    on_each_hub(|| {
        for from in [From::Client, From::Server] {
            for payload in [
                vec![],
                close_payload(1000, ""),
                close_payload(1001, "good bye"),
                close_payload(4999, &"x".repeat(123)),
            ] {
                let (ours, mut raw) = pair(from);
                let receiver = spawn(move || {
                    let last = ours.receive();
                    (last, ours)
                });
                raw.say(FIN | CLOSE, &payload);
                assert_eq!(raw.hear(), (FIN | CLOSE, payload.clone()));
                if from == From::Server {
                    // It is the server that ends the connection.
                    until_parked(&receiver);
                    drop(raw);
                } else {
                    raw.hear_end();
                }
                let (last, ours) = receiver.join().unwrap();
                assert_eq!(last.unwrap(), None);
                assert_eq!(ours.receive().unwrap(), None);
                assert_eq!(ours.messages().count(), 0);
                assert!(matches!(ours.send("x"), Err(Error::Closed)));
                assert!(!ours.is_open());
                let close = ours.peer_close();
                assert_eq!(close.is_none(), payload.is_empty());
                if let Some(close) = close {
                    let said = close_payload(close.code.number(), close.reason.as_str());
                    assert_eq!(said, payload);
                }
                ours.close(CloseCode::NORMAL, "").unwrap();
            }
        }
    });
}

/// RFC 6455 section 7.4.1: these may not stand in a frame.
#[test]
fn by_the_peer_with_a_code_that_may_not_be() {
    on_each_hub(|| {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
            assert_eq!(CloseCode::new(code), None);
            let (ours, mut raw) = pair(From::Client);
            raw.say(FIN | CLOSE, &close_payload(code, "x"));
            assert_eq!(ours.receive().unwrap(), None);
            assert_eq!(ours.peer_close().unwrap().code, CloseCode::PROTOCOL);
            raw.hear_close(1002);
        }
    });
}

#[test]
fn by_us() {
    on_each_hub(|| {
        for from in [From::Client, From::Server] {
            let (ours, mut raw) = pair(from);
            let closer = spawn(move || {
                let closed = ours.close(CloseCode::new(4000).unwrap(), "enough");
                (closed, ours)
            });
            assert_eq!(raw.hear_close(4000), "enough");
            // What was on its way can still be received; pings are not answered any more.
            raw.say(FIN | BINARY, &[0; 1000]);
            raw.say(FIN | PING, b"");
            settle();
            assert!(!closer.is_finished());
            raw.say(FIN | CLOSE, &close_payload(4000, "right"));
            if from == From::Server {
                drop(raw);
            } else {
                raw.hear_end();
            }
            let (closed, ours) = closer.join().unwrap();
            closed.unwrap();
            assert_eq!(ours.peer_close().unwrap().reason.as_str(), "right");
            assert_eq!(ours.receive().unwrap().unwrap().len(), 1000);
            assert_eq!(ours.receive().unwrap(), None);
            ours.close(CloseCode::NORMAL, "again").unwrap();
        }
    });
}

/// Somebody else receives: he gets what comes until the peer closes.
#[test]
fn by_us_while_another_receives() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let receiving = ours.clone();
        let receiver = spawn(move || receiving.messages().collect::<Result<Vec<_>, _>>());
        until_parked(&receiver);
        let closer = spawn(move || ours.close(CloseCode::NORMAL, ""));
        raw.hear_close(1000);
        for number in 0..100 {
            raw.say(FIN | TEXT, number.to_string().as_bytes());
        }
        raw.say(FIN | CLOSE, &[]);
        closer.join().unwrap().unwrap();
        let received = receiver.join().unwrap().unwrap();
        let numbers: Vec<u32> = received
            .iter()
            .map(|message| message.as_text().unwrap().parse().unwrap())
            .collect();
        assert!(numbers.iter().copied().eq(0..100), "{numbers:?}");
        raw.hear_end();
    });
}

/// As many as are kept when nobody receives, and one more.
#[test]
fn what_nobody_receives_is_bounded() {
    on_each_hub(|| {
        let mut settings = Settings::new();
        settings.message = 2000;
        for (size, kept) in [(1, 1024), (1000, 2), (1001, 1)] {
            let (ours, mut raw) = pair_with(From::Client, settings.clone());
            let closing = ours.clone();
            let closer = spawn(move || closing.close(CloseCode::NORMAL, ""));
            raw.hear_close(1000);
            let message = vec![7; size];
            for _ in 0..=kept {
                raw.say(FIN | BINARY, &message);
                settle();
            }
            raw.say(FIN | CLOSE, &[]);
            closer.join().unwrap().unwrap();
            assert_eq!(ours.messages().count(), kept);
        }
    });
}

#[test]
fn both_at_once() {
    on_each_hub(|| {
        let (client, server) = both(Settings::default());
        let one = spawn(move || client.close(CloseCode::NORMAL, "client"));
        let other = spawn(move || server.close(CloseCode::NORMAL, "server"));
        one.join().unwrap().unwrap();
        other.join().unwrap().unwrap();
    });
}

/// The whole of closing has one deadline, whichever part takes the time.
#[test]
fn a_peer_that_does_not_answer() {
    on_each_hub_jumping(|_| {
        for from in [From::Client, From::Server] {
            let (ours, mut raw) = pair(from);
            let begun = now();
            let error = ours.close(CloseCode::NORMAL, "").unwrap_err();
            assert!(matches!(error, Error::Unresponsive), "{error:?}");
            assert_eq!(now() - begun, Settings::DEFAULT_CLOSE);
            raw.hear_close(1000);
            raw.hear_end();
            assert!(matches!(ours.receive(), Err(Error::Closed)));
        }
    });
}

#[test]
fn a_peer_that_does_not_answer_but_talks_on() {
    on_each_hub_jumping(|_| {
        let (ours, mut raw) = pair(From::Client);
        let begun = now();
        let talker = spawn(move || {
            loop {
                eventlet_green::sleep(SECOND);
                let frame = crate::support::frame_of(From::Client, FIN | TEXT, b"blah");
                if std::io::Write::write_all(&mut raw.stream, &frame).is_err() {
                    return;
                }
            }
        });
        let error = ours.close(CloseCode::NORMAL, "").unwrap_err();
        assert!(matches!(error, Error::Unresponsive), "{error:?}");
        assert_eq!(now() - begun, Settings::DEFAULT_CLOSE);
        talker.join().unwrap();
    });
}

#[test]
fn a_peer_that_does_not_even_read() {
    on_each_hub_jumping(|_| {
        let (ours, raw) = pair(From::Client);
        let filling = ours.clone();
        let filler = spawn(move || filling.send(vec![0; 2 * CAPACITY]));
        until_parked(&filler);
        let begun = now();
        let error = ours.close(CloseCode::NORMAL, "").unwrap_err();
        assert!(matches!(error, Error::Stalled), "{error:?}");
        assert_eq!(now() - begun, Settings::DEFAULT_CLOSE);
        assert!(filler.join().unwrap().is_err());
        drop(raw);
    });
}

/// A server that has said good bye and does not hang up.
#[test]
fn a_server_that_does_not_end_the_connection() {
    on_each_hub_jumping(|_| {
        let (ours, mut raw) = pair(From::Server);
        raw.say(FIN | CLOSE, &close_payload(1000, ""));
        let begun = now();
        assert_eq!(ours.receive().unwrap(), None);
        assert_eq!(now() - begun, Settings::DEFAULT_CLOSE);
        raw.hear_close(1000);
        raw.hear_end();
    });
}

#[test]
fn a_peer_that_leaves_without_an_answer() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let closer = spawn(move || ours.close(CloseCode::NORMAL, ""));
        raw.hear_close(1000);
        drop(raw);
        assert!(matches!(closer.join().unwrap(), Err(Error::Lost)));
    });
}

/// Without a close, the peer sees that something is wrong; also while another coroutine receives.
#[test]
fn dropping_the_last_handle_cuts_it() {
    on_each_hub(|| {
        for from in [From::Client, From::Server] {
            let (ours, mut raw) = pair(from);
            let another = ours.clone();
            drop(ours);
            another.send("still there").unwrap();
            raw.hear_text("still there");
            drop(another);
            raw.hear_end();
        }
        // A pong that waits for room does not keep it open.
        let mut settings = Settings::new();
        settings.ping = None;
        let (ours, mut raw) = pair_with(From::Client, settings);
        ours.send(vec![0; CAPACITY - 20]).unwrap();
        for _ in 0..3 {
            raw.say(FIN | PING, &[b'x'; 125]);
        }
        assert!(ours.receive_timeout(Duration::ZERO).is_err());
        settle();
        drop(ours);
        let mut rest = Vec::new();
        // Whether by an end or by a reset.
        let _ = raw.stream.read_to_end(&mut rest);
        settle();
        assert!(rest.len() <= CAPACITY);
    });
}

#[test]
fn reasons_that_are_too_long_are_cut_between_characters() {
    on_each_hub(|| {
        for (reason, length) in [
            ("x".repeat(123), 123),
            ("x".repeat(124), 123),
            ("ü".repeat(100), 122),
        ] {
            let (ours, mut raw) = pair(From::Client);
            let cut = reason[..length].to_owned();
            let closer = spawn(move || ours.close(CloseCode::NORMAL, &reason));
            assert_eq!(raw.hear_close(1000), cut);
            raw.say(FIN | CLOSE, &[]);
            closer.join().unwrap().unwrap();
        }
    });
}

/// After the answer to its own close, nothing more of the peer's counts.
#[test]
fn what_follows_a_close_is_not_read() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        raw.say(FIN | TEXT, b"last");
        raw.say(FIN | CLOSE, &[]);
        raw.say(FIN | TEXT, b"after");
        raw.say(FIN | PONG, b"after");
        assert!(ours.receive().unwrap().is_some());
        assert_eq!(ours.receive().unwrap(), None);
        assert_eq!(ours.receive().unwrap(), None);
        assert_eq!(raw.hear(), (FIN | CLOSE, vec![]));
        raw.hear_end();
    });
}

#[test]
fn codes() {
    for (code, number) in [
        (CloseCode::NORMAL, 1000),
        (CloseCode::AWAY, 1001),
        (CloseCode::PROTOCOL, 1002),
        (CloseCode::UNSUPPORTED, 1003),
        (CloseCode::INVALID, 1007),
        (CloseCode::POLICY, 1008),
        (CloseCode::TOO_LARGE, 1009),
        (CloseCode::ERROR, 1011),
        (CloseCode::RESTART, 1012),
        (CloseCode::TRY_LATER, 1013),
    ] {
        assert_eq!(code.number(), number);
        assert_eq!(CloseCode::new(number), Some(code));
        assert_eq!(code.to_string(), number.to_string());
    }
}
