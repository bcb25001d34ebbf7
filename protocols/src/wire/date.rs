//! HTTP dates (RFC 9110 section 5.6.7): one form written, three read, on the `httpdate` package.
//!
//! No clock is read here: the time is handed in. [`DateCache`] formats once a second, since every
//! response carries a date.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// The length of `Sun, 06 Nov 1994 08:49:37 GMT`.
const LENGTH: usize = 29;

/// The last second of the year 9999, which is the last the format can say.
const LAST_SECOND: u64 = 253_402_300_799;

/// A date as it stands on the wire: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use eventlet_protocols::wire::DateText;
///
/// let date = DateText::new(UNIX_EPOCH + Duration::from_millis(784_111_777_900));
/// assert_eq!(date.as_str(), "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DateText {
    /// Invariant: ASCII, in the form above.
    bytes: [u8; LENGTH],
}

impl DateText {
    /// Writes a time as a date. The fraction of a second is cut off; a time before 1970 or after
    /// 9999, which the form cannot say, becomes the nearest that it can.
    pub fn new(time: SystemTime) -> Self {
        Self::from_second(second_of(time))
    }

    fn from_second(second: u64) -> Self {
        let date = HttpDate::from(UNIX_EPOCH + Duration::from_secs(second.min(LAST_SECOND)));
        let mut text = Fixed {
            bytes: [b' '; LENGTH],
            length: 0,
        };
        // The form has always the same length, so it fits.
        let written = write!(text, "{date}");
        debug_assert!(written.is_ok() && text.length == LENGTH);
        DateText { bytes: text.bytes }
    }

    /// The bytes to put into a field.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::wire::DateText;
    /// use std::time::UNIX_EPOCH;
    ///
    /// assert_eq!(DateText::new(UNIX_EPOCH).as_bytes(), b"Thu, 01 Jan 1970 00:00:00 GMT");
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The date as text.
    pub fn as_str(&self) -> &str {
        // The invariant of `bytes` makes the alternative unreachable.
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// Day, month and year as an access log has them: `06/Nov/1994`.
    pub(crate) fn log_day(&self) -> [u8; 11] {
        let b = &self.bytes;
        [
            b[5], b[6], b'/', b[8], b[9], b[10], b'/', b[12], b[13], b[14], b[15],
        ]
    }

    /// The time of the day: `08:49:37`.
    pub(crate) fn clock(&self) -> &[u8] {
        &self.bytes[17..25]
    }
}

impl fmt::Display for DateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for DateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateText({self})")
    }
}

/// The date of now, formatted once a second.
///
/// # Examples
///
/// ```
/// use std::time::UNIX_EPOCH;
/// use eventlet_protocols::wire::DateCache;
///
/// let mut dates = DateCache::new();
/// assert_eq!(dates.at(UNIX_EPOCH).as_str(), "Thu, 01 Jan 1970 00:00:00 GMT");
/// ```
///
/// ```
/// use eventlet_protocols::wire::DateCache;
///
/// let mut dates = DateCache::new();
/// dates.at_second(784_111_777);
/// assert_eq!(dates.last().as_str(), "Sun, 06 Nov 1994 08:49:37 GMT");
/// assert_eq!(dates.last().as_bytes(), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[derive(Clone, Debug)]
pub struct DateCache {
    second: u64,
    text: DateText,
}

impl DateCache {
    /// A cache that holds the epoch.
    pub fn new() -> Self {
        DateCache {
            second: 0,
            text: DateText::from_second(0),
        }
    }

    /// The date of `now`; the text is made anew only when the second is another one.
    pub fn at(&mut self, now: SystemTime) -> &DateText {
        self.at_second(second_of(now))
    }

    /// The date that was asked for last; of the epoch, before.
    pub fn last(&self) -> &DateText {
        &self.text
    }

    /// As [`at`](Self::at), by whole seconds since 1970.
    pub fn at_second(&mut self, second: u64) -> &DateText {
        if second != self.second {
            self.text = DateText::from_second(second);
            self.second = second;
        }
        &self.text
    }
}

impl Default for DateCache {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads a date in any of the three forms of RFC 9110 section 5.6.7: IMF-fixdate, RFC 850, asctime.
///
/// `None` if it is none of them, or names a day that is not. A year of two digits is taken as 1970
/// to 2069.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::parse_date;
///
/// let imf = parse_date("Sun, 06 Nov 1994 08:49:37 GMT");
/// assert!(imf.is_some());
/// assert_eq!(imf, parse_date("Sunday, 06-Nov-94 08:49:37 GMT"));
/// assert_eq!(imf, parse_date("Sun Nov  6 08:49:37 1994"));
/// assert_eq!(parse_date("yesterday"), None);
/// ```
pub fn parse_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Whole seconds since 1970; a time before is 1970.
fn second_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A `fmt::Write` over an array, so that formatting a date allocates nothing.
struct Fixed {
    bytes: [u8; LENGTH],
    length: usize,
}

impl fmt::Write for Fixed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
