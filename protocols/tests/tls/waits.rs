//! Each wait, ended by a kill, a time limit, a close, a timeout around it: what is lost, and what is
//! not.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::testing::duplex;
use eventlet_green::{Watcher, spawn, timeout};
use eventlet_protocols::tls::{TlsError, TlsStream};

use crate::support::{Pair, ROOM, on_each_hub, on_each_hub_jumping, tls_error, until_parked};

const SECOND: Duration = Duration::from_secs(1);

fn numbers(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 249) as u8).collect()
}

#[test]
fn a_read_that_is_killed_loses_nothing() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        // Of half a record.
        let writer = client.clone();
        let writing = spawn(move || (&writer).write_all(&numbers(10_000)));
        until_parked(&writing);
        let reader = server.clone();
        let reading = spawn(move || (&reader).read(&mut [0; 10_000]));
        // It has taken what there was, and the writer has filled the room again.
        until_parked(&reading);
        if !reading.is_finished() {
            reading.kill().unwrap();
            reading.join().unwrap_err();
        }
        let mut got = vec![0; 10_000];
        (&server).read_exact(&mut got).unwrap();
        writing.join().unwrap().unwrap();
        assert!(got == numbers(10_000));
    });
}

/// What was encrypted goes out before what comes later; the peer sees no gap.
#[test]
fn a_write_that_is_killed_breaks_no_record() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        let writer = client.clone();
        let writing = spawn(move || (&writer).write_all(&numbers(100_000)));
        until_parked(&writing);
        writing.kill().unwrap();
        writing.join().unwrap_err();

        let other = (&client).write(b"something else").unwrap_err();
        assert_eq!(other.kind(), ErrorKind::InvalidInput);

        let reader = server.clone();
        let reading = spawn(move || {
            let mut got = Vec::new();
            (&reader).read_to_end(&mut got).map(|_| got)
        });
        client.shutdown(Shutdown::Write).unwrap();
        let got = reading.join().unwrap().unwrap();
        assert_eq!(got, &numbers(100_000)[..16_384], "the first record, whole");
    });
}

/// A peer that does not read: the write gives up, and goes on later with the same bytes.
#[test]
fn a_write_that_has_timed_out_goes_on_with_the_same_bytes() {
    on_each_hub_jumping(|_| {
        let (client, server) = Pair::new().in_memory();
        let all = numbers(50_000);
        client.set_write_timeout(Some(SECOND)).unwrap();
        assert_eq!(client.write_timeout(), Some(SECOND));
        let late = (&client).write(&all).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        let again = (&client).write(&all).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::TimedOut);

        let other = (&client).write(&all[1..]).unwrap_err();
        assert_eq!(other.kind(), ErrorKind::InvalidInput);
        assert!(other.to_string().contains("begin with its bytes"));

        let reading = spawn(move || {
            let mut got = Vec::new();
            (&server).read_to_end(&mut got).map(|_| got)
        });
        (&client).write_all(&all).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert!(reading.join().unwrap().unwrap() == all);
    });
}

/// The limit is for the read, not for each piece of a record.
#[test]
fn a_read_times_out_however_the_record_trickles() {
    on_each_hub_jumping(|_| {
        let pair = Pair::new();
        let (near, far) = duplex(ROOM);
        let (client, server) = pair.over(near, far);
        server.set_read_timeout(Some(10 * SECOND)).unwrap();
        assert_eq!(server.read_timeout(), Some(10 * SECOND));
        let late = (&server).read(&mut [0; 10]).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);

        // Records as they are, passed on byte by byte: taken off another connection in memory.
        let (tap, wire) = duplex(1 << 20);
        let (through, far) = duplex(1);
        let acceptor = pair.acceptor.clone();
        let server = spawn(move || acceptor.accept(far));
        let wire = Rc::new(wire);
        let through = Rc::new(through);
        let (up, out) = (Rc::clone(&wire), Rc::clone(&through));
        let passing = spawn(move || {
            let mut count = 0;
            let mut byte = [0];
            while (&*up).read(&mut byte).is_ok_and(|count| count > 0) {
                (&*out).write_all(&byte).unwrap();
                count += 1;
                if count > 2000 {
                    eventlet_green::sleep(SECOND);
                }
            }
        });
        let back = spawn(move || std::io::copy(&mut &*through, &mut &*wire));
        let client2 = pair.connector.connect(crate::support::HOST, tap).unwrap();
        let server = server.join().unwrap().unwrap();
        (&client2).write_all(&numbers(10_000)).unwrap();
        server.set_read_timeout(Some(10 * SECOND)).unwrap();
        let begun = eventlet_green::now();
        let late = (&server).read(&mut [0; 10]).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        assert_eq!(eventlet_green::now() - begun, 10 * SECOND);
        server.set_read_timeout(None).unwrap();
        let mut got = vec![0; 10_000];
        (&server).read_exact(&mut got).unwrap();
        assert!(got == numbers(10_000));
        drop((client, client2, server));
        passing.join().unwrap();
        back.join().unwrap().unwrap();
    });
}

#[test]
fn a_timeout_around_a_read_and_a_write() {
    on_each_hub_jumping(|_| {
        let (client, server) = Pair::new().in_memory();
        let late = timeout(SECOND, || (&server).read(&mut [0; 10]));
        assert!(late.unwrap_err().is_elapsed());
        let late = timeout(SECOND, || (&client).write_all(&numbers(100_000)));
        assert!(late.unwrap_err().is_elapsed());
        let mut got = vec![0; 16_384];
        let reading = spawn(move || (&server).read_exact(&mut got).map(|()| got));
        (&client).flush().unwrap();
        assert!(reading.join().unwrap().unwrap() == numbers(16_384));
    });
}

#[test]
fn limits_of_zero_are_refused() {
    on_each_hub(|| {
        let (client, _server) = Pair::new().in_memory();
        for refused in [
            client.set_read_timeout(Some(Duration::ZERO)),
            client.set_write_timeout(Some(Duration::ZERO)),
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    });
}

#[test]
fn a_close_ends_the_waits() {
    on_each_hub(|| {
        let (client, _server) = Pair::new().in_memory();
        let (reader, writer) = (client.clone(), client.clone());
        let reading = spawn(move || (&reader).read(&mut [0; 10]));
        let writing = spawn(move || (&writer).write_all(&numbers(100_000)));
        until_parked(&reading);
        until_parked(&writing);
        client.close().unwrap();
        let read = reading.join().unwrap().unwrap_err();
        assert_eq!(read.kind(), ErrorKind::NotConnected);
        let written = writing.join().unwrap().unwrap_err();
        assert_eq!(written.kind(), ErrorKind::NotConnected);
    });
}

/// A peer that says nothing, one that stops in the middle, and one that does not read.
#[test]
fn a_handshake_has_a_deadline_and_can_be_killed() {
    on_each_hub_jumping(|_| {
        let pair = Pair::new();
        let (near, far) = duplex(ROOM);
        let begun = eventlet_green::now();
        let late = tls_error(pair.acceptor.accept(far));
        assert_eq!(late, TlsError::HandshakeTimeout(10 * SECOND));
        assert_eq!(eventlet_green::now() - begun, 10 * SECOND);
        drop(near);

        let (near, far) = duplex(ROOM);
        (&near).write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
        let late = tls_error(pair.acceptor.accept(far));
        assert_eq!(late, TlsError::HandshakeTimeout(10 * SECOND));

        let (near, far) = duplex(1);
        let late = pair
            .connector
            .connect_within("server.test", near, Some(3 * SECOND));
        assert_eq!(tls_error(late), TlsError::HandshakeTimeout(3 * SECOND));
        drop(far);

        for room in [1, ROOM] {
            let (near, far) = duplex(room);
            let connector = pair.connector.clone();
            let connecting = spawn(move || connector.connect("server.test", near));
            until_parked(&connecting);
            connecting.kill().unwrap();
            connecting.join().unwrap_err();
            let mut rest = Vec::new();
            (&far).read_to_end(&mut rest).unwrap();
            assert!(!rest.is_empty());
        }
    });
}

struct Reads(TlsStream<eventlet_green::testing::Duplex>);

thread_local! {
    static READ: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl Watcher for Reads {
    fn came(self: Rc<Self>, outcome: std::io::Result<()>) {
        outcome.unwrap();
        let mut piece = [0; 3];
        match self.0.try_read(&mut piece) {
            Ok(count) => READ.with_borrow_mut(|read| read.extend_from_slice(&piece[..count])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => {
                READ.with_borrow_mut(|read| read.push(b'.'));
                return;
            }
        }
        let stream = self.0.clone();
        stream.watch_readable(self).unwrap();
    }
}

/// What has been decrypted, or has come and was not, is readable although the socket is not.
#[test]
fn a_watcher_sees_what_is_within() {
    on_each_hub(|| {
        let (client, server) = Pair::new().in_memory();
        READ.take();
        server
            .watch_readable(Rc::new(Reads(server.clone())))
            .unwrap();
        (&client).write_all(b"more than a read").unwrap();
        crate::support::until(|| READ.with_borrow(|read| read.len()) == 16);
        assert_eq!(READ.take(), b"more than a read");
        // Two records that come at once.
        assert_eq!(client.try_write(b"one").unwrap(), 3);
        assert_eq!(client.try_write(b"two").unwrap(), 3);
        crate::support::until(|| READ.with_borrow(|read| read.len()) == 6);
        assert_eq!(READ.take(), b"onetwo");
        drop(client);
        crate::support::until(|| READ.with_borrow(|read| read.len()) == 1);
    });
}
