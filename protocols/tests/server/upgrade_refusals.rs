//! What does not become an upgrade: requests that did not ask for it, handlers that mix up status and
//! body, and what a request's body may do before (RFC 9110 sections 7.8, 9.3.6 and 10.1.1).

use std::time::Duration;

use eventlet_green::spawn;
use eventlet_protocols::server::{Body, Config, RequestBody};
use http::{Request, Response, StatusCode, header};

use crate::support::{Running, child, is_child, on_each_hub, on_each_hub_jumping, path};
use crate::upgrade::{ASK, copy_back, echo, switch};

/// RFC 9110 section 7.8: a server ignores an Upgrade field of an HTTP/1.0 request, and nobody may be
/// switched who did not ask.
#[test]
fn without_a_request_for_it() {
    on_each_hub(|| {
        for request in [
            "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ] {
            let server = Running::new(echo);
            let mut client = server.connect();
            client.send(request);
            let reply = match request.starts_with("HEAD") {
                true => client.reply_to_head(),
                false => client.reply(),
            };
            assert_eq!(reply.status, 500, "{request:?}");
            assert_eq!(reply.field("upgrade"), None);
            drop(client);
            server.end();
        }
    });
}

/// A request for an upgrade is a request like any other to a handler that does not care.
#[test]
fn by_a_handler_that_does_not_care() {
    on_each_hub(|| {
        let server = Running::new(path);
        let mut client = server.connect();
        for _ in 0..2 {
            let reply = client.ask(ASK);
            assert_eq!((reply.status, reply.text().as_str()), (200, "/x"));
            assert_eq!(reply.field("connection"), None);
        }
        drop(client);
        server.end();
    });
}

/// Status and body have to agree; the client is told 500, and the connection goes on.
#[test]
fn by_a_handler_that_mixes_things_up() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let mut response = switch(copy_back);
            match request.uri().path() {
                "/status" => *response.status_mut() = StatusCode::OK,
                "/refusal" => *response.status_mut() = StatusCode::FORBIDDEN,
                "/field" => drop(response.headers_mut().remove(header::UPGRADE)),
                "/body" => *response.body_mut() = Body::empty(),
                "/text" => *response.body_mut() = Body::from("text"),
                "/stream" => *response.body_mut() = Body::stream(|_| Ok(())),
                _ => *response.body_mut() = Body::from("fine"),
            }
            if request.uri().path() == "/fine" {
                *response.status_mut() = StatusCode::OK;
            }
            response
        });
        let mut client = server.connect();
        for wrong in ["/status", "/refusal", "/field", "/body", "/text", "/stream"] {
            let reply = client.ask(ASK.replace("/x", wrong));
            assert_eq!(reply.status, 500, "{wrong}");
            assert_eq!(reply.field("upgrade"), None, "{wrong}");
        }
        assert_eq!(client.ask(ASK.replace("/x", "/fine")).text(), "fine");
        drop(client);
        server.end();
    });
}

#[test]
fn connect_to_a_handler_without_a_tunnel() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let status = match request.uri().authority().unwrap().host() {
                "forbidden" => StatusCode::FORBIDDEN,
                _ => StatusCode::OK,
            };
            Response::builder().status(status).body("text").unwrap()
        });
        let mut client = server.connect();
        let reply = client.ask("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
        assert_eq!(reply.status, 501);
        let reply = client.ask("CONNECT forbidden:1 HTTP/1.1\r\nHost: forbidden:1\r\n\r\n");
        assert_eq!((reply.status, reply.text().as_str()), (403, "text"));
        drop(client);
        server.end();
    });
}

#[test]
fn faults_are_said_on_standard_error() {
    const TEST: &str = "upgrade_refusals::faults_are_said_on_standard_error";
    if is_child() {
        let server = Running::new(|request: Request<RequestBody>| match request.uri().path() {
            "/error" => switch(|_| Err(std::io::Error::other("a fault of the handler's"))),
            _ => echo(request),
        });
        server.ask_once(b"GET / HTTP/1.0\r\n\r\n");
        for path in ["/error", "/x"] {
            let mut client = server.connect();
            assert_eq!(client.ask(ASK.replace("/x", path)).status, 101);
            client.send("GET");
            drop(client);
        }
        server.end();
        return;
    }
    let output = child(TEST, None).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("eventlet:"))
        .collect();
    assert_eq!(
        lines,
        [
            "eventlet: a handler gave the connection away with status 101 Switching Protocols, \
             which the request did not ask for",
            "eventlet: an upgraded connection failed: a fault of the handler's",
        ]
    );
}

/// The new protocol begins behind the request's body.
#[test]
fn a_body_that_nobody_read_is_skipped() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let post = ASK.replace("GET", "POST");
        for body in [
            "Content-Length: 4\r\n\r\nbody",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\nX: y\r\n\r\n",
        ] {
            let all = post.replace("\r\n\r\n", &format!("\r\n{body}tunnel"));
            for cut in [
                0,
                20,
                all.len() - 10,
                all.len() - 7,
                all.len() - 6,
                all.len(),
            ] {
                let mut client = server.connect();
                client.send(&all[..cut]);
                eventlet_green::testing::settle();
                client.send(&all[cut..]);
                assert_eq!(client.reply().status, 101);
                client.expect("tunnel");
            }
        }
        server.end();
    });
}

/// RFC 9110 section 7.8: 100 comes before 101.
#[test]
fn a_client_that_waits_to_send_its_body_is_asked_for_it() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let mut client = server.connect();
        let fields = "\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
        client.send(ASK.replace("GET", "POST").replace("\r\n\r\n", fields));
        assert_eq!(client.head().status, 100);
        client.send("bodytunnel");
        assert_eq!(client.reply().status, 101);
        client.expect("tunnel");
        drop(client);
        server.end();
    });
}

#[test]
fn a_body_that_cannot_be_skipped() {
    on_each_hub_jumping(|_| {
        let mut config = Config::new();
        config.limits.drain = 4;
        config.exchange = Some(Duration::from_secs(3600));
        let server = Running::with(config, echo);
        let post = ASK.replace("GET", "POST");
        for (status, body) in [
            (101, "Content-Length: 4\r\n\r\nbody"),
            (413, "Content-Length: 5\r\n\r\nlarge"),
            (400, "Transfer-Encoding: chunked\r\n\r\nno chunk"),
            // Nothing comes in time.
            (408, "Content-Length: 4\r\n\r\nbod"),
        ] {
            let mut client = server.connect();
            let reply = client.ask(post.replace("\r\n\r\n", &format!("\r\n{body}")));
            assert_eq!(reply.status, status, "{body:?}");
            assert_eq!(reply.is_closing(), status != 101, "{body:?}");
        }
        server.end();
    });
}

/// A coroutine of the handler's has the body, and keeps it.
#[test]
fn a_body_that_is_being_read() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let reader = spawn(move || request.into_body().into_text());
            eventlet_green::testing::until_parked(&reader);
            switch(copy_back)
        });
        let mut client = server.connect();
        let fields = "\r\nContent-Length: 4\r\n\r\n";
        client.send(ASK.replace("GET", "POST").replace("\r\n\r\n", fields));
        assert_eq!(client.head().status, 500);
        drop(client);
        server.end();
    });
}
