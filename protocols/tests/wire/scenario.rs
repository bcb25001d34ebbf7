//! What the other files share: messages fed whole and in pieces, and requests made of parts.

use std::fmt::Debug;

use eventlet_protocols::wire::{
    BodyReader, HeadParser, Limits, Parsed, Refusal, RequestHead, request_framing,
};
use http::HeaderMap;

/// A request that was read to its end.
#[derive(Debug)]
pub struct Message {
    pub head: RequestHead,
    pub body: Vec<u8>,
    pub trailers: HeaderMap,
    /// Bytes of the input that belong to it.
    pub consumed: usize,
}

/// How far reading came.
pub type Outcome = Result<Option<Message>, Refusal>;

/// Runs `read` on the input whole, cut in two at each byte, and byte by byte, and holds that the
/// results are the same; gives the one of the whole.
#[track_caller]
pub fn split_everywhere<T: Debug>(input: &[u8], read: impl Fn(&[&[u8]]) -> T) -> T {
    let whole = read(&[input]);
    let expected = format!("{whole:?}");
    for cut in 1..input.len() {
        let (front, back) = input.split_at(cut);
        let found = format!("{:?}", read(&[front, back]));
        assert_eq!(found, expected, "cut at byte {cut} of {}", show(input));
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    let found = format!("{:?}", read(&bytes));
    assert_eq!(found, expected, "byte by byte: {}", show(input));
    whole
}

/// Reads one message as a server would: the head out of a growing buffer, then the body.
pub fn read_pieces(pieces: &[&[u8]], limits: &Limits) -> Outcome {
    let mut pieces = pieces.iter();
    let mut buffer = Vec::new();
    let mut parser = HeadParser::new();
    let (mut at, head) = loop {
        let Some(piece) = pieces.next() else {
            return Ok(None);
        };
        buffer.extend_from_slice(piece);
        if let Parsed::Complete { consumed, head } = parser.parse(&buffer, limits)? {
            break (consumed, head);
        }
    };
    assert_eq!(
        request_framing(head.version, &head.headers),
        Ok(head.framing),
        "the framing of the parser is that of the fields"
    );
    let mut reader = BodyReader::new(head.framing, limits)?;
    let mut body = Vec::new();
    while !reader.is_finished() {
        let step = reader.read(&buffer[at..])?;
        body.extend_from_slice(step.data);
        at += step.consumed;
        assert_eq!(step.is_finished, reader.is_finished());
        if step.consumed == 0 && !step.is_finished {
            assert_eq!(at, buffer.len(), "a step without progress wants input");
            let Some(piece) = pieces.next() else {
                reader.end_of_input()?;
                unreachable!("the end of the input ends the loop");
            };
            buffer.extend_from_slice(piece);
        }
    }
    assert_eq!(reader.end_of_input(), Ok(()));
    assert_eq!(reader.received(), body.len() as u64);
    Ok(Some(Message {
        head,
        body,
        trailers: reader.take_trailers(),
        consumed: at,
    }))
}

/// The one message in `input`, fed in every way.
#[track_caller]
pub fn read_with(input: &[u8], limits: &Limits) -> Outcome {
    split_everywhere(input, |pieces| read_pieces(pieces, limits))
}

/// The message in `input`, which must be whole and well.
#[track_caller]
pub fn message(input: &[u8]) -> Message {
    match read_with(input, &Limits::default()) {
        Ok(Some(message)) => message,
        other => panic!("{}: {other:?}", show(input)),
    }
}

/// The refusal of the message in `input`.
#[track_caller]
pub fn refusal(input: &[u8]) -> Refusal {
    refusal_with(input, &Limits::default())
}

/// As [`refusal`], with limits.
#[track_caller]
pub fn refusal_with(input: &[u8], limits: &Limits) -> Refusal {
    match read_with(input, limits) {
        Err(refusal) => refusal,
        other => panic!("{} was not refused: {other:?}", show(input)),
    }
}

/// Whether the message in `input` is accepted with these limits.
#[track_caller]
pub fn is_accepted_with(input: &[u8], limits: &Limits) -> bool {
    matches!(read_with(input, limits), Ok(Some(_)))
}

/// `GET / HTTP/1.1` with `Host` and these lines.
pub fn get(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n").into_bytes()
}

/// `POST / HTTP/1.1` with `Host`, these lines, and what follows the head.
pub fn post(lines: &str, rest: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n{rest}").into_bytes()
}

/// A chunked `POST` with what follows the head.
pub fn chunked(rest: &str) -> Vec<u8> {
    post("Transfer-Encoding: chunked\r\n", rest)
}

fn show(input: &[u8]) -> String {
    const MOST: usize = 200;
    let start = &input[..input.len().min(MOST)];
    format!(
        "{:?} ({} bytes)",
        String::from_utf8_lossy(start),
        input.len()
    )
}
