//! Field lines: names, colons, values, and how many and how long (RFC 9112 section 5, RFC 9110
//! section 5).

use eventlet_protocols::wire::Limits;

use crate::rule::{Rule, refused, rule, served};

fn with(fields: impl AsRef<[u8]>) -> Vec<u8> {
    let head = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n";
    [&head[..], fields.as_ref(), b"\r\n"].concat()
}

pub fn rules() -> Vec<Rule> {
    [accepted(), names(), values(), limits()].concat()
}

fn accepted() -> Vec<Rule> {
    vec![
        served(
            "RFC 9110, 5.1",
            "a field name is known in any case",
            200,
            "GET /plaintext HTTP/1.1\r\nhOsT: a\r\n\r\n",
        ),
        served(
            "RFC 9110, 5.5",
            "a field may be empty",
            200,
            with("X:\r\nY: \r\n"),
        ),
        served(
            "RFC 9112, 5.1",
            "white space around a value is no part of it",
            200,
            with("Content-Length:\t 0 \t\r\n"),
        ),
        served(
            "RFC 9112, 5.1",
            "no white space before a value is needed",
            200,
            with("X:y\r\n"),
        ),
        served(
            "RFC 9110, 5.5",
            "tabs and bytes beyond ASCII may stand in a value",
            200,
            with(b"X: a\tb\xe9\xff\r\n"),
        ),
        served(
            "RFC 9110, 5.6.2",
            "every character of a token may stand in a name",
            200,
            with("!#$%&'*+-.^_`|~09azAZ: x\r\n"),
        ),
        rule("RFC 9110, 5.3", "a field may be repeated")
            .send("GET /headers HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n")
            .get(&[200])
            .body_holds("x-one")
            .stays_open(),
        served(
            "RFC 9110, 5.1",
            "an unknown field is passed over",
            200,
            with("X-Unknown-To-Anybody: \"(<>@,;:\\/[]?={} \r\n"),
        ),
        served(
            "RFC 9110, 5.1",
            "an underscore makes another name: no length is meant",
            200,
            with("Content_Length: 5\r\nTransfer_Encoding: chunked\r\n"),
        ),
    ]
}

fn names() -> Vec<Rule> {
    let mut rules = vec![
        refused(
            "RFC 9112, 5.1",
            "a space before a colon is refused",
            &[400],
            with("X : y\r\n"),
        ),
        refused(
            "RFC 9112, 5.1",
            "a tab before a colon is refused",
            &[400],
            with("X\t: y\r\n"),
        ),
        refused(
            "RFC 9112, 5.1",
            "a space before the colon of Host is refused",
            &[400],
            "GET /plaintext HTTP/1.1\r\nHost : a\r\n\r\n",
        ),
        refused(
            "RFC 9112, 5.2",
            "a folded field is refused",
            &[400],
            with("X: a\r\n b\r\n"),
        ),
        refused(
            "RFC 9112, 5.2",
            "a field folded by a tab is refused",
            &[400],
            with("X: a\r\n\tb\r\n"),
        ),
        refused(
            "RFC 9112, 5.2",
            "an empty folded line is refused",
            &[400],
            with("X: a\r\n \r\n"),
        ),
        refused(
            "RFC 9112, 5",
            "a line without a colon is refused",
            &[400],
            with("nothing\r\n"),
        ),
        refused(
            "RFC 9112, 5",
            "a field without a name is refused",
            &[400],
            with(": x\r\n"),
        ),
    ];
    for name in [
        "a b", "a\"", "a(", "a)", "a,", "a/", "a;", "a<", "a=", "a>", "a?", "a@", "a[", "a\\",
        "a]", "a{", "a}", "a\0", "a\x01", "a\x7f", "a\u{e9}",
    ] {
        rules.push(
            refused(
                "RFC 9110, 5.1",
                format!("{name:?} is no field name"),
                &[400],
                with(format!("{name}: x\r\n")),
            )
            .ours(),
        );
    }
    rules
}

fn values() -> Vec<Rule> {
    let mut rules = Vec::new();
    for (value, what) in [
        ("a\0b", "a NUL"),
        ("a\rb", "a CR"),
        ("a\r b", "a CR and a space"),
    ] {
        rules.push(refused(
            "RFC 9110, 5.5",
            format!("{what} in a value is refused"),
            &[400],
            with(format!("X: {value}\r\n")),
        ));
    }
    for (value, what) in [
        ("a\x01b", "SOH"),
        ("a\x08b", "BS"),
        ("a\x0bb", "VT"),
        ("a\x0cb", "FF"),
        ("a\x1bb", "ESC"),
        ("a\x7fb", "DEL"),
    ] {
        rules.push(
            refused(
                "RFC 9110, 5.5",
                format!("{what} in a value is refused"),
                &[400],
                with(format!("X: {value}\r\n")),
            )
            .ours(),
        );
    }
    rules.push(
        refused(
            "RFC 9112, 2.2",
            "a LF in a value does not begin a line",
            &[400],
            with("X: a\nContent-Length: 5\r\n"),
        )
        .ours(),
    );
    rules
}

fn limits() -> Vec<Rule> {
    let section = "RFC 9110, 5.4";
    let field = |length: usize| format!("X: {}\r\n", "v".repeat(length - "X: ".len()));
    // `Host` is one, too.
    let count = |count: usize| -> String { (1..count).map(|n| format!("F{n}: x\r\n")).collect() };
    let around = with("").len();
    let head = |length: usize| -> String {
        const EACH: usize = 8000;
        let line_end = "\r\n".len();
        let mut left = length - around;
        let mut fields = String::new();
        while left > 0 {
            // The last one takes what is left, so none may leave less than a field has.
            let size = if left > 2 * EACH {
                EACH
            } else {
                left.div_ceil(left.div_ceil(EACH))
            };
            fields += &field(size - line_end);
            left -= size;
        }
        fields
    };
    let [one, all, number] = [
        Limits::DEFAULT_FIELD,
        Limits::DEFAULT_HEAD,
        Limits::DEFAULT_FIELDS,
    ];
    [
        served(
            section,
            format!("a field line of {one} bytes is read"),
            200,
            with(field(one)),
        ),
        refused(
            section,
            "a longer field line is refused",
            &[431],
            with(field(one + 1)),
        ),
        served(
            section,
            format!("{number} fields are read"),
            200,
            with(count(number)),
        ),
        refused(
            section,
            "more fields are refused",
            &[431],
            with(count(number + 1)),
        ),
        served(
            section,
            format!("a head of {all} bytes is read"),
            200,
            with(head(all)),
        ),
        refused(
            section,
            "a longer head is refused",
            &[431],
            with(head(all + 1)),
        ),
    ]
    .map(Rule::ours)
    .to_vec()
}
