//! One connection with much to move does not hold the others up.

use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;

use eventlet_green::{offload, spawn, yield_now};
use eventlet_protocols::server::{Body, RequestBody};
use http::{Request, Response};

use crate::support::{Running, on_each_hub};

/// The sockets of a loopback hold more than this, so nobody has to wait for room.
const LENGTH: usize = 1 << 20;

/// Somebody else has a turn at least this often in that time.
const TURNS: u64 = 8;

/// A coroutine that counts its turns, as long as there is something to be counted.
fn counter() -> Rc<Cell<u64>> {
    let turns = Rc::new(Cell::new(0));
    let counted = Rc::downgrade(&turns);
    spawn(move || {
        while let Some(turns) = counted.upgrade() {
            turns.set(turns.get() + 1);
            drop(turns);
            yield_now();
        }
    });
    turns
}

#[test]
fn others_have_their_turn_while_an_answer_is_written() {
    on_each_hub(|| {
        for piece in [1 << 14, LENGTH] {
            let had = Rc::new(Cell::new(0));
            let noted = Rc::clone(&had);
            let server = Running::new(move |_: Request<RequestBody>| {
                let noted = Rc::clone(&noted);
                Response::new(Body::sized_stream(LENGTH as u64, move |sink| {
                    let turns = counter();
                    let bytes = vec![b'x'; piece];
                    for _ in 0..LENGTH / piece {
                        sink.write_all(&bytes)?;
                    }
                    noted.set(turns.get());
                    Ok(())
                }))
            });
            let mut client = server.connect();
            let reply = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(reply.body.len(), LENGTH);
            assert!(had.get() >= TURNS, "{} turns", had.get());
            drop(client);
            server.end();
        }
    });
}

#[test]
fn others_have_their_turn_while_a_body_is_read() {
    on_each_hub(|| {
        let had = Rc::new(Cell::new(0));
        let noted = Rc::clone(&had);
        let server = Running::new(move |request: Request<RequestBody>| {
            // All of it is there before it is looked at.
            let turns = counter();
            let mut bytes = vec![0; 1 << 14];
            let mut body = request.into_body();
            while body.read(&mut bytes).unwrap() > 0 {}
            noted.set(turns.get());
            Response::new(Body::from("read"))
        });
        let address = server.address;
        // From another thread, which needs no turn of this one.
        let answer = offload(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            let head = format!(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {LENGTH}\r\n\r\n"
            );
            let message = [head.as_bytes(), &vec![b'x'; LENGTH]].concat();
            stream.write_all(&message).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            answer
        });
        assert!(answer.unwrap().ends_with(b"read"));
        assert!(had.get() >= TURNS, "{} turns", had.get());
        server.end();
    });
}
