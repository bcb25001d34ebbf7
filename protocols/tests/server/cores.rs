//! A server on several threads: all of them serve, all of them stop, busy ones finish or are broken
//! off, and what goes wrong on one is told.

use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use eventlet_green::cores::{Builder, LoopsError, Sharing};
use eventlet_green::net::TcpStream;
use eventlet_green::net::unix::UnixStream;
use eventlet_green::{cross, hubs, testing};
use eventlet_protocols::server::{Body, Cores, RequestBody, Server};
use http::{Request, Response};

use crate::support::{Client, Watchdog, path};

const HOUR: Duration = Duration::from_secs(3600);
const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

/// Runs the body under each hub, in a fresh loop, with each way of sharing that this system has.
fn in_each_way(body: fn(Builder)) {
    for hub in hubs() {
        for sharing in [Sharing::ReusePort, Sharing::HandOver] {
            if sharing == Sharing::ReusePort && !cfg!(target_os = "linux") {
                eprintln!("SKIPPED: SO_REUSEPORT does not balance on this system");
                continue;
            }
            let _watchdog = Watchdog::new(&format!("{hub} {sharing:?}"));
            testing::run(|| body(Builder::new().threads(2).hub(hub).sharing(sharing)));
        }
    }
}

fn connect(servers: &Cores) -> Client {
    Client::connect(servers.local_addr().unwrap())
}

#[test]
fn all_of_them_serve() {
    in_each_way(|builder| {
        let seen: Arc<Mutex<HashSet<ThreadId>>> = Arc::default();
        let made = Arc::new(AtomicUsize::new(0));
        let (theirs, count) = (Arc::clone(&seen), Arc::clone(&made));
        let is_balanced = format!("{builder:?}").contains("ReusePort");
        let servers = Cores::serve(builder, "127.0.0.1:0", move || {
            count.fetch_add(1, Ordering::Relaxed);
            let seen = Arc::clone(&theirs);
            Server::new(move |_: Request<RequestBody>| {
                seen.lock().unwrap().insert(thread::current().id());
                Response::new(Body::from("hello"))
            })
        })
        .unwrap();
        let mut clients: Vec<_> = (0..100).map(|_| connect(&servers)).collect();
        for client in &mut clients {
            assert_eq!(client.ask(GET).text(), "hello");
        }
        let statuses = servers.status().unwrap();
        assert_eq!(statuses.len(), 2);
        assert_eq!(
            statuses.iter().map(|status| status.open).sum::<usize>(),
            100
        );
        assert_eq!(
            statuses.iter().map(|status| status.requests).sum::<u64>(),
            100
        );
        let seen = seen.lock().unwrap();
        assert!(!seen.contains(&thread::current().id()));
        assert!(seen.len() == 2 || !is_balanced);
        drop(seen);
        // They are idle: a stop closes them at once, without any grace.
        servers.stop();
        for client in &mut clients {
            client.expect_end();
        }
        let address = servers.local_addr().unwrap();
        servers.join().unwrap();
        assert_eq!(made.load(Ordering::Relaxed), 2);
        assert!(TcpStream::connect(address).is_err());
    });
}

/// Servers whose answer to a request for `/slow` waits for a word of the test's.
fn gated(builder: Builder) -> (Cores, cross::Sender<()>, cross::Receiver<()>) {
    let (go, gate) = cross::unbounded::<()>();
    let (begin, begun) = cross::unbounded::<()>();
    let servers = Cores::serve(builder, "127.0.0.1:0", move || {
        let (gate, begin) = (gate.clone(), begin.clone());
        Server::new(move |request: Request<RequestBody>| {
            if request.uri().path() == "/slow" {
                begin.send(()).unwrap();
                gate.recv().unwrap();
            }
            Response::new(Body::from("done"))
        })
    });
    (servers.unwrap(), go, begun)
}

#[test]
fn busy_ones_finish_on_every_thread() {
    in_each_way(|builder| {
        let (servers, go, begun) = gated(builder.grace(HOUR));
        let mut clients: Vec<_> = (0..20).map(|_| connect(&servers)).collect();
        for client in &mut clients {
            client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
            begun.recv().unwrap();
        }
        let busy = |servers: &Cores| {
            let statuses = servers.status().unwrap();
            statuses.iter().map(|status| status.busy).sum::<usize>()
        };
        assert_eq!(busy(&servers), 20);
        servers.stopper().stop();
        for _ in &clients {
            go.send(()).unwrap();
        }
        for client in &mut clients {
            let reply = client.reply();
            assert_eq!(reply.text(), "done");
            assert!(reply.is_closing());
            client.expect_end();
        }
        servers.join().unwrap();
    });
}

#[test]
fn without_grace_they_are_broken_off() {
    in_each_way(|builder| {
        let (servers, _go, begun) = gated(builder);
        let mut client = connect(&servers);
        client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        begun.recv().unwrap();
        servers.stop();
        servers.join().unwrap();
        // Whether as an end or as a reset: there is no answer.
        assert!(client.rest().unwrap_or_default().is_empty());
    });
}

#[test]
fn dropping_it_stops_them() {
    in_each_way(|builder| {
        let servers = Cores::serve(builder, "127.0.0.1:0", || Server::new(path)).unwrap();
        let mut client = connect(&servers);
        assert_eq!(client.ask(GET).text(), "/x");
        drop(servers);
        client.expect_end();
    });
}

#[test]
fn a_unix_socket_is_accepted_from_by_all() {
    in_each_way(|builder| {
        let folder = std::env::temp_dir();
        let file = folder.join(format!("eventlet-cores-{}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let listener = std::os::unix::net::UnixListener::bind(&file).unwrap();
        let make = || {
            Server::new(|request: Request<RequestBody>| {
                Response::new(Body::from(request.body().peer().to_string()))
            })
        };
        let none = Cores::serve_unix(builder.clone(), 0, &listener, make);
        assert_eq!(none.unwrap_err().kind(), ErrorKind::InvalidInput);
        let servers = Cores::serve_unix(builder, 2, &listener, make).unwrap();
        drop(listener);
        assert_eq!(servers.local_addr(), None);
        let mut clients: Vec<_> = (0..20)
            .map(|_| Client::over(UnixStream::connect(&file).unwrap()))
            .collect();
        for client in &mut clients {
            assert_eq!(client.ask(GET).text(), "unix:");
        }
        let statuses = servers.status().unwrap();
        assert_eq!(statuses.iter().map(|status| status.open).sum::<usize>(), 20);
        servers.stop();
        servers.join().unwrap();
        for client in &mut clients {
            client.expect_end();
        }
        let refused = UnixStream::connect(&file).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        std::fs::remove_file(&file).unwrap();
    });
}

/// A server that cannot be made is told by `join`; the others are stopped.
#[test]
fn a_thread_that_fails_stops_the_others() {
    in_each_way(|builder| {
        let count = AtomicUsize::new(0);
        let servers = Cores::serve(builder, "127.0.0.1:0", move || {
            if count.fetch_add(1, Ordering::Relaxed) == 1 {
                panic!("out of servers");
            }
            Server::new(path)
        })
        .unwrap();
        let Err(LoopsError::Panicked(panics)) = servers.join() else {
            panic!("it did not fail");
        };
        assert_eq!(panics.len(), 1);
    });
}

#[test]
fn what_cannot_be_served_is_refused() {
    in_each_way(|builder| {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let refused = Cores::serve(builder.clone(), address, || Server::new(path));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::AddrInUse);
        let refused = Cores::serve(builder.threads(0), "127.0.0.1:0", || Server::new(path));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

/// A thread that has no loop of its own asks and waits as well.
#[test]
fn from_a_thread_without_a_loop() {
    let _watchdog = Watchdog::new("from_a_thread_without_a_loop");
    let servers = Cores::serve(Builder::new().threads(2), "127.0.0.1:0", || {
        Server::new(path)
    })
    .unwrap();
    let mut client = std::net::TcpStream::connect(servers.local_addr().unwrap()).unwrap();
    std::io::Write::write_all(&mut client, b"GET /x HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("/x"));
    let requests: u64 = servers.status().unwrap().iter().map(|s| s.requests).sum();
    assert_eq!(requests, 1);
    servers.stop();
    servers.join().unwrap();
}
