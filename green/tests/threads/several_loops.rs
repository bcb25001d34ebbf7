//! Several threads, each with a loop of its own.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread;

use crate::support::{Watchdog, assert_nothing_is_left, on_each_hub};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{current_id, hubs, spawn, stats, use_hub};

#[test]
fn two_threads_talk() {
    for (server_hub, client_hub) in hubs().flat_map(|a| hubs().map(move |b| (a, b))) {
        let _watchdog = Watchdog::new(server_hub);
        let (tell, address) = mpsc::channel();
        let server = thread::spawn(move || {
            use_hub(server_hub).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let handlers: Vec<_> = (0..20)
                .map(|_| {
                    let (stream, _) = listener.accept().unwrap();
                    spawn(move || std::io::copy(&mut &stream, &mut &stream).unwrap())
                })
                .collect();
            let total: u64 = handlers.into_iter().map(|h| h.join().unwrap()).sum();
            drop(listener);
            assert_nothing_is_left();
            total
        });
        let address = address.recv().unwrap();
        let client = thread::spawn(move || {
            use_hub(client_hub).unwrap();
            let handles: Vec<_> = (0..20_u8)
                .map(|number| {
                    spawn(move || {
                        let mut stream = TcpStream::connect(address).unwrap();
                        for _ in 0..50 {
                            stream.write_all(&[number; 100]).unwrap();
                            let mut got = [0; 100];
                            stream.read_exact(&mut got).unwrap();
                            assert_eq!(got, [number; 100]);
                        }
                    })
                })
                .collect();
            for handle in handles {
                handle.join().unwrap();
            }
            assert_nothing_is_left();
        });
        client.join().unwrap();
        assert_eq!(server.join().unwrap(), 20 * 50 * 100);
    }
}

#[test]
fn each_counts_for_itself() {
    on_each_hub(|| {
        let first = spawn(current_id);
        let id = first.id();
        let elsewhere = thread::spawn(|| {
            let other = spawn(current_id);
            let id = other.id();
            assert_eq!(stats().coroutines, 1);
            assert_eq!(other.join().unwrap(), id);
            id
        });
        assert_eq!(elsewhere.join().unwrap(), id);
        assert_eq!(first.join().unwrap(), id);
    });
}

#[test]
fn a_connection_moves_between_threads_as_a_std_one() {
    on_each_hub(|| {
        let (near, mut far) = crate::support::pair();
        let moved = near.into_std().unwrap();
        let elsewhere = thread::spawn(move || {
            let mut stream = TcpStream::from_std(moved).unwrap();
            stream.write_all(b"from there").unwrap();
        });
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "from there");
        elsewhere.join().unwrap();
    });
}
