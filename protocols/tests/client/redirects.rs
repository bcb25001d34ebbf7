//! Redirects (RFC 9110 section 15.4): which are followed, with which method, what is sent along, and
//! when it is enough.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use eventlet_protocols::client::{Agent, Body, Error, FinalUri};
use http::Method;

use crate::support::{Peer, agent_with, assert_empty, assert_unused, ok, on_each_hub};

/// A server whose paths are `/STATUS/LOCATION`, with the heads it got. Any other path is answered.
fn redirecting() -> (Peer, Rc<RefCell<Vec<String>>>) {
    let kept: Rc<RefCell<Vec<String>>> = Rc::default();
    let theirs = Rc::clone(&kept);
    let peer = Peer::new(move |talk, _| {
        while let Some((head, body)) = talk.request() {
            theirs.borrow_mut().push(head.clone());
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let parts: Vec<_> = path.splitn(3, '/').collect();
            match parts[..] {
                ["", status, location] if status.parse::<u16>().is_ok() => {
                    let location = location.replace('!', "/").replace('~', "!");
                    talk.send(format!(
                        "HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nmove"
                    ));
                }
                _ => {
                    let method = head.split(' ').next().unwrap();
                    talk.send(ok(&format!("{method} {path} {body}")));
                }
            }
        }
    });
    (peer, kept)
}

#[test]
fn methods_change_as_the_statuses_say() {
    on_each_hub(|| {
        let (peer, _) = redirecting();
        let agent = Agent::new();
        for (method, status, expected) in [
            (Method::GET, 301, "GET /x "),
            (Method::GET, 302, "GET /x "),
            (Method::GET, 303, "GET /x "),
            (Method::GET, 307, "GET /x "),
            (Method::GET, 308, "GET /x "),
            (Method::POST, 301, "GET /x "),
            (Method::POST, 302, "GET /x "),
            (Method::POST, 303, "GET /x "),
            (Method::POST, 307, "POST /x body"),
            (Method::POST, 308, "POST /x body"),
            (Method::PUT, 301, "PUT /x body"),
            (Method::PUT, 303, "GET /x "),
            (Method::PUT, 307, "PUT /x body"),
            (Method::DELETE, 302, "DELETE /x "),
        ] {
            let url = peer.url(&format!("/{status}/!x"));
            let body = if method == Method::POST || method == Method::PUT {
                "body"
            } else {
                ""
            };
            let call = agent.call(method.clone(), &url).body(body);
            let response = call.fetch().unwrap();
            assert_eq!(response.body(), expected, "{method} {status}");
            let FinalUri(uri) = response.extensions().get().unwrap();
            assert_eq!(uri.to_string(), peer.url("/x"));
        }
        assert_eq!(peer.accepted(), 1, "the bodies of redirects are read");
    });
}

#[test]
fn a_head_stays_one() {
    on_each_hub(|| {
        let kept: Rc<RefCell<Vec<String>>> = Rc::default();
        let theirs = Rc::clone(&kept);
        let peer = Peer::new(move |talk, _| {
            while let Some(head) = talk.head() {
                let is_first = theirs.borrow().is_empty();
                theirs
                    .borrow_mut()
                    .push(head.lines().next().unwrap().to_owned());
                talk.send(match is_first {
                    true => "HTTP/1.1 303 X\r\nLocation: /x\r\nContent-Length: 9\r\n\r\n",
                    false => "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
                });
            }
        });
        let fields = Agent::new().head(&peer.url("/")).unwrap();
        assert_eq!(fields["content-length"], "7");
        assert_eq!(*kept.borrow(), ["HEAD / HTTP/1.1", "HEAD /x HTTP/1.1"]);
    });
}

#[test]
fn what_is_not_to_be_followed_is_given_as_it_is() {
    on_each_hub(|| {
        let (peer, _) = redirecting();
        let agent = Agent::new();
        for status in [300, 305, 306] {
            let call = agent.call(Method::GET, &peer.url(&format!("/{status}/!x")));
            assert_eq!(call.send().unwrap().status(), status);
        }
        let never = agent_with(|config| config.redirects = 0);
        for status in [301, 302, 303, 307, 308] {
            let url = peer.url(&format!("/{status}/!x"));
            let response = never.call(Method::GET, &url).send().unwrap();
            assert_eq!(response.status(), status);
            let Err(Error::Status(error)) = never.get(&url) else {
                panic!()
            };
            assert_eq!(error.headers()["location"], "/x");
        }
        let nowhere = Peer::answering("HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n");
        let response = agent.call(Method::GET, &nowhere.url("/")).send().unwrap();
        assert_eq!(response.status(), 302);
    });
}

/// A body that was streamed is gone.
#[test]
fn a_body_that_can_be_sent_once_is_not_sent_twice() {
    on_each_hub(|| {
        let (peer, kept) = redirecting();
        let agent = Agent::new();
        let post = |status: u16| {
            let body = Body::sized_reader(4, io::Cursor::new("body"));
            let call = agent.call(Method::POST, &peer.url(&format!("/{status}/!x")));
            call.body(body).send().unwrap()
        };
        assert_eq!(post(307).status(), 307);
        assert_eq!(kept.borrow().len(), 1);
        assert_eq!(post(303).into_body().into_text().unwrap(), "GET /x ");
    });
}

#[test]
fn locations_are_resolved() {
    on_each_hub(|| {
        let (peer, _) = redirecting();
        let (other, _) = redirecting();
        let agent = Agent::new();
        for (location, expected) in [
            ("y", "GET /301/y "),
            ("!!a!..!y?q=1", "GET /y?q=1 "),
            ("..!..!y#part", "GET /y "),
        ] {
            let location = match location {
                "!!a!..!y?q=1" => format!("!!{}!a!..!y?q=1", other.address),
                location => location.to_owned(),
            };
            let url = peer.url(&format!("/301/{location}"));
            match agent.get(&url) {
                Ok(body) => assert_eq!(body, expected, "{location}"),
                // The first leads to another redirect to itself.
                Err(Error::RedirectLoop(uri)) => assert!(uri.ends_with("/301/y"), "{uri}"),
                Err(other) => panic!("{location}: {other}"),
            }
        }
    });
}

#[test]
fn locations_that_lead_nowhere_are_errors() {
    on_each_hub(|| {
        let agent = Agent::new();
        for location in [
            "ftp://localhost/",
            "http://user:pw@localhost/",
            "http:///x",
            "http://[::1",
            "mailto:a@b",
            "/a\r\nLocation: /b",
        ] {
            let peer = Peer::answering(format!(
                "HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
            ));
            let error = agent.get(&peer.url("/")).unwrap_err();
            assert!(
                matches!(error, Error::RedirectInvalid(_)),
                "{location}: {error:?}"
            );
            assert_unused(&agent);
        }
        #[cfg(not(feature = "tls"))]
        {
            let peer = Peer::answering(
                "HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: https://a.example/\r\n\r\n",
            );
            let error = agent.get(&peer.url("/")).unwrap_err();
            assert!(matches!(error, Error::TlsMissing), "{error:?}");
        }
    });
}

#[test]
fn circles_are_noticed_and_long_ways_given_up() {
    on_each_hub(|| {
        let agent = Agent::new();
        let itself = Peer::answering("HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: /\r\n\r\n");
        let error = agent.get(&itself.url("/")).unwrap_err();
        assert!(
            matches!(&error, Error::RedirectLoop(uri) if *uri == itself.url("/")),
            "{error:?}"
        );

        // Counts down to zero.
        let long = Peer::new(|talk, _| {
            while let Some(head) = talk.head() {
                let path = head.split(' ').nth(1).unwrap();
                talk.send(match path[1..].parse::<u32>().unwrap() {
                    0 => ok("there"),
                    left => format!(
                        "HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: /{}\r\n\r\n",
                        left - 1
                    ),
                });
            }
        });
        assert_eq!(agent.get(&long.url("/8")).unwrap(), "there");
        let error = agent.get(&long.url("/9")).unwrap_err();
        assert!(
            matches!(error, Error::TooManyRedirects { followed: 8 }),
            "{error:?}"
        );
        let short = agent_with(|config| config.redirects = 1);
        assert_eq!(short.get(&long.url("/1")).unwrap(), "there");
        assert!(short.get(&long.url("/2")).is_err());
        assert_unused(&agent);
    });
}

/// Credentials and cookies are for the host they were meant for: another port is another host.
#[test]
fn credentials_are_not_sent_elsewhere() {
    on_each_hub(|| {
        let (peer, kept) = redirecting();
        let (other, other_kept) = redirecting();
        let agent = Agent::new();
        let ask = |location: &str| {
            kept.borrow_mut().clear();
            let call = agent.call(Method::GET, &peer.url(&format!("/302/{location}")));
            let call = call
                .header("authorization", "Basic eA==")
                .header("cookie", "a=b");
            call.header("x-plain", "1").fetch().unwrap();
        };
        ask("!x");
        let here = kept.borrow()[1].clone();
        assert!(
            here.contains("Authorization: ")
                && here.contains("Cookie: ")
                && here.contains("X-Plain: ")
        );

        ask(&format!("http:!!{}!x", other.address));
        let there = other_kept.borrow()[0].clone();
        assert!(
            !there.contains("Authorization: ") && !there.contains("Cookie: "),
            "{there}"
        );
        assert!(there.contains("X-Plain: "), "{there}");
        assert!(there.contains(&format!("Host: {}\r\n", other.address)));

        // There and back: what was taken away stays away.
        other_kept.borrow_mut().clear();
        ask(&format!(
            "http:!!{}!302!http:~~{}~x",
            other.address, peer.address
        ));
        assert!(!other_kept.borrow()[0].contains("Authorization: "));
        let back = kept.borrow()[1].clone();
        assert!(
            back.starts_with("GET /x ") && !back.contains("Authorization: "),
            "{back}"
        );
    });
}

#[test]
fn what_described_the_body_goes_with_it() {
    on_each_hub(|| {
        let (peer, kept) = redirecting();
        let agent = Agent::new();
        let call = agent
            .call(Method::POST, &peer.url("/303/!x"))
            .header("content-type", "text/plain");
        call.header("accept", "text/html")
            .body("body")
            .fetch()
            .unwrap();
        let kept = kept.borrow();
        assert!(kept[0].contains("Content-Type: ") && kept[0].contains("Content-Length: 4"));
        assert!(!kept[1].contains("Content-"), "{}", kept[1]);
        assert!(kept[1].contains("Accept: text/html"));
    });
}

/// A redirect's own body is not worth a long read.
#[test]
fn a_redirect_with_an_endless_body_is_left() {
    on_each_hub(|| {
        let (other, _) = redirecting();
        let target = other.url("/x");
        let peer = Peer::new(move |talk, _| {
            talk.head();
            talk.send(format!("HTTP/1.1 302 X\r\nLocation: {target}\r\n\r\n"));
            while io::Write::write_all(&mut talk.stream, &[b'x'; 10_000]).is_ok() {}
        });
        let agent = Agent::new();
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "GET /x ");
        agent.close_idle();
        assert_empty(&agent);
    });
}
