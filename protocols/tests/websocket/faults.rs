//! Peers that break the protocol: what our side gets, and what they are told.

use eventlet_green::testing::on_each_hub;
use eventlet_protocols::websocket::{Error, Fault};

use crate::support::{
    BINARY, CLOSE, CONTINUATION, FIN, From, PING, PONG, TEXT, close_payload, frame_of, pair,
};

/// Sends frames after a good message, and looks at what comes of it.
#[track_caller]
fn check(from: From, frames: &[Vec<u8>], fault: Fault, code: u16) {
    let (ours, mut raw) = pair(from);
    ours.send("hello").unwrap();
    raw.say(FIN | TEXT, b"good");
    for frame in frames {
        raw.send(frame);
    }
    assert_eq!(ours.receive().unwrap().unwrap().as_text(), Some("good"));
    let error = loop {
        match ours.receive() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no fault: {fault}"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&error, Error::Protocol(found) if *found == fault),
        "{fault:?}: {error:?}"
    );
    assert!(error.is_peers());
    assert_eq!(
        error.to_string(),
        format!("the peer has broken the protocol: {fault}")
    );
    raw.hear_text("hello");
    let said = loop {
        // What was well before is answered.
        let (first, payload) = raw.hear();
        if first == FIN | CLOSE {
            break payload;
        }
        assert_eq!(first, FIN | PONG);
    };
    assert_eq!(said, close_payload(code, &fault.to_string()), "{fault:?}");
    raw.hear_end();
    // It is told once.
    assert!(matches!(ours.receive(), Err(Error::Closed)));
    assert!(matches!(ours.send("more"), Err(Error::Closed)));
    assert!(!ours.is_open());
    assert_eq!(ours.peer_close(), None);
    ours.close(eventlet_protocols::websocket::CloseCode::NORMAL, "")
        .unwrap();
}

#[test]
fn frames_of_unknown_kinds() {
    on_each_hub(|| {
        for from in [From::Client, From::Server] {
            for opcode in (3..=7).chain(11..=15) {
                let frame = frame_of(from, FIN | opcode, b"?");
                check(from, &[frame], Fault::Opcode(opcode), 1002);
            }
        }
    });
}

/// No extension was agreed upon.
#[test]
fn reserved_bits() {
    on_each_hub(|| {
        for bit in [0x40, 0x20, 0x10] {
            for opcode in [TEXT, BINARY, PING] {
                let frame = frame_of(From::Client, FIN | bit | opcode, b"x");
                check(From::Client, &[frame], Fault::ReservedBits, 1002);
            }
        }
    });
}

#[test]
fn masks() {
    on_each_hub(|| {
        let bare = frame_of(From::Server, FIN | TEXT, b"bare");
        check(From::Client, &[bare], Fault::Unmasked, 1002);
        let masked = frame_of(From::Client, FIN | TEXT, b"masked");
        check(From::Server, &[masked], Fault::Masked, 1002);
    });
}

#[test]
fn control_frames() {
    on_each_hub(|| {
        let from = From::Client;
        for opcode in [CLOSE, PING, PONG] {
            let part = frame_of(from, opcode, b"");
            check(from, &[part], Fault::FragmentedControl, 1002);
            let long = frame_of(from, FIN | opcode, &[b'x'; 126]);
            check(from, &[long], Fault::LongControl, 1002);
        }
        // The longest that may be is followed by what may not.
        let longest = frame_of(from, FIN | PING, &[b'x'; 125]);
        let bad = frame_of(from, FIN | 3, b"");
        check(from, &[longest, bad], Fault::Opcode(3), 1002);
        let one_byte = frame_of(from, FIN | CLOSE, &[3]);
        check(from, &[one_byte], Fault::BadClose, 1002);
        let bad_reason = frame_of(from, FIN | CLOSE, &[3, 0xe8, 0xff]);
        check(from, &[bad_reason], Fault::NotUtf8, 1007);
    });
}

#[test]
fn fragments() {
    on_each_hub(|| {
        let from = From::Client;
        for first in [CONTINUATION, FIN | CONTINUATION] {
            let nothing = frame_of(from, first, b"x");
            check(from, &[nothing], Fault::UnexpectedContinuation, 1002);
        }
        for second in [TEXT, FIN | TEXT, BINARY, FIN | BINARY] {
            let frames = [frame_of(from, TEXT, b"x"), frame_of(from, second, b"y")];
            check(from, &frames, Fault::ExpectedContinuation, 1002);
        }
    });
}

/// Each kind of bad UTF-8, whole, in fragments, and cut off at the end; a character that is cut by a
/// fragment is none.
#[test]
fn text_that_is_not_utf8() {
    on_each_hub(|| {
        let from = From::Client;
        for bad in [
            &b"\xff"[..],
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"good \xe2\x82",
        ] {
            let whole = frame_of(from, FIN | TEXT, bad);
            check(from, &[whole], Fault::NotUtf8, 1007);
            for cut in 0..=bad.len() {
                let frames = [
                    frame_of(from, TEXT, &bad[..cut]),
                    frame_of(from, FIN | CONTINUATION, &bad[cut..]),
                ];
                check(from, &frames, Fault::NotUtf8, 1007);
            }
        }
    });
}

/// As bytes they are as good as any.
#[test]
fn bytes_need_not_be_utf8() {
    on_each_hub(|| {
        let (ours, mut raw) = pair(From::Client);
        raw.say(FIN | BINARY, b"\xff\xfe");
        assert_eq!(ours.receive().unwrap().unwrap().as_bytes(), b"\xff\xfe");
    });
}

/// At each byte of a message in fragments, by an end and by a failure: it is never a message.
#[test]
fn a_connection_that_ends() {
    on_each_hub(|| {
        for from in [From::Client, From::Server] {
            let all = [
                frame_of(from, TEXT, b"abc"),
                frame_of(from, FIN | CONTINUATION, &[b'x'; 200]),
            ]
            .concat();
            for cut in 0..all.len() {
                let (ours, mut raw) = pair(from);
                raw.send(&all[..cut]);
                drop(raw);
                let error = ours.receive().unwrap_err();
                assert!(matches!(error, Error::Lost), "{cut}: {error:?}");
                assert!(error.is_peers());
                assert!(matches!(ours.receive(), Err(Error::Closed)));
                assert!(matches!(ours.send("x"), Err(Error::Closed)));
            }
            let (ours, raw) = pair(from);
            // Unread, so that its end is a reset.
            ours.send("unread").unwrap();
            drop(raw);
            assert!(matches!(ours.receive(), Err(Error::Io(_))));
            assert!(matches!(ours.receive(), Err(Error::Closed)));
        }
    });
}
