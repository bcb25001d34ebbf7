//! What the program finds in its environment (RFC 3875 section 4.1).

use eventlet_green::testing::on_each_hub;
use eventlet_protocols::gateway::cgi::Authorization;

use crate::support::{Running, sh};

const SHOW: &str = "echo Content-Type: text/plain; echo; env";

#[test]
fn each_that_must_be_there_is() {
    on_each_hub(|| {
        let server = Running::new(sh(SHOW).mounted_at("/cgi-bin/show/").env("OWN", "x"));
        let reply = server.fetch(
            "/cgi-bin/show/a%20b/c?q=1&r",
            "X-Some-Field: one\r\nX-Some-Field: two\r\nCookie: a=1\r\nCookie: b=2\r\n",
        );
        for (name, value) in [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("PATH_INFO", "/a b/c"),
            ("QUERY_STRING", "q=1&r"),
            ("REMOTE_ADDR", "127.0.0.1"),
            ("REMOTE_HOST", "127.0.0.1"),
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", "/cgi-bin/show/a%20b/c?q=1&r"),
            ("SCRIPT_NAME", "/cgi-bin/show"),
            ("SERVER_NAME", "example.com"),
            ("SERVER_PORT", "8000"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("HTTP_HOST", "example.com:8000"),
            ("HTTP_X_SOME_FIELD", "one, two"),
            ("HTTP_COOKIE", "a=1; b=2"),
            ("OWN", "x"),
        ] {
            assert_eq!(
                reply.variable(name),
                Some(value),
                "{name} in {}",
                reply.body
            );
        }
        assert!(
            reply
                .variable("SERVER_SOFTWARE")
                .unwrap()
                .starts_with("eventlet/")
        );
        assert!(
            reply
                .variable("REMOTE_PORT")
                .unwrap()
                .parse::<u16>()
                .unwrap()
                > 0
        );
        assert!(reply.variable("PATH").is_some());
        // Without a body, and of the parent's own.
        for name in [
            "CONTENT_LENGTH",
            "CONTENT_TYPE",
            "PATH_TRANSLATED",
            "HTTP_CONNECTION",
            "HOME",
            "CARGO",
        ] {
            assert_eq!(reply.variable(name), None, "{name}");
        }
        server.end();
    });
}

#[test]
fn those_that_are_empty_and_those_that_were_set() {
    on_each_hub(|| {
        let cgi = sh(SHOW).mounted_at("/show").server("public.example", 443);
        let server = Running::new(cgi.document_root("/srv"));
        let reply = server.fetch("/show", "");
        assert_eq!(reply.variable("PATH_INFO"), Some(""));
        assert_eq!(reply.variable("QUERY_STRING"), Some(""));
        assert_eq!(reply.variable("PATH_TRANSLATED"), None);
        assert_eq!(reply.variable("SERVER_NAME"), Some("public.example"));
        assert_eq!(reply.variable("SERVER_PORT"), Some("443"));
        let reply = server.fetch("/show/a/b", "");
        assert_eq!(reply.variable("PATH_TRANSLATED"), Some("/srv/a/b"));
        let old = server.ask("GET /show HTTP/1.0\r\n\r\n");
        assert_eq!(old.variable("SERVER_PROTOCOL"), Some("HTTP/1.0"));
        server.end();
    });
}

#[test]
fn a_field_cannot_pass_for_a_setting_of_the_programs() {
    on_each_hub(|| {
        let fields = "Proxy: http://evil.example\r\npRoXy: again\r\nAuthorization: Basic eDp5\r\n";
        let server = Running::new(sh(SHOW));
        let reply = server.fetch("/", fields);
        assert_eq!(reply.variable("HTTP_PROXY"), None, "{}", reply.body);
        assert_eq!(reply.variable("HTTP_AUTHORIZATION"), None);
        server.end();
        let server = Running::new(sh(SHOW).authorization(Authorization::Passed));
        let reply = server.fetch("/", fields);
        assert_eq!(reply.variable("HTTP_AUTHORIZATION"), Some("Basic eDp5"));
        assert_eq!(reply.variable("HTTP_PROXY"), None);
        // With an underscore it would pass for the other.
        let reply = server.fetch("/", "X-Real: 1\r\nX_Real: 2\r\nX_Only: 3\r\n");
        assert_eq!(reply.variable("HTTP_X_REAL"), Some("1"));
        assert_eq!(reply.variable("HTTP_X_ONLY"), None);
        server.end();
    });
}

#[test]
fn paths_that_are_not_the_programs() {
    on_each_hub(|| {
        let server = Running::new(sh(SHOW).mounted_at("/show").document_root("/srv"));
        for path in [
            "/",
            "/other",
            "/showing",
            "/show/../etc/passwd",
            "/show/%2e%2e/x",
        ] {
            assert_eq!(server.fetch(path, "").status, 404, "{path}");
        }
        assert_eq!(server.fetch("/show/a%00b", "").status, 400);
        server.end();
    });
}

#[test]
fn arguments_are_never_taken_from_the_query() {
    on_each_hub(|| {
        let server = Running::new(sh("echo Content-Type: text/plain; echo; echo $#:$1"));
        assert_eq!(server.fetch("/?-s+--help", "").body, "0:\n");
        server.end();
    });
}
