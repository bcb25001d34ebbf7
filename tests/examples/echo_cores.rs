//! `echo_cores`: echoes on every core, and counts.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::support::{Program, assert_refusal, connect, under_each_hub};

/// Enough that the kernel, which goes by a hash of the addresses, gives some to each of two.
const CONNECTIONS: usize = 64;

fn echoes(address: &str, text: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(text).unwrap();
    let mut echo = vec![0; text.len()];
    stream.read_exact(&mut echo).unwrap();
    assert!(echo == text);
    stream
}

#[test]
fn two_cores_share_the_connections() {
    under_each_hub("echo_cores", "two_cores_share_the_connections", |hub| {
        for signal in ["INT", "TERM"] {
            let arguments = ["--listen", "127.0.0.1:0", "--cores", "2"];
            let mut program = Program::start("echo_cores", hub, &arguments);
            let address = program.address();
            assert_eq!(program.line(), "on 2 cores");
            let mut streams: Vec<_> = (0..CONNECTIONS)
                .map(|number| echoes(&address, format!("hello {number}").as_bytes()))
                .collect();
            // The end of what is said is the end of the echo.
            streams[0].shutdown(Shutdown::Write).unwrap();
            assert_eq!(streams[0].read(&mut [0]).unwrap(), 0);
            drop(streams);
            program.signal(signal);
            let lines = program.end();
            let counts: Vec<usize> = lines
                .iter()
                .map(|line| line.split(' ').nth(4).unwrap().parse().unwrap())
                .collect();
            assert_eq!(counts.len(), 2);
            assert_eq!(counts.iter().sum::<usize>(), CONNECTIONS, "{counts:?}");
            assert!(!counts.contains(&0), "{counts:?}");
        }
    });
}

#[test]
fn what_is_open_when_it_is_told_to_stop_may_end() {
    under_each_hub("echo_cores", "what_is_open_may_end", |hub| {
        let mut program = Program::start("echo_cores", hub, &["--listen", "127.0.0.1:0"]);
        let address = program.address();
        let cores = program.line();
        assert!(cores.starts_with("on ") && cores.ends_with(" cores"));
        let mut stream = echoes(&address, b"before");
        program.signal("TERM");
        // Until nobody listens there.
        while TcpStream::connect(&address).is_ok() {}
        stream.write_all(b"after").unwrap();
        let mut echo = [0; 5];
        stream.read_exact(&mut echo).unwrap();
        assert_eq!(&echo, b"after");
        drop(stream);
        program.end();
    });
}

#[test]
fn what_it_does_not_understand_is_one_line() {
    under_each_hub("echo_cores", "what_it_does_not_understand", |hub| {
        assert_refusal("echo_cores", hub, &[], "usage: echo_cores --listen");
        assert_refusal("echo_cores", hub, &["--listen"], "--listen: ");
        assert_refusal("echo_cores", hub, &["what?"], "what?: ");
        let zero = ["--listen", "127.0.0.1:0", "--cores", "0"];
        assert_refusal("echo_cores", hub, &zero, "");
        let listen = ["--listen", "127.0.0.1:0"];
        let word = [listen, ["--cores", "x"]].concat();
        assert_refusal("echo_cores", hub, &word, "--cores x: ");
        assert_refusal("echo_cores", hub, &["--listen", "x"], "no socket address");
        assert_refusal("echo_cores", "kq", &listen, "EVENTLET_HUB");
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        assert_refusal("echo_cores", hub, &["--listen", &address], "in use");
    });
}
