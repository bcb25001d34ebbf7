//! Answers: which have a body and how it is framed, and what becomes of handlers that break their word
//! (RFC 9112 sections 6 to 8, RFC 9110 sections 6, 8, 9 and 15).

use crate::rule::{Rule, rule};

fn ask(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub fn rules() -> Vec<Rule> {
    [bodies(), handlers()].concat()
}

fn bodies() -> Vec<Rule> {
    let mut rules = vec![
        rule("RFC 9112, 6.2", "an answer of known length says it")
            .send(ask("GET", "/plaintext"))
            .get(&[200])
            .field("content-length", "13")
            .without("transfer-encoding")
            .stays_open(),
        rule(
            "RFC 9112, 6.1",
            "an answer of unknown length comes in chunks",
        )
        .send(ask("GET", "/chunked?n=2&ms=0"))
        .get(&[200])
        .field("transfer-encoding", "chunked")
        .body("chunk 0\nchunk 1\n")
        .stays_open(),
        rule("RFC 9112, 7.1", "an answer of unknown length may be empty")
            .send(ask("GET", "/chunked?n=0&ms=0"))
            .get(&[200])
            .body("")
            .stays_open(),
        rule(
            "RFC 9112, 6.3",
            "to HTTP/1.0 an answer of unknown length ends with the connection",
        )
        .send("GET /chunked?n=2&ms=0 HTTP/1.0\r\n\r\n")
        .get(&[200])
        .without("transfer-encoding")
        .without("content-length")
        .body("chunk 0\nchunk 1\n")
        .ends(),
        rule(
            "RFC 9112, 6.3",
            "HTTP/1.0 that asks to go on is closed where the length is unknown",
        )
        .send("GET /chunked?n=2&ms=0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .get(&[200])
        .without("transfer-encoding")
        .field("connection", "close")
        .body("chunk 0\nchunk 1\n")
        .ends(),
        rule(
            "RFC 9110, 9.3.2",
            "HEAD is answered as GET is, without the body",
        )
        .send(ask("HEAD", "/plaintext"))
        .get(&[200])
        .without_body()
        .field("content-length", "13")
        .stays_open(),
        rule(
            "RFC 9110, 9.3.2",
            "HEAD of what comes in chunks has no body either",
        )
        .send(ask("HEAD", "/chunked?n=2&ms=0"))
        .get(&[200])
        .without_body()
        .stays_open(),
        rule(
            "RFC 9110, 9.3.2",
            "HEAD of what is not there has no body either",
        )
        .send(ask("HEAD", "/none"))
        .get(&[404])
        .without_body()
        .stays_open(),
        rule("RFC 9110, 15.3.5", "204 has neither body nor length")
            .send(ask("GET", "/status?code=204"))
            .get(&[204])
            .without("content-length")
            .without("transfer-encoding")
            .stays_open(),
        rule("RFC 9110, 15.4.5", "304 has no body")
            .send(ask("GET", "/status?code=304"))
            .get(&[304])
            .without("transfer-encoding")
            .stays_open(),
        rule("RFC 9110, 15.3.6", "205 has no body")
            .send(ask("GET", "/status?code=205"))
            .get(&[205])
            .body("")
            .stays_open(),
        rule("RFC 9110, 6.6.1", "an answer has a date")
            .send(ask("GET", "/none"))
            .get(&[404])
            .stays_open(),
    ];
    for status in [200, 201, 302, 400, 404, 418, 451, 500, 503, 599] {
        rules.push(
            rule("RFC 9110, 15", format!("{status} has a body and goes on"))
                .send(ask("GET", &format!("/status?code={status}")))
                .get(&[status])
                .body_holds(" ")
                .stays_open(),
        );
    }
    rules
}

fn handlers() -> Vec<Rule> {
    let injected = |value: &str| {
        rule(
            "RFC 9110, 5.5",
            format!("a field never carries {value} out"),
        )
        .send(ask("GET", &format!("/setheader?value={value}")))
        .get(&[500])
        .without("x-set")
        .without("x-evil")
        .stays_open()
        .ours()
    };
    vec![
        rule(
            "RFC 9110, 15.6.1",
            "a handler that panics is a 500, and the end",
        )
        .at_once() // A backtrace for each cut would be much to read.
        .send(ask("GET", "/error").repeat(2))
        .get(&[500])
        .field("connection", "close")
        .ends()
        .ours(),
        rule(
            "RFC 9112, 8",
            "an answer that fails on its way is visibly cut off",
        )
        .send(ask("GET", "/abort").repeat(2))
        .get(&[200])
        .cut()
        .body("part\n")
        .ends(),
        rule(
            "RFC 9112, 8",
            "an answer that is shorter than its length is cut off",
        )
        .send(ask("GET", "/short").repeat(2))
        .get(&[200])
        .cut()
        .field("content-length", "100")
        .body("0123456789")
        .ends(),
        rule("RFC 9110, 8.6", "an answer is never longer than its length")
            .send(ask("GET", "/overlong").repeat(2))
            .get(&[200])
            .body("01234")
            .get(&[200])
            .body("01234")
            .stays_open()
            .ours(),
        rule("RFC 9110, 5.5", "a field carries what it may hold")
            .send(ask("GET", "/setheader?value=a%20%09b%21"))
            .get(&[200])
            .field("x-set", "a \tb!")
            .stays_open(),
        injected("a%0d%0aX-Evil:%201"),
        injected("a%0d%0a%0d%0abody"),
        injected("a%0aX-Evil:%201"),
        injected("a%0d"),
        injected("a%00b"),
    ]
}
