//! Each time limit, exactly, and which one it was: the clock jumps, so an hour takes no time.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use eventlet_green::{now, sleep};
use eventlet_protocols::client::{Agent, Body, Config, Error, Phase};
use http::Method;

use crate::support::{
    LARGE, Peer, agent_with, assert_empty, assert_unused, ok, on_each_hub_jumping,
};

const SECOND: Duration = Duration::from_secs(1);

/// Fails with the time of this phase after so long.
#[track_caller]
fn assert_late<T: std::fmt::Debug>(
    phase: Phase,
    after: Duration,
    ask: impl FnOnce() -> Result<T, Error>,
) {
    let start = now();
    let error = ask().unwrap_err();
    assert!(
        matches!(error, Error::Timeout(found) if found == phase),
        "{error:?}"
    );
    assert!(error.is_timeout());
    assert_eq!(now() - start, after, "{phase:?}");
}

/// Says nothing, for as long as the client is there.
fn silent() -> Peer {
    Peer::new(|talk, _| {
        talk.rest();
    })
}

/// Takes nothing.
fn deaf() -> Peer {
    Peer::new(|talk, _| talk.idle())
}

#[test]
fn a_server_that_says_nothing() {
    on_each_hub_jumping(|_| {
        let (peer, agent) = (silent(), Agent::new());
        assert_late(Phase::Head, Config::DEFAULT_HEAD, || {
            agent.get(&peer.url("/"))
        });
        assert_empty(&agent);
    });
}

/// However busily its bytes trickle in.
#[test]
fn a_head_that_comes_byte_by_byte() {
    on_each_hub_jumping(|_| {
        let peer = Peer::new(|talk, _| {
            talk.request();
            talk.send("HTTP/1.1 200 OK\r\nX: ");
            while io::Write::write_all(&mut talk.stream, b"x").is_ok() {
                sleep(SECOND);
            }
        });
        let agent = Agent::new();
        assert_late(Phase::Head, Config::DEFAULT_HEAD, || {
            agent.get(&peer.url("/"))
        });
        assert_empty(&agent);
    });
}

#[test]
fn a_server_that_does_not_read() {
    on_each_hub_jumping(|_| {
        let (peer, agent) = (deaf(), Agent::new());
        let body = vec![0; LARGE];
        assert_late(Phase::Send, Config::DEFAULT_SEND, || {
            agent.put(&peer.url("/"), body)
        });
        let body = Body::reader(io::repeat(0));
        assert_late(Phase::Send, Config::DEFAULT_SEND, || {
            agent.put(&peer.url("/"), body)
        });
        assert_empty(&agent);
    });
}

#[test]
fn a_body_that_stops() {
    on_each_hub_jumping(|_| {
        let peer = Peer::new(|talk, _| {
            talk.request();
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
            sleep(29 * SECOND);
            talk.send("a");
            talk.rest();
        });
        let agent = Agent::new();
        let after = 29 * SECOND + Config::DEFAULT_BODY;
        assert_late(Phase::Body, after, || agent.get(&peer.url("/")));
        assert_empty(&agent);

        // A reader can go on waiting.
        let mut body = agent
            .call(Method::GET, &peer.url("/"))
            .send()
            .unwrap()
            .into_body();
        assert_eq!(body.read(&mut [0; 9]).unwrap(), 1);
        let error = body.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let start = now();
        assert_eq!(
            body.read(&mut [0; 9]).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        assert_eq!(now() - start, Config::DEFAULT_BODY);
        assert_eq!(agent.status().in_use, 1);
        drop(body);
        assert_empty(&agent);
    });
}

/// Each read is in time; all of them are not.
#[test]
fn a_body_that_drips() {
    on_each_hub_jumping(|_| {
        let peer = Peer::new(|talk, _| {
            talk.request();
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
            while io::Write::write_all(&mut talk.stream, b"x").is_ok() {
                sleep(SECOND);
            }
        });
        let agent = agent_with(|config| config.whole = Some(100 * SECOND));
        assert_late(Phase::Whole, 100 * SECOND, || agent.get(&peer.url("/")));
        let plain = Agent::new();
        let call = plain.call(Method::GET, &peer.url("/")).timeout(7 * SECOND);
        assert_late(Phase::Whole, 7 * SECOND, || call.fetch());
        assert_empty(&agent);
        assert_empty(&plain);
    });
}

#[test]
fn the_whole_counts_in_every_phase() {
    on_each_hub_jumping(|_| {
        let agent = agent_with(|config| {
            config.whole = Some(5 * SECOND);
            config.connections_per_host = 1;
        });
        let (silent, deaf) = (silent(), deaf());
        assert_late(Phase::Whole, 5 * SECOND, || agent.get(&silent.url("/")));
        assert_late(Phase::Whole, 5 * SECOND, || {
            agent.put(&deaf.url("/"), vec![0; LARGE])
        });
        let call = agent
            .call(Method::PUT, &silent.url("/"))
            .header("expect", "100-continue");
        assert_late(Phase::Whole, 5 * SECOND, || call.body("x").fetch());

        let held = Peer::new(|talk, _| {
            talk.request();
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
            talk.rest();
        });
        let body = agent.call(Method::GET, &held.url("/")).send().unwrap();
        assert_late(Phase::Whole, 5 * SECOND, || agent.get(&held.url("/")));
        drop(body);
        assert_empty(&agent);
    });
}

/// Redirects and retries have no new time.
#[test]
fn the_whole_is_that_of_all_redirects() {
    on_each_hub_jumping(|_| {
        let peer = Peer::new(|talk, _| {
            for number in 0.. {
                if talk.request().is_none() {
                    return;
                }
                sleep(2 * SECOND);
                talk.send(format!(
                    "HTTP/1.1 302 X\r\nLocation: /{number}\r\nContent-Length: 0\r\n\r\n"
                ));
            }
        });
        let agent = agent_with(|config| config.whole = Some(5 * SECOND));
        assert_late(Phase::Whole, 5 * SECOND, || agent.get(&peer.url("/")));
        assert_unused(&agent);
    });
}

/// A listener whose queue is full answers no one: the kernel drops what it has no room for.
#[test]
fn connecting() {
    on_each_hub_jumping(|_| {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket
            .bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let _filling: Vec<_> = (0..4)
            .map(|_| {
                let one = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)
                    .unwrap();
                one.set_nonblocking(true).unwrap();
                let _ = one.connect(&address.into());
                one
            })
            .collect();
        let agent = Agent::new();
        let url = format!("http://{address}/");
        assert_late(Phase::Connect, Config::DEFAULT_CONNECT, || agent.get(&url));
        let whole = agent_with(|config| config.whole = Some(3 * SECOND));
        assert_late(Phase::Whole, 3 * SECOND, || whole.get(&url));
        assert_empty(&agent);
    });
}

#[test]
fn no_limit_is_none() {
    on_each_hub_jumping(|_| {
        let peer = Peer::new(|talk, _| {
            talk.request();
            sleep(10_000 * SECOND);
            talk.send(ok("at last"));
        });
        let agent = agent_with(|config| {
            config.pool = None;
            config.resolve = None;
            config.connect = None;
            config.send = None;
            config.head = None;
            config.body = None;
        });
        let url = peer.url("/").replace("127.0.0.1", "localhost");
        assert_eq!(agent.get(&url).unwrap(), "at last");
    });
}

#[test]
fn each_phase_has_a_name_of_its_own() {
    let all = [
        Phase::Pool,
        Phase::Resolve,
        Phase::Connect,
        Phase::Proxy,
        Phase::Tls,
        Phase::Send,
        Phase::Head,
        Phase::Body,
        Phase::Whole,
    ];
    let names: std::collections::HashSet<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), all.len());
}
