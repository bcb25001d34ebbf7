//! Time limits of single operations on sockets: an error, nothing unwinds, the socket works further.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use crate::support::{flood, on_each_hub, on_each_hub_jumping, pair};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{Interest, sleep, spawn, stats, timeout, trampoline};
use eventlet_runloop::{Clock, ManualClock, Time};

const SECOND: Duration = Duration::from_secs(1);

fn elapsed(clock: &ManualClock) -> Duration {
    clock.now() - Time::ORIGIN
}

#[test]
fn of_a_read() {
    on_each_hub_jumping(|clock| {
        let (mut near, mut far) = pair();
        near.set_read_timeout(Some(SECOND)).unwrap();
        assert_eq!(near.read_timeout(), Some(SECOND));
        for round in 1..=3 {
            let error = near.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(elapsed(clock), round * SECOND);
        }
        assert_eq!(near.peek(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        far.write_all(b"xy").unwrap();
        assert_eq!(near.read(&mut [0; 8]).unwrap(), 2);
        near.set_read_timeout(None).unwrap();
        let later = spawn(move || {
            sleep(100 * SECOND);
            far.write_all(b"z").unwrap();
        });
        assert_eq!(near.read(&mut [0; 8]).unwrap(), 1);
        later.join().unwrap();
    });
}

#[test]
fn of_a_write() {
    on_each_hub_jumping(|clock| {
        let (mut near, mut far) = pair();
        near.set_write_timeout(Some(SECOND)).unwrap();
        assert_eq!(near.write_timeout(), Some(SECOND));
        let error = near.write_all(&flood()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        // Each write has its own second, and the kernel may find room for some more.
        assert!(elapsed(clock) >= SECOND);
        near.set_write_timeout(None).unwrap();
        let reader = spawn(move || {
            let mut got = Vec::new();
            far.read_to_end(&mut got).unwrap();
            got
        });
        near.write_all(b"the rest").unwrap();
        drop(near);
        assert!(reader.join().unwrap().ends_with(b".the rest"));
    });
}

#[test]
fn of_an_accept() {
    on_each_hub_jumping(|clock| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listener.accept_timeout(), None);
        listener.set_accept_timeout(Some(SECOND)).unwrap();
        assert_eq!(listener.accept_timeout(), Some(SECOND));
        let error = listener.accept().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(elapsed(clock), SECOND);
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(stream.read_timeout(), None, "not inherited");
    });
}

#[test]
fn of_a_foreign_descriptor() {
    on_each_hub_jumping(|clock| {
        let foreign = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = trampoline(&foreign, Interest::READABLE, Some(SECOND)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(elapsed(clock), SECOND);
        assert_eq!((stats().timers, stats().descriptors), (0, 0));
    });
}

/// A socket sets a timer once in a while, not once a wait.
#[test]
fn many_waits_make_one_timer() {
    on_each_hub_jumping(|_| {
        let (mut near, far) = pair();
        let echo = spawn(move || std::io::copy(&mut &far, &mut &far).unwrap());
        near.set_read_timeout(Some(SECOND)).unwrap();
        for _ in 0..1000 {
            near.write_all(b"x").unwrap();
            near.read_exact(&mut [0]).unwrap();
            assert!(stats().timers <= 1);
        }
        // A shorter limit than the one that stands counts from the next wait on.
        near.set_read_timeout(Some(SECOND / 10)).unwrap();
        let start = eventlet_green::now();
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(eventlet_green::now() - start, SECOND / 10);
        drop(near);
        assert_eq!(echo.join().unwrap(), 1000);
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn zero_is_refused() {
    on_each_hub(|| {
        let (near, _far) = pair();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let zero = Some(Duration::ZERO);
        for outcome in [
            near.set_read_timeout(zero),
            near.set_write_timeout(zero),
            listener.set_accept_timeout(zero),
        ] {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(near.read_timeout(), None, "unchanged");
    });
}

#[test]
fn clones_share_them() {
    on_each_hub(|| {
        let (near, _far) = pair();
        let clone = near.try_clone().unwrap();
        near.set_read_timeout(Some(SECOND)).unwrap();
        assert_eq!(clone.read_timeout(), Some(SECOND));
    });
}

#[test]
fn whichever_is_first_of_a_deadline_and_a_scope() {
    on_each_hub_jumping(|_| {
        let (near, _far) = pair();
        near.set_read_timeout(Some(SECOND)).unwrap();
        let inner = timeout(2 * SECOND, || (&near).read(&mut [0]).map_err(|e| e.kind()));
        assert_eq!(inner, Ok(Err(ErrorKind::TimedOut)));
        near.set_read_timeout(Some(3 * SECOND)).unwrap();
        let outer = timeout(2 * SECOND, || (&near).read(&mut [0]).map_err(|e| e.kind()));
        assert!(outer.unwrap_err().is_elapsed());
        assert!(
            stats().timers <= 1,
            "the socket may keep one for its next wait"
        );
        drop(near);
        assert_eq!(stats().timers, 0);
    });
}

#[test]
fn a_write_after_a_timed_out_read_wakes_nobody_else() {
    on_each_hub_jumping(|clock| {
        let (mut near, far) = pair();
        near.set_read_timeout(Some(SECOND)).unwrap();
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        let sleeper = spawn(|| sleep(10 * SECOND));
        let echo = spawn(move || std::io::copy(&mut &far, &mut &far).unwrap());
        near.write_all(b"x").unwrap();
        near.read_exact(&mut [0]).unwrap();
        assert!(!sleeper.is_finished());
        drop(near);
        assert_eq!(echo.join().unwrap(), 1);
        sleeper.join().unwrap();
        assert_eq!(elapsed(clock), 11 * SECOND);
    });
}
