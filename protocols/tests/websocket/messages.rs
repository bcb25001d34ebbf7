//! Messages, whole and in fragments, of each size of length field, and cut at each byte.

use eventlet_green::spawn;
use eventlet_green::testing::{on_each_hub, settle};
use eventlet_protocols::websocket::{Error, Message, Settings};

use crate::support::{
    BINARY, CONTINUATION, FIN, From, PING, PONG, TEXT, both, frame_of, pair, pair_with,
};

const SIDES: [From; 2] = [From::Client, From::Server];

/// At the limits of the three ways a length is written.
const SIZES: [usize; 8] = [0, 1, 125, 126, 127, 0xffff, 0x1_0000, 200_000];

#[test]
fn of_every_size_there_and_back() {
    on_each_hub(|| {
        for from in SIDES {
            let (ours, mut raw) = pair(from);
            let echo = spawn(move || {
                while let Some(message) = ours.receive()? {
                    ours.send(message)?;
                }
                Ok::<_, Error>(())
            });
            for size in SIZES {
                let bytes: Vec<_> = (0..size).map(|n| (n * 7) as u8).collect();
                let talk = spawn(move || {
                    raw.say(FIN | BINARY, &bytes);
                    let (first, echoed) = raw.hear();
                    assert!(first == FIN | BINARY && echoed == bytes, "{size}");
                    raw
                });
                raw = talk.join().unwrap();
            }
            raw.say(FIN | TEXT, "tüxt".as_bytes());
            raw.hear_text("tüxt");
            raw.say(FIN | 8, &[]);
            assert_eq!(raw.hear(), (FIN | 8, vec![]));
            if from == From::Server {
                drop(raw);
            }
            echo.join().unwrap().unwrap();
        }
    });
}

/// A message in fragments with controls between them, another one, and a close: cut at each byte, and
/// byte by byte.
#[test]
fn cut_at_each_byte() {
    on_each_hub(|| {
        for from in SIDES {
            let long = "x".repeat(130);
            let frames = [
                (TEXT, "Grü".as_bytes()[..3].to_vec()),
                (FIN | PING, b"are you there".to_vec()),
                (CONTINUATION, "Grü".as_bytes()[3..].to_vec()),
                (FIN | PONG, b"nobody asked".to_vec()),
                (CONTINUATION, vec![]),
                (FIN | CONTINUATION, b"ezi".to_vec()),
                (FIN | BINARY, long.clone().into_bytes()),
                (FIN | 8, vec![]),
            ];
            let all: Vec<_> = frames
                .iter()
                .flat_map(|(first, payload)| frame_of(from, *first, payload))
                .collect();
            let pieces = (0..=all.len()).map(|cut| vec![&all[..cut], &all[cut..]]);
            for pieces in pieces.chain([all.chunks(1).collect()]) {
                let (ours, mut raw) = pair(from);
                let receiver = spawn(move || ours.messages().collect::<Result<Vec<_>, _>>());
                for piece in pieces {
                    raw.send(piece);
                    settle();
                }
                assert_eq!(raw.hear(), (FIN | PONG, b"are you there".to_vec()));
                assert_eq!(raw.hear(), (FIN | 8, vec![]));
                drop(raw);
                let expected = [Message::from("Grüezi"), Message::from(long.as_bytes())];
                assert_eq!(receiver.join().unwrap().unwrap(), expected);
            }
        }
    });
}

#[test]
fn limits_of_messages_and_frames() {
    on_each_hub(|| {
        for (frame, message) in [(10, 100), (100, 10)] {
            let mut settings = Settings::new();
            (settings.frame, settings.message) = (frame, message);
            // At the limit.
            let (ours, mut raw) = pair_with(From::Client, settings.clone());
            raw.say(FIN | BINARY, &[0; 10]);
            assert_eq!(ours.receive().unwrap().unwrap().len(), 10);
            // One past it.
            raw.say(FIN | BINARY, &[0; 11]);
            let error = ours.receive().unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::TooLarge {
                        size: 11,
                        limit: 10
                    }
                ),
                "{error:?}"
            );
            assert_eq!(
                error.to_string(),
                "11 bytes from the peer are beyond the limit of 10"
            );
            assert_eq!(raw.hear_close(1009), "more than 10 bytes are not accepted");
            raw.hear_end();
            assert!(matches!(ours.receive(), Err(Error::Closed)));
            assert!(matches!(ours.send("x"), Err(Error::Closed)));
        }
        // In fragments it is the message that counts.
        let mut settings = Settings::new();
        settings.message = 10;
        let (ours, mut raw) = pair_with(From::Client, settings);
        raw.say(BINARY, &[0; 6]);
        raw.say(FIN | CONTINUATION, &[0; 4]);
        assert_eq!(ours.receive().unwrap().unwrap().len(), 10);
        raw.say(BINARY, &[0; 6]);
        raw.say(FIN | CONTINUATION, &[0; 5]);
        let error = ours.receive().unwrap_err();
        assert!(matches!(
            error,
            Error::TooLarge {
                size: 11,
                limit: 10
            }
        ));
        raw.hear_close(1009);
    });
}

/// A length is believed only as far as the limit goes, whatever is announced.
#[test]
fn a_length_that_is_a_lie() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        raw.send(&[FIN | BINARY, 0xff]);
        raw.send(&u64::MAX.to_be_bytes());
        raw.send(&[0; 4]);
        let error = ours.receive().unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
        raw.hear_close(1009);
    });
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    on_each_hub(|| {
        let settings = Settings::default();
        assert_eq!(settings.message, 8 * 1024 * 1024);
        assert_eq!(settings.frame, 8 * 1024 * 1024);
        // A message at the limit passes, between two sides of ours.
        let (client, server) = both(settings);
        let size = Settings::DEFAULT_MESSAGE;
        let sender = spawn(move || client.send(vec![7; size]).map(|()| client));
        assert_eq!(server.receive().unwrap().unwrap().len(), size);
        let client = sender.join().unwrap().unwrap();
        let sender = spawn(move || client.send(vec![7; size + 1]));
        let error = server.receive().unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
        drop(server);
        let _ = sender.join().unwrap();
    });
}

/// Cloning a message does not copy it, and its kinds are kept.
#[test]
fn conversions() {
    let text = Message::from(String::from("text"));
    assert_eq!(text.clone(), Message::from("text"));
    assert_eq!(text.as_bytes().as_ptr(), text.clone().as_bytes().as_ptr());
    assert_eq!(text.as_text(), Some("text"));
    let bytes = Message::from(b"text".as_slice());
    assert_ne!(text, bytes);
    assert_eq!(bytes, Message::from(bytes::Bytes::from_static(b"text")));
    assert_eq!(bytes, Message::from(b"text".to_vec()));
    assert_eq!((bytes.len(), bytes.as_text()), (4, None));
    assert!(Message::from("").is_empty() && !text.is_empty());
}
