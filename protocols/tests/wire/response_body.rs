//! Bodies of responses: never other than their head announced.

use eventlet_protocols::wire::{BodyWriter, LengthField, ResponseFraming, ResponsePlan, TooShort};
use http::header::{HeaderMap, HeaderValue};

use crate::scenario::{chunked, message};

fn writer(framing: ResponseFraming) -> BodyWriter {
    BodyWriter::new(&ResponsePlan {
        field: LengthField::Absent,
        framing,
    })
}

#[test]
fn a_body_as_long_as_promised_goes_out_as_it_is() {
    let mut writer = writer(ResponseFraming::Length(5));
    let mut out = Vec::new();
    for piece in [&b"he"[..], b"", b"llo"] {
        let frame = writer.frame(piece);
        assert_eq!((frame.data, frame.cut), (piece, 0));
        frame.write_to(&mut out);
    }
    assert_eq!(writer.finish(None, &mut out), Ok(()));
    assert_eq!((&out[..], writer.sent()), (&b"hello"[..], 5));
}

#[test]
fn a_body_too_long_is_cut() {
    let mut writer = writer(ResponseFraming::Length(3));
    let frame = writer.frame(b"hello");
    assert_eq!((frame.data, frame.cut), (&b"hel"[..], 2));
    let frame = writer.frame(b"again");
    assert_eq!((frame.is_empty(), frame.cut), (true, 5));
    assert_eq!(writer.finish(None, &mut Vec::new()), Ok(()));
    assert_eq!(writer.sent(), 3);
}

#[test]
fn a_body_too_short_is_reported() {
    let mut writer = writer(ResponseFraming::Length(9));
    writer.frame(b"hello");
    let found = writer.finish(None, &mut Vec::new());
    assert_eq!(found, Err(TooShort { missing: 4 }));
    assert_eq!(
        TooShort { missing: 4 }.to_string(),
        "the body is 4 bytes short of its Content-Length"
    );
}

#[test]
fn a_response_without_a_body_swallows_what_is_written() {
    let mut writer = writer(ResponseFraming::Nothing);
    assert!(writer.is_silent());
    let frame = writer.frame(b"hello");
    assert_eq!((frame.is_empty(), frame.cut, frame.len()), (true, 0, 0));
    let mut out = Vec::new();
    assert_eq!(writer.finish(Some(&HeaderMap::new()), &mut out), Ok(()));
    assert_eq!((out.len(), writer.sent()), (0, 0));
}

#[test]
fn a_body_until_close_has_no_framing() {
    let mut writer = writer(ResponseFraming::UntilClose);
    let mut out = Vec::new();
    writer.frame(b"hello").write_to(&mut out);
    assert_eq!(writer.finish(None, &mut out), Ok(()));
    assert_eq!(out, b"hello");
}

#[test]
fn chunks_are_what_our_own_reader_reads() {
    let mut writer = writer(ResponseFraming::Chunked);
    let long = "x".repeat(300);
    let mut out = Vec::new();
    for piece in ["hello", "", &long] {
        let frame = writer.frame(piece.as_bytes());
        assert_eq!(
            frame.len(),
            frame.head().len() + piece.len() + frame.tail.len()
        );
        frame.write_to(&mut out);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    writer
        .finish(Some(&trailers), &mut out)
        .expect("no length promised");
    assert!(out.starts_with(b"5\r\nhello\r\n12c\r\nxxx"));
    let found = message(&chunked(std::str::from_utf8(&out).expect("ASCII")));
    assert_eq!(found.body, format!("hello{long}").into_bytes());
    assert_eq!(found.trailers["x-sum"], "1");
}
