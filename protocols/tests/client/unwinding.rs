//! A request that is killed or timed out from outside, at each place where it waits: its connection
//! is closed, its permit given back, and others go on.

use std::io::{self, Read};
use std::sync::mpsc;
use std::time::Duration;

use eventlet_green::net::TcpListener;
use eventlet_green::{JoinHandle, OffloadPool, Wait, offload, sleep, spawn, timeout};
use eventlet_protocols::client::{Agent, Body};
use http::Method;

use crate::support::{
    LARGE, Peer, Talk, agent_with, assert_empty, assert_unused, ok, on_each_hub,
    on_each_hub_jumping, pause, until, until_parked,
};

/// Where a request waits, and what a server does so that it does.
struct Place {
    name: &'static str,
    serve: fn(&mut Talk),
    ask: fn(&Agent, &str),
}

/// A body that takes its time.
struct Slow;

impl Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        sleep(Duration::from_secs(1_000_000));
        into[0] = b'x';
        Ok(1)
    }
}

fn get(agent: &Agent, url: &str) {
    let _ = agent.get(url);
}

const PLACES: [Place; 8] = [
    Place {
        name: "for the head",
        serve: |talk| drop(talk.rest()),
        ask: get,
    },
    Place {
        name: "within the head",
        serve: |talk| {
            talk.send("HTTP/1.1 200 O");
            talk.rest();
        },
        ask: get,
    },
    Place {
        name: "for the body",
        serve: |talk| {
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
            talk.rest();
        },
        ask: get,
    },
    Place {
        name: "for a chunk",
        serve: |talk| {
            talk.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
            talk.rest();
        },
        ask: get,
    },
    Place {
        name: "for room to send",
        serve: Talk::idle,
        ask: |agent, url| drop(agent.put(url, vec![0; LARGE])),
    },
    Place {
        name: "for the body to send",
        serve: |talk| drop(talk.rest()),
        ask: |agent, url| drop(agent.put(url, Body::reader(Slow))),
    },
    Place {
        name: "for 100 Continue",
        serve: |talk| drop(talk.rest()),
        ask: |agent, url| {
            let call = agent
                .call(Method::PUT, url)
                .header("expect", "100-continue");
            drop(call.body("x").send());
        },
    },
    Place {
        name: "for both directions",
        serve: |talk| {
            talk.head();
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
            talk.idle();
        },
        ask: |agent, url| drop(agent.put(url, vec![0; LARGE])),
    },
];

/// A host with one connection, of which nothing must get lost.
fn one_at_a_time() -> Agent {
    agent_with(|config| {
        config.connections_per_host = 1;
        config.head = None;
        config.body = None;
        config.send = None;
        config.continue_wait = Duration::from_secs(1_000_000);
    })
}

/// The first connection makes its client wait, the others are answered.
fn stuck_once(serve: fn(&mut Talk)) -> Peer {
    Peer::new(move |talk, number| {
        if number == 0 {
            serve(talk);
        } else {
            talk.request();
            talk.send(ok("fine"));
        }
    })
}

#[test]
fn killed_wherever_it_waits() {
    on_each_hub(|| {
        for place in &PLACES {
            let peer = stuck_once(place.serve);
            let agent = one_at_a_time();
            let (theirs, url, ask) = (agent.clone(), peer.url("/"), place.ask);
            let asking = spawn(move || ask(&theirs, &url));
            until(|| peer.accepted() == 1);
            pause();
            until_parked(&asking);
            assert_eq!(agent.status().in_use, 1, "{}", place.name);
            let (theirs, url) = (agent.clone(), peer.url("/"));
            let next = spawn(move || theirs.get(&url));
            until(|| agent.status().waiting == 1);
            asking.kill().unwrap();
            assert!(
                matches!(asking.join(), Err(eventlet_green::JoinError::Killed)),
                "{}",
                place.name
            );
            assert_eq!(next.join().unwrap().unwrap(), "fine", "{}", place.name);
            assert_unused(&agent);
        }
    });
}

#[test]
fn timed_out_wherever_it_waits() {
    on_each_hub_jumping(|_| {
        for place in &PLACES {
            let peer = stuck_once(place.serve);
            let agent = one_at_a_time();
            let url = peer.url("/");
            let late = timeout(Duration::from_secs(10), || (place.ask)(&agent, &url));
            assert!(late.unwrap_err().is_elapsed(), "{}", place.name);
            assert_empty(&agent);
            assert_eq!(agent.get(&url).unwrap(), "fine", "{}", place.name);
        }
    });
}

#[test]
fn killed_while_it_waits_for_a_connection() {
    on_each_hub(|| {
        let peer = Peer::answering(ok("fine"));
        let agent = one_at_a_time();
        let held = agent.call(Method::GET, &peer.url("/")).send().unwrap();
        // The whole body has come; but it is the caller's until it is read or dropped.
        let large = Peer::new(|talk, _| {
            talk.request();
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx");
            talk.rest();
        });
        drop(held);
        let held = agent.call(Method::GET, &large.url("/")).send().unwrap();
        let ask = || {
            let (agent, url) = (agent.clone(), large.url("/"));
            spawn(move || agent.call(Method::GET, &url).send().map(drop))
        };
        let (first, second) = (ask(), ask());
        until(|| agent.status().waiting == 2);
        first.kill().unwrap();
        first.join().unwrap_err();
        assert_eq!(agent.status().waiting, 1);
        drop(held);
        second.join().unwrap().unwrap();
        assert_unused(&agent);
    });
}

/// Every thread that looks names up is held until then, so that the answer cannot be there first.
#[test]
fn killed_while_a_name_is_looked_up() {
    on_each_hub(|| {
        let seats = OffloadPool::shared().unwrap().stats().limit;
        let held: Vec<_> = (0..seats)
            .map(|_| {
                let (go_on, told) = mpsc::channel::<()>();
                let holding = spawn(move || offload(move || told.recv()).unwrap());
                until_parked(&holding);
                (go_on, holding)
            })
            .collect();
        let agent = one_at_a_time();
        let theirs = agent.clone();
        let asking = spawn(move || theirs.get("http://no-such-host.invalid/"));
        until_parked(&asking);
        assert_eq!(asking.waits_for(), Wait::Offload);
        assert_eq!(agent.status().in_use, 1);
        asking.kill().unwrap();
        asking.join().unwrap_err();
        assert_empty(&agent);
        for (go_on, holding) in held {
            drop(go_on);
            holding.join().unwrap().unwrap_err();
        }
    });
}

/// By a listener whose queue is full: who connects is not answered.
#[test]
fn killed_while_it_connects() {
    on_each_hub(|| {
        let listener = TcpListener::bind_with_backlog("127.0.0.1:0", 0).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        // Each holds a place of the queue, and waits for the answer; one finds no place.
        let (agents, asking): (Vec<_>, Vec<_>) = (0..8)
            .map(|_| {
                let agent = one_at_a_time();
                let (theirs, url) = (agent.clone(), url.clone());
                (agent, spawn(move || theirs.get(&url)))
            })
            .unzip();
        let connects = |asking: &JoinHandle<_>| matches!(asking.waits_for(), Wait::Connect(_));
        asking.iter().for_each(until_parked);
        until(|| asking.iter().any(connects));
        for asking in asking {
            asking.kill().unwrap();
            asking.join().unwrap_err();
        }
        agents.iter().for_each(assert_empty);
    });
}

/// What was interrupted between two bytes can be read on: nothing is lost.
#[test]
fn a_read_that_is_timed_out_can_be_repeated() {
    on_each_hub_jumping(|_| {
        let peer = Peer::new(|talk, _| {
            talk.request();
            talk.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na");
            sleep(Duration::from_secs(10));
            talk.send("bc\r\n0\r\n\r\n");
            talk.rest();
        });
        let agent = one_at_a_time();
        let mut body = agent
            .call(Method::GET, &peer.url("/"))
            .send()
            .unwrap()
            .into_body();
        let mut text = String::new();
        let late = timeout(Duration::from_secs(5), || body.read_to_string(&mut text));
        assert!(late.is_err());
        // `read_to_string` gives back nothing of what it had read; what had not been read is there.
        assert_eq!(body.into_text().unwrap(), "bc");
        assert_eq!(agent.status().idle, 1);
    });
}
