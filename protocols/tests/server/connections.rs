//! How many connections there may be, what happens when there are more, and serving a connection
//! that the program has accepted itself.

use std::fs::File;
use std::io::{ErrorKind, Write};

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{spawn, stats, yield_now};
use eventlet_protocols::server::{Config, Server};

use crate::support::{
    Client, Running, child, is_child, on_each_hub, on_each_hub_jumping, path, until,
};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

fn limited(connections: usize) -> Config {
    let mut config = Config::new();
    config.connections = connections;
    config
}

#[test]
fn beyond_the_limit_wait_their_turn() {
    on_each_hub(|| {
        let server = Running::with(limited(2), path);
        let mut first = server.connect();
        let mut second = server.connect();
        let mut third = server.connect();
        let mut fourth = server.connect();
        third.send(GET);
        fourth.send(GET);
        assert_eq!(first.ask(GET).text(), "/x");
        assert_eq!(second.ask(GET).text(), "/x");
        for _ in 0..1000 {
            yield_now();
        }
        let status = server.handle.status();
        assert_eq!((status.open, status.accepted), (2, 2));
        drop(second);
        assert_eq!(third.reply().text(), "/x");
        assert_eq!(server.handle.status().accepted, 3);
        assert_eq!(first.ask(GET).text(), "/x");
        drop(first);
        assert_eq!(fourth.reply().text(), "/x");
        drop((third, fourth));
        server.end();
    });
}

/// A panic or a kill gives the place back like an ordinary end.
#[test]
fn a_place_is_given_back_however_a_connection_ends() {
    on_each_hub(|| {
        let server = Running::with(limited(1), |request: http::Request<_>| {
            let request: http::Request<eventlet_protocols::server::RequestBody> = request;
            assert_ne!(request.uri().path(), "/panic");
            http::Response::new("fine")
        });
        for _ in 0..3 {
            let panic = b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n";
            assert_eq!(server.ask_once(panic).status, 500);
            assert_eq!(server.ask_once(b"nonsense\r\n\r\n").status, 400);
            let mut client = server.connect();
            client.send("GET / HTTP/1.1\r\nHo");
            drop(client);
            let mut client = server.connect();
            assert_eq!(client.ask(GET).text(), "fine");
        }
        server.end();
    });
}

#[test]
fn any_number_is_a_limit() {
    on_each_hub(|| {
        for connections in [0, 1, usize::MAX] {
            let server = Running::with(limited(connections), path);
            assert_eq!(server.connect().ask(GET).text(), "/x");
            server.end();
        }
    });
}

/// Out of descriptors, the server waits until there are some; in a process of its own.
#[test]
fn a_shortage_of_descriptors_is_survived() {
    if !is_child() {
        let test = "connections::a_shortage_of_descriptors_is_survived";
        let output = child(test, Some(64)).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    on_each_hub_jumping(|_| {
        let server = Running::new(path);
        assert_eq!(server.connect().ask(GET).text(), "/x");
        server.until_open(0);
        for _ in 0..3 {
            let mut hoard = hoard();
            // Room for the client's side, and none for the server's.
            hoard.pop();
            let mut client = server.connect();
            client.send(GET);
            eventlet_green::sleep(std::time::Duration::from_secs(5));
            assert!(server.is_serving());
            assert_eq!(server.handle.status().open, 0);
            drop(hoard);
            assert_eq!(client.reply().text(), "/x");
            drop(client);
            server.until_open(0);
        }
        server.end();
    });
}

/// Descriptors until there are no more.
fn hoard() -> Vec<File> {
    let mut hoard = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => hoard.push(file),
            Err(error) => {
                // EMFILE, which has no kind of its own.
                assert_eq!(error.raw_os_error(), Some(24), "{error}");
                return hoard;
            }
        }
    }
}

/// `select` holds no descriptor beyond 1023: such a connection is turned away, the server stays.
#[cfg(feature = "hub-select")]
#[test]
fn a_connection_that_the_hub_cannot_hold_is_turned_away() {
    const TEST: &str = "connections::a_connection_that_the_hub_cannot_hold_is_turned_away";
    const BEYOND: usize = 1100;
    if !is_child() {
        let output = child(TEST, Some(2048)).output().unwrap();
        if String::from_utf8_lossy(&output.stderr).contains("ulimit") {
            // Not `eprintln`, which the test harness catches.
            let text = format!("SKIPPED {TEST}: 2048 descriptors are not allowed here\n");
            let _ = std::io::stderr().write_all(text.as_bytes());
            return;
        }
        assert!(output.status.success(), "{output:?}");
        return;
    }
    on_each_hub_jumping(|_| {
        if stats().hub != "select" {
            return;
        }
        let server = Running::new(path);
        let mut hoard: Vec<_> = (0..BEYOND)
            .map(|_| File::open("/dev/null").unwrap())
            .collect();
        // A low number for the client, a high one for the server.
        drop(hoard.swap_remove(0));
        let mut client = server.connect();
        match client.rest() {
            Ok(nothing) => assert!(nothing.is_empty()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        assert!(server.is_serving());
        drop(client);
        drop(hoard);
        assert_eq!(server.connect().ask(GET).text(), "/x");
        server.end();
    });
}

#[test]
fn a_program_can_accept_by_itself() {
    on_each_hub(|| {
        let server = Server::new(path);
        let handle = server.handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = spawn(move || {
            for _ in 0..2 {
                let (stream, _) = listener.accept().unwrap();
                server.serve_connection(stream).unwrap();
            }
        });
        let mut client = Client::connect(address);
        assert_eq!(client.ask(GET).text(), "/x");
        assert_eq!(client.ask(GET).text(), "/x");
        assert_eq!(handle.status().open, 1);
        drop(client);
        until(|| handle.status().open == 0);

        // A stop ends it, although there is no coroutine to kill that is the server's.
        let mut client = Client::connect(address);
        assert_eq!(client.ask(GET).text(), "/x");
        handle.stop(std::time::Duration::from_secs(3600));
        client.expect_end();
        accepting.join().unwrap();
        assert_eq!(handle.status().accepted, 2);
    });
}

#[test]
fn a_peer_that_is_gone_is_an_error_for_who_accepts() {
    on_each_hub(|| {
        let server = Server::new(path);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.close().unwrap();
        let error = server.serve_connection(stream).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        drop(client);
    });
}

#[test]
fn one_server_serves_two_listeners() {
    on_each_hub(|| {
        let server = std::rc::Rc::new(Server::new(path));
        let handle = server.handle();
        let mut addresses = Vec::new();
        let serving: Vec<_> = (0..2)
            .map(|_| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                addresses.push(listener.local_addr().unwrap());
                let server = std::rc::Rc::clone(&server);
                spawn(move || server.serve(listener))
            })
            .collect();
        let mut clients: Vec<_> = addresses
            .iter()
            .map(|&address| Client::connect(address))
            .collect();
        for client in &mut clients {
            assert_eq!(client.ask(GET).text(), "/x");
        }
        assert_eq!(handle.status().open, 2);
        handle.stop(std::time::Duration::from_secs(3600));
        for serving in serving {
            serving.join().unwrap().unwrap();
        }
        for client in &mut clients {
            client.expect_end();
        }
    });
}
