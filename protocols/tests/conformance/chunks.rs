//! Bodies in chunks: sizes, extensions, data, trailers (RFC 9112 section 7.1).

use eventlet_protocols::wire::Limits;

use crate::rule::{Rule, SMUGGLED, refused, rule};

fn post(body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

/// What is wrong before any data has come, so that it is answered.
fn wrong(what: &str, status: u16, body: &str) -> Rule {
    refused("RFC 9112, 7.1", what, &[status], post(body))
}

/// What is wrong after an answer may have begun.
fn wrong_later(what: &str, body: &str) -> Rule {
    rule("RFC 9112, 7.1", what)
        .send(post(&format!("{body}{SMUGGLED}")))
        .no_whole_answer()
        .ends()
}

pub fn rules() -> Vec<Rule> {
    [accepted(), sizes(), extensions(), data(), trailers()].concat()
}

fn accepted() -> Vec<Rule> {
    [
        ("an empty body is its last chunk", "0\r\n\r\n", ""),
        (
            "several chunks are one body",
            "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "a size may have capital digits",
            "A\r\n0123456789\r\n0\r\n\r\n",
            "0123456789",
        ),
        (
            "a size may have small digits",
            "a\r\n0123456789\r\n0\r\n\r\n",
            "0123456789",
        ),
        (
            "a size may begin with zeros",
            "0000000000000005\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "the last chunk may have several zeros",
            "5\r\nhello\r\n000\r\n\r\n",
            "hello",
        ),
        (
            "an extension is passed over",
            "5;a\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "an extension with a value is passed over",
            "5;a=b;c=d\r\nhello\r\n0;e\r\n\r\n",
            "hello",
        ),
        (
            "a quoted extension is passed over",
            "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "white space may stand before an extension",
            "5 \t;a\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "data may look like framing",
            "7\r\n0\r\n\r\n5\r\r\n0\r\n\r\n",
            "0\r\n\r\n5\r",
        ),
        (
            "a trailer is read",
            "5\r\nhello\r\n0\r\nX: y\r\n\r\n",
            "hello",
        ),
        (
            "an empty trailer is read",
            "5\r\nhello\r\n0\r\nX:\r\n\r\n",
            "hello",
        ),
        (
            "a length in a trailer means nothing",
            "5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n",
            "hello",
        ),
        (
            "a coding in a trailer means nothing",
            "5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n",
            "hello",
        ),
        (
            "a host in a trailer means nothing",
            "5\r\nhello\r\n0\r\nHost: b\r\nHost: c\r\n\r\n",
            "hello",
        ),
    ]
    .map(|(what, body, back)| {
        rule("RFC 9112, 7.1", what)
            .send(post(body))
            .get(&[200])
            .body(back)
            .stays_open()
    })
    .to_vec()
}

fn sizes() -> Vec<Rule> {
    let mut rules = Vec::new();
    for size in [
        "",
        " 5",
        "\t5",
        "+5",
        "-5",
        "0x5",
        "x5",
        "5h",
        "g",
        "5 5",
        "5,",
        "5.",
        "\"5\"",
        "\u{665}",
        "00000000000000005",
        "10000000000000005",
        "fffffffffffffffff",
        "5\0",
        "\x005",
        "5\x0b",
    ] {
        rules.push(wrong(
            &format!("{size:?} is no size"),
            400,
            &format!("{size}\r\nhello\r\n0\r\n\r\n"),
        ));
    }
    rules.push(
        wrong(
            "white space after a size is refused",
            400,
            "5 \r\nhello\r\n0\r\n\r\n",
        )
        .ours(),
    );
    rules.push(wrong("a LF ends no size", 400, "5\nhello\r\n0\r\n\r\n").ours());
    rules.push(wrong("a CR ends no size", 400, "5\rhello\r\n0\r\n\r\n"));
    rules.push(wrong(
        "a CR before the end of a size line is refused",
        400,
        "5\r\r\nhello\r\n0\r\n\r\n",
    ));
    rules.push(wrong(
        "an empty line is no size",
        400,
        "\r\n5\r\nhello\r\n0\r\n\r\n",
    ));
    // As many as 64 bits can say, and they never come.
    rules.push(
        rule(
            "RFC 9112, 7.1",
            "a size of all 64 bits does not wrap around",
        )
        .send(post("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"))
        .finish()
        .no_whole_answer()
        .ends(),
    );
    rules
}

fn extensions() -> Vec<Rule> {
    let most = Limits::DEFAULT_CHUNK_EXTENSION;
    let of = |length: usize| format!("5;{}\r\nhello\r\n0\r\n\r\n", "e".repeat(length - 1));
    let each = format!("1;{}\r\nx\r\n", "e".repeat(most - 1));
    let flood = each.repeat(Limits::DEFAULT_CHUNK_OVERHEAD as usize / (most - 1) + 1);
    let mut rules = vec![
        rule(
            "RFC 9112, 7.1.1",
            format!("an extension of {most} bytes is passed over"),
        )
        .send(post(&of(most)))
        .get(&[200])
        .body("hello")
        .stays_open(),
        refused(
            "RFC 9112, 7.1.1",
            "a longer extension is refused",
            &[400],
            post(&of(most + 1)),
        )
        .ours(),
        wrong_later("extensions that outweigh the data are refused", &flood).ours(),
    ];
    for (what, body) in [
        ("a LF in an extension", "5;a\nhello\r\n0\r\n\r\n"),
        (
            "a LF in a quoted extension",
            "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        ),
        ("a CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("a NUL in an extension", "5;a\0\r\nhello\r\n0\r\n\r\n"),
        (
            "a control character in an extension",
            "5;a\x01\r\nhello\r\n0\r\n\r\n",
        ),
    ] {
        rules.push(
            refused(
                "RFC 9112, 7.1.1",
                format!("{what} is refused"),
                &[400],
                post(body),
            )
            .ours(),
        );
    }
    rules
}

fn data() -> Vec<Rule> {
    vec![
        wrong_later(
            "a chunk that is longer than its size",
            "5\r\nhello!\r\n0\r\n\r\n",
        ),
        wrong_later(
            "a chunk that is shorter than its size",
            "5\r\nhell\r\n0\r\n\r\n",
        ),
        wrong_later("a chunk that no line end follows", "5\r\nhello0\r\n\r\n"),
        wrong_later("a chunk that a LF follows", "5\r\nhello\n0\r\n\r\n"),
        wrong_later("a chunk that a CR follows", "5\r\nhello\r0\r\n\r\n"),
        wrong_later(
            "a chunk that two line ends follow",
            "5\r\nhello\r\n\r\n0\r\n\r\n",
        ),
        wrong_later("a second size that is none", "5\r\nhello\r\nx\r\n\r\n"),
        wrong_later("a second size with a sign", "5\r\nhello\r\n-1\r\n\r\n"),
        rule(
            "RFC 9112, 8",
            "a body that ends before its last chunk is not whole",
        )
        .send(post("5\r\nhello\r\n"))
        .finish()
        .no_whole_answer()
        .ends(),
        rule("RFC 9112, 8", "a body that ends in a size is not whole")
            .send(post("5\r\nhello\r\n0"))
            .finish()
            .no_whole_answer()
            .ends(),
        rule(
            "RFC 9112, 8",
            "a body that ends before its last line is not whole",
        )
        .send(post("5\r\nhello\r\n0\r\n"))
        .finish()
        .no_whole_answer()
        .ends(),
        rule("RFC 9112, 8", "a body that ends in a chunk is not whole")
            .send(post("5\r\nhel"))
            .finish()
            .no_whole_answer()
            .ends(),
    ]
}

fn trailers() -> Vec<Rule> {
    let section = "RFC 9112, 7.1.2";
    let long = format!("X: {}\r\n", "t".repeat(Limits::DEFAULT_TRAILERS));
    let many: String = (0..=Limits::DEFAULT_TRAILER_FIELDS)
        .map(|n| format!("T{n}: x\r\n"))
        .collect();
    let mut rules = vec![
        refused(
            section,
            "a trailer section that is too long is refused",
            &[431],
            post(&format!("0\r\n{long}\r\n")),
        )
        .ours(),
        refused(
            section,
            "too many trailers are refused",
            &[431],
            post(&format!("0\r\n{many}\r\n")),
        )
        .ours(),
    ];
    for (what, line) in [
        ("a trailer without a colon", "nothing"),
        ("a trailer without a name", ": x"),
        ("a space before the colon of a trailer", "X : y"),
        ("a space before a trailer", " X: y"),
        ("a folded trailer", "X: a\r\n b"),
        ("a LF in a trailer", "X: a\nY: b"),
        ("a CR in a trailer", "X: a\rb"),
        ("a NUL in a trailer", "X: a\0b"),
    ] {
        rules.push(
            refused(
                section,
                format!("{what} is refused"),
                &[400],
                post(&format!("0\r\n{line}\r\n\r\n")),
            )
            .ours(),
        );
    }
    rules.push(
        refused(
            section,
            "a LF ends no trailer section",
            &[400],
            post("0\r\n\n"),
        )
        .ours(),
    );
    rules.push(
        refused(
            section,
            "a LF ends no trailer",
            &[400],
            post("0\r\nX: y\n\r\n"),
        )
        .ours(),
    );
    rules
}
