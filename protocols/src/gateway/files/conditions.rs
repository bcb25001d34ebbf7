//! Conditional requests (RFC 9110 section 13): whether the client's copy is still right.
//!
//! Pure functions of a request's fields and what is known of a file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{
    HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, Method};

use crate::wire::{DateCache, parse_date};

/// A file that was changed less than this ago may change again without its time of change being
/// another one: that is counted in whole seconds where it is sent, and in ticks of some
/// milliseconds by file systems.
const SETTLED: Duration = Duration::from_secs(1);

/// The fields that decide what is answered. Only they go to the thread that asks the disk.
pub(super) fn of_interest(headers: &HeaderMap) -> HeaderMap {
    const NAMES: [HeaderName; 6] = [
        IF_MATCH,
        IF_UNMODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_RANGE,
        RANGE,
    ];
    let mut fields = HeaderMap::new();
    for name in NAMES {
        for value in headers.get_all(&name) {
            fields.append(name.clone(), value.clone());
        }
    }
    fields
}

/// What tells one state of a file from another (RFC 9110 section 8.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Validators {
    /// Without the mark of a weak one.
    tag: String,
    /// In whole seconds; `None` where the file system does not say.
    modified: Option<SystemTime>,
    /// Whether it was settled when it was looked at. Until then the tag is weak, as the file may
    /// yet change within the same time and length (section 8.8.1), and so is the date (8.8.2.2).
    is_strong: bool,
}

impl Validators {
    /// Of length and time of change, as by the clock it is `now`.
    pub(super) fn new(length: u64, modified: Option<SystemTime>, now: SystemTime) -> Self {
        let since_epoch = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let nanoseconds = since_epoch.map_or(0, |since| since.as_nanos());
        let age = modified.and_then(|modified| now.duration_since(modified).ok());
        let modified = since_epoch.map(|since| {
            // A time to come is not to be sent (section 8.8.2.1).
            let seconds = UNIX_EPOCH + Duration::from_secs(since.as_secs());
            seconds.min(now)
        });
        Validators {
            tag: format!("\"{nanoseconds:x}-{length:x}\""),
            modified,
            is_strong: age.is_some_and(|age| age >= SETTLED),
        }
    }

    pub(super) fn etag(&self) -> HeaderValue {
        let weak = if self.is_strong { "" } else { "W/" };
        HeaderValue::try_from(format!("{weak}{}", self.tag)).expect("hexadecimal digits in quotes")
    }

    pub(super) fn last_modified(&self) -> Option<HeaderValue> {
        let mut dates = DateCache::new();
        let text = dates.at(self.modified?).as_str();
        Some(HeaderValue::from_str(text).expect("a date is text"))
    }

    /// Weak comparison (section 8.8.3.2).
    fn matches_weakly(&self, tag: Tag<'_>) -> bool {
        tag.opaque == self.tag.as_bytes()
    }

    fn matches_strongly(&self, tag: Tag<'_>) -> bool {
        self.is_strong && !tag.is_weak && self.matches_weakly(tag)
    }

    /// Whether it was changed after the date; `None` without a date that is one.
    fn is_modified_since(&self, field: Option<&HeaderValue>) -> Option<bool> {
        let date = parse_date(field?.to_str().ok()?)?;
        Some(self.modified? > date)
    }
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The file is sent.
    Send,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// The conditions in their order (section 13.2.2); the range's is [`range_applies`].
pub(super) fn judge(method: &Method, headers: &HeaderMap, validators: &Validators) -> Verdict {
    if headers.contains_key(IF_MATCH) {
        let wanted = |tag: Tag<'_>| validators.matches_strongly(tag);
        if !any_tag(headers, &IF_MATCH, wanted) {
            return Verdict::Failed;
        }
    } else if validators.is_modified_since(single(headers, &IF_UNMODIFIED_SINCE)) == Some(true) {
        return Verdict::Failed;
    }
    let is_current = if headers.contains_key(IF_NONE_MATCH) {
        any_tag(headers, &IF_NONE_MATCH, |tag| {
            validators.matches_weakly(tag)
        })
    } else {
        validators.is_modified_since(single(headers, &IF_MODIFIED_SINCE)) == Some(false)
    };
    match (is_current, method) {
        (false, _) => Verdict::Send,
        (true, &Method::GET | &Method::HEAD) => Verdict::NotModified,
        (true, _) => Verdict::Failed,
    }
}

/// Whether the parts that the client has are of this state, so that it may get others (section
/// 13.1.5): by a strong tag, or by the very date.
pub(super) fn range_applies(headers: &HeaderMap, validators: &Validators) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    let Some(field) = single(headers, &IF_RANGE) else {
        return false;
    };
    if let Some((tag, rest)) = Tag::parse(field.as_bytes()) {
        return rest.is_empty() && validators.matches_strongly(tag);
    }
    let date = field.to_str().ok().and_then(parse_date);
    validators.is_strong && date.is_some() && date == validators.modified
}

/// The field if it is there once.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// Whether a list of tags, on however many lines, has one that is wanted, or is `*`: the file is
/// there. What comes behind a part that is no tag is not looked at.
fn any_tag(headers: &HeaderMap, name: &HeaderName, wanted: impl Fn(Tag<'_>) -> bool) -> bool {
    headers.get_all(name).iter().any(|field| {
        let mut rest = field.as_bytes().trim_ascii();
        if rest == b"*" {
            return true;
        }
        while let Some((tag, behind)) = Tag::parse(rest) {
            if wanted(tag) {
                return true;
            }
            let behind = behind.trim_ascii_start();
            let Some(next) = behind.strip_prefix(b",") else {
                return false;
            };
            // Empty members are allowed (RFC 9110 section 5.6.1.2).
            let is_filler = |byte: &u8| matches!(byte, b' ' | b'\t' | b',');
            let begin = next.iter().position(|byte| !is_filler(byte));
            rest = &next[begin.unwrap_or(next.len())..];
        }
        false
    })
}

/// An entity tag (section 8.8.3): `[ "W/" ] DQUOTE *etagc DQUOTE`. A comma may stand within.
#[derive(Clone, Copy, Debug)]
struct Tag<'t> {
    is_weak: bool,
    /// With its quotes.
    opaque: &'t [u8],
}

impl<'t> Tag<'t> {
    /// The tag at the beginning, and what is behind it.
    fn parse(text: &'t [u8]) -> Option<(Self, &'t [u8])> {
        let (is_weak, text) = match text.strip_prefix(b"W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let inner = text.strip_prefix(b"\"")?;
        let length = inner.iter().position(|byte| *byte == b'"')?;
        let is_etagc = |byte: &u8| !matches!(byte, 0..=0x20 | 0x7f);
        if !inner[..length].iter().all(is_etagc) {
            return None;
        }
        let (opaque, rest) = text.split_at(length + 2);
        Some((Tag { is_weak, opaque }, rest))
    }
}
