//! Chunked bodies: the decoder against one that is written down plainly, in any pieces; and what is
//! encoded is decoded.

#![no_main]

use std::num::NonZeroUsize;

use eventlet_fuzz::{pieces, settings, small_limits};
use eventlet_protocols::wire::{
    CHUNK_END, ChunkDecoder, ChunkEvent, ChunkHead, LAST_CHUNK, Limits, Refusal,
};
use libfuzzer_sys::fuzz_target;

/// A body and how many bytes it took; `None` if it goes on.
type Outcome = Result<Option<(Vec<u8>, usize)>, Refusal>;

fn decode(parts: &[&[u8]], limits: &Limits) -> Outcome {
    let mut decoder = ChunkDecoder::new(limits);
    let (mut body, mut total) = (Vec::new(), 0);
    for part in parts {
        let mut at = 0;
        while at < part.len() && !decoder.is_finished() {
            let (used, event) = decoder.decode(&part[at..])?;
            if let ChunkEvent::Data(data) = event {
                assert!(!data.is_empty() && data.len() <= used);
                body.extend_from_slice(data);
            }
            assert!(used > 0, "no progress");
            at += used;
        }
        total += at;
    }
    Ok(decoder.is_finished().then_some((body, total)))
}

/// The grammar of RFC 9112 section 7.1, over the whole input at once; the limits left out. `Err` is a
/// fault, `Ok(None)` an input that goes on.
fn plainly(input: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ()> {
    let line_end = |from: usize| -> Result<Option<usize>, ()> {
        for at in from..input.len() {
            match (input[at], input.get(at + 1)) {
                (b'\r', Some(b'\n')) => return Ok(Some(at)),
                (b'\r', None) => return Ok(None),
                (b'\r', Some(_)) | (b'\n', _) => return Err(()),
                _ => {}
            }
        }
        Ok(None)
    };
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let digits = input[at..]
            .iter()
            .take_while(|b| b.is_ascii_hexdigit())
            .count();
        let behind = &input[at + digits..];
        if digits > 16 || (digits == 0 && !behind.is_empty()) {
            return Err(());
        }
        // Between size and line end: nothing, or an extension, before which white space may stand.
        let end = line_end(at + digits)?;
        let between = &input[at + digits..end.unwrap_or(input.len())];
        let space = between
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        match between.get(space) {
            Some(b';') => {}
            Some(b'\r') if end.is_none() && space == 0 => {}
            Some(_) => return Err(()),
            None if space > 0 && end.is_some() => return Err(()),
            None => {}
        }
        let is_text = |b: &u8| *b == b'\t' || (*b >= b' ' && *b != 0x7f);
        let text = match (between, end) {
            ([text @ .., b'\r'], None) => text,
            _ => between,
        };
        // A CR ends the line at once after white space alone: no extension has begun.
        if !text.iter().all(is_text)
            || (text.len() < between.len() && text.len() == space && space > 0)
        {
            return Err(());
        }
        let Some(end) = end else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&input[at..at + digits]).map_err(|_| ())?;
        let size = u64::from_str_radix(size, 16).map_err(|_| ())?;
        at = end + 2;
        if size == 0 {
            break;
        }
        let there = size.min((input.len() - at) as u64) as usize;
        body.extend_from_slice(&input[at..at + there]);
        at += there;
        match (&input[at..], there as u64 == size) {
            (_, false) | ([] | [b'\r'], _) => return Ok(None),
            ([b'\r', b'\n', ..], _) => at += 2,
            _ => return Err(()),
        }
    }
    // Trailers: lines, to an empty one.
    let first = at;
    loop {
        match &input[at..] {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => break,
            _ => {}
        }
        let Some(end) = line_end(at)? else {
            return Ok(None);
        };
        at = end + 2;
    }
    let mut slots = [httparse::EMPTY_HEADER; 64];
    match httparse::parse_headers(&input[first..at + 2], &mut slots) {
        Ok(httparse::Status::Complete((length, _))) if length == at + 2 - first => {}
        Err(httparse::Error::TooManyHeaders) => {}
        _ => return Err(()),
    }
    Ok(Some((body, at + 2)))
}

fn is_limit(refusal: Refusal) -> bool {
    use Refusal as R;
    matches!(
        refusal,
        R::ChunkExtensionTooLong
            | R::ChunkOverheadTooLarge
            | R::TrailersTooLarge
            | R::TrailersTooMany
    )
}

fn decoding(setting: u8, lengths: &[u8], input: &[u8]) {
    let limits = if setting & 1 == 0 {
        Limits::default()
    } else {
        small_limits()
    };
    let outcome = decode(&[input], &limits);
    assert_eq!(decode(&pieces(input, lengths), &limits), outcome);
    assert_eq!(decode(&pieces(input, &[1]), &limits), outcome);
    match (outcome, plainly(input)) {
        (Err(refusal), _) if is_limit(refusal) => {}
        (Err(_), Err(())) => {}
        (Ok(Some(found)), Ok(Some(expected))) => assert_eq!(found, expected),
        (Ok(None), Ok(None)) => {}
        // Trailers are looked at when they are all there: only then can they be refused.
        (found, expected) => panic!("{found:?}, and plainly {expected:?}"),
    }
}

fn encoding(lengths: &[u8], body: &[u8]) {
    let mut text = Vec::new();
    for piece in pieces(body, lengths) {
        if let Some(length) = NonZeroUsize::new(piece.len()) {
            text.extend_from_slice(ChunkHead::new(length).as_bytes());
            text.extend_from_slice(piece);
            text.extend_from_slice(CHUNK_END);
        }
    }
    text.extend_from_slice(LAST_CHUNK);
    let length = text.len();
    text.extend_from_slice(b"GET /");
    let decoded = decode(&[&text], &Limits::default());
    assert_eq!(decoded, Ok(Some((body.to_vec(), length))));
}

fuzz_target!(|data: &[u8]| {
    let Some((setting, rest)) = settings(data) else {
        return;
    };
    let (lengths, input) = rest.split_at(rest.len().min(usize::from(setting >> 5)));
    decoding(setting, lengths, input);
    encoding(lengths, input);
});
