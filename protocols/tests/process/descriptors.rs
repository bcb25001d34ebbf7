//! A child has its three streams and nothing else of its parent's, whatever that has open.

use std::io::{Read, Write};
use std::process;

use eventlet_green::net::{TcpListener, UdpSocket};
use eventlet_green::signals::{SIGTERM, Signals};
use eventlet_green::testing::{in_children, tcp_pair};
use eventlet_green::{offload, spawn};
use eventlet_protocols::process::{Command, Stdio};
use eventlet_protocols::server::{Body, RequestBody, Server};
use http::{Request, Response};

/// The numbers of what is open in a child, as it lists them itself.
fn numbers(listing: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(listing);
    // "lrwx------ 1 user group 64 Jan  1 00:00 3 -> /proc/1/fd"
    let named = text.lines().filter_map(|line| line.split_once(" -> "));
    named
        .map(|(left, _)| left.rsplit(' ').next().unwrap_or_default().to_owned())
        .collect()
}

fn listing() -> Command {
    let mut command = Command::new("ls");
    command.args(["-l", "/proc/self/fd"]);
    command
}

#[test]
fn no_descriptor_of_the_parents_gets_into_a_child() {
    in_children(
        "descriptors::no_descriptor_of_the_parents_gets_into_a_child",
        || {
            // What this process was given itself may be open in every child.
            let plain = process::Command::new("ls")
                .args(["-l", "/proc/self/fd"])
                .stdin(process::Stdio::null())
                .output()
                .unwrap();
            let expected = numbers(&plain.stdout);
            assert!(expected.len() >= 3, "{expected:?}");

            let handler = |_: Request<RequestBody>| {
                let output = listing().output()?;
                std::io::Result::Ok(Response::new(Body::from(output.stdout)))
            };
            let server = Server::new(handler);
            let handle = server.handle();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let serving = spawn(move || server.serve(listener));
            // One of each kind.
            let pair = tcp_pair().unwrap();
            let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
            let pipe = eventlet_green::io::pipe().unwrap();
            let signals = Signals::new(&[SIGTERM]).unwrap();
            offload(|| ()).unwrap();
            let mut others: Vec<_> = (0..3)
                .map(|_| {
                    let mut command = Command::new("cat");
                    command.stdin(Stdio::piped()).stdout(Stdio::piped());
                    command.stderr(Stdio::piped()).spawn().unwrap()
                })
                .collect();

            assert_eq!(numbers(&listing().output().unwrap().stdout), expected);
            let mut client = eventlet_green::net::TcpStream::connect(address).unwrap();
            let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            client.write_all(request.as_bytes()).unwrap();
            let mut reply = Vec::new();
            client.read_to_end(&mut reply).unwrap();
            assert_eq!(numbers(&reply), expected);

            // Started at the same time, none has anything of another's.
            let many: Vec<_> = (0..20)
                .map(|_| spawn(|| listing().output().unwrap()))
                .collect();
            for one in many {
                assert_eq!(numbers(&one.join().unwrap().stdout), expected);
            }
            for child in &mut others {
                assert!(child.wait().unwrap().success());
            }
            drop((pair, datagrams, pipe, signals, client, others));
            handle.stop(std::time::Duration::from_secs(60));
            serving.join().unwrap().unwrap();
        },
    );
}
