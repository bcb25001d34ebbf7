//! Interim responses and `Expect: 100-continue` (RFC 9110 sections 10.1.1 and 15.2).

use std::io;
use std::time::Duration;

use eventlet_green::now;
use eventlet_protocols::client::{Agent, Body, Config};
use http::Method;

use crate::support::{Peer, agent_with, assert_empty, ok, on_each_hub, on_each_hub_jumping, pause};

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

#[test]
fn interim_responses_are_passed_over() {
    on_each_hub(|| {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
        let peer = Peer::answering(format!("{CONTINUE}{hints}{hints}{}", ok("final")));
        let agent = Agent::new();
        for _ in 0..2 {
            assert_eq!(agent.get(&peer.url("/")).unwrap(), "final");
            assert_eq!(agent.put(&peer.url("/"), "x").unwrap(), "final");
        }
        assert_eq!(peer.accepted(), 1);
    });
}

#[test]
fn the_body_waits_until_it_is_asked_for() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            while let Some(head) = talk.head() {
                assert!(head.contains("\r\nExpect: 100-continue\r\n"), "{head}");
                pause();
                assert!(talk.ahead.is_empty(), "sent unasked");
                talk.send(CONTINUE);
                let body = talk.take(3);
                talk.send(ok(&String::from_utf8_lossy(&body)));
            }
        });
        let agent = Agent::new();
        for body in [
            Body::from("abc"),
            Body::sized_reader(3, io::Cursor::new("abc")),
        ] {
            let call = agent
                .call(Method::PUT, &peer.url("/"))
                .header("expect", "100-continue");
            assert_eq!(call.body(body).fetch().unwrap().body(), "abc");
        }
        assert_eq!(peer.accepted(), 1);
    });
}

#[test]
fn a_refusal_spares_the_body() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            talk.head();
            talk.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
            assert_eq!(talk.rest(), b"", "the body came all the same");
        });
        let agent = Agent::new();
        let call = agent
            .call(Method::PUT, &peer.url("/"))
            .header("expect", "100-continue");
        let response = call.body("abc").send().unwrap();
        assert_eq!(response.status(), 417);
        assert_eq!(response.into_body().into_text().unwrap(), "no");
        assert_empty(&agent);
    });
}

/// A server that has never heard of it gets the body after a while.
#[test]
fn silence_is_waited_out_for_a_second() {
    on_each_hub_jumping(|_| {
        let peer = Peer::new(|talk, _| {
            let (_, body) = talk.request().unwrap();
            talk.send(ok(&body));
        });
        let agent = Agent::new();
        let start = now();
        let call = agent
            .call(Method::PUT, &peer.url("/"))
            .header("expect", "100-continue");
        assert_eq!(call.body("abc").fetch().unwrap().body(), "abc");
        assert_eq!(now() - start, Config::DEFAULT_CONTINUE_WAIT);

        let patient = agent_with(|config| config.continue_wait = Duration::from_secs(20));
        let start = now();
        let call = patient
            .call(Method::PUT, &peer.url("/"))
            .header("expect", "100-continue");
        assert_eq!(call.body("abc").fetch().unwrap().body(), "abc");
        assert_eq!(now() - start, Duration::from_secs(20));
    });
}

/// RFC 9110 section 10.1.1: not without content.
#[test]
fn nothing_is_expected_without_a_body() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            let head = talk.head().unwrap();
            assert!(!head.contains("Expect"), "{head}");
            talk.send(ok("fine"));
        });
        let call = Agent::new()
            .call(Method::GET, &peer.url("/"))
            .header("expect", "100-continue");
        assert_eq!(call.fetch().unwrap().body(), "fine");
    });
}
