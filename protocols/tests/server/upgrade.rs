//! Connections that go over to another protocol: who gets one, and what he gets. What is refused is
//! in `upgrade_refusals`, deadlines, stops and the log are in `upgrade_endings`.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use eventlet_green::net::TcpListener;
use eventlet_green::{spawn, stats};
use eventlet_protocols::server::{Body, RequestBody, Server, Upgraded};
use http::{Request, Response, StatusCode, header};

use crate::support::{Reply, Running, on_each_hub, until};

pub const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, UPGRADE\r\n\
    Upgrade: echo\r\n\r\n";

/// A response that gives the connection away.
pub fn switch(takeover: impl FnOnce(Upgraded) -> io::Result<()> + 'static) -> Response<Body> {
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "echo")
        .body(Body::upgrade(takeover))
        .unwrap()
}

pub fn copy_back(connection: Upgraded) -> io::Result<()> {
    io::copy(&mut &connection, &mut &connection).map(drop)
}

pub fn echo(_: Request<RequestBody>) -> Response<Body> {
    switch(copy_back)
}

#[track_caller]
pub fn is_switched(reply: &Reply) {
    assert_eq!(reply.line, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(reply.field("upgrade"), Some("echo"));
    assert_eq!(reply.field("connection"), Some("upgrade"));
    assert_eq!(reply.field("content-length"), None);
    assert_eq!(reply.field("transfer-encoding"), None);
}

#[test]
fn the_connection_is_the_handlers() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        for round in 0..3 {
            client.send(format!("round {round}"));
            client.expect(&format!("round {round}"));
        }
        let status = server.handle.status();
        assert_eq!((status.open, status.busy), (1, 1));
        client.finish();
        client.expect_end();
        drop(client);
        server.end();
    });
}

/// Whatever is read together with what: the request, what follows it, and both in pieces.
#[test]
fn bytes_that_came_with_the_request_are_handed_on() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let all = format!("{ASK}GET / is no request here");
        for cut in 0..=all.len() {
            let mut client = server.connect();
            client.send(&all[..cut]);
            eventlet_green::testing::settle();
            client.send(&all[cut..]);
            is_switched(&client.reply());
            client.expect("GET / is no request here");
            client.finish();
            client.expect_end();
        }
        server.end();
    });
}

/// More of them than the function asks for at once, and more than a buffer holds.
#[test]
fn many_such_bytes_in_small_reads() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            switch(|mut connection| {
                let mut piece = [0; 7];
                loop {
                    assert_eq!((&connection).read(&mut []).unwrap(), 0);
                    match connection.read(&mut piece)? {
                        0 => return Ok(()),
                        count => connection.write_all(&piece[..count])?,
                    }
                }
            })
        });
        let text = "0123456789".repeat(5000);
        let mut client = server.connect();
        client.send(format!("{ASK}{text}"));
        is_switched(&client.reply());
        client.expect(&text);
        client.finish();
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn answers_to_earlier_requests_go_first() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            match request.headers().contains_key(header::UPGRADE) {
                true => echo(request),
                false => Response::new(Body::from("plain")),
            }
        });
        let mut client = server.connect();
        let plain = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
        client.send(format!("{plain}{plain}{ASK}tunnel"));
        assert_eq!(client.reply().text(), "plain");
        assert_eq!(client.reply().text(), "plain");
        is_switched(&client.reply());
        client.expect("tunnel");
        drop(client);
        server.end();
    });
}

#[test]
fn connect_makes_a_tunnel() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            assert_eq!(request.uri().authority().unwrap(), "example.org:443");
            Response::new(Body::upgrade(copy_back))
        });
        let mut client = server.connect();
        client.send("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\nearly ");
        let reply = client.head();
        assert_eq!(reply.status, 200);
        for absent in ["connection", "content-length", "transfer-encoding"] {
            assert_eq!(reply.field(absent), None, "{absent}");
        }
        client.send("late");
        client.expect("early late");
        client.finish();
        client.expect_end();
        drop(client);
        server.end();
    });
}

/// One coroutine reads while another writes; a second of a kind is refused; clones are the same.
#[test]
fn both_ways_at_once() {
    on_each_hub(|| {
        let refused = Rc::new(Cell::new(0));
        let seen = Rc::clone(&refused);
        let server = Running::new(move |_: Request<RequestBody>| {
            let refused = Rc::clone(&seen);
            switch(move |connection| {
                let reading = connection.clone();
                let reader = spawn(move || {
                    let mut got = [0; 4];
                    (&reading).read_exact(&mut got).map(|()| got)
                });
                let again = connection.clone();
                let writer = spawn(move || (&again).write_all(&[b'x'; 4_000_000]));
                eventlet_green::testing::until_parked(&reader);
                eventlet_green::testing::until_parked(&writer);
                let busy =
                    |kind| refused.set(refused.get() + i32::from(kind == ErrorKind::ResourceBusy));
                busy((&connection).read(&mut [0]).unwrap_err().kind());
                busy((&connection).write(b"x").unwrap_err().kind());
                writer.join().unwrap()?;
                assert_eq!(&reader.join().unwrap()?, b"done");
                Ok(())
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        // The server's writer waits for room, its reader for data.
        until(|| refused.get() == 2);
        let all = client.take(4_000_000);
        assert!(all.iter().all(|&byte| byte == b'x'));
        client.send("done");
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn half_closed_either_way() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            switch(|connection| {
                (&connection).write_all(b"bye")?;
                (&connection).flush()?;
                connection.finish_writing()?;
                let mut rest = String::new();
                (&connection).read_to_string(&mut rest)?;
                assert_eq!(rest, "still here");
                assert_eq!(
                    (&connection).write(b"x").unwrap_err().kind(),
                    ErrorKind::BrokenPipe
                );
                Ok(())
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        client.expect("bye");
        client.expect_end();
        client.send("still here");
        client.finish();
        drop(client);
        server.end();
    });
}

/// The end of the function is the end of the connection, whoever has a handle.
#[test]
fn handles_that_are_left_find_it_closed() {
    on_each_hub(|| {
        let left = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&left);
        let woken = Rc::new(Cell::new(None));
        let noted = Rc::clone(&woken);
        let server = Running::new(move |_: Request<RequestBody>| {
            let (kept, noted) = (Rc::clone(&kept), Rc::clone(&noted));
            switch(move |connection| {
                let reading = connection.clone();
                let reader = spawn(move || {
                    noted.set(Some((&reading).read(&mut [0]).unwrap_err().kind()));
                });
                eventlet_green::testing::until_parked(&reader);
                *kept.borrow_mut() = Some(connection);
                Ok(())
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        client.expect_end();
        until(|| woken.get() == Some(ErrorKind::NotConnected));
        let connection = left.take().unwrap();
        let kind = |outcome: io::Result<usize>| outcome.unwrap_err().kind();
        assert_eq!(kind((&connection).read(&mut [0])), ErrorKind::NotConnected);
        assert_eq!(kind((&connection).write(b"x")), ErrorKind::NotConnected);
        let finished = connection.finish_writing().unwrap_err();
        assert_eq!(finished.kind(), ErrorKind::NotConnected);
        connection.close();
        connection.on_stop(|| panic!("it has ended before"));
        assert_eq!(connection.peer().ip_addr(), client.stream.local_addr().ok());
        assert!(format!("{connection:?}").contains("open: false"));
        drop(client);
        server.end();
    });
}

#[test]
fn closing_wakes_whoever_waits() {
    on_each_hub(|| {
        let server = Running::new(|_: Request<RequestBody>| {
            switch(|connection| {
                let reading = connection.clone();
                let reader = spawn(move || (&reading).read(&mut [0]));
                eventlet_green::testing::until_parked(&reader);
                connection.close();
                let woken = reader.join().unwrap().unwrap_err();
                assert_eq!(woken.kind(), ErrorKind::NotConnected);
                Ok(())
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        client.expect_end();
        drop(client);
        server.end();
    });
}

/// At each byte of what goes either way, by an end of the stream and by a reset.
#[test]
fn a_client_that_vanishes_leaves_nothing() {
    on_each_hub(|| {
        let server = Running::new(echo);
        server.until_open(0);
        let before = stats().descriptors;
        let all = format!("{ASK}tunnel");
        for cut in 0..=all.len() {
            let mut client = server.connect();
            client.send(&all[..cut]);
            drop(client);
            server.until_open(0);
            assert_eq!(stats().descriptors, before);
        }
        for taken in [0, 1, 12, 30, 90] {
            let mut client = server.connect();
            client.send(&all);
            client.take(taken);
            client.send("more");
            drop(client);
            server.until_open(0);
            assert_eq!(stats().descriptors, before);
        }
        server.end();
    });
}

#[test]
fn in_the_callers_own_coroutine() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = spawn(move || {
            let mut client = crate::support::Client::connect(address);
            is_switched(&client.ask(ASK));
            client.send("mine");
            client.expect("mine");
            client.finish();
            client.expect_end();
        });
        let (stream, _) = listener.accept().unwrap();
        Server::new(echo).serve_connection(stream).unwrap();
        client.join().unwrap();
    });
}
