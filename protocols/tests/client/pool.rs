//! Connections that are kept: used again, counted, aged, closed by the server (RFC 9112 section 9).

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{sleep, spawn};
use eventlet_protocols::client::{Agent, Error, Phase};
use http::Method;

use crate::support::{
    Peer, agent_with, assert_empty, assert_unused, ok, on_each_hub, on_each_hub_jumping, pause,
    until, until_parked,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn one_connection_serves_many_requests() {
    on_each_hub(|| {
        let peer = Peer::answering(ok("fine"));
        let agent = Agent::new();
        for _ in 0..10 {
            assert_eq!(agent.get(&peer.url("/")).unwrap(), "fine");
            let status = agent.status();
            assert_eq!((status.idle, status.in_use, status.hosts), (1, 0, 1));
        }
        assert_eq!(peer.accepted(), 1);
        agent.close_idle();
        assert_empty(&agent);
        until(|| peer.open() == 0);
    });
}

#[test]
fn a_connection_is_not_used_again_when_one_side_says_so() {
    on_each_hub(|| {
        for answer in [
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
        ] {
            let peer = Peer::answering_once(answer);
            let agent = Agent::new();
            agent.get(&peer.url("/")).unwrap();
            assert_empty(&agent);
        }
        let peer = Peer::answering(ok(""));
        let agent = Agent::new();
        let call = agent
            .call(Method::GET, &peer.url("/"))
            .header("connection", "close");
        call.fetch().unwrap();
        assert_empty(&agent);

        let old = Peer::answering(
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        );
        for _ in 0..2 {
            agent.get(&old.url("/")).unwrap();
        }
        assert_eq!(old.accepted(), 1);
    });
}

/// Closed, or reset, while nobody looks: it is seen before it is used, so that even a request that
/// must not be repeated is safe.
#[test]
fn one_that_the_server_has_closed_is_not_used() {
    on_each_hub(|| {
        for reset in [false, true] {
            let peer = Peer::new(move |talk, _| {
                talk.request();
                talk.send(ok("fine"));
                pause();
                if reset {
                    talk.reset();
                }
            });
            let agent = Agent::new();
            for round in 1..4 {
                assert_eq!(agent.post(&peer.url("/"), "x").unwrap(), "fine");
                until(|| peer.open() == 0);
                assert_eq!(peer.accepted(), round);
            }
        }
    });
}

#[test]
fn a_host_has_so_many_connections_and_the_first_to_wait_is_the_first_to_go_on() {
    on_each_hub(|| {
        let most = Rc::new(Cell::new(0));
        let (now, theirs) = (Rc::new(Cell::new(0)), Rc::clone(&most));
        let peer = Peer::new(move |talk, _| {
            while let Some((head, _)) = talk.request() {
                now.set(now.get() + 1);
                theirs.set(now.get().max(theirs.get()));
                pause();
                now.set(now.get() - 1);
                talk.send(ok(head.split(' ').nth(1).unwrap()));
            }
        });
        let agent = agent_with(|config| config.connections_per_host = 3);
        let order: Rc<std::cell::RefCell<Vec<usize>>> = Rc::default();
        let asking: Vec<_> = (0..20)
            .map(|number| {
                let (agent, url, order) = (
                    agent.clone(),
                    peer.url(&format!("/{number}")),
                    Rc::clone(&order),
                );
                spawn(move || {
                    assert_eq!(agent.get(&url).unwrap(), format!("/{number}"));
                    order.borrow_mut().push(number);
                })
            })
            .collect();
        until(|| agent.status().waiting == 17);
        assert_eq!(agent.status().in_use, 3);
        for one in asking {
            one.join().unwrap();
        }
        assert_eq!((most.get(), peer.accepted()), (3, 3));
        // One by one, those who came first are the first to have their answer, give or take the
        // three that are under way at a time.
        let is_near = |(place, &number): (usize, &usize)| place.abs_diff(number) < 3;
        assert!(order.borrow().iter().enumerate().all(is_near), "{order:?}");
        assert_eq!(agent.status().idle, 3);

        // Another host has its own.
        let other = Peer::answering(ok(""));
        let held = agent.call(Method::GET, &peer.url("/a")).send().unwrap();
        agent.get(&other.url("/")).unwrap();
        drop(held);
        assert_unused(&agent);
    });
}

#[test]
fn so_many_are_kept_for_a_host_and_in_all() {
    on_each_hub(|| {
        let agent = agent_with(|config| {
            config.idle_per_host = 2;
            config.idle_connections = 3;
        });
        let at_once = |peer: &Peer, count: usize| {
            let all: Vec<_> = (0..count)
                .map(|_| {
                    let (agent, url) = (agent.clone(), peer.url("/"));
                    spawn(move || agent.get(&url).unwrap())
                })
                .collect();
            for one in all {
                one.join().unwrap();
            }
        };
        let (one, two) = (Peer::answering(ok("")), Peer::answering(ok("")));
        at_once(&one, 3);
        assert_eq!(agent.status().idle, 2);
        at_once(&two, 2);
        let status = agent.status();
        assert_eq!((status.idle, status.hosts), (3, 2), "the oldest made room");
        until(|| one.open() == 1 && two.open() == 2);
        let none = agent_with(|config| config.idle_connections = 0);
        none.get(&one.url("/")).unwrap();
        assert_empty(&none);
    });
}

#[test]
fn one_that_idles_too_long_is_closed() {
    on_each_hub_jumping(|_| {
        let peer = Peer::answering(ok("fine"));
        let agent = Agent::new();
        agent.get(&peer.url("/")).unwrap();
        sleep(54 * SECOND);
        agent.get(&peer.url("/")).unwrap();
        sleep(54 * SECOND);
        assert_eq!((agent.status().idle, peer.accepted()), (1, 1));
        sleep(2 * SECOND);
        assert_empty(&agent);
        until(|| peer.open() == 0);
        agent.get(&peer.url("/")).unwrap();
        assert_eq!(peer.accepted(), 2);
    });
}

#[test]
fn one_that_is_too_old_is_closed() {
    on_each_hub_jumping(|_| {
        let peer = Peer::answering(ok("fine"));
        let agent = Agent::new();
        for _ in 0..6 {
            agent.get(&peer.url("/")).unwrap();
            sleep(50 * SECOND);
        }
        sleep(SECOND);
        // 300 seconds have passed, and it was busy all the time.
        assert_empty(&agent);
        agent.get(&peer.url("/")).unwrap();
        assert_eq!(peer.accepted(), 2);
        // One that grows too old while it is in use is not kept.
        let response = agent.call(Method::GET, &peer.url("/")).send().unwrap();
        sleep(301 * SECOND);
        drop(response);
        assert_empty(&agent);
    });
}

#[test]
fn waiting_for_a_connection_has_its_time() {
    on_each_hub_jumping(|_| {
        let peer = Peer::answering(ok("fine"));
        let agent = agent_with(|config| config.connections_per_host = 1);
        // As good as held: its body is not read.
        let large = Peer::new(|talk, _| {
            talk.request();
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx");
            talk.rest();
        });
        let held = agent.call(Method::GET, &large.url("/")).send().unwrap();
        agent.get(&peer.url("/")).unwrap();
        let start = eventlet_green::now();
        let error = agent.get(&large.url("/")).unwrap_err();
        assert!(matches!(error, Error::Timeout(Phase::Pool)), "{error:?}");
        assert_eq!(eventlet_green::now() - start, 30 * SECOND);
        assert_eq!(agent.status().waiting, 0);
        drop(held);
        assert_unused(&agent);
    });
}

/// A body that outlives its agent is read all the same.
#[test]
fn an_agent_that_is_gone_takes_its_connections_with_it() {
    on_each_hub(|| {
        let peer = Peer::answering(ok("fine"));
        let agent = Agent::new();
        agent.get(&peer.url("/")).unwrap();
        let response = agent.call(Method::GET, &peer.url("/")).send().unwrap();
        drop(agent);
        assert_eq!(response.into_body().into_text().unwrap(), "fine");
        until(|| peer.open() == 0);

        // Waiting for it are some who hold it: so it lives.
        let agent = agent_with(|config| config.connections_per_host = 1);
        let held = agent.call(Method::GET, &peer.url("/")).send().unwrap();
        let url = peer.url("/");
        let waiting = spawn(move || agent.get(&url));
        drop(held);
        assert_eq!(waiting.join().unwrap().unwrap(), "fine");
    });
}

/// A thread that ends with an agent in a thread-local leaves no fault behind.
#[test]
fn an_agent_may_outlive_the_loop_of_its_thread() {
    thread_local! {
        static AGENT: Agent = Agent::new();
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1000]).unwrap();
        stream.write_all(ok("fine").as_bytes()).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
    });
    let _watchdog = eventlet_green::testing::Watchdog::new("an agent in a thread-local");
    let user = std::thread::spawn(move || {
        AGENT.with(|agent| {
            assert_eq!(agent.get(&format!("http://{address}/")).unwrap(), "fine");
            assert_eq!(agent.status().idle, 1);
        });
    });
    user.join().unwrap();
    server.join().unwrap();
}

/// A table of hosts that grows with each that was ever asked would be a leak.
#[test]
fn hosts_that_are_not_asked_any_more_are_forgotten() {
    on_each_hub(|| {
        let agent = agent_with(|config| config.idle_connections = 2);
        for _ in 0..10 {
            let peer = Peer::answering(ok(""));
            agent.get(&peer.url("/")).unwrap();
            let refused = agent.get("http://no-such-host.invalid/");
            assert!(refused.is_err());
        }
        assert!(agent.status().hosts <= 3, "{:?}", agent.status());
    });
}

#[test]
fn who_waits_for_a_connection_that_fails_gets_the_next() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, number| {
            talk.request();
            pause();
            if number > 0 {
                talk.send(ok("fine"));
            }
        });
        let agent = agent_with(|config| config.connections_per_host = 1);
        let ask = || {
            let (agent, url) = (agent.clone(), peer.url("/"));
            spawn(move || agent.get(&url))
        };
        let (first, second) = (ask(), ask());
        until_parked(&second);
        assert!(matches!(first.join().unwrap(), Err(Error::Closed)));
        assert_eq!(second.join().unwrap().unwrap(), "fine");
    });
}
