//! A kernel that refuses: each call of the hub fails once around an exchange. It costs that exchange at
//! most; the server goes on, and the next one is as if nothing had been.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use eventlet_green::net::TcpStream;
use eventlet_green::testing::{Harness, HubCall, until};
use eventlet_protocols::server::RequestBody;
use http::{Request, Response};
use nix::errno::Errno;

use crate::support::Running;

/// Two requests on one connection, between which it is idle, and what came of them.
fn exchange(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")?;
    let mut text = vec![0; 1024];
    let count = stream.read(&mut text)?;
    text.truncate(count);
    stream.write_all(b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    stream.read_to_end(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

#[test]
fn each_call_of_the_hub_may_fail_once() {
    /// More than an exchange needs of any of them.
    const CALLS: u64 = 12;
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let server = Running::new(|request: Request<RequestBody>| {
            Response::new(format!("this is {}", request.uri()))
        });
        let is_whole =
            |text: &str| text.contains("this is /first") && text.ends_with("this is /last");
        for call in [
            HubCall::Register,
            HubCall::Arm,
            HubCall::Deregister,
            HubCall::Wait,
        ] {
            for n in 1..=CALLS {
                let met = faults.met();
                faults.fail(call, n, || Errno::ENOMEM.into());
                let outcome = exchange(server.address);
                let has_failed = faults.met() > met;
                faults.heal();
                match &outcome {
                    Ok(text) if is_whole(text) => {}
                    _ => assert!(has_failed, "{call:?} {n}: {outcome:?}"),
                }
                if call == HubCall::Deregister {
                    assert!(outcome.is_ok(), "{call:?} {n}: {outcome:?}");
                }
                assert!(server.is_serving(), "{call:?} {n}");
                let next = exchange(server.address).unwrap();
                assert!(is_whole(&next), "after {call:?} {n}: {next}");
                until(|| server.handle.status().open == 0);
            }
            assert!(faults.met() > 0, "{call:?} never failed");
        }
        server.stop();
    });
}
