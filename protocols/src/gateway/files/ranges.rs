//! Which parts of a file are sent (RFC 9110 section 14): parsing is `http-range-header`'s.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use http::HeaderMap;
use http::header::RANGE;
use http_range_header::{RangeUnsatisfiableError, parse_range_header_with_max_ranges};

/// How many ranges a request may ask for: 16. With more, all of the file is sent, as RFC 9110 section
/// 14.2 allows against those who make a server send many small parts. Readers of documents ask for
/// two to five.
pub const MAX_RANGES: usize = 16;

const MOST: NonZeroUsize = NonZeroUsize::new(MAX_RANGES).expect("more than none");

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    Whole,
    /// One, or several in the order in which they were asked for; first and last byte.
    Parts(Vec<RangeInclusive<u64>>),
    /// 416.
    Unsatisfiable,
}

/// What a request for a file of this length selects. A `Range` that is repeated, malformed, of
/// another unit, too long a list or overlaps itself more than once is as if it were not there.
pub(super) fn select(headers: &HeaderMap, length: u64) -> Selection {
    let mut fields = headers.get_all(RANGE).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return Selection::Whole;
    };
    let parsed = field
        .to_str()
        .ok()
        .and_then(|text| parse_range_header_with_max_ranges(text, MOST).ok());
    let Some(parsed) = parsed else {
        return Selection::Whole;
    };
    match parsed.validate(length) {
        Ok(parts) if parts.is_empty() => Selection::Whole,
        Ok(parts) => Selection::Parts(parts),
        Err(RangeUnsatisfiableError::Unsatisfiable) => Selection::Unsatisfiable,
        Err(_) => Selection::Whole,
    }
}
