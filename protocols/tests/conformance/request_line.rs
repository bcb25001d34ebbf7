//! Request lines: methods, targets, versions, and what may stand before and after them
//! (RFC 9112 sections 2 and 3).

use eventlet_protocols::wire::Limits;

use crate::rule::{Rule, refused, rule, served};

const FIELDS: &str = "Host: a\r\n\r\n";

/// A head with this line, and `Host`.
fn line(line: &str) -> String {
    format!("{line}\r\n{FIELDS}")
}

pub fn rules() -> Vec<Rule> {
    [
        starts(),
        line_ends(),
        methods(),
        versions(),
        targets(),
        limits(),
    ]
    .concat()
}

fn starts() -> Vec<Rule> {
    let get = line("GET /plaintext HTTP/1.1");
    let most = Limits::DEFAULT_EMPTY_LINES;
    let skipped = "\r\n".repeat(most);
    vec![
        rule(
            "RFC 9112, 2.1",
            "a request is answered, and the next one, too",
        )
        .send(&get)
        .get(&[200])
        .body("Hello, World!")
        .stays_open(),
        served(
            "RFC 9112, 2.2",
            "an empty line before a request is passed over",
            200,
            format!("\r\n{get}"),
        ),
        served(
            "RFC 9112, 2.2",
            format!("{most} empty lines before a request are passed over"),
            200,
            format!("{skipped}{get}"),
        )
        .ours(),
        refused(
            "RFC 9112, 2.2",
            "more empty lines before a request are refused",
            &[400],
            format!("\r\n{skipped}{get}"),
        )
        .ours(),
        refused(
            "RFC 9112, 3",
            "white space before a method is refused",
            &[400],
            format!(" {get}"),
        )
        .ours(),
        refused(
            "RFC 9112, 2.2",
            "white space between request line and first field is refused",
            &[400],
            "GET /plaintext HTTP/1.1\r\n Host: a\r\n\r\n",
        ),
        refused(
            "RFC 9112, 2.2",
            "a tab between request line and first field is refused",
            &[400],
            "GET /plaintext HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n",
        ),
        refused(
            "RFC 9112, 3",
            "words that are no request are refused",
            &[400],
            "what is this?\r\n\r\n",
        ),
        refused(
            "RFC 9113, 3.4",
            "the preface of HTTP/2 is not taken for a request",
            &[400, 505],
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ),
        // No `SMUGGLED` would be read after it.
        rule("RFC 9112, 3", "the beginning of a TLS handshake is refused")
            .send(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n")
            .refused(&[400])
            .ours(),
    ]
}

fn line_ends() -> Vec<Rule> {
    let cases = [
        (
            "a LF without CR at the end of a request line",
            "GET /plaintext HTTP/1.1\nHost: a\r\n\r\n",
        ),
        (
            "a LF without CR at the end of every line",
            "GET /plaintext HTTP/1.1\nHost: a\n\n",
        ),
        (
            "a LF without CR at the end of a head",
            "GET /plaintext HTTP/1.1\r\nHost: a\r\n\n",
        ),
        (
            "a LF without CR before a request line",
            "\nGET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ];
    // A recipient may take a LF alone for a line end; middlemen are known to disagree on it.
    let lenient = cases.map(|(what, bytes)| {
        refused("RFC 9112, 2.2", format!("{what} is refused"), &[400], bytes).ours()
    });
    let cases = [
        (
            "a CR within a request line",
            "GET /plain\rtext HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "a CR after a request line's end",
            "GET /plaintext HTTP/1.1\r\r\nHost: a\r\n\r\n",
        ),
        (
            "a CR alone as a line end",
            "GET /plaintext HTTP/1.1\rHost: a\r\r\n\r\n",
        ),
        (
            "a NUL within a request line",
            "GET /plain\0text HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ];
    let strict = cases
        .map(|(what, bytes)| refused("RFC 9112, 2.2", format!("{what} is refused"), &[400], bytes));
    [lenient, strict].concat()
}

fn methods() -> Vec<Rule> {
    let refusals = ["G(T", "G\"T", "GE/T", "G,T", "G\u{e9}T", "GE\tT", ""].map(|method| {
        refused(
            "RFC 9110, 9.1",
            format!("{method:?} is no method"),
            &[400],
            line(&format!("{method} /plaintext HTTP/1.1")),
        )
    });
    let mut rules = refusals.to_vec();
    rules.extend([
        rule(
            "RFC 9110, 9.1",
            "a method is known by its case: get is not GET",
        )
        .send(line("get /plaintext HTTP/1.1"))
        .get(&[405, 501, 400])
        .ours(),
        rule("RFC 9110, 15.5.6", "405 says what is allowed")
            .send(line("DELETE /plaintext HTTP/1.1"))
            .get(&[405])
            .field("allow", "GET, HEAD")
            .stays_open()
            .ours(),
        served(
            "RFC 9110, 9.1",
            "any token is a method, which the handler may know",
            200,
            line("M-SEARCH!#$%&'*+.^_`|~1 /echo HTTP/1.1"),
        )
        .ours(),
        refused(
            "RFC 9110, 15.6.2",
            "a method longer than any is refused",
            &[501],
            line(&format!(
                "{} / HTTP/1.1",
                "M".repeat(Limits::DEFAULT_METHOD + 1)
            )),
        )
        .ours(),
    ]);
    rules
}

fn versions() -> Vec<Rule> {
    let mut rules = vec![
        served(
            "RFC 9110, 2.5",
            "a higher minor version is served as HTTP/1.1",
            200,
            line("GET /plaintext HTTP/1.2"),
        ),
        served(
            "RFC 9110, 2.5",
            "the highest minor version is served as HTTP/1.1",
            200,
            line("GET /plaintext HTTP/1.9"),
        ),
        rule(
            "RFC 9110, 6.2",
            "HTTP/1.0 is answered with our own version, and closed",
        )
        .send("GET /plaintext HTTP/1.0\r\n\r\n")
        .get(&[200])
        .body("Hello, World!")
        .field("connection", "close")
        .ends(),
    ];
    for version in ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9"] {
        rules.push(
            refused(
                "RFC 9110, 15.6.6",
                format!("{version} is not supported"),
                &[505],
                line(&format!("GET /plaintext {version}")),
            )
            .ours(),
        );
    }
    for version in [
        "http/1.1",
        "Http/1.1",
        "HTTP/1.10",
        "HTTP/01.1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/11",
        "HTTP/1,1",
        "HTTP/+1.1",
        "HTTP/1.1x",
        "HTTP 1.1",
        "HTTP/ 1.1",
        "HTTP/1.-1",
        "HTTPS/1.1",
        "1.1",
    ] {
        rules.push(refused(
            "RFC 9112, 2.3",
            format!("{version:?} is no version"),
            &[400, 505],
            line(&format!("GET /plaintext {version}")),
        ));
    }
    for (what, text) in [
        ("two spaces before a target", "GET  /plaintext HTTP/1.1"),
        ("two spaces before a version", "GET /plaintext  HTTP/1.1"),
        (
            "a space at the end of a request line",
            "GET /plaintext HTTP/1.1 ",
        ),
        ("a tab for a space", "GET\t/plaintext\tHTTP/1.1"),
        ("a space within a target", "GET /plain text HTTP/1.1"),
    ] {
        rules.push(
            refused(
                "RFC 9112, 3",
                format!("{what} is refused"),
                &[400],
                line(text),
            )
            .ours(),
        );
    }
    for (what, text) in [
        ("a request line without a version", "GET /plaintext"),
        ("a request line without a target", "GET HTTP/1.1"),
        ("a method alone", "GET"),
    ] {
        rules.push(refused(
            "RFC 9112, 3",
            format!("{what} is refused"),
            &[400],
            line(text),
        ));
    }
    rules
}

fn targets() -> Vec<Rule> {
    let mut rules = vec![
        served(
            "RFC 9112, 3.2.1",
            "a path is left as it is: an escape that is a letter is no letter",
            404,
            line("GET /plain%74ext HTTP/1.1"),
        )
        .ours(),
        served(
            "RFC 9112, 3.2.1",
            "a query is no part of the path",
            200,
            line("GET /plaintext?a=/b%00 HTTP/1.1"),
        ),
        served(
            "RFC 9112, 3.2.2",
            "a target with scheme and host is served",
            200,
            line("GET http://a/plaintext HTTP/1.1"),
        ),
        served(
            "RFC 9110, 4.2.3",
            "a scheme is known in any case",
            200,
            line("GET HTTP://a/plaintext HTTP/1.1"),
        ),
        rule("RFC 9112, 3.2.2", "the host of a target goes before Host")
            .send("GET http://b.example:81/headers HTTP/1.1\r\nHost: a\r\n\r\n")
            .get(&[200])
            .body_holds("\"host\":\"b.example:81\"")
            .stays_open(),
        rule("RFC 9112, 3.2.4", "* is a target of OPTIONS")
            .send(line("OPTIONS * HTTP/1.1"))
            .get(&[200, 204, 404, 405])
            .stays_open(),
        rule("RFC 9112, 3.2.3", "host and port are a target of CONNECT")
            .send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
            .get(&[404, 405, 501, 400])
            .ours(),
    ];
    for (section, what, text) in [
        (
            "RFC 9112, 3.2.4",
            "* with another method than OPTIONS",
            "GET * HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2.3",
            "host and port with another method than CONNECT",
            "GET a:80 HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2.1",
            "a path without a slash",
            "GET plaintext HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2.3",
            "CONNECT with a path",
            "CONNECT /plaintext HTTP/1.1",
        ),
        (
            "RFC 9110, 9.3.6",
            "CONNECT without a port",
            "CONNECT a HTTP/1.1",
        ),
        (
            "RFC 9110, 9.3.6",
            "CONNECT with an empty port",
            "CONNECT a: HTTP/1.1",
        ),
        (
            "RFC 9110, 9.3.6",
            "CONNECT with a port that is none",
            "CONNECT a:99999 HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2.3",
            "CONNECT with a scheme",
            "CONNECT http://a:80/ HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2",
            "a fragment in a target",
            "GET /plaintext#top HTTP/1.1",
        ),
        (
            "RFC 9110, 4.2.4",
            "a user in a target",
            "GET http://u@a/plaintext HTTP/1.1",
        ),
        (
            "RFC 9110, 4.2.4",
            "a user and a password in a target",
            "GET http://u:p@a/plaintext HTTP/1.1",
        ),
        (
            "RFC 9110, 4.2.1",
            "a target with a scheme and no host",
            "GET http:///plaintext HTTP/1.1",
        ),
        (
            "RFC 9110, 4.2.1",
            "a target with a port that is none",
            "GET http://a:b/plaintext HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2.2",
            "a target with a scheme that is not ours",
            "GET ftp://a/plaintext HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2",
            "bytes beyond ASCII in a target",
            "GET /pl\u{e4}intext HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2",
            "DEL in a target",
            "GET /plain\x7ftext HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2",
            "a control character in a target",
            "GET /plain\x01text HTTP/1.1",
        ),
        (
            "RFC 9112, 3.2",
            "a tab in a target",
            "GET /plain\ttext HTTP/1.1",
        ),
    ] {
        rules.push(refused(section, format!("{what} is refused"), &[400], line(text)).ours());
    }
    rules
}

fn limits() -> Vec<Rule> {
    // What every server should take.
    const COMMON: usize = 8000;
    let target = |length: usize| format!("/{}", "u".repeat(length - 1));
    let most = Limits::DEFAULT_URI;
    vec![
        served(
            "RFC 9112, 3",
            format!("a request line of {COMMON} bytes is read"),
            404,
            line(&format!(
                "GET {} HTTP/1.1",
                target(COMMON - "GET  HTTP/1.1".len())
            )),
        )
        .ours(),
        served(
            "RFC 9110, 4.1",
            format!("a target of {most} bytes is read"),
            404,
            line(&format!("GET {} HTTP/1.1", target(most))),
        )
        .ours(),
        refused(
            "RFC 9110, 15.5.15",
            "a longer target is refused",
            &[414],
            line(&format!("GET {} HTTP/1.1", target(most + 1))),
        )
        .ours(),
    ]
}
