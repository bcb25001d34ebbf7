//! Each limit, one to one with `src/wire/limits.rs`: accepted at the limit, refused one past it.

use eventlet_protocols::wire::{
    BodyReader, CloseReason, Connection, Drain, DrainStep, HeadParser, Limits, Next, Parsed,
    Refusal, RequestFraming,
};

use crate::scenario::{chunked, get, is_accepted_with, post, refusal_with};

/// Accepted with `at`, refused for `refusal` with `past`.
#[track_caller]
fn hold(limits: &Limits, at: &[u8], past: &[u8], refusal: Refusal, status: u16) {
    assert!(is_accepted_with(at, limits), "at the limit");
    assert_eq!(refusal_with(past, limits), refusal, "one past the limit");
    assert_eq!(refusal.status(), status);
}

#[test]
fn the_defaults_are_the_named_constants() {
    let limits = Limits::default();
    assert_eq!(limits.method, 32);
    assert_eq!(limits.uri, 8192);
    assert_eq!(limits.empty_lines, 4);
    assert_eq!(limits.head, 65_536);
    assert_eq!(limits.fields, 100);
    assert_eq!(limits.field, 8192);
    assert_eq!(limits.body, None);
    assert_eq!(limits.chunk_extension, 256);
    assert_eq!(limits.chunk_overhead, 16_384);
    assert_eq!(limits.trailers, 8192);
    assert_eq!(limits.trailer_fields, 32);
    assert_eq!(limits.drain, 262_144);
    assert_eq!(limits.requests, None);
    assert_eq!(limits.interims, 16);
}

#[test]
fn method() {
    let with = |length| {
        let method = "M".repeat(length);
        format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
    };
    hold(
        &Limits::default(),
        &with(32),
        &with(33),
        Refusal::MethodTooLong,
        501,
    );
}

#[test]
fn uri() {
    let limits = Limits {
        uri: 20,
        ..Limits::default()
    };
    let with = |length: usize| {
        let path = "p".repeat(length - 1);
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
    };
    hold(&limits, &with(20), &with(21), Refusal::UriTooLong, 414);
    // By default, and when the line never ends; whole and in two pieces, which is quick.
    let limits = Limits::default();
    let parse = |input: &[u8]| {
        let mut parser = HeadParser::new();
        parser.parse(&input[..100], &limits)?;
        parser.parse(input, &limits)
    };
    assert!(matches!(parse(&with(8192)), Ok(Parsed::Complete { .. })));
    assert_eq!(parse(&with(8193)).unwrap_err(), Refusal::UriTooLong);
    let endless = &with(100_000)[..9000];
    assert_eq!(parse(endless).unwrap_err(), Refusal::UriTooLong);
}

#[test]
fn uri_beyond_what_the_type_can_hold() {
    let limits = Limits {
        uri: usize::MAX,
        head: usize::MAX,
        ..Limits::default()
    };
    let with = |length: usize| {
        let path = "p".repeat(length - 1);
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
    };
    let parse = |length| HeadParser::new().parse(&with(length), &limits);
    assert!(matches!(parse(65_534), Ok(Parsed::Complete { .. })));
    assert_eq!(parse(65_535).unwrap_err(), Refusal::UriTooLong);
}

#[test]
fn empty_lines() {
    let with = |lines| ["\r\n".repeat(lines).as_bytes(), &get("")].concat();
    hold(
        &Limits::default(),
        &with(4),
        &with(5),
        Refusal::EmptyLinesTooMany,
        400,
    );
}

#[test]
fn head() {
    let well = get("X: yyyyyyyyyy\r\n");
    let limits = |head| Limits {
        head,
        ..Limits::default()
    };
    assert!(is_accepted_with(&well, &limits(well.len())));
    // Empty lines before and a body behind do not count.
    let around = [b"\r\n", &well[..], b"more"].concat();
    assert!(is_accepted_with(&around, &limits(well.len())));
    for head in 0..well.len() {
        let found = refusal_with(&well, &limits(head));
        assert_eq!(
            (found, found.status().as_u16()),
            (Refusal::HeadTooLarge, 431),
            "{head}"
        );
    }
    // A head that never ends.
    let endless = &get(&"X: y\r\n".repeat(30))[..150];
    assert_eq!(refusal_with(endless, &limits(149)), Refusal::HeadTooLarge);
}

#[test]
fn fields() {
    let limits = Limits {
        fields: 5,
        ..Limits::default()
    };
    // `Host` is one of them.
    let with = |lines| get(&"X: y\r\n".repeat(lines));
    hold(&limits, &with(4), &with(5), Refusal::FieldsTooMany, 431);
    let parse = |lines| HeadParser::new().parse(&with(lines), &Limits::default());
    assert!(matches!(parse(99), Ok(Parsed::Complete { .. })));
    assert_eq!(parse(100).unwrap_err(), Refusal::FieldsTooMany);
    let raised = Limits {
        fields: 120,
        ..Limits::default()
    };
    let parse = |lines| HeadParser::new().parse(&with(lines), &raised);
    assert!(matches!(parse(119), Ok(Parsed::Complete { .. })));
    assert_eq!(parse(120).unwrap_err(), Refusal::FieldsTooMany);
}

#[test]
fn field() {
    let limits = Limits {
        field: 30,
        ..Limits::default()
    };
    let with = |length: usize| get(&format!("X: {}\r\nZ: 1\r\n", "y".repeat(length - 3)));
    hold(&limits, &with(30), &with(31), Refusal::FieldTooLarge, 431);
    // A name counts as well, white space too, and a line without end.
    let name = get(&format!("{}: y\r\n", "X".repeat(28)));
    assert_eq!(refusal_with(&name, &limits), Refusal::FieldTooLarge);
    let white = get(&format!("X:{}\r\n", " ".repeat(29)));
    assert_eq!(refusal_with(&white, &limits), Refusal::FieldTooLarge);
    let mut parser = HeadParser::new();
    let long = with(100);
    assert!(matches!(
        parser.parse(&long[..40], &limits),
        Ok(Parsed::Incomplete)
    ));
    assert_eq!(
        parser.parse(&long[..80], &limits).unwrap_err(),
        Refusal::FieldTooLarge
    );
}

#[test]
fn body() {
    let limits = Limits {
        body: Some(5),
        ..Limits::default()
    };
    let fixed = |length: usize| {
        post(
            &format!("Content-Length: {length}\r\n"),
            &"b".repeat(length),
        )
    };
    hold(&limits, &fixed(5), &fixed(6), Refusal::BodyTooLarge, 413);
    let pieces = chunked("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
    let more = chunked("2\r\nab\r\n4\r\ncdef\r\n0\r\n\r\n");
    hold(&limits, &pieces, &more, Refusal::BodyTooLarge, 413);
    // A chunk that will be too much is refused by its size alone.
    let mut reader = BodyReader::new(RequestFraming::Chunked, &limits).expect("no length");
    assert_eq!(reader.read(b"6\r\na"), Err(Refusal::BodyTooLarge));
}

#[test]
fn chunk_extension() {
    let with = |length: usize| chunked(&format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(length - 1)));
    hold(
        &Limits::default(),
        &with(256),
        &with(257),
        Refusal::ChunkExtensionTooLong,
        400,
    );
    let blank = |length: usize| chunked(&format!("1{};\r\nx\r\n0\r\n\r\n", " ".repeat(length - 1)));
    hold(
        &Limits::default(),
        &blank(256),
        &blank(257),
        Refusal::ChunkExtensionTooLong,
        400,
    );
}

#[test]
fn chunk_overhead() {
    let limits = Limits {
        chunk_overhead: 20,
        ..Limits::default()
    };
    // Each chunk has five bytes of extension for one of data: four remain, and five come before.
    let with = |chunks: usize| chunked(&format!("{}0\r\n\r\n", "1;1234\r\nx\r\n".repeat(chunks)));
    hold(
        &limits,
        &with(4),
        &with(5),
        Refusal::ChunkOverheadTooLarge,
        400,
    );
    // Chunks that carry more than their extension never come near it.
    let sensible = chunked(&format!("{}0\r\n\r\n", "6;1234\r\nabcdef\r\n".repeat(20)));
    assert!(is_accepted_with(&sensible, &limits));
}

#[test]
fn trailers() {
    let limits = Limits {
        trailers: 20,
        ..Limits::default()
    };
    let with = |length: usize| chunked(&format!("0\r\nA: {}\r\n\r\n", "b".repeat(length - 5)));
    hold(
        &limits,
        &with(20),
        &with(21),
        Refusal::TrailersTooLarge,
        431,
    );
    let none = Limits {
        trailers: 0,
        ..Limits::default()
    };
    hold(
        &none,
        &chunked("0\r\n\r\n"),
        &chunked("0\r\nA:\r\n\r\n"),
        Refusal::TrailersTooLarge,
        431,
    );
}

#[test]
fn trailer_fields() {
    let with = |lines| chunked(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(lines)));
    hold(
        &Limits::default(),
        &with(32),
        &with(33),
        Refusal::TrailersTooMany,
        431,
    );
}

#[test]
fn drain() {
    let limits = Limits {
        drain: 10,
        ..Limits::default()
    };
    let fixed = |length| {
        let body = BodyReader::new(RequestFraming::Length(length), &limits).expect("no limit");
        Drain::new(&body, &limits)
    };
    assert!(fixed(10).is_some());
    assert!(fixed(11).is_none());
    // Of a chunked body the length shows only while it is read; framing counts.
    let drain = |input: &[u8]| {
        let mut body = BodyReader::new(RequestFraming::Chunked, &limits).expect("no limit");
        let mut drain = Drain::new(&body, &limits).expect("not known to be long");
        drain.feed(&mut body, input)
    };
    assert_eq!(drain(b"0\r\n\r\nGET"), Ok(DrainStep::Done { consumed: 5 }));
    assert_eq!(drain(b"f\r\n1234567"), Ok(DrainStep::NeedsInput));
    assert_eq!(drain(b"f\r\n12345678"), Ok(DrainStep::GiveUp));
    // A body that is all at hand is no exception: it may come in pieces the next time.
    let done = DrainStep::Done { consumed: 10 };
    assert_eq!(drain(b"0;ext-\r\n\r\nGET"), Ok(done));
    assert_eq!(drain(b"0;ext-n\r\n\r\nGET"), Ok(DrainStep::GiveUp));
}

#[test]
fn requests() {
    let limits = Limits {
        requests: Some(2),
        ..Limits::default()
    };
    let mut connection = Connection::new();
    let mut next = || {
        let Ok(Parsed::Complete { head, .. }) = HeadParser::new().parse(&get(""), &limits) else {
            panic!("the head is whole");
        };
        let body = BodyReader::new(head.framing, &limits).expect("no body");
        connection.begin(&head, &limits).finish(&body, &limits)
    };
    assert_eq!(next(), Next::KeepAlive);
    assert_eq!(next(), Next::Close(CloseReason::RequestLimit));
}
