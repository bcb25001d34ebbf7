//! Request heads: what is read, what is refused and why (RFC 9112 sections 2, 3 and 5).

use eventlet_protocols::wire::{HeadParser, Limits, Parsed, Refusal, TargetForm};
use http::{Method, Version};

use crate::scenario::{get, is_accepted_with, message, read_with, refusal};

#[test]
fn a_plain_request_is_read() {
    let found = message(b"GET /a?b=1 HTTP/1.1\r\nHost: a.example\r\nX-One:  two \t\r\n\r\n").head;
    assert_eq!(found.method, Method::GET);
    assert_eq!(found.uri, "/a?b=1");
    assert_eq!(found.version, Version::HTTP_11);
    assert_eq!(found.form, TargetForm::Origin);
    assert_eq!(found.headers.len(), 2);
    assert_eq!(found.headers["x-one"], "two");
    assert_eq!(found.host(), Some("a.example"));
    assert_eq!(&found.line[..], b"GET /a?b=1 HTTP/1.1");
    assert!(!found.is_upgrade() && !found.expects_continue);
    let request = found.into_request(7);
    assert_eq!((request.uri().path(), request.body()), ("/a", &7));
}

#[test]
fn a_request_without_any_field_is_read_in_http_1_0() {
    let found = message(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(found.head.version, Version::HTTP_10);
    assert_eq!(found.head.host(), None);
    assert_eq!(found.consumed, b"GET / HTTP/1.0\r\n\r\n".len());
}

#[test]
fn what_follows_a_head_is_left() {
    let input = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    let first = message(input);
    assert_eq!(first.head.uri, "/1");
    assert_eq!(message(&input[first.consumed..]).head.uri, "/2");
}

#[test]
fn an_unknown_method_is_passed_on() {
    let input = b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(message(input).head.method.as_str(), "BREW");
    let odd = b"!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(message(odd).head.method.as_str(), "!#$%&'*+-.^_`|~");
}

#[test]
fn fields_that_repeat_are_all_kept_in_order() {
    let found = message(&get("A: 1\r\nB: 2\r\na: 3\r\nEmpty:\r\n")).head;
    let values: Vec<_> = found.headers.get_all("a").iter().collect();
    assert_eq!(values, ["1", "3"]);
    assert_eq!(found.headers["empty"], "");
}

#[test]
fn a_value_may_have_tabs_and_bytes_beyond_ascii() {
    let input = b"GET / HTTP/1.1\r\nHost: a\r\nX: a\tb \xe9\xff\r\n\r\n";
    assert_eq!(
        message(input).head.headers["x"].as_bytes(),
        b"a\tb \xe9\xff"
    );
}

#[test]
fn empty_lines_before_a_request_are_skipped() {
    let input = b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let found = message(input);
    assert_eq!(found.consumed, input.len());
    assert_eq!(&found.head.line[..], b"GET / HTTP/1.1");
    assert!(!HeadParser::has_begun(b"\r\n"));
    assert!(HeadParser::has_begun(b"\r\nG"));
}

#[test]
fn an_unfinished_head_is_incomplete() {
    let limits = Limits::default();
    for input in [
        "",
        "\r",
        "\r\n",
        "G",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r",
    ] {
        let found = read_with(input.as_bytes(), &limits);
        assert!(matches!(found, Ok(None)), "{input:?}: {found:?}");
    }
}

#[test]
fn a_faulty_request_line_is_refused() {
    use Refusal as R;
    let cases: &[(&[u8], Refusal, u16)] = &[
        (b" / HTTP/1.1", R::MethodInvalid, 400),
        (b"G(T / HTTP/1.1", R::MethodInvalid, 400),
        (b"\x16\x03\x01\x02", R::MethodInvalid, 400),
        (b"GET\t/ HTTP/1.1", R::MethodInvalid, 400),
        (b"GET", R::MethodInvalid, 400),
        (b"GET  / HTTP/1.1", R::TargetInvalid, 400),
        (b"GET /a b HTTP/1.1", R::VersionInvalid, 400),
        (b"GET /\x00 HTTP/1.1", R::TargetInvalid, 400),
        (b"GET /\x7f HTTP/1.1", R::TargetInvalid, 400),
        (b"GET /\xff HTTP/1.1", R::TargetInvalid, 400),
        (b"GET /", R::TargetInvalid, 400),
        (b"GET / ", R::VersionInvalid, 400),
        (b"GET / HTTP/1.1 ", R::VersionInvalid, 400),
        (b"GET / http/1.1", R::VersionInvalid, 400),
        (b"GET / HTTP/1", R::VersionInvalid, 400),
        (b"GET / HTTP/1.10", R::VersionInvalid, 400),
        (b"GET / HTTP/11.1", R::VersionInvalid, 400),
        (b"GET / HTTP/0.9", R::VersionUnsupported, 505),
        (b"GET / HTTP/2.0", R::VersionUnsupported, 505),
        (b"GET / HTTP/9.9", R::VersionUnsupported, 505),
        (b"PRI * HTTP/2.0", R::VersionUnsupported, 505),
    ];
    for (line, expected, status) in cases {
        let input = [line, &b"\r\nHost: a\r\n\r\n"[..]].concat();
        let found = refusal(&input);
        assert_eq!(found, *expected, "{:?}", String::from_utf8_lossy(line));
        assert_eq!(found.status(), *status);
    }
}

#[test]
fn a_higher_minor_version_is_read_as_1_1() {
    let found = message(b"GET / HTTP/1.7\r\nHost: a\r\nX: y\r\n\r\n").head;
    assert_eq!(
        &found.line[..],
        b"GET / HTTP/1.7",
        "as it came, for the log"
    );
    assert_eq!(found.version, Version::HTTP_11);
    assert_eq!(found.headers["x"], "y");
    assert_eq!(refusal(b"GET / HTTP/1.2\r\n\r\n"), Refusal::HostMissing);
}

#[test]
fn faulty_field_lines_are_refused() {
    use Refusal as R;
    let cases: &[(&[u8], Refusal)] = &[
        (b"X : y\r\n", R::FieldNameSpaced),
        (b"X\t: y\r\n", R::FieldNameSpaced),
        (b"X Y: z\r\n", R::FieldNameSpaced),
        (b" X: y\r\n", R::FieldFolded),
        (b"X: y\r\n z\r\n", R::FieldFolded),
        (b"X: y\r\n\tz\r\n", R::FieldFolded),
        (b": y\r\n", R::FieldNameInvalid),
        (b"X\r\n", R::FieldNameInvalid),
        (b"X(: y\r\n", R::FieldNameInvalid),
        (b"X\x00: y\r\n", R::FieldNameInvalid),
        (b"X\xe9: y\r\n", R::FieldNameInvalid),
        (b"X: \x00\r\n", R::FieldValueInvalid),
        (b"X: a\x00b\r\n", R::FieldValueInvalid),
        (b"X: a\x0bb\r\n", R::FieldValueInvalid),
        (b"X: a\x7f\r\n", R::FieldValueInvalid),
        (b"X: a\rb\r\n", R::BareCarriageReturn),
        (b"X: a\r\r\n", R::BareCarriageReturn),
        (b"X: a\n", R::BareLineFeed),
        (b"X:\n", R::BareLineFeed),
        (b"\r \n", R::BareCarriageReturn),
    ];
    for (line, expected) in cases {
        let start = &b"GET / HTTP/1.1\r\nHost: a\r\n"[..];
        // In the middle, and as the last field.
        for rest in [&b"Last: 1\r\n\r\n"[..], b"\r\n"] {
            let found = refusal(&[start, line, rest].concat());
            assert_eq!(found, *expected, "{:?}", String::from_utf8_lossy(line));
            assert_eq!(found.status(), 400);
        }
    }
}

#[test]
fn a_bare_line_feed_is_refused_wherever_it_stands() {
    let well = b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    let returns = (0..well.len()).filter(|&at| well[at] == b'\r');
    for at in returns {
        let mut input = well.to_vec();
        input.remove(at);
        assert_eq!(
            refusal(&input),
            Refusal::BareLineFeed,
            "CR at {at} taken out"
        );
    }
    assert_eq!(refusal(b"\nGET / HTTP/1.1\r\n\r\n"), Refusal::BareLineFeed);
    assert_eq!(
        refusal(b"\rGET / HTTP/1.1\r\n\r\n"),
        Refusal::BareCarriageReturn
    );
}

#[test]
fn host_is_needed_once_and_valid() {
    assert_eq!(refusal(b"GET / HTTP/1.1\r\n\r\n"), Refusal::HostMissing);
    assert_eq!(refusal(&get("Host: a.example\r\n")), Refusal::HostRepeated);
    assert_eq!(refusal(&get("HOST: b\r\n")), Refusal::HostRepeated);
    let old = b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n";
    assert_eq!(refusal(old), Refusal::HostRepeated);
    for host in [
        "a b", "a/b", "a@b", "a,b", "a:x", "a:65536", "[::1", "[x]", ":80", "%4",
    ] {
        let input = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(refusal(input.as_bytes()), Refusal::HostInvalid, "{host}");
    }
    let empty = message(b"GET / HTTP/1.1\r\nHost:\r\n\r\n").head;
    assert_eq!(empty.host(), Some(""));
}

#[test]
fn an_absolute_target_overrides_host() {
    let input = b"GET http://b.example:81/x HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let found = message(input).head;
    assert_eq!(found.form, TargetForm::Absolute);
    assert_eq!(found.uri.path(), "/x");
    assert_eq!(found.headers["host"], "b.example:81");
    assert_eq!(found.host(), Some("b.example:81"));
    // It does not stand in for a Host that must be there.
    assert_eq!(
        refusal(b"GET http://b.example/ HTTP/1.1\r\n\r\n"),
        Refusal::HostMissing
    );
}

#[test]
fn expect_is_understood_or_refused() {
    let asks = |lines: &str, rest: &str| {
        message(&crate::scenario::post(lines, rest))
            .head
            .expects_continue
    };
    assert!(asks("Content-Length: 1\r\nExpect: 100-Continue\r\n", "x"));
    assert!(!asks("Expect: 100-continue\r\n", ""), "there is no body");
    assert!(!asks("Content-Length: 1\r\nExpect:\r\n", "x"));
    let found = refusal(&get("Expect: 200-ok\r\n"));
    assert_eq!(
        (found, found.status().as_u16()),
        (Refusal::ExpectationUnknown, 417)
    );
    assert_eq!(
        refusal(&get("Expect: 100-continue, x=y\r\n")),
        Refusal::ExpectationUnknown
    );
    let old = b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx";
    assert!(!message(old).head.expects_continue, "HTTP/1.0 ignores it");
    assert!(
        !message(b"GET / HTTP/1.0\r\nExpect: x\r\n\r\n")
            .head
            .expects_continue
    );
}

#[test]
fn an_upgrade_is_offered_by_two_fields_in_1_1() {
    let lines = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
    assert!(message(&get(lines)).head.is_upgrade());
    assert!(!message(&get("Upgrade: websocket\r\n")).head.is_upgrade());
    assert!(!message(&get("Connection: upgrade\r\n")).head.is_upgrade());
    let old = format!("GET / HTTP/1.0\r\n{lines}\r\n");
    assert!(!message(old.as_bytes()).head.is_upgrade());
}

#[test]
fn a_fault_is_answered_as_soon_as_its_line_has_come() {
    let mut parser = HeadParser::new();
    let limits = Limits::default();
    let input = b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n";
    let first = parser.parse(&input[..10], &limits);
    assert!(matches!(first, Ok(Parsed::Incomplete)));
    assert_eq!(
        parser.parse(input, &limits).unwrap_err(),
        Refusal::FieldNameSpaced
    );
}

#[test]
fn a_long_head_in_small_pieces_is_read() {
    // Beyond the length up to which each line is worth an attempt.
    let lines: String = (0..90)
        .map(|n| format!("X-{n}: {}\r\n", "v".repeat(200)))
        .collect();
    let input = get(&lines);
    let limits = Limits::default();
    let mut parser = HeadParser::new();
    for end in (1..input.len()).step_by(7) {
        let parsed = parser
            .parse(&input[..end], &limits)
            .expect("nothing is wrong");
        assert!(matches!(parsed, Parsed::Incomplete));
    }
    let Ok(Parsed::Complete { consumed, head }) = parser.parse(&input, &limits) else {
        panic!("the head is whole");
    };
    assert_eq!((consumed, head.headers.len()), (input.len(), 91));
}

#[test]
fn more_fields_than_fit_the_stack_are_read_when_the_limit_is_raised() {
    let lines: String = (0..150).map(|n| format!("X-{n}: v\r\n")).collect();
    let raised = Limits {
        fields: 151,
        ..Limits::default()
    };
    assert!(is_accepted_with(&get(&lines), &raised));
    assert_eq!(refusal(&get(&lines)), Refusal::FieldsTooMany);
}
