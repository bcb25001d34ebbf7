//! How a connection ends: with a `close_notify`, and without.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use eventlet_green::net::Stream;
use eventlet_green::spawn;
use eventlet_green::testing::tcp_pair;
use eventlet_protocols::tls::TlsError;

use crate::support::{Pair, on_each_hub, tls_error};

/// One side has said that it is done; the other still talks.
#[test]
fn half_a_close() {
    on_each_hub(|| {
        let (mut client, mut server) = Pair::new().in_memory();
        client.write_all(b"a question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut question = String::new();
        server.read_to_string(&mut question).unwrap();
        assert_eq!(question, "a question");
        let answering = spawn(move || {
            server.write_all(&[b'a'; 100_000]).unwrap();
            server.shutdown(Shutdown::Both).unwrap();
        });
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer.len(), 100_000);
        answering.join().unwrap();

        let over = client.write(b"x").unwrap_err();
        assert_eq!(over.kind(), ErrorKind::BrokenPipe);
        // Saying it again is harmless for TLS; what the stream below says of it is its own.
        let _ = client.shutdown(Shutdown::Write);
    });
}

/// What was sent is read, and then the cut is told, each time.
#[test]
fn a_cut_is_not_an_end() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        (&server).write_all(b"not all").unwrap();
        drop(server);
        let mut got = Vec::new();
        let cut = (&client).read_to_end(&mut got);
        assert_eq!(got, b"not all");
        let cut = cut.unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(TlsError::of(&cut), Some(&TlsError::Truncated));
        assert_eq!(tls_error((&client).read(&mut [0])), TlsError::Truncated);
        assert_eq!(tls_error(client.try_read(&mut [0])), TlsError::Truncated);
    });
}

/// The end of TCP alone, as somebody on the way could send it.
#[test]
fn a_forged_end_is_seen() {
    on_each_hub(|| {
        let (near, far) = tcp_pair().unwrap();
        let (client, server) = Pair::new().over(near, far);
        (&server).write_all(b"half").unwrap();
        server.socket().shutdown(Shutdown::Write).unwrap();
        let mut got = Vec::new();
        let cut = (&client).read_to_end(&mut got).unwrap_err();
        assert_eq!(
            (cut.kind(), &*got),
            (ErrorKind::UnexpectedEof, &b"half"[..])
        );
    });
}

/// In the middle of a record.
#[test]
fn a_record_that_is_cut() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        let writer = server.clone();
        let writing = spawn(move || (&writer).write_all(&[7; 16_384]));
        crate::support::until_parked(&writing);
        server.socket().close().unwrap();
        writing.join().unwrap().unwrap_err();
        assert_eq!(tls_error((&client).read(&mut [0])), TlsError::Truncated);
    });
}

#[test]
fn a_reset_is_a_reset() {
    on_each_hub(|| {
        let (near, far) = tcp_pair().unwrap();
        let (client, server) = Pair::new().over(near, far);
        server.abort().unwrap();
        let reset = (&client).read(&mut [0]).unwrap_err();
        assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    });
}

/// A word before the close, for who must not wait.
#[test]
fn goodbye_without_waiting() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        server.say_goodbye();
        server.close().unwrap();
        assert_eq!((&client).read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn shutting_reading_down_is_the_sockets_business() {
    on_each_hub(|| {
        let (client, _server) = Pair::new().in_memory();
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(tls_error((&client).read(&mut [0])), TlsError::Truncated);
    });
}
