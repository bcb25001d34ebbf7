//! `Host`: there once, and a host (RFC 9112 section 3.2, RFC 9110 section 7.2).

use crate::rule::{Rule, refused, rule, served};

const SECTION: &str = "RFC 9112, 3.2";

fn with(fields: &str) -> String {
    format!("GET /plaintext HTTP/1.1\r\n{fields}\r\n")
}

pub fn rules() -> Vec<Rule> {
    let mut rules = vec![
        refused(
            SECTION,
            "HTTP/1.1 without Host is refused",
            &[400],
            with("X: y\r\n"),
        ),
        refused(
            SECTION,
            "HTTP/1.1 without Host is refused, also with a host in the target",
            &[400],
            "GET http://a/plaintext HTTP/1.1\r\n\r\n",
        ),
        refused(
            SECTION,
            "a higher minor version without Host is refused",
            &[400],
            "GET /plaintext HTTP/1.5\r\n\r\n",
        )
        .ours(),
        rule(SECTION, "HTTP/1.0 needs no Host")
            .send("GET /plaintext HTTP/1.0\r\n\r\n")
            .get(&[200])
            .ends(),
        refused(
            SECTION,
            "HTTP/1.0 with two Hosts is refused",
            &[400],
            "GET /plaintext HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        ),
        refused(
            SECTION,
            "two Hosts are refused",
            &[400],
            with("Host: a\r\nHost: b\r\n"),
        ),
        refused(
            SECTION,
            "two equal Hosts are refused",
            &[400],
            with("Host: a\r\nhOST: a\r\n"),
        ),
        refused(
            SECTION,
            "two Hosts are refused, also with a host in the target",
            &[400],
            "GET http://a/plaintext HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ),
        refused(
            SECTION,
            "a bad Host is refused, also with a host in the target",
            &[400],
            "GET http://a/plaintext HTTP/1.1\r\nHost: a b\r\n\r\n",
        ),
    ];
    for host in [
        "",
        "a.example",
        "a.example:80",
        "a.example:",
        "a.example:65535",
        "192.0.2.1:1",
        "[::1]",
        "[2001:db8::1]:8080",
        "[v1.x:y]",
        "xn--bcher-kva.example",
        "a_b.example",
        "a%20b",
        "a.example.",
        "A.EXAMPLE",
    ] {
        let rule = served(
            "RFC 9110, 7.2",
            format!("{host:?} is a Host"),
            200,
            with(&format!("Host: {host}\r\n")),
        );
        // Those that many refuse, in the letter of the grammar.
        rules.push(match host {
            "" | "[v1.x:y]" | "a%20b" | "a.example:" => rule.ours(),
            _ => rule,
        });
    }
    for host in [
        "a, b",
        "a b",
        "u@a.example",
        "u:p@a.example",
        "a/b",
        "/",
        "a?b",
        "a#b",
        "a\\b",
        "http://a",
        "a:port",
        "a:80:80",
        "a:65536",
        "a:-1",
        "a:+1",
        ":80",
        "[::1",
        "::1",
        "[::g]",
        "[]",
        "[::1]x",
        "a%2",
        "a%zz",
        "a<b>",
        "\"a\"",
        "a\u{e9}",
        "a\tb",
    ] {
        rules.push(
            refused(
                "RFC 9112, 3.2",
                format!("{host:?} is no Host"),
                &[400],
                with(&format!("Host: {host}\r\n")),
            )
            .ours(),
        );
    }
    rules
}
