//! A process that has run out of descriptors: errors that say so, and a server that recovers.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream as StdStream;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use eventlet_green::net::unix::{UnixDatagram, UnixListener, UnixStream};
use eventlet_green::net::{TcpListener, TcpStream, UdpSocket, tcp_server};
use eventlet_green::{sleep, spawn, stats};
use support::{in_children, sys, until};

const LIMIT: u64 = 64;

/// Runs the body in a process of its own with few descriptors, under each hub.
fn with_few(test: &str, body: fn()) {
    in_children(test, || {
        sys::limit_descriptors(LIMIT);
        body();
    });
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
    with_few("each_operation_says_so", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = StdStream::connect(address).unwrap();
        let mut taken = take_all();
        assert_exhausted(listener.accept());
        assert_exhausted(TcpListener::bind("127.0.0.1:0"));
        assert_exhausted(TcpStream::connect(address));
        let readable = eventlet_green::Interest::READABLE;
        assert_exhausted(eventlet_green::trampoline(&client, readable, None));
        for outcome in [
            UdpSocket::bind("127.0.0.1:0").map(drop),
            UnixStream::pair().map(drop),
            UnixDatagram::unbound().map(drop),
            eventlet_green::io::pipe().map(drop),
        ] {
            assert_exhausted(outcome);
        }
        taken.pop();
        // One is not enough for two.
        assert_exhausted(UnixStream::pair());
        assert_exhausted(eventlet_green::io::pipe());
        let (stream, _) = listener.accept().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), client.local_addr().unwrap());
    });
}

#[test]
fn a_server_goes_on_when_there_are_some_again() {
    with_few("a_server_goes_on_when_there_are_some_again", || {
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

/// The pause of a server that is short of descriptors does not put off its end.
#[test]
fn a_server_that_waits_for_some_can_be_closed() {
    with_few("a_server_that_waits_for_some_can_be_closed", || {
        let path = std::env::temp_dir().join(format!("eventlet-emfile-{}", std::process::id()));
        let unix = UnixListener::bind(&path).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let (unix_closer, tcp_closer) = (unix.try_clone().unwrap(), tcp.try_clone().unwrap());
        // The first close in a process opens a file.
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.close().unwrap();
        let _clients = (
            StdUnixStream::connect(&path).unwrap(),
            StdStream::connect(tcp.local_addr().unwrap()).unwrap(),
        );
        std::fs::remove_file(path).unwrap();
        let taken = take_all();
        let servers = [
            spawn(move || unix.accept_patiently().map(drop)),
            spawn(move || tcp.accept_patiently().map(drop)),
        ];
        until(|| stats().timers == 2);
        let second = spawn({
            let clone = unix_closer.try_clone().unwrap();
            move || clone.accept_patiently().map(drop).unwrap_err().kind()
        });
        // One waits already, in its pause as well as in the kernel.
        assert_eq!(second.join().unwrap(), ErrorKind::ResourceBusy);
        unix_closer.close().unwrap();
        tcp_closer.close().unwrap();
        for server in servers {
            let error = server.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotConnected);
        }
        assert_eq!(stats().timers, 0);
        drop(taken);
    });
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn no_hub_can_be_opened() {
    with_few("no_hub_can_be_opened", || {
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
