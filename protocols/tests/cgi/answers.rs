//! What the program says (RFC 3875 section 6): statuses, redirects, lengths, and nonsense.

use eventlet_green::testing::on_each_hub;
use eventlet_protocols::gateway::Cgi;
use eventlet_protocols::gateway::cgi::HEAD_LIMIT;
use eventlet_protocols::server::Body;
use http::Response;

use crate::support::{Running, sh};

#[test]
fn documents_and_statuses() {
    on_each_hub(|| {
        let script = "printf 'Content-Type: text/html\\r\\nStatus: 418 Short\\r\\nX-Own: 1\\r\\nX-Own: 2\\r\\n\\r\\n<p>'";
        let server = Running::new(sh(script));
        let reply = server.fetch("/", "");
        assert_eq!(
            (reply.status, &*reply.body, reply.is_whole),
            (418, "<p>", true)
        );
        assert_eq!(reply.field("Content-Type"), Some("text/html"));
        assert_eq!(reply.head.matches("X-Own: ").count(), 2);
        let head = server.ask("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!((head.status, &*head.body), (418, ""));
        server.end();
    });
}

#[test]
fn a_length_is_kept_to() {
    on_each_hub(|| {
        let length = |length: usize| {
            let script =
                format!("echo Status: 200; echo Content-Length: {length}; echo; printf 12345");
            let server = Running::new(sh(&script));
            let reply = server.fetch("/", "");
            assert_eq!(reply.field("Content-Length"), Some(&*length.to_string()));
            server.end();
            reply
        };
        assert_eq!((&*length(5).body, length(5).is_whole), ("12345", true));
        assert_eq!(length(3).body, "123", "what is too much is cut off");
        assert!(!length(9).is_whole, "what is too little is seen");
    });
}

#[test]
fn redirects() {
    on_each_hub(|| {
        let server = Running::new(sh("echo Location: http://b.example/x; echo"));
        let reply = server.fetch("/", "");
        assert_eq!(
            (reply.status, reply.field("Location")),
            (302, Some("http://b.example/x"))
        );
        server.end();
        let server = Running::new(sh(
            "echo Location: http://b.example/x; echo Status: 301 Moved; echo Content-Type: a/b; echo; echo there",
        ));
        let reply = server.fetch("/", "");
        assert_eq!((reply.status, &*reply.body), (301, "there\n"));
        server.end();
        // A local one: by the client, or by the site.
        let local = "echo Location: /elsewhere?x=1; echo";
        let server = Running::new(sh(local));
        let reply = server.fetch("/", "");
        assert_eq!(
            (reply.status, reply.field("Location")),
            (302, Some("/elsewhere?x=1"))
        );
        server.end();
        let server = Running::new(sh(local).site(|request| {
            let method = request.method();
            let user = request.headers().get("x-user").unwrap().to_str().unwrap();
            Response::new(Body::from(format!("{method} {} for {user}", request.uri())))
        }));
        let reply = server.fetch("/", "X-User: me\r\n");
        assert_eq!(
            (reply.status, &*reply.body),
            (200, "GET /elsewhere?x=1 for me")
        );
        server.end();
    });
}

#[test]
fn nonsense_is_a_bad_gateway_and_a_line_in_the_log() {
    on_each_hub(|| {
        for (script, told) in [
            ("true", "without the head"),
            ("echo hello", "without the head"),
            ("echo hello; echo", "a line that is no field"),
            (
                "echo HTTP/1.1 200 OK; echo Content-Type: a/b; echo",
                "a line that is no field",
            ),
            ("echo X-Other: 1; echo; echo body", "neither"),
            ("echo Status: 99; echo", "Status"),
            (
                "echo Content-Type: a/b; echo Content-Length: x; echo",
                "Content-Length",
            ),
            ("cat /dev/zero", "too large"),
            ("kill -9 $$", "without the head"),
        ] {
            let server = Running::new(sh(script));
            let reply = server.fetch("/", "");
            assert_eq!(reply.status, 502, "{script}");
            let log = server.log();
            assert!(
                log.contains("a bad response") && log.contains(told),
                "{script}: {log}"
            );
            server.end();
        }
    });
}

#[test]
fn a_head_at_the_limit_and_one_past_it() {
    on_each_hub(|| {
        for (size, status) in [(HEAD_LIMIT, 200), (HEAD_LIMIT + 1, 502)] {
            // "Status: 200\nX: …\n\n", in fields that are not too long for the client either.
            let filling = size - "Status: 200\nX: \n\n".len();
            let script = format!(
                "echo Status: 200; printf 'X: '; head -c {filling} /dev/zero | tr '\\0' x; echo; echo; echo body"
            );
            let server = Running::new(sh(&script));
            assert_eq!(server.fetch("/", "").status, status, "{size}");
            server.end();
        }
    });
}

#[test]
fn a_program_that_is_missing_is_the_servers_fault() {
    on_each_hub(|| {
        let server = Running::new(Cgi::new("/no/such/program"));
        assert_eq!(server.fetch("/", "").status, 500);
        assert!(server.log().contains("cannot start"), "{}", server.log());
        server.end();
    });
}

#[test]
fn complaints_go_to_the_log_line_by_line() {
    on_each_hub(|| {
        let script =
            "echo first >&2; echo Content-Type: a/b; echo; echo second >&2; printf last >&2";
        let server = Running::new(sh(script));
        assert_eq!(server.fetch("/", "").status, 200);
        eventlet_green::testing::until(|| server.log() == "first\nsecond\nlast");
        server.end();
    });
}
