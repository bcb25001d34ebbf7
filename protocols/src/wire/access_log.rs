//! One line per request for an access log.
//!
//! Pure formatting: the date and the time taken are handed in, the line is appended to a buffer.
//! Whatever a peer chose (request line, names, agents) is escaped, so that no request can forge a
//! line or reach the terminal of whoever reads the log.
//!
//! ```text
//! common           client - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 13
//! combined         … 200 13 "referer" "agent"
//! common + seconds … 200 13 0.000421
//! original         client - - [06/Nov/1994 08:49:37] "GET / HTTP/1.1" 200 13 0.000421
//! ```

use core::net::IpAddr;
use std::fmt::{self, Display};
use std::io::Write as _;
use std::time::Duration;

use http::StatusCode;

use super::date::DateText;

/// How a line is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// The common log format with the seconds taken (six decimals) after it, as the original had.
    /// The default.
    #[default]
    CommonSeconds,
    /// The common log format.
    Common,
    /// The common log format with `Referer` and `User-Agent`.
    Combined,
    /// The original's own: a date without zone (here UTC, there local), and the seconds.
    Original,
}

/// What there is to say about one request.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use http::StatusCode;
/// use eventlet_protocols::wire::{DateCache, LogFormat, LogRecord};
///
/// let mut dates = DateCache::new();
/// let mut out = Vec::new();
/// LogRecord {
///     client: &"127.0.0.1",
///     client_port: Some(4711),
///     forwarded_for: &[],
///     date: dates.at_second(784_111_777),
///     request_line: b"GET /\x1b[2J HTTP/1.1",
///     status: StatusCode::OK,
///     body_length: 13,
///     received: 0,
///     wall: Duration::from_micros(421),
///     host: None,
///     referer: None,
///     user_agent: None,
/// }
/// .write_to(LogFormat::CommonSeconds, &mut out);
/// assert_eq!(
///     String::from_utf8(out).unwrap(),
///     "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /\\x1b[2J HTTP/1.1\" 200 13 0.000421\n"
/// );
/// ```
#[derive(Clone, Copy)]
pub struct LogRecord<'a> {
    /// The peer's address.
    pub client: &'a dyn Display,
    /// The peer's port, where it has one. In no line.
    pub client_port: Option<u16>,
    /// What trusted proxies say ([`forwarded_for`](super::forwarded_for)): put before the address,
    /// with commas.
    pub forwarded_for: &'a [IpAddr],
    /// When the response was done.
    pub date: &'a DateText,
    /// [`RequestHead::line`](super::RequestHead::line); empty (written `-`) if none was read.
    pub request_line: &'a [u8],
    /// The status sent.
    pub status: StatusCode,
    /// Bytes of the response's body, without framing.
    pub body_length: u64,
    /// Bytes of the request's body that were read, without framing. In no line.
    pub received: u64,
    /// From the first byte of the request to the last of the response.
    pub wall: Duration,
    /// The `Host` field. In no line.
    pub host: Option<&'a [u8]>,
    /// The `Referer` field.
    pub referer: Option<&'a [u8]>,
    /// The `User-Agent` field.
    pub user_agent: Option<&'a [u8]>,
}

impl<'a> LogRecord<'a> {
    /// The method; empty if no request line was read.
    pub fn method(&self) -> &'a [u8] {
        self.word(0)
    }

    /// The target, as it was sent; empty if no request line was read.
    pub fn target(&self) -> &'a [u8] {
        self.word(1)
    }

    /// The version: `HTTP/1.1`; empty if no request line was read.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::wire::{DateCache, LogRecord};
    /// use http::StatusCode;
    /// use std::time::Duration;
    ///
    /// let mut dates = DateCache::new();
    /// let record = LogRecord {
    ///     client: &"127.0.0.1",
    ///     client_port: None,
    ///     forwarded_for: &[],
    ///     date: dates.at_second(0),
    ///     request_line: b"GET /a?b HTTP/1.1",
    ///     status: StatusCode::OK,
    ///     body_length: 0,
    ///     received: 0,
    ///     wall: Duration::ZERO,
    ///     host: None,
    ///     referer: None,
    ///     user_agent: None,
    /// };
    /// assert_eq!((record.method(), record.target()), (&b"GET"[..], &b"/a?b"[..]));
    /// assert_eq!(record.version(), b"HTTP/1.1");
    /// ```
    pub fn version(&self) -> &'a [u8] {
        self.word(2)
    }

    fn word(&self, index: usize) -> &'a [u8] {
        let mut words = self.request_line.split(|&byte| byte == b' ');
        words.nth(index).unwrap_or_default()
    }

    /// Appends the line with its line end.
    pub fn write_to(&self, format: LogFormat, out: &mut Vec<u8>) {
        for address in self.forwarded_for {
            push(out, format_args!("{address},"));
        }
        // A server's own text, but an address may come from a PROXY line one day.
        let start = out.len();
        push(out, format_args!("{}", self.client));
        if !out[start..].iter().all(|&byte| is_harmless(byte)) {
            let client = out.split_off(start);
            escape(&client, out);
        }
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(&self.date.log_day());
        let (between, zone) = match format {
            LogFormat::Original => (b' ', &b"] \""[..]),
            _ => (b':', &b" +0000] \""[..]),
        };
        out.push(between);
        out.extend_from_slice(self.date.clock());
        out.extend_from_slice(zone);
        escape_or_dash(Some(self.request_line), out);
        out.extend_from_slice(b"\" ");
        out.extend_from_slice(self.status.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(itoa::Buffer::new().format(self.body_length).as_bytes());
        match format {
            LogFormat::Common => {}
            LogFormat::Combined => {
                out.extend_from_slice(b" \"");
                escape_or_dash(self.referer, out);
                out.extend_from_slice(b"\" \"");
                escape_or_dash(self.user_agent, out);
                out.push(b'"');
            }
            LogFormat::CommonSeconds | LogFormat::Original => {
                let (whole, micros) = (self.wall.as_secs(), self.wall.subsec_micros());
                push(out, format_args!(" {whole}.{micros:06}"));
            }
        }
        out.push(b'\n');
    }
}

impl fmt::Debug for LogRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        self.write_to(LogFormat::Combined, &mut line);
        write!(
            f,
            "LogRecord({})",
            String::from_utf8_lossy(&line).trim_end()
        )
    }
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into a vector cannot fail; a `Display` that fails leaves its field short.
    let _ = out.write_fmt(text);
}

fn escape_or_dash(text: Option<&[u8]>, out: &mut Vec<u8>) {
    match text {
        None | Some([]) => out.push(b'-'),
        Some(text) => escape(text, out),
    }
}

/// Whether a byte may stand in a log as it is.
fn is_harmless(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Quotes and backslashes get a backslash; control characters and all beyond ASCII become `\xHH`.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ if is_harmless(byte) => out.push(byte),
            _ => {
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 0xf));
                out.extend_from_slice(&[b'\\', b'x', DIGITS[high], DIGITS[low]]);
            }
        }
    }
}
