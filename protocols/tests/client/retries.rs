//! What is sent a second time, and what is not (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use eventlet_protocols::client::{Agent, Body, Error};
use http::Method;

use crate::support::{Peer, Talk, assert_empty, ok, on_each_hub};

/// What a connection does with its second request; the first is answered well.
type Second = fn(&mut Talk);

/// A server whose first connection treats its second request so; and what each connection was asked.
fn failing(second: Second) -> (Peer, Rc<RefCell<Vec<String>>>) {
    let kept: Rc<RefCell<Vec<String>>> = Rc::default();
    let theirs = Rc::clone(&kept);
    let peer = Peer::new(move |talk, number| {
        let mut count = 0;
        while let Some((head, _)) = talk.request() {
            let line = head.lines().next().unwrap();
            theirs.borrow_mut().push(format!("{number} {line}"));
            count += 1;
            if number == 0 && count == 2 {
                second(talk);
                return;
            }
            talk.send(ok("fine"));
        }
    });
    (peer, kept)
}

const FAILURES: [Second; 2] = [Talk::finish, Talk::reset];

#[test]
fn an_idempotent_request_on_a_kept_connection_is_sent_again() {
    on_each_hub(|| {
        for failure in FAILURES {
            for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
                let (peer, kept) = failing(failure);
                let agent = Agent::new();
                agent.get(&peer.url("/")).unwrap();
                let body = if method == Method::PUT { "x" } else { "" };
                let call = agent.call(method.clone(), &peer.url("/")).body(body);
                assert_eq!(call.fetch().unwrap().body(), "fine");
                let line = format!("{method} / HTTP/1.1");
                assert_eq!(
                    *kept.borrow(),
                    [
                        "0 GET / HTTP/1.1".to_owned(),
                        format!("0 {line}"),
                        format!("1 {line}")
                    ]
                );
            }
        }
    });
}

#[test]
fn what_may_have_happened_is_not_made_to_happen_again() {
    on_each_hub(|| {
        for failure in FAILURES {
            for method in [Method::POST, Method::PATCH] {
                let (peer, kept) = failing(failure);
                let agent = Agent::new();
                agent.get(&peer.url("/")).unwrap();
                let call = agent.call(method, &peer.url("/")).body("x");
                let error = call.fetch().unwrap_err();
                assert!(
                    matches!(error, Error::Closed | Error::Receive(_)),
                    "{error:?}"
                );
                assert_eq!((kept.borrow().len(), peer.accepted()), (2, 1));
                assert_empty(&agent);
            }
        }
    });
}

#[test]
fn a_body_that_can_be_read_once_is_not_sent_again() {
    on_each_hub(|| {
        let (peer, kept) = failing(FAILURES[0]);
        let agent = Agent::new();
        agent.get(&peer.url("/")).unwrap();
        let body = Body::sized_reader(1, io::Cursor::new("x"));
        let error = agent.put(&peer.url("/"), body).unwrap_err();
        assert!(matches!(error, Error::Closed), "{error:?}");
        assert_eq!(kept.borrow().len(), 2);
    });
}

#[test]
fn a_response_that_has_begun_is_not_asked_for_again() {
    on_each_hub(|| {
        let seconds: [Second; 2] = [
            |talk| talk.send("HTTP/1.1 2"),
            |talk| talk.send("HTTP/1.1 102 Processing\r\n\r\n"),
        ];
        for second in seconds {
            let (peer, kept) = failing(second);
            let agent = Agent::new();
            agent.get(&peer.url("/")).unwrap();
            let error = agent.get(&peer.url("/")).unwrap_err();
            assert!(
                matches!(error, Error::Response(fault) if fault.is_truncation()),
                "{error:?}"
            );
            assert_eq!(kept.borrow().len(), 2);
        }
    });
}

/// RFC 9110 section 9.2.2: a retry that fails is not retried; nor is a request on a new connection.
#[test]
fn nothing_is_sent_a_third_time() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, number| {
            talk.request();
            if number == 0 {
                talk.send(ok("fine"));
                talk.request();
            }
        });
        let agent = Agent::new();
        agent.get(&peer.url("/")).unwrap();
        let error = agent.get(&peer.url("/")).unwrap_err();
        assert!(matches!(error, Error::Closed), "{error:?}");
        assert_eq!(peer.accepted(), 2);
        assert!(agent.get(&peer.url("/")).is_err());
        assert_eq!(peer.accepted(), 3);
    });
}
