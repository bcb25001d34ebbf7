//! Heads of responses and the framing that follows from them: what is read, what is a fault, the
//! bodies (RFC 9112 sections 4 to 8). Every message is also fed cut at each byte, and byte by byte.

use eventlet_protocols::wire::{
    BodyReader, Limits, ParsedResponse, ReceivedHead, Refusal, ResponseFault, ResponseFraming,
    ResponseParser,
};
use http::{HeaderMap, Method, Version};

use crate::scenario::split_everywhere;

/// A response that was read to its end; without an end, to that of the input.
#[derive(Debug)]
struct Message {
    head: ReceivedHead,
    body: Vec<u8>,
    trailers: HeaderMap,
    consumed: usize,
    is_whole: bool,
}

/// How far reading came.
type Outcome = Result<Option<Message>, ResponseFault>;

fn read_pieces(method: &Method, pieces: &[&[u8]], limits: &Limits) -> Outcome {
    let mut pieces = pieces.iter();
    let mut buffer = Vec::new();
    let mut parser = ResponseParser::new(method);
    let (mut at, head) = loop {
        let Some(piece) = pieces.next() else {
            return Ok(None);
        };
        buffer.extend_from_slice(piece);
        if let ParsedResponse::Complete { consumed, head } = parser.parse(&buffer, limits)? {
            break (consumed, head);
        }
    };
    let mut reader = BodyReader::of_response(head.framing, limits).map_err(ResponseFault::Body)?;
    let mut body = Vec::new();
    while !reader.is_finished() {
        let step = reader.read(&buffer[at..]).map_err(ResponseFault::Body)?;
        body.extend_from_slice(step.data);
        at += step.consumed;
        if step.consumed == 0 && !step.is_finished {
            let Some(piece) = pieces.next() else {
                reader.end_of_input().map_err(ResponseFault::Body)?;
                break;
            };
            buffer.extend_from_slice(piece);
        }
    }
    let is_whole = reader.is_finished();
    let trailers = reader.take_trailers();
    Ok(Some(Message {
        head,
        body,
        trailers,
        consumed: at,
        is_whole,
    }))
}

#[track_caller]
fn read(method: Method, input: &[u8], limits: &Limits) -> Outcome {
    split_everywhere(input, |pieces| read_pieces(&method, pieces, limits))
}

#[track_caller]
fn message_to(method: Method, input: &[u8]) -> Message {
    match read(method, input, &Limits::default()) {
        Ok(Some(message)) => message,
        other => panic!("{}: {other:?}", input.escape_ascii()),
    }
}

#[track_caller]
fn message(input: &[u8]) -> Message {
    message_to(Method::GET, input)
}

#[track_caller]
fn fault_with(input: &[u8], limits: &Limits) -> ResponseFault {
    match read(Method::GET, input, limits) {
        Err(fault) => fault,
        other => panic!("{} is no fault: {other:?}", input.escape_ascii()),
    }
}

#[track_caller]
fn fault(input: &[u8]) -> ResponseFault {
    fault_with(input, &Limits::default())
}

/// `200 OK` with these lines and what follows the head.
fn ok(lines: &str, rest: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n{rest}").into_bytes()
}

#[test]
fn a_plain_response_is_read() {
    let input = ok(
        "Content-Length: 5\r\nX-One:  two \t\r\nEmpty:\r\n",
        "helloHTTP/1.1",
    );
    let found = message(&input);
    assert_eq!(found.head.status, 200);
    assert_eq!(found.head.version, Version::HTTP_11);
    assert_eq!(found.head.headers["x-one"], "two");
    assert_eq!(found.head.headers["empty"], "");
    assert_eq!(found.head.framing, ResponseFraming::Length(5));
    assert_eq!(found.body, b"hello");
    assert_eq!(&input[found.consumed..], b"HTTP/1.1");
    assert!(found.head.keeps_alive() && found.is_whole);
    let response = found.head.into_response(7);
    assert_eq!((response.status().as_u16(), *response.body()), (200, 7));
}

/// RFC 9112 section 4: clients ignore the phrase; the space before it is left out by some.
#[test]
fn the_reason_phrase_may_be_anything_or_missing() {
    for line in [
        "HTTP/1.1 404 Not Found",
        "HTTP/1.1 404 ",
        "HTTP/1.1 404",
        "HTTP/1.1 404  two  spaces ",
        "HTTP/1.1 404 gr\u{fc}n\tund",
        "HTTP/1.2 404 from the future",
        "HTTP/1.9 404",
    ] {
        let input = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        let found = message(input.as_bytes());
        assert_eq!(found.head.status, 404, "{line}");
        assert_eq!(found.head.version, Version::HTTP_11, "{line}");
    }
}

#[test]
fn what_is_no_status_line_is_told_apart() {
    use ResponseFault as F;
    for (line, expected) in [
        ("SSH-2.0-OpenSSH", F::NotHttp),
        ("220 mail.example ESMTP", F::NotHttp),
        ("http/1.1 200 OK", F::NotHttp),
        ("HTTP/1.1  200 OK", F::StatusInvalid),
        ("HTTP/11 200 OK", F::NotHttp),
        ("HTTP/1.1\t200 OK", F::NotHttp),
        ("ICY 200 OK", F::NotHttp),
        ("HTTP/2.0 200 OK", F::VersionUnsupported),
        ("HTTP/0.9 200 OK", F::VersionUnsupported),
        ("HTTP/1.1 099 Low", F::StatusInvalid),
        ("HTTP/1.1 600 High", F::StatusInvalid),
        ("HTTP/1.1 20 OK", F::StatusInvalid),
        ("HTTP/1.1 2000 OK", F::StatusInvalid),
        ("HTTP/1.1 2x0 OK", F::StatusInvalid),
        ("HTTP/1.1 -20 OK", F::StatusInvalid),
        ("HTTP/1.1 200OK", F::StatusInvalid),
        ("HTTP/1.1 200 O\u{0}K", F::ReasonInvalid),
        ("HTTP/1.1 200 O\u{1b}K", F::ReasonInvalid),
    ] {
        let input = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(fault(input.as_bytes()), expected, "{line:?}");
    }
    assert_eq!(fault(b"\r\nHTTP/1.1 200 OK\r\n\r\n"), F::NotHttp);
    let bare = F::Head(Refusal::BareLineFeed);
    assert_eq!(fault(b"HTTP/1.1 200 OK\nA: b\r\n\r\n"), bare);
}

/// Garbage is known from its first bytes, without waiting for a line that never ends.
#[test]
fn garbage_is_not_waited_out() {
    let mut parser = ResponseParser::new(&Method::GET);
    let found = parser.parse(b"\x16\x03\x01", &Limits::default());
    assert_eq!(found.unwrap_err(), ResponseFault::NotHttp);
    let mut parser = ResponseParser::new(&Method::GET);
    let found = parser.parse(b"HT", &Limits::default());
    assert!(matches!(found, Ok(ParsedResponse::Incomplete)));
    let found = parser.parse(b"HTML", &Limits::default());
    assert_eq!(found.unwrap_err(), ResponseFault::NotHttp);
}

#[test]
fn malformed_lines_are_told_apart() {
    use Refusal as R;
    for (lines, expected) in [
        ("A b: c\r\n", R::FieldNameSpaced),
        ("A : b\r\n", R::FieldNameSpaced),
        (": b\r\n", R::FieldNameInvalid),
        ("A(b): c\r\n", R::FieldNameInvalid),
        ("no colon\r\n", R::FieldNameSpaced),
        ("A: b\u{0}c\r\n", R::FieldValueInvalid),
        ("A: b\u{7f}\r\n", R::FieldValueInvalid),
        ("A: b\nC: d\r\n", R::BareLineFeed),
        ("A: b\rC: d\r\n", R::BareCarriageReturn),
        (" indented: x\r\n", R::FieldFolded),
    ] {
        let input = ok(&format!("{lines}Content-Length: 0\r\n"), "");
        assert_eq!(fault(&input), ResponseFault::Head(expected), "{lines:?}");
    }
}

/// RFC 9112 section 5.2 has clients take folds for spaces.
#[test]
fn a_folded_value_is_unfolded() {
    let found = message(&ok(
        "A: one\r\n two\r\n\tthree\r\nContent-Length: 0\r\n",
        "",
    ));
    let value = found.head.headers["a"].to_str().unwrap();
    assert_eq!(
        value.split_whitespace().collect::<Vec<_>>(),
        ["one", "two", "three"]
    );
    assert!(!value.contains(['\r', '\n']));
    let found = message(&ok("Content-Length:\r\n 2\r\n", "ab"));
    assert_eq!(found.body, b"ab");
}

/// The table of RFC 9112 section 6.3.
#[test]
fn how_a_body_is_delimited() {
    use ResponseFraming as F;
    let with = |method: &str, status: u16, lines: &str, expected: F| {
        let method: Method = method.parse().unwrap();
        let input = format!("HTTP/1.1 {status} X\r\n{lines}\r\n");
        let mut parser = ResponseParser::new(&method);
        let parsed = parser.parse(input.as_bytes(), &Limits::default());
        let Ok(ParsedResponse::Complete { head, .. }) = parsed else {
            panic!("{input:?}");
        };
        assert_eq!(head.framing, expected, "{method} {input:?}");
    };
    with("GET", 200, "", F::UntilClose);
    with("GET", 200, "Content-Length: 0\r\n", F::Length(0));
    with(
        "GET",
        200,
        "Content-Length: 7\r\nContent-Length: 7\r\n",
        F::Length(7),
    );
    with("GET", 200, "Content-Length: 7, 7\r\n", F::Length(7));
    with("GET", 200, "Transfer-Encoding: ChunKed\r\n", F::Chunked);
    with("HEAD", 200, "Content-Length: 7\r\n", F::Nothing);
    with("HEAD", 200, "Transfer-Encoding: chunked\r\n", F::Nothing);
    with("HEAD", 404, "", F::Nothing);
    with("GET", 204, "Content-Length: 7\r\n", F::Nothing);
    with("GET", 304, "Content-Length: 7\r\n", F::Nothing);
    with("GET", 100, "", F::Nothing);
    with("GET", 101, "", F::Nothing);
    with("CONNECT", 200, "Transfer-Encoding: chunked\r\n", F::Nothing);
    with("CONNECT", 407, "Content-Length: 7\r\n", F::Length(7));
}

#[test]
fn what_says_two_things_about_its_length_is_a_fault() {
    use ResponseFault as F;
    for (lines, expected) in [
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            F::LengthsDiffer,
        ),
        ("Content-Length: 5, 6\r\n", F::LengthsDiffer),
        ("Content-Length: +5\r\n", F::LengthInvalid),
        ("Content-Length: -5\r\n", F::LengthInvalid),
        ("Content-Length: 5,\r\n", F::LengthInvalid),
        ("Content-Length:\r\n", F::LengthInvalid),
        ("Content-Length: 0x5\r\n", F::LengthInvalid),
        ("Content-Length: 18446744073709551616\r\n", F::LengthInvalid),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            F::LengthAndCoding,
        ),
        ("Transfer-Encoding: gzip, chunked\r\n", F::CodingUnknown),
        ("Transfer-Encoding: chunked, chunked\r\n", F::CodingUnknown),
        ("Transfer-Encoding: chunked, gzip\r\n", F::CodingUnknown),
        ("Transfer-Encoding: identity\r\n", F::CodingUnknown),
        ("Transfer-Encoding:\r\n", F::CodingUnknown),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            F::CodingUnknown,
        ),
    ] {
        assert_eq!(fault(&ok(lines, "")), expected, "{lines:?}");
    }
    let old = b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(fault(old), F::CodingInOldVersion);
}

#[test]
fn bodies_of_each_framing_are_read() {
    let found = message(&ok(
        "Transfer-Encoding: chunked\r\n",
        "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nEtag: \"t\"\r\nHost: no\r\n\r\nrest",
    ));
    assert_eq!(found.body, b"abcde");
    assert_eq!(found.trailers.len(), 1);
    assert_eq!(found.trailers["etag"], "\"t\"");

    let found = message(&ok("", "all of it"));
    assert_eq!(found.body, b"all of it");
    assert!(!found.is_whole, "its end is the connection's");
    assert!(!found.head.keeps_alive());

    let found = message_to(Method::HEAD, &ok("Content-Length: 9\r\n", "HTTP/1.1 "));
    assert!(found.body.is_empty() && found.is_whole);
}

#[test]
fn a_body_that_is_cut_off_or_malformed_is_a_fault() {
    use Refusal as R;
    let chunked = |rest| fault(&ok("Transfer-Encoding: chunked\r\n", rest));
    assert_eq!(chunked("5\r\nhel"), ResponseFault::Body(R::BodyTruncated));
    let between = chunked("5\r\nhello\r\n");
    assert_eq!(between, ResponseFault::Body(R::BodyTruncated));
    assert_eq!(chunked("0\r\n"), ResponseFault::Body(R::BodyTruncated));
    assert_eq!(chunked("x\r\n"), ResponseFault::Body(R::ChunkSizeInvalid));
    assert_eq!(
        chunked("3\r\nabcd"),
        ResponseFault::Body(R::ChunkEndMissing)
    );
    let sized = fault(&ok("Content-Length: 5\r\n", "hell"));
    assert_eq!(sized, ResponseFault::Body(R::BodyTruncated));
    assert!(sized.is_truncation());
}

#[test]
fn who_keeps_the_connection() {
    for (text, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", true),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n",
            false,
        ),
        ("HTTP/1.1 200 OK\r\n", false),
        ("HTTP/1.1 204 No Content\r\n", true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n", false),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n",
            true,
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive, close\r\n",
            false,
        ),
    ] {
        let input = format!("{text}\r\n");
        assert_eq!(
            message(input.as_bytes()).head.keeps_alive(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn interim_responses_are_told_from_final_ones() {
    let is_interim = |status: u16| {
        let input = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        message(input.as_bytes()).head.is_interim()
    };
    assert!(is_interim(100) && is_interim(103) && is_interim(199));
    assert!(!is_interim(101) && !is_interim(200) && !is_interim(599));
}

/// A limit, and one past it, whole and cut everywhere.
#[track_caller]
fn hold(limits: &Limits, at: &[u8], past: &[u8], expected: ResponseFault) {
    assert!(
        matches!(read(Method::GET, at, limits), Ok(Some(_))),
        "at the limit"
    );
    assert_eq!(fault_with(past, limits), expected, "one past the limit");
}

#[test]
fn heads_have_limits() {
    let limits = Limits {
        head: 100,
        fields: 3,
        field: 40,
        ..Limits::default()
    };
    let line = |length: usize| {
        let phrase = "p".repeat(length - "HTTP/1.1 200 ".len());
        format!("HTTP/1.1 200 {phrase}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    };
    hold(
        &limits,
        &line(40),
        &line(41),
        ResponseFault::StatusLineTooLong,
    );
    let field = |length: usize| {
        let value = "v".repeat(length - "A: ".len());
        ok(&format!("A: {value}\r\nContent-Length: 0\r\n"), "")
    };
    let expected = ResponseFault::Head(Refusal::FieldTooLarge);
    hold(&limits, &field(40), &field(41), expected);
    let fields = |count: usize| {
        ok(
            &format!("{}Content-Length: 0\r\n", "A:\r\n".repeat(count - 1)),
            "",
        )
    };
    let expected = ResponseFault::Head(Refusal::FieldsTooMany);
    hold(&limits, &fields(3), &fields(4), expected);
    let head = |length: usize| {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: \r\nB: \r\n\r\n";
        let rest = length - start.len();
        let (a, b) = ("a".repeat(rest / 2), "b".repeat(rest - rest / 2));
        ok(&format!("Content-Length: 0\r\nA: {a}\r\nB: {b}\r\n"), "")
    };
    assert_eq!(head(100).len(), 100);
    let expected = ResponseFault::Head(Refusal::HeadTooLarge);
    hold(&limits, &head(100), &head(101), expected);
}

/// A server that sends fields for ever is left at the limit, whatever its lines are.
#[test]
fn an_endless_head_is_left_at_the_limit() {
    for line in ["A: b\r\n", "A: b\r\n folded\r\n", "x"] {
        let limits = Limits::default();
        let mut parser = ResponseParser::new(&Method::GET);
        let mut input = b"HTTP/1.1 200 OK\r\n".to_vec();
        let fault = loop {
            input.extend_from_slice(line.as_bytes());
            match parser.parse(&input, &limits) {
                Ok(ParsedResponse::Incomplete) => assert!(input.len() <= limits.head + line.len()),
                Ok(ParsedResponse::Complete { .. }) => unreachable!("it has no end"),
                Err(fault) => break fault,
            }
        };
        assert!(matches!(
            fault,
            ResponseFault::Head(Refusal::FieldsTooMany | Refusal::FieldTooLarge)
        ));
    }
}

#[test]
fn more_fields_than_fit_the_small_table_are_read_if_allowed() {
    let limits = Limits {
        fields: 500,
        ..Limits::default()
    };
    let input = ok(
        &format!("{}Content-Length: 0\r\n", "A: b\r\n".repeat(499)),
        "",
    );
    let pieces = [&input[..]];
    let found = read_pieces(&Method::GET, &pieces, &limits)
        .unwrap()
        .unwrap();
    assert_eq!(found.head.headers.len(), 500);
}

#[test]
fn bodies_have_a_limit_in_each_framing() {
    let limits = Limits {
        body: Some(3),
        ..Limits::default()
    };
    let expected = ResponseFault::Body(Refusal::BodyTooLarge);
    let sized = |n: usize| ok(&format!("Content-Length: {n}\r\n"), &"x".repeat(n));
    hold(&limits, &sized(3), &sized(4), expected);
    let chunked = |n: usize| {
        let data = "x".repeat(n);
        ok(
            "Transfer-Encoding: chunked\r\n",
            &format!("{n:x}\r\n{data}\r\n0\r\n\r\n"),
        )
    };
    hold(&limits, &chunked(3), &chunked(4), expected);
    let until_close = |n: usize| ok("", &"x".repeat(n));
    hold(&limits, &until_close(3), &until_close(4), expected);
}

#[test]
fn every_fault_says_what_it_is() {
    use ResponseFault as F;
    let all = [
        F::NotHttp,
        F::VersionUnsupported,
        F::StatusInvalid,
        F::ReasonInvalid,
        F::StatusLineTooLong,
        F::Head(Refusal::HeadTooLarge),
        F::HeadTruncated,
        F::LengthInvalid,
        F::LengthsDiffer,
        F::LengthAndCoding,
        F::CodingInOldVersion,
        F::CodingUnknown,
        F::InterimsTooMany,
        F::UpgradeUnasked,
        F::Body(Refusal::BodyTruncated),
    ];
    let texts: std::collections::HashSet<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), all.len());
}
