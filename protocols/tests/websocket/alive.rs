//! Pings either way, and deadlines: the clock jumps, so nothing takes time.

use std::io::Read;
use std::time::Duration;

use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, settle, until_parked};
use eventlet_green::{now, sleep, spawn, timeout};
use eventlet_protocols::websocket::{Error, Settings};

use crate::support::{CAPACITY, FIN, From, PING, PONG, TEXT, pair, pair_with};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn pings_are_answered_and_not_shown() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let receiver = spawn(move || ours.receive());
        for payload in [&b""[..], b"x", &[b'y'; 125]] {
            raw.say(FIN | PING, payload);
            assert_eq!(raw.hear(), (FIN | PONG, payload.to_vec()));
        }
        raw.say(FIN | PONG, b"of its own accord");
        raw.say(FIN | TEXT, b"text");
        let message = receiver.join().unwrap().unwrap().unwrap();
        assert_eq!(message.as_text(), Some("text"));
    });
}

/// Silence is broken by a ping; whatever comes then is an answer.
#[test]
fn a_silent_peer_is_asked() {
    on_each_hub_jumping(|_| {
        let (ours, mut raw) = pair(From::Client);
        let begun = now();
        let receiver = spawn(move || ours.receive());
        for round in 1..=3 {
            assert_eq!(raw.hear(), (FIN | PING, vec![]));
            assert_eq!(now() - begun, round * Settings::DEFAULT_PING);
            raw.say(FIN | PONG, b"");
            settle();
        }
        raw.say(FIN | TEXT, b"at last");
        assert!(receiver.join().unwrap().unwrap().is_some());
    });
}

#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    on_each_hub_jumping(|_| {
        let mut settings = Settings::new();
        settings.ping = Some(7 * SECOND);
        settings.pong = 5 * SECOND;
        let (ours, mut raw) = pair_with(From::Client, settings);
        let begun = now();
        let error = ours.receive().unwrap_err();
        assert!(matches!(error, Error::Unresponsive), "{error:?}");
        assert_eq!(now() - begun, 12 * SECOND);
        assert_eq!(raw.hear(), (FIN | PING, vec![]));
        raw.hear_end();
        assert!(matches!(ours.receive(), Err(Error::Closed)));
    });
}

/// Bytes of a message that has not come to its end are a sign of life, too.
#[test]
fn a_slow_message_is_no_silence() {
    on_each_hub_jumping(|_| {
        let (ours, mut raw) = pair(From::Client);
        let frame = crate::support::frame_of(From::Client, FIN | TEXT, b"slowly");
        let sender = spawn(move || {
            for byte in frame.chunks(1) {
                sleep(29 * SECOND);
                raw.send(byte);
            }
            let mut none = [0];
            raw.stream.set_read_timeout(Some(SECOND)).unwrap();
            assert!(raw.stream.read(&mut none).is_err(), "no ping was sent");
            raw
        });
        let message = ours.receive().unwrap().unwrap();
        assert_eq!(message.as_text(), Some("slowly"));
        let _raw = sender.join().unwrap();
    });
}

#[test]
fn without_pings_it_is_waited_for_ever() {
    on_each_hub_jumping(|_| {
        let mut settings = Settings::new();
        settings.ping = None;
        let (ours, mut raw) = pair_with(From::Client, settings);
        let receiver = spawn(move || ours.receive());
        sleep(1_000_000 * SECOND);
        raw.say(FIN | TEXT, b"still here");
        assert!(receiver.join().unwrap().unwrap().is_some());
    });
}

/// The caller's own limit: the connection goes on, in the middle of a frame, too.
#[test]
fn receiving_with_a_limit() {
    on_each_hub_jumping(|_| {
        let (ours, mut raw) = pair(From::Client);
        let frame = crate::support::frame_of(From::Client, FIN | TEXT, b"text");
        for cut in 0..frame.len() {
            raw.send(&frame[..cut]);
            let begun = now();
            let error = ours.receive_timeout(3 * SECOND).unwrap_err();
            assert!(matches!(error, Error::Elapsed), "{error:?}");
            assert_eq!(now() - begun, 3 * SECOND);
            raw.send(&frame[cut..]);
            // What is there is given also without time.
            let message = ours.receive_timeout(Duration::ZERO).unwrap().unwrap();
            assert_eq!(message.as_text(), Some("text"));
        }
        // Longer than the ping's.
        let begun = now();
        let waiting = ours.clone();
        let receiver = spawn(move || waiting.receive_timeout(40 * SECOND));
        assert_eq!(raw.hear(), (FIN | PING, vec![]));
        let error = receiver.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Elapsed));
        assert_eq!(now() - begun, 40 * SECOND);
        assert!(ours.is_open());
    });
}

/// As with every wait: `timeout` ends it, and nothing is lost.
#[test]
fn receiving_within_a_timeout() {
    on_each_hub_jumping(|_| {
        let (ours, mut raw) = pair(From::Client);
        let frame = crate::support::frame_of(From::Client, FIN | TEXT, b"text");
        for cut in 0..frame.len() {
            raw.send(&frame[..cut]);
            assert!(timeout(SECOND, || ours.receive()).is_err());
            raw.send(&frame[cut..]);
            let message = ours.receive().unwrap().unwrap();
            assert_eq!(message.as_text(), Some("text"));
        }
    });
}

#[test]
fn a_peer_that_does_not_read_is_left() {
    on_each_hub_jumping(|_| {
        let mut settings = Settings::new();
        settings.write = 9 * SECOND;
        settings.ping = None;
        let (ours, raw) = pair_with(From::Client, settings);
        let receiving = ours.clone();
        let receiver = spawn(move || receiving.receive());
        until_parked(&receiver);
        let begun = now();
        let error = ours.send(vec![0; 2 * CAPACITY]).unwrap_err();
        assert!(matches!(error, Error::Stalled), "{error:?}");
        assert!(error.is_peers());
        assert_eq!(now() - begun, 9 * SECOND);
        assert!(matches!(ours.send("x"), Err(Error::Closed)));
        // Whoever receives learns of it.
        assert!(matches!(receiver.join().unwrap(), Err(Error::Closed)));
        drop(raw);
    });
}
