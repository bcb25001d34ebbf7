//! Connecting with several addresses, a local address, and limits: RFC 8305 on the loopback, with a
//! clock that jumps. Attempts that are never answered meet a listener whose queue is full.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use crate::support::sockets::{BlackHole, dead_port, has_ipv6};
use crate::support::{on_each_hub_jumping, until_parked};
use eventlet_green::net::{
    CONNECTION_ATTEMPT_DELAY, ConnectError, ConnectOptions, MIN_CONNECTION_ATTEMPT_DELAY,
    TcpListener, TcpStream,
};
use eventlet_green::{JoinError, now, spawn, stats, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// How long it takes to connect, and to whom.
fn connect(addresses: &[SocketAddr]) -> (Duration, std::io::Result<SocketAddr>) {
    let start = now();
    let outcome = TcpStream::connect(addresses).and_then(|stream| stream.peer_addr());
    (now() - start, outcome)
}

#[test]
fn an_address_may_be_given_in_each_form() {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
    on_each_hub_jumping(|_| {
        let (listener, address) = listen();
        let (ip, port) = (Ipv4Addr::LOCALHOST, address.port());
        let outcomes = [
            TcpStream::connect(address),
            TcpStream::connect(SocketAddrV4::new(ip, port)),
            TcpStream::connect((ip, port)),
            TcpStream::connect((IpAddr::V4(ip), port)),
            TcpStream::connect((ip.to_string(), port)),
            TcpStream::connect((ip.to_string().as_str(), port)),
            TcpStream::connect(format!("{ip}:{port}")),
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap().peer_addr().unwrap(), address);
            listener.accept().unwrap();
        }
        if !has_ipv6() {
            return;
        }
        let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let form = SocketAddrV6::new(Ipv6Addr::LOCALHOST, address.port(), 0, 0);
        let stream = TcpStream::connect(form).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
    });
}

#[track_caller]
fn attempts(error: &std::io::Error) -> Vec<(SocketAddr, ErrorKind)> {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let all: &ConnectError = inner.unwrap_or_else(|| panic!("of one address: {error}"));
    let kinds = all.attempts().iter().map(|(at, error)| (*at, error.kind()));
    kinds.collect()
}

#[test]
fn the_next_is_tried_beside_one_that_does_not_answer() {
    on_each_hub_jumping(|_| {
        let (holes, (listener, good)) = ([BlackHole::new(), BlackHole::new()], listen());
        let before = stats().descriptors;
        let all = [holes[0].address(), holes[1].address(), good];
        let (took, peer) = connect(&all);
        assert_eq!(peer.unwrap(), good);
        assert_eq!(took, 2 * CONNECTION_ATTEMPT_DELAY);
        assert_eq!(stats().descriptors, before, "the others were given up");
        assert_eq!(stats().timers, 0);
        drop(listener);
    });
}

#[test]
fn the_first_that_answers_is_the_only_one_tried() {
    on_each_hub_jumping(|_| {
        let ((_first, first), (second, behind)) = (listen(), listen());
        let (took, peer) = connect(&[first, behind]);
        assert_eq!((took, peer.unwrap()), (Duration::ZERO, first));
        second.set_accept_timeout(Some(SECOND)).unwrap();
        let nobody = second.accept().unwrap_err();
        assert_eq!(nobody.kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn after_a_failure_the_next_is_tried_at_once() {
    on_each_hub_jumping(|_| {
        let (hole, (_listener, good)) = (BlackHole::new(), listen());
        let (took, peer) = connect(&[dead_port(), dead_port(), good]);
        assert_eq!((took, peer.unwrap()), (Duration::ZERO, good));
        // The second one fails when its turn has come, and then the third is not waited for.
        let (took, peer) = connect(&[hole.address(), dead_port(), good]);
        assert_eq!((took, peer.unwrap()), (CONNECTION_ATTEMPT_DELAY, good));
    });
}

#[test]
fn the_families_take_turns() {
    on_each_hub_jumping(|_| {
        if !has_ipv6() {
            return;
        }
        let (hole, another) = (BlackHole::new(), BlackHole::new());
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let six = listener.local_addr().unwrap();
        // The v6 one comes before the second v4 one.
        let (took, peer) = connect(&[hole.address(), another.address(), six]);
        assert_eq!((took, peer.unwrap()), (CONNECTION_ATTEMPT_DELAY, six));
        // The first one's family is the first.
        let (took, peer) = connect(&[six, hole.address()]);
        assert_eq!((took, peer.unwrap()), (Duration::ZERO, six));
        drop(listener);
        let (took, outcome) = connect(&[six, dead_port()]);
        let tried = attempts(&outcome.unwrap_err());
        assert_eq!(took, Duration::ZERO);
        assert_eq!((tried.len(), tried[0].0), (2, six));
    });
}

#[test]
fn when_all_fail_the_error_names_each() {
    on_each_hub_jumping(|_| {
        let all = [dead_port(), dead_port(), dead_port()];
        let (_, outcome) = connect(&all);
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(
            attempts(&error),
            all.map(|at| (at, ErrorKind::ConnectionRefused))
        );
        for address in all {
            assert!(error.to_string().contains(&address.to_string()), "{error}");
        }
        let inner = error.get_ref().unwrap();
        assert!(inner.source().is_some());
        // One alone is the system's own error, with its number.
        let (_, alone) = connect(&all[..1]);
        assert_eq!(alone.unwrap_err().raw_os_error(), Some(libc::ECONNREFUSED));
        let (_, none) = connect(&[]);
        assert_eq!(none.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn one_limit_for_all_of_it() {
    on_each_hub_jumping(|_| {
        let holes = [(); 4].map(|()| BlackHole::new());
        let limit = 2 * CONNECTION_ATTEMPT_DELAY + CONNECTION_ATTEMPT_DELAY / 2;
        let mut all = vec![dead_port()];
        all.extend(holes.iter().map(BlackHole::address));
        let before = stats().descriptors;
        let start = now();
        let outcome = ConnectOptions::new().timeout(limit).connect(&all[..]);
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(now() - start, limit);
        assert_eq!(stats().descriptors, before);
        let tried = attempts(&error);
        assert_eq!(tried.len(), 5, "{error}");
        assert_eq!(tried[0], (all[0], ErrorKind::ConnectionRefused));
        let text = error.to_string();
        assert_eq!(text.matches("no answer in time").count(), 3, "{text}");
        assert_eq!(text.matches("not tried").count(), 1, "{text}");
        // Names count too; one that is found quickly is connected to.
        let (_listener, address) = listen();
        let stream = ConnectOptions::new()
            .timeout(3600 * SECOND)
            .connect(("localhost", address.port()));
        // The clock may jump while another thread looks the name up.
        if let Err(error) = stream {
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        }
    });
}

#[test]
fn a_kill_or_a_scope_gives_all_attempts_up() {
    on_each_hub_jumping(|_| {
        let holes = [(); 3].map(|()| BlackHole::new());
        let all: Vec<_> = holes.iter().map(BlackHole::address).collect();
        let before = stats().descriptors;
        let theirs = all.clone();
        let victim = spawn(move || TcpStream::connect(&theirs[..]).map(drop));
        until_parked(&victim);
        eventlet_green::sleep(2 * SECOND);
        assert_eq!(stats().descriptors, before + 3, "all three run");
        victim.kill().unwrap();
        assert!(matches!(victim.join(), Err(JoinError::Killed)));
        assert_eq!((stats().descriptors, stats().timers), (before, 0));
        let late = timeout(SECOND, || TcpStream::connect(&all[..]).map(drop));
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!((stats().descriptors, stats().timers), (before, 0));
    });
}

#[test]
fn another_delay_between_attempts() {
    on_each_hub_jumping(|_| {
        let (hole, (_listener, good)) = (BlackHole::new(), listen());
        let mut options = ConnectOptions::new();
        let start = now();
        options.attempt_delay(MIN_CONNECTION_ATTEMPT_DELAY);
        options.connect(&[hole.address(), good][..]).unwrap();
        assert_eq!(now() - start, MIN_CONNECTION_ATTEMPT_DELAY);
        options.attempt_delay(MIN_CONNECTION_ATTEMPT_DELAY - Duration::from_nanos(1));
        let error = options.connect(good).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let error = ConnectOptions::default()
            .timeout(Duration::ZERO)
            .connect(good)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn from_a_local_address() {
    on_each_hub_jumping(|_| {
        let (listener, address) = listen();
        let mut options = ConnectOptions::new();
        // All of 127/8 is this machine on Linux; elsewhere only the first is.
        let last = if cfg!(target_os = "linux") { 2 } else { 1 };
        options.local_address(([127, 0, 0, last], 0).into());
        let stream = options.connect(address).unwrap();
        let (_, peer) = listener.accept().unwrap();
        assert_eq!(peer, stream.local_addr().unwrap());
        assert_eq!(peer.ip(), std::net::Ipv4Addr::new(127, 0, 0, last));
        options.local_address("[::1]:0".parse().unwrap());
        let error = options.connect(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        // An address that is not this machine's (TEST-NET-1, RFC 5737).
        options.local_address(([192, 0, 2, 1], 0).into());
        let error = options.connect(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    });
}
