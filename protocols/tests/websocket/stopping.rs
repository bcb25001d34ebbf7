//! A stop of the server: who speaks WebSocket is told, answers, and is done; who does not is killed at
//! the deadline. Others do not notice each other.

use std::time::Duration;

use eventlet_green::testing::{on_each_hub_jumping, until};
use eventlet_green::{now, sleep, spawn};
use eventlet_protocols::server::RequestBody;
use eventlet_protocols::websocket::{CloseCode, accept, connect};
use http::Request;

use crate::accepting::{Running, request_with, talk_back};
use crate::support::{CLOSE, FIN, TEXT, close_payload};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn idle_ones_are_told_and_go() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|request: Request<RequestBody>| accept(&request, talk_back));
        let (_, _, mut raw) = server.ask(&request_with(&[]));
        let url = format!("ws://{}", server.address);
        let ours: Vec<_> = (0..3)
            .map(|_| {
                let url = url.clone();
                spawn(move || {
                    let socket = connect(&url).unwrap();
                    let last = socket.receive().unwrap();
                    (last, socket.peer_close().unwrap())
                })
            })
            .collect();
        until(|| server.handle.status().busy == 4);
        let begun = now();
        server.handle.stop(3600 * SECOND);
        assert_eq!(raw.hear_close(1001), "the server is stopping");
        raw.say(FIN | CLOSE, &close_payload(1001, ""));
        raw.hear_end();
        drop(raw);
        for client in ours {
            let (last, close) = client.join().unwrap();
            assert_eq!(last, None);
            assert_eq!(close.code, CloseCode::AWAY);
        }
        server.join();
        assert_eq!(now() - begun, Duration::ZERO);
    });
}

/// A function that is busy with something else is let finish; it cannot send any more.
#[test]
fn busy_ones_finish() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|request: Request<RequestBody>| {
            accept(&request, |socket| {
                socket.send("begun")?;
                sleep(5 * SECOND);
                assert!(!socket.is_open());
                Ok(())
            })
        });
        let (_, _, mut raw) = server.ask(&request_with(&[]));
        raw.hear_text("begun");
        let begun = now();
        server.handle.stop(3600 * SECOND);
        raw.hear_close(1001);
        raw.say(FIN | CLOSE, &close_payload(1001, ""));
        raw.hear_end();
        drop(raw);
        server.join();
        assert_eq!(now() - begun, 5 * SECOND);
    });
}

/// A peer that does not answer has the time for closing; the function the server's.
#[test]
fn silent_and_stubborn_ones_are_ended() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|request: Request<RequestBody>| accept(&request, talk_back));
        let (_, _, mut silent) = server.ask(&request_with(&[]));
        until(|| server.handle.status().busy == 1);
        let begun = now();
        server.handle.stop(3600 * SECOND);
        silent.hear_close(1001);
        silent.hear_end();
        assert_eq!(now() - begun, 10 * SECOND);
        drop(silent);
        server.join();

        let server = Running::new(|request: Request<RequestBody>| {
            accept(&request, |socket| {
                socket.send("begun")?;
                loop {
                    sleep(SECOND);
                }
            })
        });
        let (_, _, mut raw) = server.ask(&request_with(&[]));
        raw.hear_text("begun");
        let begun = now();
        server.handle.stop(4 * SECOND);
        raw.hear_close(1001);
        raw.hear_end();
        drop(raw);
        server.join();
        assert_eq!(now() - begun, 4 * SECOND);
    });
}

/// The server's deadlines for requests have nothing to say here, and its connections do not share a
/// fate.
#[test]
fn hours_of_silence_between_two_messages() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|request: Request<RequestBody>| accept(&request, talk_back));
        let socket = connect(&format!("ws://{}", server.address)).unwrap();
        let receiving = socket.clone();
        let receiver = spawn(move || receiving.receive());
        sleep(3600 * SECOND);
        socket.send("still here").unwrap();
        let message = receiver.join().unwrap().unwrap().unwrap();
        assert_eq!(message.as_text(), Some("still here"));
        let (_, _, mut bad) = server.ask(&request_with(&[]));
        bad.say(FIN | 3, b"");
        bad.hear_close(1002);
        drop(bad);
        socket.send("good").unwrap();
        assert!(socket.receive().unwrap().is_some());
        socket.close(CloseCode::NORMAL, "").unwrap();
        drop(socket);
        server.end();
    });
}

/// A message that is on its way at the stop is delivered before the close.
#[test]
fn what_was_sent_before_arrives() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|request: Request<RequestBody>| accept(&request, talk_back));
        let (_, _, mut raw) = server.ask(&request_with(&[]));
        let size = 2_000_000;
        raw.say(FIN | TEXT, &vec![b'x'; size]);
        until(|| server.handle.status().busy == 1);
        // The echo has begun, and waits for room.
        sleep(SECOND);
        server.handle.stop(3600 * SECOND);
        let (first, payload) = raw.hear();
        assert_eq!((first, payload.len()), (FIN | TEXT, size));
        raw.hear_close(1001);
        raw.say(FIN | CLOSE, &[]);
        raw.hear_end();
        drop(raw);
        server.join();
    });
}
