//! What a datagram says: RFC 3164 and RFC 5424, the latter's syntax by the `syslog_fmt` package.
//!
//! ```text
//! RFC 3164  <14>Nov  6 08:49:37 app[4711]: app::db [#17 fetcher] connected host=db1
//! RFC 5424  <14>1 1994-11-06T08:49:37.000421Z box app 4711 app::db
//!           [eventlet@32473 coroutine="17" name="fetcher" host="db1"] connected
//! ```
//!
//! Times are in UTC in both: a program's zone is not known here. Daemons put their own time on what
//! comes from their local socket.

use std::io;
use std::process;

use log::Level;
use syslog_fmt::v5424::{self, Formatter, Msg, Timestamp};
use syslog_fmt::{Facility, Severity};

use super::super::layout::{self, CUT, Escaped};
use super::super::record::Record;
use super::SyslogOptions;
use crate::wire::DateText;

/// How many bytes a datagram to this machine's daemon may have, unless something else is asked for:
/// 8 KiB, which the daemons in use take.
pub const LOCAL_LIMIT: usize = 8 * 1024;

/// How many over UDP by RFC 3164 (section 4.1): 1024.
pub const UDP_LIMIT_3164: usize = 1024;

/// How many over UDP by RFC 5424: the 2048 that every receiver should take (section 6.1).
pub const UDP_LIMIT_5424: usize = 2048;

/// The name of structured data, unless something else is asked for. Its number is the one that IANA has
/// for examples: a program that has its own says so.
pub const DEFAULT_DATA_ID: &str = "eventlet@32473";

/// The longest program's name: TAG, RFC 3164 section 4.1.3.
const MAX_TAG: usize = 32;
/// RFC 5424 section 6: HOSTNAME, APP-NAME, MSGID and SD-NAME.
const MAX_HOST: usize = 255;
const MAX_APP: usize = 48;
const MAX_MESSAGE_ID: usize = 32;
const MAX_NAME: usize = 32;

/// Which standard a datagram follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyslogFormat {
    /// RFC 3164, "BSD syslog": fields are in the message.
    Rfc3164,
    /// RFC 5424: fields are structured data; times have microseconds.
    Rfc5424,
}

/// Makes datagrams of records.
pub(super) struct Text {
    format: SyslogFormat,
    facility: Facility,
    /// `HOST ` or nothing, and `app[number]: `.
    head_3164: String,
    formatter: Formatter,
    data_id: String,
    limit: usize,
}

impl Text {
    pub(super) fn new(options: &SyslogOptions) -> io::Result<Self> {
        let data_id = options.data_id.clone();
        if data_id.is_empty() || name(&data_id) != data_id {
            let text = format!(
                "{data_id:?} cannot name structured data: 1 to {MAX_NAME} printable ASCII \
                 characters other than = ] \" and space"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let is_local = options.place.is_local();
        let host = options.host.clone().unwrap_or_else(host_name);
        let host = word(&host, MAX_HOST);
        let number = process::id();
        let tag = word(&options.app, MAX_TAG).replace([':', '['], "_");
        let head_3164 = match is_local {
            true => format!("{tag}[{number}]: "),
            false => format!("{host} {tag}[{number}]: "),
        };
        let config = v5424::Config {
            facility: options.facility,
            hostname: Some(&host),
            app_name: Some(&word(&options.app, MAX_APP)),
            proc_id: Some(&number.to_string()),
        };
        let limit = match (is_local, options.format) {
            (true, _) => LOCAL_LIMIT,
            (false, SyslogFormat::Rfc3164) => UDP_LIMIT_3164,
            (false, SyslogFormat::Rfc5424) => UDP_LIMIT_5424,
        };
        Ok(Text {
            format: options.format,
            facility: options.facility,
            head_3164,
            formatter: config.into_formatter(),
            data_id,
            limit: options.limit.unwrap_or(limit),
        })
    }

    pub(super) fn datagram(&self, record: &Record<'_>) -> Vec<u8> {
        match self.format {
            SyslogFormat::Rfc3164 => self.by_3164(record),
            SyslogFormat::Rfc5424 => self.by_5424(record),
        }
    }

    /// `<PRI>Mmm dd hh:mm:ss HOST TAG: MSG`, RFC 3164 section 4.1.
    fn by_3164(&self, record: &Record<'_>) -> Vec<u8> {
        let date = DateText::new(record.time);
        // `Sun, 06 Nov 1994 08:49:37 GMT`; a day below ten has a space in place of the zero.
        let date = date.as_str();
        let (month, day, clock) = (&date[8..11], &date[5..7], &date[17..25]);
        let day = day.strip_prefix('0').unwrap_or(day);
        let priority = self.facility as u8 | severity(record.level) as u8;
        let head = &self.head_3164;
        let mut text = format!("<{priority}>{month} {day:>2} {clock} {head}");
        // Writing to a string does not fail.
        let _ = layout::what(record, &mut text);
        layout::cut(&mut text, 0, self.limit);
        text.into_bytes()
    }

    /// `<PRI>1 TIME HOST APP NUMBER MSGID [DATA] MSG`, RFC 5424 section 6.
    fn by_5424(&self, record: &Record<'_>) -> Vec<u8> {
        let mut text = self.head_5424(record, record.fields.iter().map(|(n, v)| (&**n, &**v)));
        if text.len() > self.limit / 2 {
            // The message says more than they do. Data that is cut would be none.
            text = self.head_5424(record, std::iter::once(("cut", "fields")));
        }
        let message = Escaped(record.message).to_string();
        // The mark of UTF-8 where there is any (section 6.4).
        let message_part = match message.is_ascii() {
            true => Msg::NonUnicodeBytes(message.as_bytes()),
            false => Msg::Utf8Str(&message),
        };
        // Nor does writing to a vector.
        let _ = v5424::write_msg(&mut text, message_part);
        if text.len() > self.limit {
            let mut end = self.limit.saturating_sub(CUT.len());
            // Not within a character.
            while end > 0 && text[end] & 0b1100_0000 == 0b1000_0000 {
                end -= 1;
            }
            text.truncate(end);
            text.extend_from_slice(CUT.as_bytes());
        }
        text
    }

    fn head_5424<'a>(
        &'a self,
        record: &'a Record<'_>,
        fields: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Vec<u8> {
        let mut text = Vec::new();
        let time = humantime::format_rfc3339_micros(record.time).to_string();
        let id = word(record.target, MAX_MESSAGE_ID);
        let origin = &record.origin;
        let mut data = vec![("target".to_owned(), Escaped(record.target).to_string())];
        if let Some(coroutine) = origin.coroutine() {
            data.push(("coroutine".to_owned(), coroutine.to_string()));
        }
        if let Some(name) = origin.name() {
            data.push(("name".to_owned(), Escaped(name).to_string()));
        }
        data.extend(fields.map(|(key, value)| (name(key), Escaped(value).to_string())));
        let data = data
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let severity = severity(record.level);
        let time = Timestamp::PreformattedStr(&time);
        // Writing to a vector does not fail.
        let _ = self
            .formatter
            .write_header(&mut text, severity, time, Some(&id));
        let element = (self.data_id.as_str(), data.collect::<Vec<_>>());
        let _ = v5424::write_data(&mut text, [element]);
        text
    }
}

/// The system's name for this machine.
fn host_name() -> String {
    let name = nix::unistd::gethostname().ok();
    name.and_then(|name| name.into_string().ok())
        .unwrap_or_default()
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::Err,
        Level::Warn => Severity::Warning,
        Level::Info => Severity::Info,
        Level::Debug | Level::Trace => Severity::Debug,
    }
}

/// PRINTUSASCII of RFC 5424 section 6: what else is in the text becomes `_`; `-` stands for nothing.
fn word(text: &str, most: usize) -> String {
    let printable = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let word: String = text.chars().take(most).map(printable).collect();
    if word.is_empty() {
        "-".to_owned()
    } else {
        word
    }
}

/// SD-NAME of RFC 5424 section 6.3.
fn name(text: &str) -> String {
    word(text, MAX_NAME).replace(['=', ']', '"'], "_")
}
