//! Reading bodies in the three framings, past buffers, and draining them.

use std::io;

use eventlet_protocols::wire::{BodyReader, Drain, DrainStep, Limits, Refusal, RequestFraming};

use crate::scenario::{message, post, refusal};

fn reader(framing: RequestFraming) -> BodyReader {
    BodyReader::new(framing, &Limits::default()).expect("no limit on the body")
}

#[test]
fn an_empty_body_is_finished_from_the_start() {
    let mut body = reader(RequestFraming::Empty);
    assert!(body.is_finished());
    let step = body.read(b"GET /").expect("nothing to refuse");
    assert_eq!(
        (step.consumed, step.data, step.is_finished),
        (0, &b""[..], true)
    );
    assert_eq!(body.end_of_input(), Ok(()));
    assert!(body.take_trailers().is_empty());
}

#[test]
fn a_body_of_fixed_length_leaves_what_follows() {
    let found = message(&post("Content-Length: 3\r\n", "abcdef"));
    assert_eq!(found.body, b"abc");
    let mut body = reader(RequestFraming::Length(3));
    assert_eq!(body.remaining(), Some(3));
    let step = body.read(b"ab").expect("data");
    assert_eq!(
        (step.consumed, step.data, step.is_finished),
        (2, &b"ab"[..], false)
    );
    assert_eq!((body.remaining(), body.received()), (Some(1), 2));
    let step = body.read(b"cd").expect("data");
    assert_eq!(
        (step.consumed, step.data, step.is_finished),
        (1, &b"c"[..], true)
    );
}

#[test]
fn a_body_of_fixed_length_that_breaks_off_is_truncated() {
    assert_eq!(
        refusal(&post("Content-Length: 3\r\n", "")),
        Refusal::BodyTruncated
    );
    assert_eq!(
        refusal(&post("Content-Length: 3\r\n", "ab")),
        Refusal::BodyTruncated
    );
}

#[test]
fn data_is_a_part_of_the_input() {
    let mut body = reader(RequestFraming::Chunked);
    let input = b"3\r\nabc\r\n0\r\n\r\n";
    let step = body.read(input).expect("data");
    assert_eq!((step.consumed, step.data), (6, &b"abc"[..]));
    assert!(
        std::ptr::eq(step.data.as_ptr(), &input[3]),
        "nothing is copied"
    );
    assert_eq!(body.remaining(), None);
    assert_eq!(body.received(), 3);
}

#[test]
fn little_input_gives_little_data() {
    let mut body = reader(RequestFraming::Chunked);
    let mut input = &b"a\r\n0123456789\r\n0\r\n\r\n"[..];
    let mut pieces = Vec::new();
    while !body.is_finished() {
        let step = body
            .read(&input[..input.len().min(4)])
            .expect("well-formed");
        assert!(step.data.len() <= 4);
        pieces.extend_from_slice(step.data);
        input = &input[step.consumed..];
    }
    assert_eq!(pieces, b"0123456789");
}

#[test]
fn data_ahead_may_be_read_elsewhere() {
    let mut body = reader(RequestFraming::Length(10));
    assert_eq!(body.data_ahead(), 10);
    body.skip_data(4).expect("no limit");
    assert_eq!((body.data_ahead(), body.received()), (6, 4));
    body.skip_data(6).expect("no limit");
    assert!(body.is_finished());

    let mut body = reader(RequestFraming::Chunked);
    assert_eq!(body.data_ahead(), 0, "framing is ahead");
    body.skip_data(0).expect("nothing");
    body.read(b"5\r\na").expect("data");
    assert_eq!(body.data_ahead(), 4);
    body.skip_data(4).expect("no limit");
    assert_eq!(body.data_ahead(), 0);
    let step = body.read(b"\r\n0\r\n\r\n").expect("the end");
    assert!(step.is_finished);
    assert_eq!(body.received(), 5);
}

#[test]
fn data_ahead_is_known_before_its_first_byte() {
    let mut body = reader(RequestFraming::Chunked);
    let step = body.read(b"5\r\n").expect("framing");
    assert_eq!((step.consumed, step.data.len()), (3, 0));
    assert_eq!(body.data_ahead(), 5);
}

#[test]
#[should_panic(expected = "bytes beyond the data ahead")]
fn more_than_the_data_ahead_is_a_mistake() {
    let _ = reader(RequestFraming::Length(3)).skip_data(4);
}

#[test]
fn data_read_elsewhere_counts_against_the_limit() {
    let limits = Limits {
        body: Some(4),
        ..Limits::default()
    };
    let mut body = BodyReader::new(RequestFraming::Chunked, &limits).expect("no length");
    body.read(b"3\r\n").expect("within");
    body.skip_data(3).expect("within");
    assert_eq!(body.read(b"\r\n2\r\n"), Err(Refusal::BodyTooLarge));
    let long = BodyReader::new(RequestFraming::Length(5), &limits);
    assert_eq!(long.map(|_| ()), Err(Refusal::BodyTooLarge));
}

#[test]
fn a_body_is_drained_across_pieces() {
    let mut body = reader(RequestFraming::Chunked);
    let mut drain = Drain::new(&body, &Limits::default()).expect("not known to be long");
    for piece in [&b"3\r"[..], b"\nab", b"c\r\n0\r\n"] {
        assert_eq!(drain.feed(&mut body, piece), Ok(DrainStep::NeedsInput));
    }
    let last = drain.feed(&mut body, b"\r\nGET / HTTP/1.1\r\n");
    assert_eq!(last, Ok(DrainStep::Done { consumed: 2 }));
}

#[test]
fn a_malformed_body_is_refused_also_when_drained() {
    let mut body = reader(RequestFraming::Chunked);
    let mut drain = Drain::new(&body, &Limits::default()).expect("not known to be long");
    assert_eq!(
        drain.feed(&mut body, b"zz\r\n"),
        Err(Refusal::ChunkSizeInvalid)
    );
}

#[test]
fn a_refusal_becomes_an_io_error_and_back() {
    let error = io::Error::from(Refusal::BodyTruncated);
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = io::Error::from(Refusal::BodyTooLarge);
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let inside = error
        .get_ref()
        .and_then(|inside| inside.downcast_ref::<Refusal>());
    assert_eq!(inside, Some(&Refusal::BodyTooLarge));
}
