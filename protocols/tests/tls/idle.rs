//! What an idle connection costs: the heap of a server's thread, measured, and held to a limit.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::testing::Watchdog;
use eventlet_green::{cross, spawn, stats};
use eventlet_protocols::server::Server;
use eventlet_protocols::tls::{TlsAcceptor, TlsConnector};

use crate::support::site::{ask, get, path_and_body};
use crate::support::{Authority, HOST, until};

/// Connections that are counted.
const MANY: usize = 100;

/// At most so many bytes of heap for each that idles; beside them it has its socket in the kernel. It
/// is the keys and the state of both directions, in rustls, and some hundred bytes of the server's;
/// with a single buffer of a record it would be 16 KiB more.
const MOST_EACH: u64 = 6 * 1024;

/// Clients on a thread of their own, so that only the server is counted: connections that have asked
/// once and are kept until told.
fn clients(address: SocketAddr, connector: TlsConnector) -> cross::Sender<()> {
    let (keep, kept) = cross::bounded(0);
    let (say, said) = cross::bounded(1);
    thread::spawn(move || {
        let clients: Vec<_> = (0..MANY)
            .map(|_| {
                let stream = TcpStream::connect(address).unwrap();
                let client = connector.connect(HOST, stream).unwrap();
                assert_eq!(ask(&client, get("/x")), "/x");
                client
            })
            .collect();
        say.send(()).unwrap();
        // Until the sender is dropped.
        let _ = kept.recv();
        drop(clients);
    });
    said.recv().unwrap();
    keep
}

#[test]
fn an_idle_connection_holds_little() {
    let _watchdog = Watchdog::new("an idle connection");
    let authority = Authority::new();
    let acceptor = TlsAcceptor::new(authority.identity(HOST)).unwrap();
    let server = Server::new(path_and_body);
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = spawn(move || server.serve_tls(listener, acceptor));
    // The pools and tables are made by the first.
    let warm = clients(address, authority.connector());
    until(|| stats().coroutines == 1);
    let measure = || {
        let mut keep = None;
        let counted = allocation_counter::measure(|| {
            keep = Some(clients(address, authority.connector()));
            until(|| stats().coroutines == 1);
        });
        (keep, counted)
    };
    let (keep, counted) = measure();
    assert_eq!(handle.status().open, 2 * MANY);
    let each = counted.bytes_current as u64 / MANY as u64;
    println!("an idle HTTPS connection holds {each} bytes of heap");
    assert!(each <= MOST_EACH, "{each} bytes each");
    drop((keep, warm));
    until(|| handle.status().open == 0);
    handle.stop(std::time::Duration::ZERO);
    serving.join().unwrap().unwrap();
}

/// Nothing is left of what a client and a server of a connection have held.
#[test]
fn nothing_is_left_of_a_connection() {
    let _watchdog = Watchdog::new("nothing is left");
    let pair = crate::support::Pair::new();
    let once = || {
        let (client, server) = pair.in_memory();
        (&client).write_all(&[1; 1000]).unwrap();
        (&server).read_exact(&mut [0; 1000]).unwrap();
    };
    for _ in 0..5 {
        once();
    }
    let counted = allocation_counter::measure(|| {
        for _ in 0..20 {
            once();
        }
    });
    // Tickets that the client keeps for later, a bounded number of them.
    assert!(counted.bytes_current < 64 * 1024, "{counted:?}");
}
