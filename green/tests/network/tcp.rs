//! TCP streams and listeners, in the shape of `std`'s: what goes in comes out, whatever the sizes.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Dice, on_each_hub, on_each_hub_jumping, pair, until};
use eventlet_green::net::{TcpListener, TcpStream, connect_tcp, tcp_listener, tcp_server};
use eventlet_green::{JoinHandle, spawn, stats};
use socket2::SockRef;

/// Sends back what comes, until the end of the stream.
fn echo(stream: TcpStream) -> JoinHandle<u64> {
    spawn(move || std::io::copy(&mut &stream, &mut &stream).unwrap())
}

#[test]
fn what_is_sent_comes_back() {
    on_each_hub(|| {
        let (mut near, far) = pair();
        let server = echo(far);
        for size in [1, 2, 1000, 65_536, 1_000_000] {
            let sent: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            let theirs = sent.clone();
            let out = near.try_clone().unwrap();
            let writer = spawn(move || (&out).write_all(&theirs).unwrap());
            let mut got = vec![0; size];
            near.read_exact(&mut got).unwrap();
            assert!(got == sent, "{size} bytes");
            writer.join().unwrap();
        }
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(near.read(&mut [0]).unwrap(), 0);
        server.join().unwrap();
    });
}

#[test]
fn a_half_closed_stream_still_gives_the_answer() {
    on_each_hub(|| {
        let (near, far) = pair();
        let server = spawn(move || {
            let mut text = String::new();
            (&far).read_to_string(&mut text).unwrap();
            (&far).write_all(text.to_uppercase().as_bytes()).unwrap();
        });
        (&near).write_all(b"question").unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        (&near).read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "QUESTION");
        assert_eq!(
            (&near).write(b"x").unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
        server.join().unwrap();
    });
}

#[test]
fn shutting_down_reading_ends_a_reader() {
    on_each_hub(|| {
        let (near, _far) = pair();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        let reader = spawn(move || (&*theirs).read(&mut [0]).unwrap());
        crate::support::until_parked(&reader);
        near.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap(), 0);
    });
}

/// Ten megabytes each way at once, through small buffers of the kernel.
#[test]
fn full_duplex_through_small_buffers() {
    const SIZE: usize = 10 << 20;
    /// Smaller ones would wait for the kernel's delayed acknowledgements, 40 ms each.
    const SMALL: usize = 16 * 1024;

    fn byte(index: usize, salt: u8) -> u8 {
        (index as u8) ^ ((index >> 11) as u8) ^ salt
    }

    fn send(stream: Rc<TcpStream>, salt: u8) -> JoinHandle<()> {
        let bytes: Vec<u8> = (0..SIZE).map(|index| byte(index, salt)).collect();
        spawn(move || (&*stream).write_all(&bytes).unwrap())
    }

    fn receive(stream: Rc<TcpStream>, salt: u8) -> JoinHandle<()> {
        spawn(move || {
            let mut buffer = vec![0; 100_000];
            let mut dice = Dice::new(u64::from(salt) + 1);
            let mut done = 0;
            while done < SIZE {
                let wanted = 1 + dice.roll(buffer.len());
                let count = (&*stream).read(&mut buffer[..wanted]).unwrap();
                assert!(count > 0, "an end after {done} bytes");
                let right = (0..count).all(|at| buffer[at] == byte(done + at, salt));
                assert!(right, "garbled after {done} bytes");
                done += count;
            }
        })
    }

    on_each_hub(|| {
        let (near, far) = pair();
        for stream in [&near, &far] {
            SockRef::from(stream).set_send_buffer_size(SMALL).unwrap();
            SockRef::from(stream).set_recv_buffer_size(SMALL).unwrap();
        }
        let (near, far) = (Rc::new(near), Rc::new(far));
        let all = [
            send(Rc::clone(&near), 1),
            send(Rc::clone(&far), 2),
            receive(near, 2),
            receive(far, 1),
        ];
        for handle in all {
            handle.join().unwrap();
        }
    });
}

#[test]
fn peeking_takes_nothing() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let theirs = spawn(move || {
            let mut text = [0; 8];
            let first = near.peek(&mut text).unwrap();
            let second = near.peek(&mut text).unwrap();
            let third = (&near).read(&mut text).unwrap();
            (first, second, third)
        });
        far.write_all(b"abc").unwrap();
        assert_eq!(theirs.join().unwrap(), (3, 3, 3));
    });
}

#[test]
fn several_slices_at_once() {
    on_each_hub(|| {
        let (mut near, mut far) = pair();
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
        assert_eq!(near.write_vectored(&slices).unwrap(), 5);
        let (mut first, mut second) = ([0; 3], [0; 10]);
        until(|| far.peek(&mut [0; 8]).unwrap() == 5);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(far.read_vectored(&mut slices).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
    });
}

/// A port of this machine that nobody listens on.
fn dead_port() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

#[test]
fn a_refused_connection_says_so() {
    on_each_hub(|| {
        let nobody = dead_port();
        for _ in 0..2 {
            let error = TcpStream::connect(nobody).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        }
        let limit = Duration::from_secs(60);
        let error = TcpStream::connect_timeout(&nobody, limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!((stats().timers, stats().descriptors), (0, 0));
    });
}

#[test]
fn the_first_address_that_answers_is_taken() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(&[dead_port(), address][..]).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        let error = TcpStream::connect(&[][..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_connect_with_a_limit() {
    on_each_hub_jumping(|_| {
        let listener = TcpListener::bind_with_backlog("127.0.0.1:0", 0).unwrap();
        let address = listener.local_addr().unwrap();
        // Until the queue is full, which nobody empties.
        let mut held = Vec::new();
        let error = loop {
            match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
                Ok(stream) => held.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let error = TcpStream::connect_timeout(&address, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn names_are_looked_up() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let by_pair = TcpStream::connect(("localhost", port)).unwrap();
        let by_text = TcpStream::connect(format!("localhost:{port}")).unwrap();
        assert_eq!(by_pair.peer_addr().unwrap(), by_text.peer_addr().unwrap());
        let error = TcpStream::connect(("no.such.host.invalid", 1)).unwrap_err();
        assert!(
            error.to_string().contains("no.such.host.invalid"),
            "{error}"
        );
    });
}

#[test]
fn what_is_no_address_is_refused() {
    on_each_hub(|| {
        for text in [
            "",
            ":",
            "localhost",
            "127.0.0.1",
            "::1",
            ":80",
            "host:",
            "host:http",
            "a:65536",
            "a:-1",
        ] {
            for error in [
                TcpStream::connect(text).map(drop).unwrap_err(),
                TcpListener::bind(text).map(drop).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
            }
        }
    });
}

#[test]
fn a_port_in_use_is_refused() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = TcpListener::bind(listener.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn there_and_back_to_std() {
    on_each_hub(|| {
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        let error = near.into_std().unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ResourceBusy,
            "another handle is left"
        );
        let mut blocking = clone.into_std().unwrap();
        blocking.write_all(b"from std").unwrap();
        drop(blocking.try_clone().unwrap());
        let again = TcpStream::from_std(blocking).unwrap();
        again.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        (&far).read_to_string(&mut text).unwrap();
        assert_eq!(text, "from std");

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let other = listener.try_clone().unwrap();
        assert_eq!(
            other.into_std().unwrap_err().kind(),
            ErrorKind::ResourceBusy
        );
        let blocking = listener.into_std().unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        blocking.accept().unwrap();
        let listener = TcpListener::from_std(blocking).unwrap();
        let second = std::net::TcpStream::connect(address).unwrap();
        let (accepted, peer) = listener.accept().unwrap();
        assert_eq!(peer, second.local_addr().unwrap());
        assert_eq!(accepted.peer_addr().unwrap(), peer);
        drop(client);
    });
}

#[test]
fn options_and_addresses() {
    on_each_hub(|| {
        let (near, far) = pair();
        assert_eq!(near.local_addr().unwrap(), far.peer_addr().unwrap());
        for on in [true, false] {
            near.set_nodelay(on).unwrap();
            assert_eq!(near.nodelay().unwrap(), on);
        }
        assert!(near.take_error().unwrap().is_none());
        assert!(format!("{near:?}").contains("TcpStream"));
        (&near).flush().unwrap();
    });
}

#[test]
fn a_reset_is_an_error_for_the_reader() {
    on_each_hub(|| {
        let (near, far) = pair();
        let reader = spawn(move || (&near).read(&mut [0]).unwrap_err().kind());
        crate::support::until_parked(&reader);
        SockRef::from(&far)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(far);
        assert_eq!(reader.join().unwrap(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn the_originals_server_serves_until_it_is_closed() {
    on_each_hub(|| {
        let listener = tcp_listener("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closer = listener.try_clone().unwrap();
        let server = spawn(|| {
            tcp_server(listener, |mut stream, peer| {
                assert_eq!(stream.peer_addr().unwrap(), peer);
                let mut line = [0; 5];
                stream.read_exact(&mut line).unwrap();
                assert_ne!(&line, b"panic", "one handler fails");
                stream.write_all(&line).unwrap();
            })
        });
        for text in [b"first", b"panic", b"third"] {
            let mut client = connect_tcp(address).unwrap();
            client.write_all(text).unwrap();
            let mut answer = Vec::new();
            // A failed handler's socket is closed like any other.
            let _ = client.read_to_end(&mut answer);
            let expected: &[u8] = if text == b"panic" { b"" } else { text };
            assert_eq!(answer, expected);
        }
        closer.close().unwrap();
        server.join().unwrap().unwrap();
        // There the port is given back with the last handle.
        #[cfg(windows)]
        drop(closer);
        assert_eq!(
            connect_tcp(address).unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
    });
}
