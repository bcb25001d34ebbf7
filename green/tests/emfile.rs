//! A process that has run out of descriptors: errors that say so, and a server that recovers.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream as StdStream;
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream, tcp_server};
use eventlet_green::{hubs, sleep, spawn, stats};
use support::{Watchdog, assert_nothing_is_left, assert_success, is_child, run_child, sys, until};

const LIMIT: u64 = 64;

/// Runs the body in a process of its own with few descriptors, under each hub.
fn in_children(test: &str, body: fn()) {
    if is_child() {
        let _watchdog = Watchdog::new("child");
        stats();
        sys::limit_descriptors(LIMIT);
        body();
        assert_nothing_is_left();
        return;
    }
    for hub in hubs() {
        assert_success(&run_child(test, hub));
    }
}

/// Takes all the descriptors there are.
fn take_all() -> Vec<std::fs::File> {
    std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect()
}

fn assert_exhausted<T>(outcome: std::io::Result<T>) {
    let error = outcome.err().expect("no descriptor is left");
    assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
}

#[test]
fn each_operation_says_so() {
    in_children("each_operation_says_so", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = StdStream::connect(address).unwrap();
        let mut taken = take_all();
        assert_exhausted(listener.accept());
        assert_exhausted(TcpListener::bind("127.0.0.1:0"));
        assert_exhausted(TcpStream::connect(address));
        let readable = eventlet_green::Interest::READABLE;
        assert_exhausted(eventlet_green::trampoline(&client, readable, None));
        taken.pop();
        let (stream, _) = listener.accept().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), client.local_addr().unwrap());
    });
}

#[test]
fn a_server_goes_on_when_there_are_some_again() {
    in_children("a_server_goes_on_when_there_are_some_again", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closer = listener.try_clone().unwrap();
        let server = spawn(|| {
            tcp_server(listener, |mut stream, _| {
                let _ = stream.write_all(b"served");
            })
        });
        let mut client = StdStream::connect(address).unwrap();
        let taken = take_all();
        // The server has tried, and sleeps.
        until(|| stats().timers == 1);
        sleep(Duration::from_millis(1));
        assert!(!server.is_finished());
        drop(taken);
        let answer = eventlet_green::offload(move || {
            let mut text = String::new();
            client.read_to_string(&mut text).map(|_| text)
        });
        assert_eq!(answer.unwrap().unwrap(), "served");
        closer.close().unwrap();
        server.join().unwrap().unwrap();
    });
}

#[test]
fn no_hub_can_be_opened() {
    in_children("no_hub_can_be_opened", || {
        let taken = take_all();
        let outcome = std::thread::spawn(|| eventlet_green::init().unwrap_err().to_string());
        let text = outcome.join().unwrap();
        assert!(text.contains("cannot be opened"), "{text}");
        drop(taken);
        std::thread::spawn(|| eventlet_green::init().unwrap())
            .join()
            .unwrap();
    });
}
