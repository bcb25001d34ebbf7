//! What the fuzz targets share: limits that small inputs can reach, and inputs cut into pieces.
//!
//! A target takes bytes and must not fail. Each holds what it gives against something else: another
//! parser, a decoder written down plainly, or itself after a round trip or in other pieces.

use eventlet_protocols::wire::Limits;

/// Limits so small that an input of the engine's comes to them.
pub fn small_limits() -> Limits {
    Limits {
        method: 8,
        uri: 24,
        empty_lines: 1,
        head: 160,
        fields: 4,
        field: 40,
        body: Some(24),
        chunk_extension: 6,
        chunk_overhead: 10,
        trailers: 20,
        trailer_fields: 2,
        drain: 12,
        requests: Some(4),
        // What is not of the inputs these targets take.
        ..Limits::default()
    }
}

/// Ends every head that an input may have begun: a fault is found at the end of a head at the latest,
/// but before that only if the parser has had a look.
pub const HEAD_END: &[u8] = b"\r\n\r\n\r\n\r\n";

/// Splits what the engine gives into a first byte, for settings, and the rest.
pub fn settings(data: &[u8]) -> Option<(u8, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((*first, rest))
}

/// Cuts `input` into pieces as long as `lengths` says, over and over; with no lengths, one piece. A
/// length of zero is a piece of one byte.
pub fn pieces<'a>(input: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    if lengths.is_empty() {
        return vec![input];
    }
    let mut rest = input;
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let length = usize::from(length).clamp(1, rest.len());
        let (piece, behind) = rest.split_at(length);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}
