//! What goes out: the verbs, the fields, URLs that are none (RFC 9112 section 3, RFC 9110 section 7).

use std::cell::RefCell;
use std::rc::Rc;

use eventlet_protocols::client::{self, Agent, Body, Error, FinalUri};
use http::{Method, Request};

use crate::support::{Peer, agent_with, assert_empty, ok, on_each_hub};

/// Heads and bodies.
type Kept = Rc<RefCell<Vec<(String, String)>>>;

/// A server that keeps the requests it gets.
fn keeping() -> (Peer, Kept) {
    let kept = Kept::default();
    let theirs = Rc::clone(&kept);
    let peer = Peer::new(move |talk, _| {
        while let Some(request) = talk.request() {
            theirs.borrow_mut().push(request);
            talk.send(ok("done"));
        }
    });
    (peer, kept)
}

#[test]
fn each_verb_is_one_call() {
    on_each_hub(|| {
        let (peer, kept) = keeping();
        let host = peer.address;
        assert_eq!(client::get(&peer.url("/a?b=c")).unwrap(), "done");
        assert_eq!(client::put(&peer.url("/p"), "one").unwrap(), "done");
        assert_eq!(client::post(&peer.url("/p"), "").unwrap(), "done");
        assert_eq!(client::delete(&peer.url("/p")).unwrap(), "done");
        let close = "Connection: close\r\nUser-Agent: eventlet\r\n\r\n";
        let expected = [
            (
                format!("GET /a?b=c HTTP/1.1\r\nHost: {host}\r\n{close}"),
                "",
            ),
            (
                format!("PUT /p HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n{close}"),
                "one",
            ),
            (
                format!("POST /p HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n{close}"),
                "",
            ),
            (format!("DELETE /p HTTP/1.1\r\nHost: {host}\r\n{close}"), ""),
        ];
        let expected = expected.map(|(head, body)| (head, body.to_owned()));
        assert_eq!(*kept.borrow(), expected);
        assert_eq!(peer.accepted(), 4, "each with a connection of its own");
    });
}

#[test]
fn head_gives_the_fields_and_reads_no_body() {
    on_each_hub(|| {
        let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-One: 1\r\n\r\n");
        let agent = Agent::new();
        for _ in 0..2 {
            let fields = agent.head(&peer.url("/")).unwrap();
            assert_eq!(
                (&fields["content-length"], &fields["x-one"]),
                (&"9".parse().unwrap(), &"1".parse().unwrap())
            );
        }
        assert_eq!(peer.accepted(), 1);
        assert_eq!(client::head(&peer.url("/")).unwrap().len(), 2);
    });
}

#[test]
fn the_full_form_takes_any_method_and_gives_any_status() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, _| {
            let (head, _) = talk.request().unwrap();
            assert!(head.starts_with("BREW /pot HTTP/1.1\r\n"), "{head}");
            assert!(head.contains("\r\nX-Sugar: no\r\n"), "{head}");
            assert!(head.contains("\r\nUser-Agent: me\r\n"), "{head}");
            talk.send("HTTP/1.1 418 \r\nContent-Length: 6\r\n\r\nteapot");
        });
        let url = peer.url("/pot#not-sent");
        let request = Request::builder()
            .method("BREW")
            .uri(&url)
            .header("x-sugar", "no")
            .header("user-agent", "me")
            .body(Body::empty())
            .unwrap();
        let response = client::request(request).unwrap();
        assert_eq!(response.status(), 418);
        let FinalUri(uri) = response.extensions().get().unwrap();
        assert_eq!(uri.to_string(), peer.url("/pot"));
        assert_eq!(response.into_body().into_text().unwrap(), "teapot");
    });
}

#[test]
fn targets_are_written_as_a_server_wants_them() {
    on_each_hub(|| {
        let (peer, kept) = keeping();
        let agent = Agent::new();
        for url in ["", "/", "?q=1", "/a%20b/../c?x=/y"] {
            agent.get(&peer.url(url)).unwrap();
        }
        let lines: Vec<_> = kept
            .borrow()
            .iter()
            .map(|(head, _)| head.lines().next().unwrap().to_owned())
            .collect();
        assert_eq!(
            lines,
            [
                "GET / HTTP/1.1",
                "GET / HTTP/1.1",
                "GET /?q=1 HTTP/1.1",
                "GET /a%20b/../c?x=/y HTTP/1.1"
            ]
        );
    });
}

#[test]
fn names_are_looked_up_and_the_host_is_told() {
    on_each_hub(|| {
        let (peer, kept) = keeping();
        let port = peer.address.port();
        assert_eq!(
            client::get(&format!("http://LocalHost:{port}/")).unwrap(),
            "done"
        );
        assert!(
            kept.borrow()[0]
                .0
                .contains(&format!("\r\nHost: localhost:{port}\r\n"))
        );
    });
}

/// RFC 9110 section 4.2.
#[test]
fn urls_that_lead_nowhere_are_refused_with_the_reason() {
    on_each_hub(|| {
        for (url, reason) in [
            ("", "no scheme"),
            ("localhost/x", "no scheme"),
            ("/x", "no scheme"),
            ("ftp://localhost/", "scheme other than"),
            ("http://", ""),
            ("http:///x", ""),
            ("http://user:secret@localhost/", "Authorization"),
            ("http://localhost:99999/", "port"),
            ("http://localhost:0/", "port 0"),
            ("http://a,b/", "host or a port that is none"),
            ("http://local host/", "invalid"),
            ("http://localhost/\r\nX: y", "invalid"),
        ] {
            let error = client::get(url).unwrap_err();
            assert!(matches!(error, Error::Url(_)), "{url}: {error:?}");
            let text = error.to_string();
            assert!(
                text.contains(reason) && !text.contains("secret"),
                "{url}: {text}"
            );
        }
        #[cfg(not(feature = "tls"))]
        {
            let error = client::get("https://localhost/").unwrap_err();
            assert!(error.to_string().contains("feature \"tls\""), "{error}");
        }
    });
}

#[test]
fn requests_that_cannot_be_sent_are_refused() {
    on_each_hub(|| {
        let agent = Agent::new();
        let url = "http://127.0.0.1:0/".replace(":0", ":9");
        for (call, reason) in [
            (agent.call(Method::CONNECT, &url), "CONNECT"),
            (
                agent.call(Method::GET, &url).header("a b", "c"),
                "header name",
            ),
            (
                agent.call(Method::GET, &url).header("a", "b\r\nc: d"),
                "header value",
            ),
            (
                agent.call(Method::GET, &url).header("expect", "200-ok"),
                "expectation",
            ),
        ] {
            let error = call.send().unwrap_err();
            assert!(matches!(error, Error::Request(_)), "{error:?}");
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert_empty(&agent);
    });
}

#[test]
fn nobody_there_is_said_with_the_address() {
    on_each_hub(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let agent = Agent::new();
        let error = agent.get(&format!("http://{address}/")).unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        assert_empty(&agent);

        let error = agent.get("http://no-such-host.invalid/").unwrap_err();
        assert!(
            matches!(&error, Error::Resolve { host, .. } if host == "no-such-host.invalid"),
            "{error:?}"
        );
        assert_empty(&agent);
    });
}

#[test]
fn settings_of_the_fields_are_obeyed() {
    on_each_hub(|| {
        let (peer, kept) = keeping();
        let agent = agent_with(|config| {
            config.user_agent = None;
            config.names = eventlet_protocols::wire::NameCase::Lower;
        });
        agent.get(&peer.url("/")).unwrap();
        let head = &kept.borrow()[0].0;
        assert_eq!(
            *head,
            format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", peer.address)
        );
    });
}

/// A connection through a Unix socket, whatever the URL's host.
#[test]
fn a_unix_socket_is_gone_to() {
    use eventlet_green::net::unix::UnixListener;
    use std::io::{Read, Write};
    on_each_hub(|| {
        let path = std::env::temp_dir().join(format!("client-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let server = eventlet_green::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heads = String::new();
            let mut piece = [0; 1000];
            for _ in 0..2 {
                let count = stream.read(&mut piece).unwrap();
                heads += std::str::from_utf8(&piece[..count]).unwrap();
                stream.write_all(ok("done").as_bytes()).unwrap();
            }
            heads
        });
        let agent = agent_with(|config| config.unix_socket = Some(path.clone()));
        assert_eq!(agent.get("http://some.example/a").unwrap(), "done");
        assert_eq!(agent.get("http://some.example/b").unwrap(), "done");
        assert!(
            server
                .join()
                .unwrap()
                .contains("GET /b HTTP/1.1\r\nHost: some.example\r\n")
        );
        drop(agent);
        std::fs::remove_file(&path).unwrap();
        let agent = agent_with(|config| config.unix_socket = Some(path.clone()));
        let error = agent.get("http://some.example/").unwrap_err();
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    });
}
