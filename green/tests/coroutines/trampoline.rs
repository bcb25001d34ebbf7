//! Waiting for descriptors that are not this crate's.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::support::{on_each_hub, pair, until_parked};
use eventlet_green::{Interest, JoinError, sleep, spawn, stats, trampoline};

#[test]
fn a_pipe_becomes_readable() {
    on_each_hub(|| {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let waiter = spawn(move || {
            trampoline(&reader, Interest::READABLE, None).unwrap();
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            byte[0]
        });
        until_parked(&waiter);
        assert_eq!(stats().descriptors, 1);
        writer.write_all(b"x").unwrap();
        assert_eq!(waiter.join().unwrap(), b'x');
        assert_eq!(stats().descriptors, 0);
    });
}

#[test]
fn the_end_of_a_pipe_is_readable_too() {
    on_each_hub(|| {
        let (reader, writer) = io::pipe().unwrap();
        let waiter = spawn(move || trampoline(&reader, Interest::READABLE, None));
        until_parked(&waiter);
        drop(writer);
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn both_directions_at_once() {
    on_each_hub(|| {
        let (near, mut far) = UnixStream::pair().unwrap();
        trampoline(&near, Interest::BOTH, None).unwrap();
        // Not writable any more: readable alone has to do.
        near.set_nonblocking(true).unwrap();
        while (&near).write(&[0; 4096]).is_ok() {}
        let waiter = spawn(move || {
            trampoline(&near, Interest::BOTH, None).unwrap();
            (&near).read(&mut [0; 8]).unwrap()
        });
        until_parked(&waiter);
        far.write_all(b"abc").unwrap();
        assert_eq!(waiter.join().unwrap(), 3);
    });
}

#[test]
fn a_green_socket_that_is_registered_already() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let waiter = spawn(move || {
            trampoline(&near, Interest::READABLE, None).unwrap();
            (&near).read(&mut [0; 8]).unwrap()
        });
        until_parked(&waiter);
        far.write_all(b"ab").unwrap();
        assert_eq!(waiter.join().unwrap(), 2);
    });
}

#[test]
fn a_regular_file() {
    on_each_hub(|| {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let limit = Some(Duration::from_secs(30));
        let outcome = trampoline(&file, Interest::READABLE, limit);
        // The `polling` package goes by epoll as well.
        if ["epoll", "polling"].contains(&stats().hub) {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(stats().hub), "{error}");
        } else {
            outcome.unwrap();
        }
        assert_eq!(stats().descriptors, 0);
    });
}

#[test]
fn two_wait_for_one_descriptor() {
    on_each_hub(|| {
        // Each has a duplicate, so they do not get in each other's way.
        let (reader, mut writer) = io::pipe().unwrap();
        let other = reader.try_clone().unwrap();
        let first = spawn(move || trampoline(&reader, Interest::READABLE, None));
        let second = spawn(move || trampoline(&other, Interest::READABLE, None));
        until_parked(&first);
        until_parked(&second);
        writer.write_all(b"x").unwrap();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
    });
}

#[test]
fn one_killed_does_not_take_the_other_with_it() {
    on_each_hub(|| {
        let (reader, mut writer) = io::pipe().unwrap();
        let other = reader.try_clone().unwrap();
        let first = spawn(move || trampoline(&reader, Interest::READABLE, None));
        let second = spawn(move || trampoline(&other, Interest::READABLE, None));
        until_parked(&first);
        until_parked(&second);
        first.kill().unwrap();
        assert!(matches!(first.join(), Err(JoinError::Killed)));
        writer.write_all(b"x").unwrap();
        second.join().unwrap().unwrap();
    });
}

#[test]
fn a_descriptor_closed_meanwhile_does_no_harm() {
    on_each_hub(|| {
        let (reader, writer) = io::pipe().unwrap();
        let waiter = spawn(move || {
            let limit = Some(Duration::from_millis(1));
            trampoline(&reader, Interest::READABLE, limit).map_err(|error| error.kind())
        });
        until_parked(&waiter);
        assert_eq!(waiter.join().unwrap(), Err(ErrorKind::TimedOut));
        sleep(Duration::from_nanos(1));
        drop(writer);
    });
}
