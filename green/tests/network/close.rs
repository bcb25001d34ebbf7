//! Closing a socket under those who use it.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;

use crate::support::{flood, on_each_hub, pair, sys, until_parked};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{spawn, stats};

#[test]
fn a_reader_is_told_at_once() {
    on_each_hub(|| {
        let (near, far) = pair();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        let reader = spawn(move || (&*theirs).read(&mut [0]).unwrap_err().kind());
        until_parked(&reader);
        near.close().unwrap();
        assert!(
            !reader.is_finished(),
            "it is only queued: the closer goes on first"
        );
        assert_eq!(reader.join().unwrap(), ErrorKind::NotConnected);
        // The peer sees the end of the stream although a handle lives.
        assert_eq!((&far).read(&mut [0]).unwrap(), 0);
        drop(near);
    });
}

#[test]
fn a_writer_is_told_at_once() {
    on_each_hub(|| {
        let (near, _far) = pair();
        let clone = near.try_clone().unwrap();
        let writer = spawn(move || (&clone).write_all(&flood()).unwrap_err().kind());
        until_parked(&writer);
        near.close().unwrap();
        assert_eq!(writer.join().unwrap(), ErrorKind::NotConnected);
    });
}

#[test]
fn reader_and_writer_are_both_told() {
    on_each_hub(|| {
        let (near, _far) = pair();
        let near = Rc::new(near);
        let [a, b] = [0; 2].map(|_| Rc::clone(&near));
        let reader = spawn(move || (&*a).read(&mut [0]).unwrap_err().kind());
        let writer = spawn(move || (&*b).write_all(&flood()).unwrap_err().kind());
        until_parked(&reader);
        until_parked(&writer);
        near.close().unwrap();
        assert_eq!(reader.join().unwrap(), ErrorKind::NotConnected);
        assert_eq!(writer.join().unwrap(), ErrorKind::NotConnected);
    });
}

#[test]
fn an_acceptor_is_told_and_the_port_is_free_again() {
    on_each_hub(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let theirs = Rc::clone(&listener);
        let acceptor = spawn(move || theirs.accept().map(drop).unwrap_err().kind());
        until_parked(&acceptor);
        listener.close().unwrap();
        assert_eq!(acceptor.join().unwrap(), ErrorKind::NotConnected);
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let again = TcpListener::bind(address).unwrap();
        assert_eq!(again.local_addr().unwrap(), address);
        let late = listener.accept().map(drop).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::NotConnected);
        assert!(listener.incoming().next().unwrap().is_err());
    });
}

#[test]
fn the_number_stays_taken_while_a_handle_lives() {
    on_each_hub(|| {
        let (near, _far) = pair();
        let clone = near.try_clone().unwrap();
        let number = near.as_raw_fd();
        near.close().unwrap();
        assert_eq!(near.as_fd().as_raw_fd(), number);
        assert!(sys::is_open(number) && sys::is_close_on_exec(number));
        // Whatever is opened next gets another number, and is not disturbed by the old handles.
        let (mut other, mut peer) = pair();
        assert_ne!(other.as_raw_fd(), number);
        assert_ne!(peer.as_raw_fd(), number);
        drop(near);
        assert!(sys::is_open(number), "the clone has it");
        drop(clone);
        other.write_all(b"x").unwrap();
        peer.read_exact(&mut [0]).unwrap();
    });
}

#[test]
fn closing_again_does_nothing() {
    on_each_hub(|| {
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        near.close().unwrap();
        near.close().unwrap();
        clone.close().unwrap();
        assert_eq!(stats().descriptors, 1, "the peer's");
        let error = clone.into_std().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        assert_eq!(near.into_std().unwrap_err().kind(), ErrorKind::NotConnected);
        drop(far);
    });
}

#[test]
fn either_order_of_the_ends() {
    on_each_hub(|| {
        for near_first in [true, false] {
            let (near, far) = pair();
            let (first, second) = if near_first { (near, far) } else { (far, near) };
            drop(first);
            assert_eq!((&second).read(&mut [0]).unwrap(), 0);
            second.close().unwrap();
        }
    });
}

#[test]
fn a_recycled_number_gets_no_old_events() {
    on_each_hub(|| {
        for _ in 0..200 {
            let (near, mut far) = pair();
            far.write_all(b"late").unwrap();
            // Closed with an event on its way; the next one gets the same number.
            drop(near);
            let (fresh, _peer) = pair();
            let reader = spawn(move || {
                let error = (&fresh).read(&mut [0]).unwrap_err();
                (error.kind(), fresh)
            });
            until_parked(&reader);
            reader.kill().unwrap();
            assert!(reader.join().is_err());
        }
    });
}
