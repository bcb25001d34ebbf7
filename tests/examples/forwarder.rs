//! `forwarder`: bytes both ways, ends of each direction, and targets that are not there.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use crate::support::{ANSWER, Program, assert_refusal, connect, under_each_hub};

/// More than all the buffers on the way hold.
const MUCH: usize = 16 << 20;

/// Answers one connection; its address.
fn target<T: Send + 'static>(
    answer: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(ANSWER)).unwrap();
        stream.set_write_timeout(Some(ANSWER)).unwrap();
        answer(stream)
    });
    (address, serving)
}

fn start(hub: &str, target: &str) -> (Program, String) {
    let arguments = ["--listen", "127.0.0.1:0", "--to", target];
    let mut program = Program::start("forwarder", hub, &arguments);
    let address = program.address();
    (program, address)
}

fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_end_of_one_direction_leaves_the_other_open() {
    under_each_hub("forwarder", "the_end_of_one_direction", |hub| {
        // It answers when it has heard all, so the end must have come through.
        let (to, serving) = target(|mut stream| {
            let question = read_all(&stream);
            stream.write_all(b"heard: ").unwrap();
            stream.write_all(&question).unwrap();
        });
        let (mut program, address) = start(hub, &to);
        let mut client = connect(&address);
        client.write_all(b"a question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&client), b"heard: a question");
        serving.join().unwrap();
        let line = program.line();
        assert!(line.ends_with(": 10 bytes there, 17 back"), "{line}");

        // The other way round: the target ends first, and goes on listening.
        let (to, serving) = target(|mut stream| {
            stream.write_all(b"bye").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            read_all(&stream)
        });
        let (_program, address) = start(hub, &to);
        let mut client = connect(&address);
        assert_eq!(read_all(&client), b"bye");
        client.write_all(b"still here").unwrap();
        drop(client);
        assert_eq!(serving.join().unwrap(), b"still here");
    });
}

#[test]
fn much_goes_both_ways_at_once() {
    under_each_hub("forwarder", "much_goes_both_ways_at_once", |hub| {
        let send = |mut stream: TcpStream, byte: u8| {
            thread::spawn(move || {
                stream.write_all(&vec![byte; MUCH]).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
            })
        };
        let (to, serving) = target(move |stream| {
            let sending = send(stream.try_clone().unwrap(), b't');
            let bytes = read_all(&stream);
            sending.join().unwrap();
            bytes
        });
        let (mut program, address) = start(hub, &to);
        let client = connect(&address);
        let sending = send(client.try_clone().unwrap(), b'c');
        assert!(read_all(&client) == vec![b't'; MUCH]);
        sending.join().unwrap();
        assert!(serving.join().unwrap() == vec![b'c'; MUCH]);
        let line = program.line();
        assert!(
            line.ends_with(&format!(": {MUCH} bytes there, {MUCH} back")),
            "{line}"
        );
    });
}

#[test]
fn a_target_that_is_not_there_ends_the_connection_only() {
    under_each_hub("forwarder", "a_target_that_is_not_there", |hub| {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = gone.local_addr().unwrap().to_string();
        drop(gone);
        let (mut program, address) = start(hub, &to);
        for _ in 0..2 {
            assert_eq!(read_all(&connect(&address)), b"");
            let line = program.line();
            assert!(line.contains("refused"), "{line}");
        }
    });
}

#[test]
fn a_signal_lets_what_is_open_end() {
    under_each_hub("forwarder", "a_signal_lets_what_is_open_end", |hub| {
        for signal in ["INT", "TERM"] {
            let (tell, heard) = channel();
            let (to, serving) = target(move |mut stream| {
                let mut first = [0; 6];
                stream.read_exact(&mut first).unwrap();
                tell.send(first).unwrap();
                read_all(&stream)
            });
            let (mut program, address) = start(hub, &to);
            let mut client = connect(&address);
            client.write_all(b"before").unwrap();
            assert_eq!(heard.recv().unwrap(), *b"before");
            program.signal(signal);
            assert_eq!(program.line(), "stopping, 1 connections are open");
            assert!(TcpStream::connect(&address).is_err());
            client.write_all(b", after").unwrap();
            drop(client);
            let lines = program.end();
            assert_eq!(serving.join().unwrap(), b", after");
            assert!(lines[0].ends_with(": 13 bytes there, 0 back"), "{lines:?}");
        }
    });
}

#[test]
fn what_it_does_not_understand_is_one_line() {
    under_each_hub("forwarder", "what_it_does_not_understand", |hub| {
        for arguments in [&[][..], &["--listen", "127.0.0.1:0"], &["--to"]] {
            assert_refusal("forwarder", hub, arguments, "usage: forwarder --listen");
        }
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let arguments = ["--listen", &address, "--to", &address];
        assert_refusal("forwarder", hub, &arguments, "in use");
        for (from, to) in [("127.0.0.1:0", "x"), ("x", "127.0.0.1:0")] {
            let arguments = ["--listen", from, "--to", to];
            assert_refusal("forwarder", hub, &arguments, "no socket address");
        }
        let arguments = ["--listen", "127.0.0.1:0", "--to", "127.0.0.1:0"];
        assert_refusal("forwarder", "kq", &arguments, "EVENTLET_HUB");
    });
}
