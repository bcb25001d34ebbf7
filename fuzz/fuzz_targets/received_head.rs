//! Heads of responses, as a client reads them: nothing is taken that `httparse` refuses, what is taken
//! says the same as it does, comes out the same byte by byte, and stands a round trip.

#![no_main]

use eventlet_fuzz::{HEAD_END, settings, small_limits};
use eventlet_protocols::wire::{
    Limits, ParsedResponse, ReceivedHead, Refusal, ResponseFault, ResponseFraming, ResponseParser,
};
use http::{Method, Version};
use libfuzzer_sys::fuzz_target;

/// More than the limits let through.
const SLOTS: usize = 128;

type Outcome = Result<Option<(usize, ReceivedHead)>, ResponseFault>;

fn whole(method: &Method, input: &[u8], limits: &Limits) -> Outcome {
    Ok(match ResponseParser::new(method).parse(input, limits)? {
        ParsedResponse::Incomplete => None,
        ParsedResponse::Complete { consumed, head } => Some((consumed, head)),
    })
}

fn byte_by_byte(method: &Method, input: &[u8], limits: &Limits) -> Outcome {
    let mut parser = ResponseParser::new(method);
    for end in 1..=input.len() {
        if let ParsedResponse::Complete { consumed, head } = parser.parse(&input[..end], limits)? {
            return Ok(Some((consumed, head)));
        }
    }
    Ok(None)
}

/// Against `httparse` itself, which is laxer, but never reads another message.
fn hold_against_httparse(input: &[u8], consumed: usize, head: &ReceivedHead) {
    // A higher minor version is read as HTTP/1.1, which `httparse` does not do.
    if !input.starts_with(b"HTTP/1.1") && !input.starts_with(b"HTTP/1.0") {
        return;
    }
    let mut slots = [httparse::EMPTY_HEADER; SLOTS];
    let mut response = httparse::Response::new(&mut slots);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    let parsed = config.parse_response(&mut response, input);
    let parsed = parsed.expect("httparse refuses what was taken");
    assert_eq!(parsed, httparse::Status::Complete(consumed));
    assert_eq!(response.code, Some(head.status.as_u16()));
    assert_eq!(
        response.version == Some(0),
        head.version == Version::HTTP_10
    );
    assert_eq!(response.headers.len(), head.headers.len());
    for field in response.headers.iter() {
        let value: Vec<u8> = field.value.to_vec();
        let unfolded = value.iter().map(|byte| match byte {
            b'\r' | b'\n' => b' ',
            byte => *byte,
        });
        let unfolded: Vec<u8> = unfolded.collect();
        let mut values = head.headers.get_all(field.name).iter();
        assert!(
            values.any(|value| value.as_bytes() == unfolded),
            "{}",
            field.name
        );
    }
}

/// Written down again from what was read, it reads the same.
fn round_trip(method: &Method, head: &ReceivedHead) {
    let minor = u8::from(head.version == Version::HTTP_11);
    let mut text = format!("HTTP/1.{minor} {} \r\n", head.status.as_str()).into_bytes();
    for (name, value) in &head.headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    let (consumed, again) = whole(method, &text, &Limits::default())
        .expect("fine")
        .expect("whole");
    assert_eq!(consumed, text.len());
    assert_eq!((again.status, again.version), (head.status, head.version));
    assert_eq!(again.framing, head.framing);
    assert_eq!(again.headers.len(), head.headers.len());
    assert_eq!(again.connection, head.connection);
    assert_eq!(again.keeps_alive(), head.keeps_alive());
}

fuzz_target!(|data: &[u8]| {
    let Some((setting, input)) = settings(data) else {
        return;
    };
    let limits = match setting & 1 {
        0 => Limits::default(),
        _ => small_limits(),
    };
    let method = match setting >> 1 & 3 {
        0 => Method::HEAD,
        1 => Method::CONNECT,
        _ => Method::GET,
    };
    let input = &[input, HEAD_END].concat();
    let outcome = whole(&method, input, &limits);
    let single = byte_by_byte(&method, input, &limits);
    assert_eq!(format!("{outcome:?}"), format!("{single:?}"));
    match outcome {
        Ok(Some((consumed, head))) => {
            assert!(consumed <= input.len() && input[..consumed].ends_with(b"\r\n\r\n"));
            hold_against_httparse(input, consumed, &head);
            round_trip(&method, &head);
            if method == Method::HEAD || matches!(head.status.as_u16(), 100..=199 | 204 | 304) {
                assert_eq!(head.framing, ResponseFraming::Nothing);
            }
        }
        Ok(None) => panic!("a head with its end is waited for"),
        // The reason is always known.
        Err(fault) => assert_ne!(fault, ResponseFault::Head(Refusal::HeadInvalid)),
    }
});
