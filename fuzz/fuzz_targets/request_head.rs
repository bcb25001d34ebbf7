//! Heads of requests: nothing is taken that `httparse` refuses, what is taken says the same as it does,
//! comes out the same byte by byte, and stands a round trip.

#![no_main]

use eventlet_fuzz::{HEAD_END, settings, small_limits};
use eventlet_protocols::wire::{HeadParser, Limits, Parsed, Refusal, RequestHead, request_framing};
use http::Version;
use libfuzzer_sys::fuzz_target;

/// More than the limits let through.
const SLOTS: usize = 128;

type Outcome = Result<Option<(usize, RequestHead)>, Refusal>;

fn whole(input: &[u8], limits: &Limits) -> Outcome {
    Ok(match HeadParser::new().parse(input, limits)? {
        Parsed::Incomplete => None,
        Parsed::Complete { consumed, head } => Some((consumed, head)),
    })
}

fn byte_by_byte(input: &[u8], limits: &Limits) -> Outcome {
    let mut parser = HeadParser::new();
    for end in 1..=input.len() {
        if let Parsed::Complete { consumed, head } = parser.parse(&input[..end], limits)? {
            return Ok(Some((consumed, head)));
        }
    }
    Ok(None)
}

/// Against `httparse` itself, which is laxer, but never reads another message.
fn hold_against_httparse(input: &[u8], consumed: usize, head: &RequestHead) {
    // A higher minor version is read as HTTP/1.1, which `httparse` does not do.
    if !head.line.ends_with(b"1.1") && !head.line.ends_with(b"1.0") {
        return;
    }
    let mut slots = [httparse::EMPTY_HEADER; SLOTS];
    let mut request = httparse::Request::new(&mut slots);
    let parsed = request
        .parse(input)
        .expect("httparse refuses what was taken");
    assert_eq!(parsed, httparse::Status::Complete(consumed));
    assert_eq!(request.method, Some(head.method.as_str()));
    assert_eq!(request.version == Some(0), head.version == Version::HTTP_10);
    let mut left = head.headers.clone();
    for field in request.headers.iter() {
        let name = http::HeaderName::from_bytes(field.name.as_bytes()).expect("a name");
        if name == http::header::HOST {
            continue; // The target's goes before it.
        }
        let http::header::Entry::Occupied(entry) = left.entry(&name) else {
            panic!("{name} is missing");
        };
        assert!(entry.iter().any(|value| value.as_bytes() == field.value));
        if entry.iter().count() == 1 {
            entry.remove();
        }
    }
}

/// Written down again from what was read, it reads the same.
fn round_trip(head: &RequestHead, limits: &Limits) {
    let mut text = head.line.to_vec();
    text.extend_from_slice(b"\r\n");
    for (name, value) in &head.headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    // One more space each may be beyond the small limits, and an absolute target may add a `Host`.
    let limits = Limits {
        head: limits.head * 2,
        field: limits.field * 2,
        fields: limits.fields + 1,
        ..limits.clone()
    };
    let (consumed, again) = whole(&text, &limits).expect("fine").expect("whole");
    assert_eq!(consumed, text.len());
    assert_eq!((&again.method, &again.uri), (&head.method, &head.uri));
    assert_eq!(again.framing, head.framing);
    assert_eq!(again.headers.len(), head.headers.len());
    assert_eq!(again.expects_continue, head.expects_continue);
    assert_eq!(again.connection, head.connection);
}

fuzz_target!(|data: &[u8]| {
    let Some((setting, input)) = settings(data) else {
        return;
    };
    let limits = if setting % 2 == 0 {
        Limits::default()
    } else {
        small_limits()
    };
    let input = &[input, HEAD_END].concat();
    let outcome = whole(input, &limits);
    let single = byte_by_byte(input, &limits);
    assert_eq!(format!("{outcome:?}"), format!("{single:?}"));
    match outcome {
        Ok(Some((consumed, head))) => {
            assert!(consumed <= input.len() && input[..consumed].ends_with(b"\r\n\r\n"));
            assert_eq!(
                request_framing(head.version, &head.headers),
                Ok(head.framing)
            );
            hold_against_httparse(input, consumed, &head);
            round_trip(&head, &limits);
        }
        // Empty lines alone; anything else has an end now.
        Ok(None) => assert!(!HeadParser::has_begun(input)),
        // The reason is always known.
        Err(refusal) => assert_ne!(refusal, Refusal::HeadInvalid),
    }
});
