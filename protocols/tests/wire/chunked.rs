//! The chunked coding: what is read, what is refused, what is written (RFC 9112 section 7.1).

use std::num::NonZeroUsize;

use eventlet_protocols::wire::{
    ChunkDecoder, ChunkEvent, ChunkHead, Limits, Refusal, is_forbidden_trailer, write_last_chunk,
};
use http::HeaderMap;
use http::header::{self, HeaderValue};

use crate::scenario::{chunked, message, refusal};

#[test]
fn chunks_are_joined() {
    let found = message(&chunked(
        "5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\nGET /",
    ));
    assert_eq!(found.body, b"hello, world");
    assert!(found.trailers.is_empty());
}

#[test]
fn sizes_are_hexadecimal_in_either_case_with_leading_zeros() {
    let found = message(&chunked(
        "0A\r\n0123456789\r\n00000000000000b\r\n0123456789a\r\n000\r\n\r\n",
    ));
    assert_eq!(found.body, b"01234567890123456789a");
}

#[test]
fn data_may_look_like_framing() {
    let found = message(&chunked("9\r\n0\r\n\r\n\r\n\r\n\r\n0\r\n\r\n"));
    assert_eq!(found.body, b"0\r\n\r\n\r\n\r\n");
}

#[test]
fn extensions_are_passed_over() {
    let found = message(&chunked(
        "1;a=b\r\nx\r\n1 ; q=\"1;\u{e9}\"\r\ny\r\n0;last\r\n\r\n",
    ));
    assert_eq!(found.body, b"xy");
}

#[test]
fn malformed_chunks_are_refused() {
    use Refusal as R;
    let cases = [
        ("\r\n", R::ChunkSizeInvalid),
        ("x\r\n", R::ChunkSizeInvalid),
        (" 1\r\nx\r\n0\r\n\r\n", R::ChunkSizeInvalid),
        ("-1\r\nx\r\n", R::ChunkSizeInvalid),
        ("+1\r\nx\r\n", R::ChunkSizeInvalid),
        ("0x1\r\nx\r\n", R::ChunkSizeInvalid),
        (";a\r\n", R::ChunkSizeInvalid),
        ("1_0\r\n", R::ChunkSizeInvalid),
        ("10000000000000000\r\n", R::ChunkSizeInvalid),
        ("00000000000000001\r\nx\r\n", R::ChunkSizeInvalid),
        ("1\nx\r\n0\r\n\r\n", R::ChunkLineInvalid),
        ("1\rx\r\n", R::ChunkLineInvalid),
        ("1 \r\nx\r\n", R::ChunkLineInvalid),
        ("1 1\r\nx\r\n", R::ChunkLineInvalid),
        ("1;a\nx\r\n", R::ChunkLineInvalid),
        ("1;a\rb\r\nx\r\n", R::ChunkLineInvalid),
        ("1;\0\r\nx\r\n", R::ChunkLineInvalid),
        ("1\r\nxy\r\n0\r\n\r\n", R::ChunkEndMissing),
        ("1\r\nx\n0\r\n\r\n", R::ChunkEndMissing),
        ("1\r\nx\rx", R::ChunkEndMissing),
        ("1\r\nx0\r\n\r\n", R::ChunkEndMissing),
    ];
    for (rest, expected) in cases {
        let found = refusal(&chunked(rest));
        assert_eq!(
            (found, found.status().as_u16()),
            (expected, 400),
            "{rest:?}"
        );
    }
}

#[test]
fn a_body_that_breaks_off_is_truncated() {
    let whole = "5;e\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for end in 0..whole.len() {
        assert_eq!(
            refusal(&chunked(&whole[..end])),
            Refusal::BodyTruncated,
            "{end}"
        );
    }
}

#[test]
fn the_largest_size_is_no_overflow() {
    let mut decoder = ChunkDecoder::new(&Limits::default());
    let (used, event) = decoder.decode(b"ffffffffffffffff\r\nab").expect("64 bits");
    assert_eq!((used, event), (20, ChunkEvent::Data(b"ab")));
}

#[test]
fn after_the_end_nothing_is_used() {
    let mut decoder = ChunkDecoder::new(&Limits::default());
    assert_eq!(decoder.decode(b"0\r\n\r\nX"), Ok((5, ChunkEvent::End)));
    assert!(decoder.is_finished());
    assert_eq!(decoder.decode(b"X"), Ok((0, ChunkEvent::End)));
    assert_eq!(decoder.decode(b""), Ok((0, ChunkEvent::End)));
}

#[test]
fn trailers_are_read() {
    let found = message(&chunked(
        "1\r\nx\r\n0\r\nETag: \"a\"\r\nX-Sum:  9 \r\nx-sum: 8\r\n\r\n",
    ));
    assert_eq!(found.trailers.len(), 3);
    assert_eq!(found.trailers["etag"], "\"a\"");
    assert_eq!(found.trailers["x-sum"], "9");
}

#[test]
fn trailers_that_are_forbidden_are_dropped() {
    let lines = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: b\r\nCookie: c\r\n\
                 Authorization: d\r\nX-Forwarded-For: e\r\nKeep-Alive: 1\r\nFine: yes\r\n";
    let found = message(&chunked(&format!("0\r\n{lines}\r\n")));
    assert_eq!(found.trailers.len(), 1);
    assert_eq!(found.trailers["fine"], "yes");
    assert!(is_forbidden_trailer(&header::SET_COOKIE));
}

#[test]
fn malformed_trailers_are_refused() {
    let cases = [
        "A b: c\r\n",
        "A : b\r\n",
        " A: b\r\n",
        "A: b\r\n c\r\n",
        "A\r\n",
        ": b\r\n",
        "A: \0\r\n",
        "A: b\n",
        "A: b\rc\r\n",
        "\n",
        "\rx",
    ];
    for lines in cases {
        let found = refusal(&chunked(&format!("0\r\n{lines}\r\n")));
        assert_eq!(found, Refusal::TrailerInvalid, "{lines:?}");
    }
}

#[test]
fn chunk_heads_are_written() {
    let head = |length| {
        let length = NonZeroUsize::new(length).expect("not zero");
        String::from_utf8(ChunkHead::new(length).as_bytes().to_vec()).expect("ASCII")
    };
    assert_eq!(head(1), "1\r\n");
    assert_eq!(head(0x10), "10\r\n");
    assert_eq!(head(0xabcdef), "abcdef\r\n");
    assert_eq!(head(usize::MAX), format!("{:x}\r\n", usize::MAX));
}

#[test]
fn trailers_are_written_and_read_back() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("9"));
    trailers.append("x-sum", HeaderValue::from_static("8"));
    trailers.insert(header::CONTENT_TYPE, HeaderValue::from_static("dropped"));
    let mut out = Vec::new();
    write_last_chunk(&trailers, &mut out);
    let text = String::from_utf8(out).expect("ASCII");
    let found = message(&chunked(&text));
    assert_eq!(found.trailers.get_all("x-sum").iter().count(), 2);
    assert_eq!(found.trailers.len(), 2);
}
