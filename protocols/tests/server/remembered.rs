//! What a server keeps from one request to the next (the table of fields, the host that is known) is
//! not seen in another's request, and loosens no check.

use eventlet_protocols::server::{Body, RequestBody};
use http::{Request, Response};

use crate::support::{Running, on_each_hub};

/// Says which fields the request has.
fn fields(request: Request<RequestBody>) -> Response<Body> {
    let lines = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
    Response::new(Body::from(lines.collect::<String>()))
}

#[test]
fn nothing_of_a_refused_head_is_in_the_next() {
    on_each_hub(|| {
        let server = Running::new(fields);
        for fault in [
            "Content-Length: x",
            "Expect: x",
            "Host: b",
            "Content-Length: 1, 1",
        ] {
            let refused = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n{fault}\r\n\r\n");
            let reply = server.ask_once(refused.as_bytes());
            assert!(reply.line.starts_with("HTTP/1.1 4"), "{}", reply.line);
            let reply = server.ask_once(b"GET / HTTP/1.0\r\n\r\n");
            assert_eq!(reply.text(), "", "after {fault}");
        }
        server.end();
    });
}

#[test]
fn a_host_that_is_known_is_as_good_as_a_new_one() {
    on_each_hub(|| {
        let server = Running::new(fields);
        let mut client = server.connect();
        for host in ["a", "a", "b", "a:80", "a", "A", "", "a"].repeat(8) {
            let reply = client.ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            assert_eq!(reply.text(), format!("host: {host}\n"));
        }
        for hosts in [
            "a\r\nHost: a",
            "a\r\nHost: b",
            "b\r\nHost: a",
            "a a",
            "a/",
            "a@",
        ] {
            let request = format!("GET / HTTP/1.1\r\nHost: {hosts}\r\n\r\n");
            let reply = server.ask_once(request.as_bytes());
            assert_eq!(reply.line, "HTTP/1.1 400 Bad Request", "{hosts:?}");
        }
        let reply = client.ask("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.text(), "host: b\n", "the target's goes before it");
        let reply = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.text(), "host: a\n");
        drop(client);
        server.end();
    });
}

#[test]
fn a_name_is_the_same_however_it_is_written() {
    const NAMES: [&str; 8] = [
        "Accept",
        "Cookie",
        "Referer",
        "User-Agent",
        "Content-Type",
        "Authorization",
        "Accept-Encoding",
        "Accept-Language",
    ];
    on_each_hub(|| {
        let server = Running::new(fields);
        let mut client = server.connect();
        for host in ["Host", "host", "HOST", "hOsT"] {
            for name in NAMES {
                let lower = name.to_lowercase();
                for written in [name, &lower, &name.to_uppercase()] {
                    let head = format!("GET / HTTP/1.1\r\n{host}: a\r\n{written}: x\r\n\r\n");
                    assert_eq!(client.ask(head).text(), format!("host: a\n{lower}: x\n"));
                }
            }
        }
        // Those that rule the message do so in any case.
        for (close, length) in [
            ("Connection", "Content-Length"),
            ("CONNECTION", "content-length"),
        ] {
            let head =
                format!("PUT / HTTP/1.1\r\nHost: a\r\n{length}: 1\r\n{close}: close\r\n\r\nx");
            assert!(server.ask_once(head.as_bytes()).is_closing());
        }
        drop(client);
        server.end();
    });
}
