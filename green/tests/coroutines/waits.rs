//! Each wait of each kind of descriptor: killed, out of time, closed, refused to a second, refused
//! while unwinding. What TCP does is in `kill.rs`, `tcp_deadlines.rs`, `close.rs`, `one_waiter.rs`.

use std::any::Any;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::support::sockets::{TempDir, fill};
use crate::support::{on_each_hub_jumping, until_parked};
use eventlet_green::io::{Descriptor, PipeReader, PipeWriter, pipe};
use eventlet_green::net::unix::{UnixDatagram, UnixListener, UnixStream};
use eventlet_green::net::{TcpListener, TcpStream, UdpSocket};
use eventlet_green::{JoinError, ParkError, spawn, stats, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// An operation that waits for ever, and what can be done about it.
struct Case {
    name: &'static str,
    wait: Box<dyn Fn() -> io::Result<()>>,
    limit: Box<dyn Fn(Option<Duration>) -> io::Result<()>>,
    close: Box<dyn Fn() -> io::Result<()>>,
    _kept: Box<dyn Any>,
}

/// A case: the descriptor, what sets its limit, the operation, and what must live meanwhile.
macro_rules! case {
    ($name:expr, $of:expr, $limit:ident, $kept:expr, $wait:expr) => {{
        let of = Rc::new($of);
        let [first, second, third] = [&of, &of, &of].map(Rc::clone);
        let wait = $wait;
        Case {
            name: $name,
            wait: Box::new(move || wait(&*first)),
            limit: Box::new(move |limit| second.$limit(limit)),
            close: Box::new(move || third.close()),
            _kept: Box::new($kept),
        }
    }};
}

fn read(mut from: impl Read) -> io::Result<()> {
    from.read(&mut [0; 8]).map(drop)
}

fn read_vectored(mut from: impl Read) -> io::Result<()> {
    from.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])])
        .map(drop)
}

fn write(mut to: impl Write) -> io::Result<()> {
    to.write(b"more").map(drop)
}

fn write_vectored(mut to: impl Write) -> io::Result<()> {
    to.write_vectored(&[IoSlice::new(b"more")]).map(drop)
}

fn udp() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

fn udp_cases() -> Vec<Case> {
    let connected = udp();
    connected.connect(connected.local_addr().unwrap()).unwrap();
    vec![
        case!(
            "udp recv",
            connected,
            set_read_timeout,
            (),
            |s: &UdpSocket| { s.recv(&mut [0; 8]).map(drop) }
        ),
        case!(
            "udp recv_from",
            udp(),
            set_read_timeout,
            (),
            |s: &UdpSocket| { s.recv_from(&mut [0; 8]).map(drop) }
        ),
        case!("udp peek", udp(), set_read_timeout, (), |s: &UdpSocket| {
            s.peek(&mut [0; 8]).map(drop)
        }),
        case!(
            "udp peek_from",
            udp(),
            set_read_timeout,
            (),
            |s: &UdpSocket| { s.peek_from(&mut [0; 8]).map(drop) }
        ),
        case!(
            "udp read_with",
            udp(),
            set_read_timeout,
            (),
            |s: &UdpSocket| { s.read_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into())) }
        ),
    ]
}

fn unix_stream_cases() -> Vec<Case> {
    let pair = || UnixStream::pair().unwrap();
    let full = || {
        let (near, far) = pair();
        fill(&near);
        (near, far)
    };
    let ((a, a2), (b, b2), (c, c2), (d, d2), (e, e2)) = (pair(), pair(), pair(), full(), full());
    vec![
        case!("unix read", a, set_read_timeout, a2, |s: &UnixStream| read(
            s
        )),
        case!(
            "unix read_vectored",
            b,
            set_read_timeout,
            b2,
            |s: &UnixStream| { read_vectored(s) }
        ),
        case!("unix peek", c, set_read_timeout, c2, |s: &UnixStream| {
            s.peek(&mut [0]).map(drop)
        }),
        case!("unix write", d, set_write_timeout, d2, |s: &UnixStream| {
            write(s)
        }),
        case!(
            "unix write_vectored",
            e,
            set_write_timeout,
            e2,
            |s: &UnixStream| { write_vectored(s) }
        ),
    ]
}

fn listener_cases() -> Vec<Case> {
    let folder = TempDir::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| UnixListener::bind(folder.path(name)).unwrap());
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    vec![
        case!(
            "unix accept",
            a,
            set_accept_timeout,
            (),
            |s: &UnixListener| { s.accept().map(drop) }
        ),
        case!(
            "unix patiently",
            b,
            set_accept_timeout,
            (),
            |s: &UnixListener| { s.accept_patiently().map(drop) }
        ),
        case!(
            "unix incoming",
            c,
            set_accept_timeout,
            folder,
            |s: &UnixListener| { s.incoming().next().unwrap().map(drop) }
        ),
        case!(
            "tcp patiently",
            tcp,
            set_accept_timeout,
            (),
            |s: &TcpListener| { s.accept_patiently().map(drop) }
        ),
    ]
}

fn unix_datagram_cases() -> Vec<Case> {
    let pair = || UnixDatagram::pair().unwrap();
    let ((a, a2), (b, b2), (c, c2), (d, d2)) = (pair(), pair(), pair(), pair());
    while d.try_with(|s| s.send(b"x")).is_ok() {}
    let folder = TempDir::new();
    let path = folder.path("full");
    let receiver = UnixDatagram::bind(&path).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    while sender.try_with(|s| s.send_to(b"x", &path)).is_ok() {}
    vec![
        case!(
            "datagram recv",
            a,
            set_read_timeout,
            a2,
            |s: &UnixDatagram| { s.recv(&mut [0; 8]).map(drop) }
        ),
        case!(
            "datagram recv_from",
            b,
            set_read_timeout,
            b2,
            |s: &UnixDatagram| { s.recv_from(&mut [0; 8]).map(drop) }
        ),
        case!(
            "datagram peek",
            c,
            set_read_timeout,
            c2,
            |s: &UnixDatagram| { s.peek(&mut [0; 8]).map(drop) }
        ),
        case!(
            "datagram send",
            d,
            set_write_timeout,
            d2,
            |s: &UnixDatagram| { s.send(b"x").map(drop) }
        ),
        case!(
            "datagram send_to",
            sender,
            set_write_timeout,
            (receiver, folder),
            move |s: &UnixDatagram| s.send_to(b"x", &path).map(drop)
        ),
    ]
}

fn other_cases() -> Vec<Case> {
    let (reader, writer) = pipe().unwrap();
    let (held, full) = pipe().unwrap();
    fill(&full);
    let descriptors = || {
        let (near, far) = io::pipe().unwrap();
        [near.into(), far.into()].map(|fd: std::os::fd::OwnedFd| Descriptor::new(fd).unwrap())
    };
    let ([a, a2], [b2, b]) = (descriptors(), descriptors());
    fill(&b);
    vec![
        case!(
            "pipe read",
            reader,
            set_read_timeout,
            writer,
            |s: &PipeReader| read(s)
        ),
        case!(
            "pipe write",
            full,
            set_write_timeout,
            held,
            |s: &PipeWriter| write(s)
        ),
        case!(
            "descriptor read",
            a,
            set_read_timeout,
            a2,
            |s: &Descriptor| read(s)
        ),
        case!(
            "descriptor write",
            b,
            set_write_timeout,
            b2,
            |s: &Descriptor| write(s)
        ),
    ]
}

fn every_case() -> impl Iterator<Item = Rc<Case>> {
    [
        udp_cases,
        unix_stream_cases,
        listener_cases,
        unix_datagram_cases,
        other_cases,
    ]
    .into_iter()
    .flat_map(|cases| cases())
    .map(Rc::new)
}

#[test]
fn a_kill_ends_it_and_leaves_the_seat_free() {
    on_each_hub_jumping(|_| {
        for case in every_case() {
            for _ in 0..2 {
                let theirs = Rc::clone(&case);
                let waiter = spawn(move || (theirs.wait)());
                until_parked(&waiter);
                waiter.kill().unwrap();
                let killed = matches!(waiter.join(), Err(JoinError::Killed));
                assert!(killed, "{}", case.name);
            }
        }
    });
}

#[test]
fn its_time_limit_and_a_scope_around_it() {
    on_each_hub_jumping(|_| {
        for case in every_case() {
            let start = eventlet_green::now();
            let scope = timeout(SECOND, || (case.wait)());
            assert!(scope.unwrap_err().is_elapsed(), "{}", case.name);
            assert_eq!(eventlet_green::now() - start, SECOND, "{}", case.name);
            (case.limit)(Some(2 * SECOND)).unwrap();
            for round in 0..2 {
                let start = eventlet_green::now();
                let error = (case.wait)().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::TimedOut, "{} {round}", case.name);
                assert_eq!(eventlet_green::now() - start, 2 * SECOND, "{}", case.name);
            }
            let error = (case.limit)(Some(Duration::ZERO)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", case.name);
        }
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn a_second_waiter_is_refused() {
    on_each_hub_jumping(|_| {
        for case in every_case() {
            let theirs = Rc::clone(&case);
            let first = spawn(move || (theirs.wait)());
            until_parked(&first);
            let error = (case.wait)().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ResourceBusy, "{}", case.name);
            first.kill().unwrap();
            first.join().unwrap_err();
        }
    });
}

#[test]
fn a_close_ends_it_at_once() {
    on_each_hub_jumping(|_| {
        for case in every_case() {
            let theirs = Rc::clone(&case);
            let waiter = spawn(move || (theirs.wait)().unwrap_err().kind());
            until_parked(&waiter);
            let start = eventlet_green::now();
            (case.close)().unwrap();
            assert_eq!(
                waiter.join().unwrap(),
                ErrorKind::NotConnected,
                "{}",
                case.name
            );
            assert_eq!(eventlet_green::now(), start, "{}", case.name);
            let late = (case.wait)().unwrap_err();
            assert_eq!(late.kind(), ErrorKind::NotConnected, "{}", case.name);
            (case.close)().unwrap();
        }
    });
}

#[test]
fn in_a_destructor_it_is_refused() {
    struct AtDrop<'a>(&'a Case);

    impl Drop for AtDrop<'_> {
        fn drop(&mut self) {
            let error = (self.0.wait)().unwrap_err();
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            assert!(
                matches!(inner, Some(ParkError::Unwinding)),
                "{}: {error}",
                self.0.name
            );
        }
    }

    on_each_hub_jumping(|_| {
        for case in every_case() {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let _at_drop = AtDrop(&case);
                panic!("on purpose");
            }));
            assert!(outcome.is_err());
        }
    });
}

/// `std` would wait too: there is nothing to read, not even nothing.
#[test]
fn a_read_of_no_bytes_has_its_time_limit_too() {
    on_each_hub_jumping(|_| {
        let (near, _far) = crate::support::pair();
        let check = |mut near: &TcpStream| {
            near.set_read_timeout(Some(SECOND)).unwrap();
            near.read(&mut []).unwrap_err().kind()
        };
        assert_eq!(check(&near), ErrorKind::TimedOut);
    });
}
