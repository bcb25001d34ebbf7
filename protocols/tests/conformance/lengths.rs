//! Where a body ends: `Content-Length`, `Transfer-Encoding`, and what becomes of those that could be
//! read in two ways (RFC 9112 section 6, request smuggling in 11.2).

use crate::rule::{Rule, refused, rule, served};

fn post(fields: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

/// A body that is one to those who read chunks, and something else to those who do not.
const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";

pub fn rules() -> Vec<Rule> {
    [accepted(), lengths(), codings(), both()].concat()
}

fn echoed(section: &'static str, what: &str, fields: &str, body: &str, back: &str) -> Rule {
    rule(section, what)
        .send(post(fields, body))
        .get(&[200])
        .body(back)
        .stays_open()
}

fn accepted() -> Vec<Rule> {
    vec![
        echoed(
            "RFC 9112, 6.3",
            "a request without either field has no body",
            "",
            "",
            "",
        ),
        echoed(
            "RFC 9112, 6.2",
            "a length of zero is no body",
            "Content-Length: 0\r\n",
            "",
            "",
        ),
        echoed(
            "RFC 9112, 6.2",
            "a body has its length",
            "Content-Length: 5\r\n",
            "hello",
            "hello",
        ),
        echoed(
            "RFC 9110, 8.6",
            "zeros before a length count nothing",
            "Content-Length: 0005\r\n",
            "hello",
            "hello",
        ),
        echoed(
            "RFC 9112, 6.1",
            "a body of chunks is put together",
            "Transfer-Encoding: chunked\r\n",
            CHUNKS,
            "hello",
        ),
        echoed(
            "RFC 9112, 7",
            "a coding is known in any case",
            "tRANSFER-eNCODING: Chunked\r\n",
            CHUNKS,
            "hello",
        ),
        echoed(
            "RFC 9112, 6",
            "a body may come with any method",
            "Content-Length: 5\r\nX-Was: GET\r\n",
            "hello",
            "hello",
        ),
        rule(
            "RFC 9110, 9.3.1",
            "a GET may have a body, which is no request",
        )
        .send("GET /noread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        .get(&[200])
        .stays_open(),
    ]
}

fn lengths() -> Vec<Rule> {
    let mut rules = Vec::new();
    for value in [
        "",
        " ",
        "+5",
        "-5",
        "0x5",
        "5 5",
        "5;",
        "5.0",
        "5e0",
        "five",
        "\"5\"",
        "5\t5",
        "\u{665}",
        "18446744073709551616",
        "99999999999999999999999999",
        "-0",
        "5, five",
    ] {
        rules.push(refused(
            "RFC 9110, 8.6",
            format!("{value:?} is no length"),
            &[400],
            post(&format!("Content-Length: {value}\r\n"), "hello"),
        ));
    }
    for (what, fields) in [
        ("a list of equal lengths", "Content-Length: 5, 5\r\n"),
        (
            "two equal lengths",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
        ),
        (
            "a length with an empty list member",
            "Content-Length: 5,\r\n",
        ),
    ] {
        rules.push(
            refused(
                "RFC 9112, 6.3",
                format!("{what} is refused"),
                &[400],
                post(fields, "hello"),
            )
            .ours(),
        );
    }
    for (what, fields) in [
        ("a list of two lengths", "Content-Length: 5, 6\r\n"),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        (
            "two lengths in other cases",
            "Content-Length: 6\r\nCONTENT-LENGTH: 5\r\n",
        ),
        (
            "a length and a zero",
            "Content-Length: 0\r\nContent-Length: 5\r\n",
        ),
        (
            "a length and an empty one",
            "Content-Length: 5\r\nContent-Length:\r\n",
        ),
    ] {
        rules.push(refused(
            "RFC 9112, 6.3",
            format!("{what} is refused"),
            &[400],
            post(fields, "hello"),
        ));
    }
    rules.push(refused(
        "RFC 9112, 5.1",
        "a length with a space before its colon is refused",
        &[400],
        post("Content-Length : 5\r\n", "hello"),
    ));
    rules.push(refused(
        "RFC 9112, 5.2",
        "a folded length is refused",
        &[400],
        post("Content-Length:\r\n 5\r\n", "hello"),
    ));
    rules.push(refused(
        "RFC 9110, 5.5",
        "a length with a NUL is refused",
        &[400],
        post("Content-Length: 5\0\r\n", "hello"),
    ));
    rules.push(refused(
        "RFC 9112, 6.2",
        "a length in HTTP/1.0 that is none is refused",
        &[400],
        "POST /echo HTTP/1.0\r\nContent-Length: x\r\n\r\nhello",
    ));
    rules
}

fn codings() -> Vec<Rule> {
    let mut rules = Vec::new();
    for value in [
        "gzip",
        "identity",
        "x",
        "chunked, gzip",
        "chunked, identity",
    ] {
        rules.push(refused(
            "RFC 9112, 6.3",
            format!("a coding that does not end in chunked: {value:?}"),
            &[400, 501],
            post(&format!("Transfer-Encoding: {value}\r\n"), CHUNKS),
        ));
    }
    for value in [
        "chunked, chunked",
        "chunked,chunked",
        "gzip, chunked, chunked",
    ] {
        rules.push(
            refused(
                "RFC 9112, 6.1",
                format!("chunked twice: {value:?}"),
                &[400],
                post(&format!("Transfer-Encoding: {value}\r\n"), CHUNKS),
            )
            .ours(),
        );
    }
    for value in ["gzip, chunked", "identity, chunked", "x;y=z, chunked"] {
        rules.push(
            refused(
                "RFC 9112, 6.1",
                format!("a coding that is not known: {value:?}"),
                &[501],
                post(&format!("Transfer-Encoding: {value}\r\n"), CHUNKS),
            )
            .ours(),
        );
    }
    for value in [
        "",
        ",",
        "chunked,",
        ",chunked",
        "xchunked",
        "chunkedx",
        "\"chunked\"",
        "'chunked'",
        "chunke",
        "chunked;q=1",
        "chunked ;",
        "chun ked",
        "chunked chunked",
        "\u{130}chunked",
        "ch\u{fc}nked",
    ] {
        rules.push(
            refused(
                "RFC 9112, 7",
                format!("{value:?} is not chunked"),
                &[400, 501],
                post(&format!("Transfer-Encoding: {value}\r\n"), CHUNKS),
            )
            .ours(),
        );
    }
    for (what, fields) in [
        (
            "two fields that say chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "chunked and then identity",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        ),
        (
            "chunked and then an unknown coding",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        ),
        (
            "chunked and then nothing",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
        ),
    ] {
        rules.push(
            refused(
                "RFC 9112, 6.1",
                format!("{what} are refused"),
                &[400, 501],
                post(fields, CHUNKS),
            )
            .ours(),
        );
    }
    for (what, field) in [
        (
            "a vertical tab before chunked",
            "Transfer-Encoding: \x0bchunked\r\n",
        ),
        (
            "a form feed after chunked",
            "Transfer-Encoding: chunked\x0c\r\n",
        ),
        ("a NUL after chunked", "Transfer-Encoding: chunked\0\r\n"),
        (
            "a space before the colon of a coding",
            "Transfer-Encoding : chunked\r\n",
        ),
        (
            "a tab before the colon of a coding",
            "Transfer-Encoding\t: chunked\r\n",
        ),
        ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n"),
        (
            "a coding folded by a tab",
            "X: y\r\n\tTransfer-Encoding: chunked\r\n",
        ),
        (
            "a coding after a LF",
            "X: y\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "a coding after a CR",
            "X: y\rTransfer-Encoding: chunked\r\n",
        ),
        (
            "a NUL within the name of a coding",
            "Transfer\0-Encoding: chunked\r\n",
        ),
        (
            "a space within the name of a coding",
            "Transfer Encoding: chunked\r\n",
        ),
    ] {
        rules.push(refused(
            "RFC 9112, 11.2",
            format!("{what} is refused"),
            &[400],
            post(field, CHUNKS),
        ));
    }
    rules.push(
        refused(
            "RFC 9112, 6.1",
            "HTTP/1.0 has no codings",
            &[400],
            format!("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}"),
        )
        .ours(),
    );
    rules.push(refused("RFC 9112, 6.1", "HTTP/1.0 that is kept alive has no codings either", &[400],
        format!("POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}")).ours());
    rules
}

fn both() -> Vec<Rule> {
    let [length, coding] = ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"];
    let cases = [
        ("a length before a coding", format!("{length}{coding}")),
        ("a coding before a length", format!("{coding}{length}")),
        (
            "a length of zero beside a coding",
            format!("Content-Length: 0\r\n{coding}"),
        ),
        (
            "a length beside an unknown coding",
            format!("{length}Transfer-Encoding: x\r\n"),
        ),
        (
            "a length beside identity",
            format!("{length}Transfer-Encoding: identity\r\n"),
        ),
        (
            "a length beside an empty coding",
            format!("{length}Transfer-Encoding:\r\n"),
        ),
        (
            "a bad length beside a coding",
            format!("Content-Length: x\r\n{coding}"),
        ),
        (
            "a length beside a coding in odd cases",
            "content-LENGTH: 5\r\ntransfer-ENCODING: chunked\r\n".into(),
        ),
    ];
    let mut rules: Vec<_> = cases
        .map(|(what, fields)| {
            refused(
                "RFC 9112, 6.1",
                format!("{what} is refused"),
                &[400, 501],
                post(&fields, CHUNKS),
            )
            .ours()
        })
        .to_vec();
    rules.push(
        refused(
            "RFC 9112, 6.1",
            "both in HTTP/1.0 are refused",
            &[400],
            format!("POST /echo HTTP/1.0\r\n{length}{coding}\r\n{CHUNKS}"),
        )
        .ours(),
    );
    rules.push(
        served(
            "RFC 9110, 5.1",
            "an underscore makes no coding: the length counts",
            200,
            post(&format!("{length}Transfer_Encoding: chunked\r\n"), "hello"),
        )
        .body("hello"),
    );
    rules
}
