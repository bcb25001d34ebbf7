//! What a peer can do wrong.

use std::io::{ErrorKind, Read, Write};

use eventlet_green::spawn;
use eventlet_green::testing::{Dice, duplex};
use eventlet_protocols::tls::TlsError;

use crate::support::{HOST, Pair, on_each_hub, tls_error};

/// What the server makes of these first bytes, and what it answers.
fn told(pair: &Pair, bytes: &[u8]) -> (TlsError, Vec<u8>) {
    let (near, far) = duplex(1 << 20);
    (&near).write_all(bytes).unwrap();
    near.shutdown(std::net::Shutdown::Write).unwrap();
    let error = tls_error(pair.acceptor.accept(far));
    let mut answer = Vec::new();
    // A reset follows if not all was read.
    let _ = (&near).read_to_end(&mut answer);
    (error, answer)
}

#[test]
fn what_is_no_tls() {
    on_each_hub(|| {
        let pair = Pair::new();
        for http in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /x HTTP/1.0\r\n\r\n",
        ] {
            let (error, _) = told(&pair, http.as_bytes());
            assert_eq!(error, TlsError::PlainHttp);
        }
        for (other, why) in [
            (&b"EHLO there\r\n"[..], TlsError::PlainHttp),
            (b"\0\0\0\0\0\0\0\0", TlsError::NotTls),
            (b"SSH-2.0-x\r\n\r\n\r\n", TlsError::NotTls),
            (b"hello, world", TlsError::NotTls),
        ] {
            let (error, _) = told(&pair, other);
            assert_eq!(error, why, "{other:?}");
        }
        let (error, answer) = told(&pair, b"");
        assert_eq!((error, &*answer), (TlsError::Truncated, &b""[..]));
    });
}

/// A hello that makes no sense gets an alert.
#[test]
fn garbage_in_a_record() {
    on_each_hub(|| {
        let pair = Pair::new();
        let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
        let (error, answer) = told(&pair, hello);
        assert!(matches!(error, TlsError::Protocol(_)), "{error:?}");
        assert_eq!(answer[0], 21, "an alert: {answer:?}");
    });
}

#[test]
fn any_garbage_ends_with_an_error() {
    on_each_hub(|| {
        let pair = Pair::new();
        let mut dice = Dice::new(7);
        for round in 0..200 {
            let length = dice.below(300) as usize;
            let mut bytes: Vec<_> = (0..length).map(|_| dice.below(256) as u8).collect();
            if round % 2 == 0 {
                // Handshake records of the right length.
                let head = [22, 3, 3, (length >> 8) as u8, length as u8];
                bytes.splice(..0, head);
            }
            told(&pair, &bytes);
        }
    });
}

/// A hello that never ends is not kept for ever.
#[test]
fn a_message_without_end() {
    on_each_hub(|| {
        let pair = Pair::new();
        let mut records = vec![22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
        records.resize(5 + 0x4000, 0);
        for _ in 0..40 {
            records.extend([22, 3, 3, 0x40, 0]);
            records.resize(records.len() + 0x4000, 0);
        }
        let (error, _) = told(&pair, &records);
        assert!(matches!(error, TlsError::Protocol(_)), "{error:?}");

        // Fragments of next to nothing, each with a header.
        let (near, far) = duplex(1 << 22);
        (&near)
            .write_all(&[22, 3, 1, 0, 4, 1, 0, 0xff, 0xff])
            .unwrap();
        for _ in 0..60_000 {
            (&near).write_all(&[22, 3, 3, 0, 1, 0]).unwrap();
        }
        let error = pair.acceptor.accept(far).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        assert!(error.to_string().contains("too much"), "{error}");
    });
}

/// Somebody on the way changes a byte: no plaintext comes of it.
#[test]
fn a_record_that_was_changed() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        (&client).write_all(b"good").unwrap();
        let mut good = [0; 4];
        (&server).read_exact(&mut good).unwrap();
        client.socket().try_write(&[23, 3, 3, 0, 30]).unwrap();
        client.socket().try_write(&[9; 30]).unwrap();
        let bad = tls_error((&server).read(&mut [0; 10]));
        assert!(matches!(bad, TlsError::Protocol(_)), "{bad:?}");
        // It stays so, for both directions, and the peer has been told.
        assert_eq!(tls_error((&server).read(&mut [0; 10])), bad);
        assert_eq!(tls_error((&server).write(b"x")), bad);
        let told = tls_error((&client).read(&mut [0; 10]));
        assert!(matches!(told, TlsError::Refused(_)), "{told:?}");
    });
}

/// What came before it is good.
#[test]
fn garbage_behind_good_bytes() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        client.try_write(b"good").unwrap();
        client.socket().try_write(b"plain text").unwrap();
        let mut got = Vec::new();
        let bad = (&server).read_to_end(&mut got).unwrap_err();
        assert_eq!((bad.kind(), &*got), (ErrorKind::InvalidData, &b"good"[..]));
    });
}

/// A server that talks nonsense to our client.
#[test]
fn garbage_from_a_server() {
    on_each_hub(|| {
        let pair = Pair::new();
        for (answer, why) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
                Some(TlsError::NotTls),
            ),
            (b"", Some(TlsError::Truncated)),
            (b"\x15\x03\x01\x00\x02\x02\x28", None),
            (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", None),
        ] {
            let (near, far) = duplex(1 << 16);
            let answering = spawn(move || {
                assert!((&far).read(&mut [0; 4096]).unwrap() > 0);
                (&far).write_all(answer).unwrap();
                far.shutdown(std::net::Shutdown::Write).unwrap();
                far
            });
            let error = tls_error(
                pair.connector
                    .connect(HOST, near)
                    .map(|_| unreachable!("nobody speaks TLS there")),
            );
            if let Some(why) = why {
                assert_eq!(error, why);
            }
            drop(answering.join().unwrap());
        }
    });
}
