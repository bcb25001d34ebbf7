//! Unix sockets in the shape of `std`'s: paths, abstract names, pairs, full queues, credentials.
//! What every wait owes is in `waits.rs`.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use crate::support::sockets::TempDir;
use crate::support::{flood, on_each_hub, on_each_hub_jumping, until, until_parked};
use eventlet_green::net::unix::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use eventlet_green::{now, spawn, stats};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use socket2::{Domain, SockAddr, Socket, Type};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_server_on_a_path() {
    on_each_hub(|| {
        let folder = TempDir::new();
        let path = folder.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*path));
        let server = spawn(move || {
            for stream in listener.incoming().take(3) {
                let stream = stream.unwrap();
                assert!(stream.peer_addr().unwrap().is_unnamed());
                spawn(move || std::io::copy(&mut &stream, &mut &stream).unwrap());
            }
        });
        for text in ["one", "two", "three"] {
            let mut client = UnixStream::connect(&path).unwrap();
            assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(&*path));
            client.write_all(text.as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, text);
        }
        server.join().unwrap();
        // The file stays.
        let refused = UnixStream::connect(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let in_use = UnixListener::bind(&path).unwrap_err();
        assert_eq!(in_use.kind(), ErrorKind::AddrInUse);
        std::fs::remove_file(&path).unwrap();
        let gone = UnixStream::connect(&path).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        UnixListener::bind(&path).unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn names_in_the_abstract_namespace() {
    use std::os::linux::net::SocketAddrExt;

    on_each_hub(|| {
        let name = format!("eventlet-test-{}-{:?}", std::process::id(), now());
        let address = |part: &str| SocketAddr::from_abstract_name(name.clone() + part).unwrap();
        let listener = UnixListener::bind_addr(&address("stream")).unwrap();
        let client = spawn({
            let address = address("stream");
            move || UnixStream::connect_addr(&address).unwrap()
        });
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"x").unwrap();
        let client = client.join().unwrap();
        assert_eq!((&client).read(&mut [0]).unwrap(), 1);
        let peer = client.peer_addr().unwrap();
        assert_eq!(
            peer.as_abstract_name(),
            address("stream").as_abstract_name()
        );
        let in_use = UnixListener::bind_addr(&address("stream")).unwrap_err();
        assert_eq!(in_use.kind(), ErrorKind::AddrInUse);
        let nobody = UnixStream::connect_addr(&address("nobody")).unwrap_err();
        assert_eq!(nobody.kind(), ErrorKind::ConnectionRefused);

        let receiver = UnixDatagram::bind_addr(&address("datagram")).unwrap();
        let sender = UnixDatagram::bind_addr(&address("sender")).unwrap();
        sender.send_to_addr(b"one", &address("datagram")).unwrap();
        sender.connect_addr(&address("datagram")).unwrap();
        sender.send(b"two").unwrap();
        for _ in 0..2 {
            let (length, from) = receiver.recv_from(&mut [0; 8]).unwrap();
            assert_eq!(length, 3);
            assert_eq!(
                from.as_abstract_name(),
                address("sender").as_abstract_name()
            );
        }
    });
}

#[test]
fn addresses_that_cannot_be() {
    on_each_hub(|| {
        let unnamed = UnixDatagram::unbound().unwrap().local_addr().unwrap();
        let long = "x".repeat(200);
        for error in [
            UnixStream::connect(&long).unwrap_err(),
            UnixStream::connect("a\0b").unwrap_err(),
            UnixListener::bind(&long).unwrap_err(),
            UnixListener::bind("a\0b").unwrap_err(),
            UnixDatagram::bind("a\0b").unwrap_err(),
            UnixStream::connect_addr(&unnamed).unwrap_err(),
            UnixStream::connect_timeout(&unnamed, SECOND).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        assert_eq!(stats().descriptors, 0);
    });
}

/// A listener whose queue is full, and whom it holds.
fn full_listener(folder: &TempDir) -> (UnixListener, SocketAddr, Vec<Socket>) {
    let path = folder.path("full");
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let held = std::iter::from_fn(|| {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        client.connect(&SockAddr::unix(&path).unwrap()).ok()?;
        Some(client)
    });
    let held = held.collect();
    let listener = UnixListener::from_std(socket.into()).unwrap();
    (listener, SocketAddr::from_pathname(path).unwrap(), held)
}

#[test]
fn connecting_waits_for_room_in_the_queue() {
    on_each_hub_jumping(|_| {
        let folder = TempDir::new();
        let (listener, address, held) = full_listener(&folder);
        let theirs = address.clone();
        let client = spawn(move || UnixStream::connect_addr(&theirs).unwrap());
        until_parked(&client);
        let start = now();
        let error = UnixStream::connect_timeout(&address, SECOND).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(now() - start, SECOND);
        let error = UnixStream::connect_timeout(&address, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let victim = spawn(move || drop(UnixStream::connect_addr(&address)));
        until_parked(&victim);
        victim.kill().unwrap();
        victim.join().unwrap_err();
        assert!(!client.is_finished());
        (0..held.len()).for_each(|_| drop(listener.accept().unwrap()));
        let client = client.join().unwrap();
        assert_eq!(client.write_timeout(), None, "the limit was for connecting");
        assert_eq!((stats().timers, stats().descriptors), (0, 2));
    });
}

#[test]
fn what_is_sent_comes_out() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let writer = spawn(move || (&near).write_all(&flood()).unwrap());
        let mut got = Vec::new();
        (&far).read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), flood().len());
        writer.join().unwrap();
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
        assert_eq!(near.write_vectored(&slices).unwrap(), 5);
        assert_eq!(far.peek(&mut [0; 4]).unwrap(), 4);
        let (mut first, mut second) = ([0; 3], [0; 10]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(far.read_vectored(&mut slices).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
        drop(far);
        let error = near.write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(near.read(&mut [0]).unwrap(), 0);
    });
}

/// A read stops short behind what came with descriptors although there is more, which is not
/// reported again.
#[test]
fn bytes_that_come_with_descriptors_hide_nothing() {
    on_each_hub(|| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let reader = spawn(move || {
            let mut got = 0;
            while got < 6 {
                got += far.read(&mut [0; 64]).unwrap();
            }
            got
        });
        until_parked(&reader);
        let passed = [near.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&passed)];
        for _ in 0..3 {
            let sent = near.write_with(|socket| {
                let bytes = [IoSlice::new(b"ab")];
                let to = None::<&()>;
                Ok(sendmsg(
                    socket.as_raw_fd(),
                    &bytes,
                    &rights,
                    MsgFlags::empty(),
                    to,
                )?)
            });
            assert_eq!(sent.unwrap(), 2);
        }
        assert_eq!(reader.join().unwrap(), 6);
    });
}

#[test]
fn who_is_at_the_other_end() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let them = near.peer_cred().unwrap();
        assert_eq!(them, far.peer_cred().unwrap());
        assert_eq!(them.uid, nix::unistd::geteuid().as_raw());
        assert_eq!(them.gid, nix::unistd::getegid().as_raw());
        if cfg!(target_os = "linux") {
            assert_eq!(them.pid, Some(std::process::id() as i32));
        }
        near.close().unwrap();
        let error = near.peer_cred().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn datagrams_between_paths() {
    on_each_hub(|| {
        let folder = TempDir::new();
        let (a, b) = (folder.path("a"), folder.path("b"));
        let (near, far) = (
            UnixDatagram::bind(&a).unwrap(),
            UnixDatagram::bind(&b).unwrap(),
        );
        assert_eq!(near.send_to(b"hello", &b).unwrap(), 5);
        let mut into = [0; 3];
        assert_eq!(far.peek(&mut into).unwrap(), 3);
        let (length, from) = far.recv_from(&mut into).unwrap();
        assert_eq!((length, from.as_pathname()), (3, Some(&*a)));
        far.connect(&a).unwrap();
        assert_eq!(far.peer_addr().unwrap().as_pathname(), Some(&*a));
        far.send(b"").unwrap();
        assert_eq!(near.recv(&mut into).unwrap(), 0);
        // Who is connected hears nobody else.
        let other = UnixDatagram::unbound().unwrap();
        let refused = other.send_to(b"x", &b).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        assert!(near.send(b"to whom?").is_err());
        drop(near);
        let gone = other.send_to(b"x", &a).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::ConnectionRefused);
        let nowhere = other.send_to(b"x", folder.path("c")).unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::NotFound);
        far.shutdown(Shutdown::Read).unwrap();
    });
}

/// Ten are kept by default; each of the senders waits for room, and none is lost.
#[test]
fn a_full_queue_holds_the_senders_up() {
    const EACH: usize = 200;

    on_each_hub(|| {
        let folder = TempDir::new();
        let path = folder.path("receiver");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let senders: Vec<_> = (0..4)
            .map(|sender: usize| {
                let path = path.clone();
                spawn(move || {
                    let socket = UnixDatagram::unbound().unwrap();
                    if sender.is_multiple_of(2) {
                        socket.connect(&path).unwrap();
                    }
                    for number in 0..EACH {
                        let datagram = [sender as u8, number as u8];
                        let sent = if sender.is_multiple_of(2) {
                            socket.send(&datagram)
                        } else {
                            socket.send_to(&datagram, &path)
                        };
                        assert_eq!(sent.unwrap(), 2);
                    }
                })
            })
            .collect();
        until(|| {
            senders
                .iter()
                .all(|s| s.state() == eventlet_green::State::Parked)
        });
        let mut next = [0; 4];
        for _ in 0..4 * EACH {
            let mut datagram = [0; 2];
            assert_eq!(receiver.recv(&mut datagram).unwrap(), 2);
            let [sender, number] = datagram.map(usize::from);
            assert_eq!(number, next[sender], "in order");
            next[sender] += 1;
        }
        senders.into_iter().for_each(|s| s.join().unwrap());
        assert_eq!(next, [EACH; 4]);
    });
}

#[test]
fn there_and_back_to_std() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let mut blocking = near.into_std().unwrap();
        blocking.write_all(b"from std").unwrap();
        let again = UnixStream::from_std(OwnedFd::from(blocking).into()).unwrap();
        drop(again);
        let mut text = String::new();
        (&far).read_to_string(&mut text).unwrap();
        assert_eq!(text, "from std");
        let (near, _far) = UnixDatagram::pair().unwrap();
        let clone = near.try_clone().unwrap();
        assert_eq!(near.into_std().unwrap_err().kind(), ErrorKind::ResourceBusy);
        clone.into_std().unwrap();
        let folder = TempDir::new();
        let listener = UnixListener::bind(folder.path("a")).unwrap();
        let listener = UnixListener::from_std(listener.into_std().unwrap()).unwrap();
        assert!(format!("{listener:?}").contains("UnixListener"));
        assert!(listener.take_error().unwrap().is_none());
        assert!(far.take_error().unwrap().is_none());
    });
}
