//! What a listener and a stream can be set to, and how connections are accepted within bounds.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use crate::support::sockets::has_ipv6;
use crate::support::{on_each_hub, pair, sys, until, until_parked};
use eventlet_green::net::{ListenOptions, TcpListener, TcpStream, UdpSocket, tcp_server};
use eventlet_green::sync::Semaphore;
use eventlet_green::{spawn, yield_now};
use socket2::SockRef;

#[test]
fn two_listeners_on_a_port_only_where_both_ask_for_it() {
    on_each_hub(|| {
        let plain = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = plain.local_addr().unwrap();
        let sharing = || {
            let mut options = ListenOptions::new();
            options.reuse_port(true);
            options
        };
        for options in [ListenOptions::new(), sharing()] {
            let error = options.listen(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
        }
        let first = sharing().listen("127.0.0.1:0").unwrap();
        let shared = first.local_addr().unwrap();
        let second = sharing().listen(shared).unwrap();
        let error = TcpListener::bind(shared).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        // Whichever gets it: what one does not take, the other does when the first is gone.
        drop(first);
        let client = TcpStream::connect(shared).unwrap();
        let (_, peer) = second.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

#[test]
fn the_address_is_reused_unless_asked_otherwise() {
    on_each_hub(|| {
        for reuse in [true, false] {
            let listener = ListenOptions::new()
                .reuse_address(reuse)
                .listen("127.0.0.1:0")
                .unwrap();
            assert_eq!(SockRef::from(&listener).reuse_address().unwrap(), reuse);
        }
        let default = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(SockRef::from(&default).reuse_address().unwrap());
        assert!(!SockRef::from(&default).reuse_port().unwrap());
    });
}

#[test]
fn a_listener_of_one_family_or_of_both() {
    on_each_hub(|| {
        if !has_ipv6() {
            return;
        }
        for only in [true, false] {
            let listener = ListenOptions::new().only_v6(only).listen("[::]:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let outcome = TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port));
            if only {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            } else {
                outcome.unwrap();
                let (_, peer) = listener.accept().unwrap();
                assert!(peer.ip().to_canonical().is_ipv4(), "{peer}");
            }
        }
        // Not looked at for the other family.
        ListenOptions::new()
            .only_v6(true)
            .listen("127.0.0.1:0")
            .unwrap();
    });
}

#[test]
fn a_queue_of_a_given_length() {
    on_each_hub(|| {
        let mut options = ListenOptions::default();
        options.backlog(0);
        let listener = options.listen("127.0.0.1:0").unwrap();
        // The queue takes one, whatever is asked for.
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap();
        options.backlog(-1);
        let error = options.listen("127.0.0.1:0").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        options.backlog(i32::MAX);
        options.listen("127.0.0.1:0").unwrap();
    });
}

/// What is made here is not inherited by a program that is started, and never blocks the thread.
#[test]
fn everything_is_closed_on_exec_and_non_blocking() {
    on_each_hub(|| {
        let (near, far) = pair();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (reader, writer) = eventlet_green::io::pipe().unwrap();
        let (left, right) = eventlet_green::net::unix::UnixStream::pair().unwrap();
        for number in [near.as_raw_fd(), far.as_raw_fd(), udp.as_raw_fd()] {
            assert!(sys::is_close_on_exec(number));
        }
        for number in [listener.as_raw_fd(), reader.as_raw_fd(), writer.as_raw_fd()] {
            assert!(sys::is_close_on_exec(number));
        }
        assert!(sys::is_close_on_exec(left.as_raw_fd()));
        for socket in [SockRef::from(&near), SockRef::from(&far)] {
            assert!(socket.nonblocking().unwrap());
        }
        for socket in [SockRef::from(&udp), SockRef::from(&listener)] {
            assert!(socket.nonblocking().unwrap());
        }
        assert!(SockRef::from(&right).nonblocking().unwrap());
    });
}

#[test]
fn options_of_a_stream() {
    on_each_hub(|| {
        let (near, far) = pair();
        near.set_ttl(17).unwrap();
        assert_eq!(near.ttl().unwrap(), 17);
        assert_eq!(near.keepalive().unwrap(), None);
        let minute = Some(Duration::from_secs(60));
        near.set_keepalive(minute).unwrap();
        assert_eq!(near.keepalive().unwrap(), minute);
        near.set_keepalive(None).unwrap();
        assert_eq!(near.keepalive().unwrap(), None);
        assert_eq!(near.linger().unwrap(), None);
        near.set_linger(Some(Duration::ZERO)).unwrap();
        assert_eq!(near.linger().unwrap(), Some(Duration::ZERO));
        drop(near);
        let error = (&far).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        far.close().unwrap();
        for outcome in [
            far.set_ttl(1).map(drop),
            far.keepalive().map(drop),
            far.set_keepalive(None),
            far.linger().map(drop),
            far.set_linger(None),
            far.try_with(|_| Ok(())),
        ] {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotConnected);
        }
    });
}

#[test]
fn options_of_a_listener() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_ttl(17).unwrap();
        assert_eq!(listener.ttl().unwrap(), 17);
        assert!(listener.take_error().unwrap().is_none());
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.wait_readable().unwrap();
        assert_eq!(listener.accept().unwrap().0.ttl().unwrap(), 17);
    });
}

/// Tried without waiting, and with waiting again: the original's time limit of zero, and back.
#[test]
fn a_try_does_not_wait() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        for _ in 0..2 {
            let tried = near.try_with(|mut socket| socket.read(&mut [0; 8]));
            assert_eq!(tried.unwrap_err().kind(), ErrorKind::WouldBlock);
            let tried = near.try_read(&mut [0; 8]).unwrap_err();
            assert_eq!(tried.kind(), ErrorKind::WouldBlock);
        }
        let theirs = near.try_clone().unwrap();
        let reader = spawn(move || (&theirs).read(&mut [0; 8]).unwrap());
        until_parked(&reader);
        far.write_all(b"abc").unwrap();
        assert_eq!(reader.join().unwrap(), 3);
        far.write_all(b"de").unwrap();
        until(|| near.try_with(|mut socket| socket.read(&mut [0; 8])).is_ok());
        far.write_all(b"f").unwrap();
        near.wait_readable().unwrap();
        until(|| near.try_read(&mut [0; 8]).is_ok());
        // As much as there is room for, and no more until there is some again.
        let (reader, writer) = eventlet_green::io::pipe().unwrap();
        let mut written = 0;
        let full = loop {
            match writer.try_write(&[b'x'; 10_000]) {
                Ok(count) => written += count,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        (&reader).read_exact(&mut vec![0; written]).unwrap();
        writer.wait_writable().unwrap();
        until(|| writer.try_write(b"y").is_ok());
        writer.close().unwrap();
        let closed = writer.try_write(b"z").unwrap_err();
        assert_eq!(closed.kind(), ErrorKind::NotConnected);
        assert_eq!(reader.try_read(&mut [0; 8]).unwrap(), 1);
    });
}

/// A permit taken before accepting delays it: the rest of the clients wait in the kernel's queue.
#[test]
fn a_limit_of_connections_delays_accepting() {
    const AT_ONCE: usize = 2;

    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closer = listener.try_clone().unwrap();
        let permits = Semaphore::new(AT_ONCE);
        let live = Rc::new(Cell::new(0));
        let count = Rc::clone(&live);
        let server = spawn(move || {
            loop {
                let permit = permits.acquire().unwrap();
                let Ok((mut stream, _)) = listener.accept() else {
                    return;
                };
                let live = Rc::clone(&count);
                spawn(move || {
                    live.set(live.get() + 1);
                    let _ = std::io::copy(&mut stream.try_clone().unwrap(), &mut stream);
                    live.set(live.get() - 1);
                    drop(permit);
                });
            }
        });
        let mut clients: Vec<_> = (0..6)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        while let Some(client) = clients.first() {
            let most = clients.len().min(AT_ONCE);
            until(|| live.get() == most);
            (0..100).for_each(|_| yield_now());
            assert_eq!(live.get(), most);
            // An accepted one is served meanwhile.
            (&*client).write_all(b"x").unwrap();
            (&*client).read_exact(&mut [0]).unwrap();
            clients.remove(0);
            until(|| live.get() < most || !clients.is_empty());
        }
        closer.close().unwrap();
        server.join().unwrap();
        until(|| live.get() == 0);
    });
}

/// A server ends at once when it is closed, also while it handles connections.
#[test]
fn a_closed_server_lets_its_connections_end() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closer = listener.try_clone().unwrap();
        let server = spawn(|| {
            tcp_server(listener, |mut stream, _| {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).unwrap();
                stream.write_all(&all).unwrap();
            })
        });
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"question").unwrap();
        until(|| eventlet_green::stats().coroutines == 2);
        closer.close().unwrap();
        server.join().unwrap().unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "question");
    });
}
