//! `Expect: 100-continue` (RFC 9110 section 10.1.1).

use crate::rule::{Rule, refused, rule};

const SECTION: &str = "RFC 9110, 10.1.1";

fn head(path: &str, version: &str, expect: &str) -> String {
    format!(
        "POST {path} HTTP/{version}\r\nHost: a\r\nContent-Length: 5\r\nExpect: {expect}\r\n\r\n"
    )
}

pub fn rules() -> Vec<Rule> {
    let asked = |what: &str, expect: &str| {
        rule(SECTION, what)
            .send(head("/echo", "1.1", expect))
            .interim(100)
            .send("hello")
            .get(&[200])
            .body("hello")
            .stays_open()
    };
    vec![
        asked("who waits for it is told to go on, once", "100-continue"),
        asked("who waits for it is told to go on, in any case", "100-Continue"),
        rule(SECTION, "who waits with chunks is told to go on")
            .send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
            .interim(100)
            .send("5\r\nhello\r\n0\r\n\r\n")
            .get(&[200])
            .body("hello")
            .stays_open(),
        rule(SECTION, "who does not wait is not told to go on")
            .send(head("/echo", "1.1", "100-continue") + "hello")
            .get(&[200])
            .body("hello")
            .stays_open()
            .at_once()
            .ours(),
        rule(SECTION, "a body that is not wanted is not asked for, and the connection ends")
            .send(head("/noread", "1.1", "100-continue"))
            .get(&[200])
            .body("noread\n")
            .field("connection", "close")
            .ends()
            .ours(),
        rule(SECTION, "HTTP/1.0 is not told to go on")
            .send(head("/echo", "1.0", "100-continue"))
            .send("hello")
            .get(&[200])
            .body("hello")
            .ends(),
        rule(SECTION, "without a body there is nothing to go on with")
            .send("GET /plaintext HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
            .get(&[200])
            .stays_open(),
        rule(SECTION, "two bodies on one connection are asked for")
            .send(head("/echo", "1.1", "100-continue"))
            .interim(100)
            .send("first")
            .get(&[200])
            .send(head("/echo", "1.1", "100-continue"))
            .interim(100)
            .send("again")
            .get(&[200])
            .body("again")
            .stays_open(),
        refused(SECTION, "another expectation is refused", &[417],
            head("/echo", "1.1", "200-ok") + "hello").ours(),
        refused(SECTION, "another expectation beside it is refused", &[417],
            head("/echo", "1.1", "100-continue, x=y") + "hello").ours(),
    ]
}
