//! `websocket_echo`: its server with our client and with its own, its client with its own server.

use std::io::{Read, Write};
use std::process::Stdio;

use eventlet::http::websocket::{CloseCode, Message, connect};

use crate::support::{ANSWER, Program, assert_refusal, command, under_each_hub};

const EXAMPLE: &str = "websocket_echo";

fn start(hub: &str) -> (Program, String) {
    let mut program = Program::start(EXAMPLE, hub, &["--listen", "127.0.0.1:0"]);
    let address = program.address();
    (program, address)
}

#[test]
fn what_is_sent_comes_back() {
    under_each_hub(EXAMPLE, "what_is_sent_comes_back", |hub| {
        let (program, address) = start(hub);
        let socket = connect(&format!("ws://{address}/")).unwrap();
        for message in [
            Message::from("text"),
            Message::from(""),
            Message::from(vec![0; 1_000_000]),
        ] {
            socket.send(message.clone()).unwrap();
            assert_eq!(socket.receive_timeout(ANSWER).unwrap(), Some(message));
        }
        socket.close(CloseCode::NORMAL, "").unwrap();
        // One that stays is told to go.
        let socket = connect(&format!("ws://{address}/")).unwrap();
        program.signal("TERM");
        assert_eq!(socket.receive_timeout(ANSWER).unwrap(), None);
        program.end();
    });
}

#[test]
fn its_client_talks_to_its_server() {
    under_each_hub(EXAMPLE, "its_client_talks_to_its_server", |hub| {
        let (program, address) = start(hub);
        let url = format!("ws://{address}/");
        let mut client = command(EXAMPLE, hub)
            .args(["--connect", &url])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = client.stdin.take().unwrap();
        input.write_all("one\nzwölf\n\nlast\n".as_bytes()).unwrap();
        drop(input);
        let mut printed = String::new();
        client
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut printed)
            .unwrap();
        assert!(client.wait().unwrap().success());
        assert_eq!(printed, "one\nzwölf\n\nlast\n");
        program.signal("INT");
        program.end();
    });
}

#[test]
fn wrong_words_are_explained() {
    under_each_hub(EXAMPLE, "wrong_words_are_explained", |hub| {
        assert_refusal(EXAMPLE, hub, &[], "usage");
        assert_refusal(
            EXAMPLE,
            hub,
            &["--connect", "http://a/"],
            "not ws:// or wss://",
        );
        assert_refusal(
            EXAMPLE,
            hub,
            &["--connect", "ws://127.0.0.1:1/"],
            "cannot be reached",
        );
    });
}
