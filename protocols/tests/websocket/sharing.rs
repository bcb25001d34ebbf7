//! Several coroutines at one connection: readers are not held up by writers, messages do not mix, and
//! nothing is lost with whoever is killed.

use std::cell::Cell;
use std::rc::Rc;

use eventlet_green::testing::{for_seeds, on_each_hub, settle, until_parked};
use eventlet_green::{spawn, yield_now};
use eventlet_protocols::websocket::{CloseCode, Error, Settings};

use crate::support::{BINARY, CAPACITY, FIN, From, PING, PONG, TEXT, both, pair, pair_with};

/// One coroutine waits for room while another reads on; the pong waits its turn.
#[test]
fn reading_goes_on_while_a_writer_waits() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let sending = ours.clone();
        let writer = spawn(move || sending.send(vec![7; 3 * CAPACITY]));
        until_parked(&writer);
        for number in 0..100 {
            raw.say(FIN | PING, b"?");
            raw.say(FIN | TEXT, format!("{number}").as_bytes());
            let message = ours.receive().unwrap().unwrap();
            assert_eq!(message.as_text(), Some(format!("{number}").as_str()));
        }
        assert!(!writer.is_finished());
        assert_eq!(raw.hear(), (FIN | BINARY, vec![7; 3 * CAPACITY]));
        writer.join().unwrap().unwrap();
        for _ in 0..100 {
            assert_eq!(raw.hear(), (FIN | PONG, b"?".to_vec()));
        }
    });
}

/// A peer that pings without end and reads nothing takes a bounded amount of memory, and the last
/// ping is still answered (RFC 6455 section 5.5.3).
#[test]
fn a_flood_of_pings() {
    on_each_hub(|| {
        let mut settings = Settings::new();
        settings.ping = None;
        let (ours, mut raw) = pair_with(From::Client, settings);
        let receiver = spawn(move || ours.messages().count());
        const PINGS: u32 = 20_000;
        for number in 0..PINGS {
            let mut payload = [b'.'; 125];
            payload[..4].copy_from_slice(&number.to_be_bytes());
            raw.say(FIN | PING, &payload);
            if number % 100 == 0 {
                settle();
            }
        }
        let mut answered = 0;
        loop {
            let (first, payload) = raw.hear();
            assert_eq!(first, FIN | PONG);
            answered += 1;
            let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
            if number == PINGS - 1 {
                break;
            }
        }
        // Two buffers of 64 KiB, and what is on its way.
        assert!(
            answered * 127 < 2 * 64 * 1024 + CAPACITY + 4 * 127 * 100,
            "{answered}"
        );
        drop(raw);
        receiver.join().unwrap();
    });
}

/// Messages of several senders come whole, and each sender's in order.
#[test]
fn senders_take_turns() {
    for_seeds(20, |_| {
        let (client, server) = both(Settings::default());
        let senders: Vec<_> = (0..5u8)
            .map(|who| {
                let client = client.clone();
                spawn(move || {
                    for number in 0..10u8 {
                        let mut message = vec![who; 20_000];
                        message[0] = number;
                        client.send(message).unwrap();
                        yield_now();
                    }
                })
            })
            .collect();
        let closer = spawn(move || {
            for sender in senders {
                sender.join().unwrap();
            }
            client.close(CloseCode::NORMAL, "").unwrap();
        });
        let mut next = [0; 5];
        while let Some(message) = server.receive().unwrap() {
            let bytes = message.as_bytes();
            let who = usize::from(bytes[1]);
            assert_eq!((bytes.len(), bytes[0]), (20_000, next[who]));
            assert!(bytes[1..].iter().all(|&byte| byte == bytes[1]));
            next[who] += 1;
        }
        assert_eq!(next, [10; 5]);
        drop(server);
        closer.join().unwrap();
    });
}

/// Each message goes to one of those who receive.
#[test]
fn receivers_take_turns() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let received = Rc::new(Cell::new(0));
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let (ours, received) = (ours.clone(), Rc::clone(&received));
                spawn(move || {
                    while let Some(message) = ours.receive().unwrap() {
                        let number: u32 = message.as_text().unwrap().parse().unwrap();
                        received.set(received.get() + number);
                    }
                })
            })
            .collect();
        for number in 1..=10 {
            raw.say(FIN | TEXT, format!("{number}").as_bytes());
            settle();
        }
        raw.say(FIN | 8, &[]);
        for receiver in receivers {
            receiver.join().unwrap();
        }
        assert_eq!(received.get(), 55);
    });
}

/// What was begun goes out, before what comes next.
#[test]
fn a_sender_that_is_killed() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let sending = ours.clone();
        let victim = spawn(move || sending.send(vec![7; 3 * CAPACITY]));
        until_parked(&victim);
        // One that waits for its turn has not begun.
        let waiting = ours.clone();
        let other = spawn(move || waiting.send("never"));
        until_parked(&other);
        other.kill().unwrap();
        victim.kill().unwrap();
        assert!(victim.join().is_err() && other.join().is_err());
        let next = spawn(move || ours.send("next").map(|()| ours));
        assert_eq!(raw.hear(), (FIN | BINARY, vec![7; 3 * CAPACITY]));
        raw.hear_text("next");
        next.join().unwrap().unwrap();
    });
}

/// At each byte of a message.
#[test]
fn a_receiver_that_is_killed() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let frame = crate::support::frame_of(From::Client, FIN | TEXT, b"text");
        for cut in 0..frame.len() {
            raw.send(&frame[..cut]);
            let receiving = ours.clone();
            let victim = spawn(move || receiving.receive());
            until_parked(&victim);
            victim.kill().unwrap();
            assert!(victim.join().is_err());
            raw.send(&frame[cut..]);
            let message = ours.receive().unwrap().unwrap();
            assert_eq!(message.as_text(), Some("text"));
        }
    });
}

/// Killed at each of its waits, a closer leaves a connection that ends by itself.
#[test]
fn a_closer_that_is_killed() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let closing = ours.clone();
        let victim = spawn(move || closing.close(CloseCode::NORMAL, "first"));
        until_parked(&victim);
        victim.kill().unwrap();
        assert!(victim.join().is_err());
        assert_eq!(raw.hear_close(1000), "first");
        assert!(matches!(ours.send("x"), Err(Error::Closed)));
        let closer = spawn(move || ours.close(CloseCode::NORMAL, "second"));
        settle();
        raw.say(FIN | 8, &[]);
        closer.join().unwrap().unwrap();
        raw.hear_end();
    });
}

/// While a panic unwinds, nothing waits: the handle is dropped, and that is all.
#[test]
fn a_panic_while_it_is_open() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        let victim = spawn(move || {
            let _ours = ours;
            panic!("on purpose");
        });
        assert!(victim.join().is_err());
        raw.hear_end();
    });
}

#[test]
fn what_it_shows_of_itself() {
    on_each_hub(|| {
        let (ours, raw) = pair(From::Client);
        assert_eq!(
            format!("{ours:?}"),
            "WebSocket { open: true, end: None, protocol: None }"
        );
        drop(raw);
        assert!(ours.receive().is_err());
        assert!(format!("{ours:?}").contains("open: false, end: Some(Failed)"));
    });
}
