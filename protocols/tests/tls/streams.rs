//! Bytes both ways: over each kind of stream, in pieces, much, at once.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use eventlet_green::net::Stream;
use eventlet_green::net::unix::UnixStream;
use eventlet_green::spawn;
use eventlet_green::testing::{duplex, tcp_pair};
use eventlet_protocols::tls::{TlsStream, TlsVersion};

use crate::support::{HOST, Pair, echo, on_each_hub};

/// The seed's bug: its client could not talk to its server, since the server closed TCP without a
/// word of TLS and the client took that for a reset.
#[test]
fn our_client_talks_to_our_server() {
    on_each_hub(|| {
        let pair = Pair::new();
        let (near, far) = tcp_pair().unwrap();
        let (mut client, mut server) = pair.over(near, far);
        let serving = spawn(move || {
            let mut line = [0; 5];
            server.read_exact(&mut line).unwrap();
            server.write_all(b"hello, ").unwrap();
            server.write_all(&line).unwrap();
            server.shutdown(Shutdown::Write).unwrap();
            // The server is gone before its answer has been read.
        });
        client.write_all(b"world").unwrap();
        serving.join().unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello, world");
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    });
}

fn exchange<S: Stream>(near: S, far: S) {
    let (mut client, server) = Pair::new().over(near, far);
    assert_eq!(client.version(), Some(TlsVersion::Tls13));
    assert_eq!(server.server_name(), Some(HOST));
    assert_eq!(client.server_name(), None);
    assert_eq!(client.alpn(), None);
    assert_eq!(client.cipher_suite(), server.cipher_suite());
    assert_eq!(client.peer_certificates().unwrap().len(), 1);
    assert_eq!(server.peer_certificates(), None);
    let echoing = echo(server);
    let writer = client.clone();
    let writing = spawn(move || {
        (&writer).write_all(b"over anything").unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = String::new();
    client.read_to_string(&mut back).unwrap();
    assert_eq!(back, "over anything");
    writing.join().unwrap();
    assert_eq!(echoing.join().unwrap().unwrap(), 13);
}

#[test]
fn over_tcp() {
    on_each_hub(|| {
        let (near, far) = tcp_pair().unwrap();
        exchange(near, far);
    });
}

#[test]
fn over_a_unix_socket() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        exchange(near, far);
    });
}

/// Through little room, every record and every message is torn. (The least is what a client of TLS
/// 1.3 sends in the middle of the server's flight, which does not read meanwhile.)
#[test]
fn over_memory_in_small_pieces() {
    on_each_hub(|| {
        for room in [6, 7, 100_000] {
            let (near, far) = duplex(room);
            exchange(near, far);
        }
    });
}

/// As to a proxy that is spoken to by TLS itself.
#[test]
fn within_another() {
    on_each_hub(|| {
        let (near, far) = Pair::new().in_memory();
        exchange(near, far);
    });
}

/// Much more than any buffer on the way.
const MUCH: usize = 5 << 20;

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| ((at ^ seed) % 251) as u8).collect()
}

/// Two coroutines at each end, each way as fast as it goes.
fn both_ways_at_once<S: Stream>(near: S, far: S) {
    let (client, server) = Pair::new().over(near, far);
    let mut all = Vec::new();
    for (stream, mine, other) in [(client, 1, 2), (server, 2, 1)] {
        let stream = Rc::new(stream);
        let theirs = Rc::clone(&stream);
        all.push(spawn(move || {
            (&*theirs).write_all(&pattern(MUCH, mine)).unwrap();
            theirs.shutdown(Shutdown::Write).unwrap();
        }));
        all.push(spawn(move || {
            let mut got = Vec::new();
            (&*stream).read_to_end(&mut got).unwrap();
            assert!(got == pattern(MUCH, other), "not what was sent");
        }));
    }
    for handle in all {
        handle.join().unwrap();
    }
}

#[test]
fn much_both_ways_at_once_over_tcp() {
    on_each_hub(|| {
        let (near, far) = tcp_pair().unwrap();
        both_ways_at_once(near, far);
    });
}

#[test]
fn much_both_ways_at_once_over_memory() {
    on_each_hub(|| {
        let (near, far) = duplex(10_000);
        both_ways_at_once(near, far);
    });
}

/// Reads of any size give the same bytes, whatever the records are.
#[test]
fn reads_and_writes_of_all_sizes() {
    on_each_hub(|| {
        let sizes = [1, 5, 1000, 16_383, 16_384, 16_385, 40_000, 100_000];
        let all: usize = sizes.iter().sum();
        for read_size in [1, 100, 16_384, 70_000] {
            let (near, far) = duplex(1 << 16);
            let (client, server) = Pair::new().over(near, far);
            let writing = spawn(move || {
                for size in sizes {
                    (&client).write_all(&pattern(size, size)).unwrap();
                }
                client.shutdown(Shutdown::Write).unwrap();
            });
            let mut got = Vec::new();
            let mut piece = vec![0; read_size];
            loop {
                match (&server).read(&mut piece).unwrap() {
                    0 => break,
                    count => got.extend_from_slice(&piece[..count]),
                }
            }
            writing.join().unwrap();
            assert_eq!(got.len(), all);
            let mut at = 0;
            for size in sizes {
                assert!(got[at..at + size] == pattern(size, size), "{size} bytes");
                at += size;
            }
        }
    });
}

#[test]
fn nothing_is_read_or_written_by_empty_slices() {
    on_each_hub(|| {
        let (mut client, mut server) = Pair::new().in_memory();
        assert_eq!(client.write(&[]).unwrap(), 0);
        client.write_all(b"x").unwrap();
        assert_eq!(server.read(&mut []).unwrap(), 0);
        let mut one = [0];
        assert_eq!(server.read(&mut one).unwrap(), 1);
        assert_eq!(&one, b"x");
    });
}

#[test]
fn trying_never_waits() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        let would_block = |outcome: io::Result<usize>| {
            assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        };
        let mut piece = [0; 64];
        would_block(server.try_read(&mut piece));
        assert_eq!(client.try_write(b"some").unwrap(), 4);
        assert_eq!(server.try_read(&mut piece).unwrap(), 4);
        would_block(server.try_read(&mut piece));

        // More than there is room for: written by trying again with the same.
        let much = pattern(40_000, 3);
        let mut left = &much[..];
        let mut got = Vec::new();
        let mut refused = 0;
        while !left.is_empty() {
            match client.try_write(left) {
                Ok(count) => left = &left[count..],
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    refused += 1;
                    while let Ok(count) = server.try_read(&mut piece) {
                        got.extend_from_slice(&piece[..count]);
                    }
                }
            }
        }
        while let Ok(count) = server.try_read(&mut piece) {
            got.extend_from_slice(&piece[..count]);
        }
        assert!(refused > 5 && got == much, "{refused}, {}", got.len());
    });
}

/// A second reader or writer is told so, and the first goes on.
#[test]
fn one_reader_and_one_writer_at_a_time() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        let other = client.try_clone().unwrap();
        let reading = spawn(move || (&other).read(&mut [0; 10]));
        crate::support::until_parked(&reading);
        let busy = (&client).read(&mut [0; 10]).unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::ResourceBusy);

        let other = client.clone();
        let writing = spawn(move || (&other).write_all(&pattern(100_000, 1)));
        crate::support::until_parked(&writing);
        for busy in [
            (&client).write(b"x").map(drop),
            client.try_write(b"x").map(drop),
            (&client).flush(),
            client.shutdown(Shutdown::Write),
        ] {
            assert_eq!(busy.unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        }

        (&server).write_all(b"one").unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), 3);
        let mut got = vec![0; 100_000];
        (&server).read_exact(&mut got).unwrap();
        writing.join().unwrap().unwrap();
        assert!(got == pattern(100_000, 1));
    });
}

/// A stream that is always readable lets others have their turn.
#[test]
fn a_chatty_peer_does_not_keep_the_thread() {
    on_each_hub(|| {
        let (near, far) = duplex(1 << 20);
        let (client, server): (TlsStream<_>, _) = Pair::new().over(near, far);
        (&client).write_all(&pattern(200_000, 0)).unwrap();
        let other = spawn(|| ());
        let mut reads = 0;
        while !other.is_finished() {
            assert_eq!((&server).read(&mut [0; 100]).unwrap(), 100);
            reads += 1;
        }
        assert!(reads < 1000, "{reads} reads");
    });
}
