//! UDP in the shape of `std`'s: whole datagrams, who they come from, options. What every wait owes
//! is in `waits.rs`.

use std::cell::Cell;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use crate::support::sockets::has_ipv6;
use crate::support::{on_each_hub, on_each_hub_jumping, until, until_parked};
use eventlet_green::net::UdpSocket;
use eventlet_green::{spawn, stats};
use socket2::SockRef;

/// A socket and its address.
fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn datagrams_come_whole_in_order_and_with_their_sender() {
    on_each_hub(|| {
        let ((near, near_at), (far, far_at)) = (bound(), bound());
        let reader = spawn(move || {
            let mut into = [0; 100];
            (0..50).all(|size| far.recv_from(&mut into).unwrap() == (size, near_at))
        });
        until_parked(&reader);
        for size in 0..50 {
            assert_eq!(near.send_to(&[7; 50][..size], far_at).unwrap(), size);
        }
        assert!(reader.join().unwrap());
    });
}

#[test]
fn peeking_takes_nothing_and_a_short_buffer_cuts() {
    on_each_hub(|| {
        let ((near, near_at), (far, far_at)) = (bound(), bound());
        near.send_to(b"abcdef", far_at).unwrap();
        near.send_to(b"next", far_at).unwrap();
        let mut into = [0; 3];
        assert_eq!(far.peek(&mut into).unwrap(), 3);
        assert_eq!(far.peek_from(&mut into).unwrap(), (3, near_at));
        assert_eq!(far.recv_from(&mut into).unwrap(), (3, near_at));
        assert_eq!(&into, b"abc");
        // The rest of it is lost, the next is whole.
        let mut into = [0; 8];
        assert_eq!(far.recv(&mut into).unwrap(), 4);
        assert_eq!(&into[..4], b"next");
    });
}

#[test]
fn a_connected_one_hears_its_peer_only() {
    on_each_hub(|| {
        let ((near, near_at), (far, far_at), (other, _)) = (bound(), bound(), bound());
        assert_eq!(
            near.peer_addr().unwrap_err().kind(),
            ErrorKind::NotConnected
        );
        assert!(near.send(b"to whom?").is_err());
        near.connect(far_at).unwrap();
        assert_eq!(near.peer_addr().unwrap(), far_at);
        other.send_to(b"from another", near_at).unwrap();
        far.send_to(b"from the peer", near_at).unwrap();
        assert_eq!(near.recv(&mut [0; 64]).unwrap(), 13);
        near.send(b"back").unwrap();
        assert_eq!(far.recv(&mut [0; 64]).unwrap(), 4);
    });
}

#[test]
fn a_peer_that_is_not_there_is_told_of_once() {
    on_each_hub_jumping(|_| {
        let (near, _) = bound();
        near.connect(bound().1).unwrap();
        near.send(b"hello?").unwrap();
        let error = near.recv(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        near.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let error = near.recv(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn what_is_too_large_or_has_no_address_is_refused() {
    on_each_hub(|| {
        let (near, at) = bound();
        let error = near.send_to(&[0; 70_000], at).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        for error in [
            near.send_to(b"x", &[][..]).unwrap_err(),
            near.send_to(b"x", "nowhere").unwrap_err(),
            near.connect(&[][..]).unwrap_err(),
            UdpSocket::bind("nowhere").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        let error = UdpSocket::bind(at).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        // Broadcasting has to be asked for.
        let all = (Ipv4Addr::BROADCAST, at.port());
        let error = near.send_to(b"x", all).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn names_are_looked_up() {
    on_each_hub(|| {
        let (near, at) = bound();
        let (far, _) = bound();
        let sent = far.send_to(b"to a name", ("localhost", at.port()));
        // The name may stand for the v6 address first, which a v4 socket cannot send to.
        match sent {
            Ok(_) => assert_eq!(near.recv(&mut [0; 64]).unwrap(), 9),
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EAFNOSUPPORT), "{error}"),
        }
        near.connect(("localhost", at.port())).unwrap();
        assert_eq!(
            near.peer_addr().unwrap(),
            at,
            "the one that the system accepts"
        );
    });
}

#[test]
fn options() {
    on_each_hub(|| {
        let (near, at) = bound();
        assert!(!near.broadcast().unwrap());
        near.set_broadcast(true).unwrap();
        assert!(near.broadcast().unwrap());
        near.set_ttl(17).unwrap();
        assert_eq!(near.ttl().unwrap(), 17);
        assert_eq!(near.multicast_ttl_v4().unwrap(), 1);
        near.set_multicast_ttl_v4(2).unwrap();
        assert_eq!(near.multicast_ttl_v4().unwrap(), 2);
        assert!(near.multicast_loop_v4().unwrap());
        near.set_multicast_loop_v4(false).unwrap();
        assert!(!near.multicast_loop_v4().unwrap());
        assert!(near.take_error().unwrap().is_none());
        assert!(format!("{near:?}").contains(&at.port().to_string()));
        near.wait_writable().unwrap();
    });
}

#[test]
fn a_multicast_group_on_the_loopback() {
    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 13, 37);

    on_each_hub_jumping(|_| {
        let far = UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = far.local_addr().unwrap().port();
        let (near, near_at) = bound();
        far.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
        SockRef::from(&near)
            .set_multicast_if_v4(&Ipv4Addr::LOCALHOST)
            .unwrap();
        if let Err(error) = near.send_to(b"to all", (GROUP, port)) {
            eprintln!("SKIPPED: no multicast on this machine's loopback: {error}");
            return;
        }
        assert_eq!(far.recv_from(&mut [0; 64]).unwrap(), (6, near_at));
        far.leave_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)
            .unwrap();
        near.send_to(b"to all", (GROUP, port)).unwrap();
        far.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let error = far.recv_from(&mut [0; 64]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let again = far.leave_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST);
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AddrNotAvailable);
    });
}

#[test]
fn a_multicast_group_of_v6() {
    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0xe1e2, 7);

    on_each_hub(|| {
        if !has_ipv6() {
            return;
        }
        let socket = UdpSocket::bind("[::]:0").unwrap();
        assert!(socket.multicast_loop_v6().unwrap());
        socket.set_multicast_loop_v6(false).unwrap();
        assert!(!socket.multicast_loop_v6().unwrap());
        if let Err(error) = socket.join_multicast_v6(&GROUP, 0) {
            eprintln!("SKIPPED: no interface for a v6 group on this machine: {error}");
            return;
        }
        socket.leave_multicast_v6(&GROUP, 0).unwrap();
        socket.leave_multicast_v6(&GROUP, 0).unwrap_err();
    });
}

#[test]
fn one_sends_while_another_receives_on_one_socket() {
    const COUNT: usize = 2000;

    on_each_hub(|| {
        let ((near, near_at), (far, far_at)) = (bound(), bound());
        let echo = spawn(move || {
            let mut into = [0; 16];
            for _ in 0..COUNT {
                let (length, peer) = far.recv_from(&mut into).unwrap();
                far.send_to(&into[..length], peer).unwrap();
            }
        });
        let out = near.try_clone().unwrap();
        let back = Rc::new(Cell::new(0));
        let answered = Rc::clone(&back);
        let sender = spawn(move || {
            for number in 0..COUNT {
                // The kernel drops what it has no room for; so not more than a few at once.
                until(|| number < answered.get() + 16);
                out.send_to(&number.to_ne_bytes(), far_at).unwrap();
            }
        });
        for number in 0..COUNT {
            let mut into = [0; 8];
            let (length, _) = near.recv_from(&mut into).unwrap();
            assert_eq!((length, usize::from_ne_bytes(into)), (8, number));
            back.set(number + 1);
        }
        sender.join().unwrap();
        echo.join().unwrap();
        assert_eq!(near.local_addr().unwrap(), near_at);
    });
}

#[test]
fn there_and_back_to_std() {
    on_each_hub(|| {
        let (near, near_at) = bound();
        let clone = near.try_clone().unwrap();
        assert_eq!(near.into_std().unwrap_err().kind(), ErrorKind::ResourceBusy);
        let blocking = clone.into_std().unwrap();
        // Windows does not tell.
        #[cfg(unix)]
        assert!(!SockRef::from(&blocking).nonblocking().unwrap());
        assert_eq!(stats().descriptors, 0);
        let near = UdpSocket::from_std(blocking).unwrap();
        near.send_to(b"to myself", near_at).unwrap();
        assert_eq!(near.recv(&mut [0; 64]).unwrap(), 9);
    });
}

/// What `std` has no method for, with a crate that has.
#[test]
fn other_calls_through_the_std_type() {
    on_each_hub(|| {
        let ((near, near_at), (far, far_at)) = (bound(), bound());
        let reader = spawn(move || {
            let mut into = Vec::with_capacity(16);
            let mut receive = |socket: &std::net::UdpSocket| {
                SockRef::from(socket).recv_from(into.spare_capacity_mut())
            };
            far.read_with(&mut receive).unwrap()
        });
        until_parked(&reader);
        let slices = [std::io::IoSlice::new(b"in "), std::io::IoSlice::new(b"two")];
        let sent = near
            .write_with(|socket| SockRef::from(socket).send_to_vectored(&slices, &far_at.into()));
        assert_eq!(sent.unwrap(), 6);
        let (length, from) = reader.join().unwrap();
        assert_eq!((length, from.as_socket()), (6, Some(near_at)));
    });
}
