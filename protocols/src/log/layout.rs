//! How a record becomes one line of text.
//!
//! ```text
//! 1994-11-06T08:49:37.000421Z INFO  app::db [#17 fetcher] connected host=db1 answer="not found"
//! ```
//!
//! A line is a line: control characters, line ends among them, are escaped in whatever the program or
//! those it talks to have put in, so that nobody can forge a record or reach a terminal.

use std::fmt::{self, Write};

use super::record::Record;

/// How many bytes a record may have, unless something else is asked for: 16 KiB, so that a dump that
/// was logged by mistake does not push everything else out of the queue.
pub const DEFAULT_RECORD_LIMIT: usize = 16 * 1024;

/// What stands at the end of a record that was longer than the limit.
pub const CUT: &str = " [cut]";

/// What of a record a line shows.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{CUT, Layout, Record};
/// use log::Level;
///
/// let record = Record::new(Level::Warn, "app", "two\nlines");
/// let mut line = String::new();
/// Layout::Message.write(&record, 100, &mut line);
/// assert_eq!(line, "two\\nlines", "a record is one line");
///
/// line.clear();
/// Layout::Full.write(&record, 30, &mut line);
/// assert!(line.len() <= 30 && line.ends_with(CUT));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// Everything: time (UTC), level, target, who, message, fields. The default.
    #[default]
    Full,
    /// The message alone, as the original's loggers had it.
    Message,
}

impl Layout {
    /// Appends the line of a record, without a line end, in at most `limit` bytes with [`CUT`].
    pub fn write(self, record: &Record<'_>, limit: usize, out: &mut String) {
        let from = out.len();
        // Writing to a string does not fail.
        let _ = match self {
            Layout::Full => full(record, out),
            Layout::Message => Escaped(record.message).write_to(out),
        };
        cut(out, from, limit);
    }
}

fn full(record: &Record<'_>, out: &mut String) -> fmt::Result {
    let time = humantime::format_rfc3339_micros(record.time);
    write!(out, "{time} {:<5} ", record.level)?;
    what(record, out)
}

/// All but time and level, for formats that have places of their own for these.
pub(super) fn what(record: &Record<'_>, out: &mut String) -> fmt::Result {
    Escaped(record.target).write_to(out)?;
    write!(
        out,
        " [{}] {}",
        Escaped(&record.origin.to_string()),
        Escaped(record.message)
    )?;
    for (name, value) in record.fields {
        write!(out, " {}=", Escaped(name))?;
        if needs_quotes(value) {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            write!(out, "\"{}\"", Escaped(&value))?;
        } else {
            write!(out, "{}", Escaped(value))?;
        }
    }
    Ok(())
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty() || value.contains([' ', '"', '=', '\\'])
}

/// Cuts what is behind `from` to `limit` bytes, at the end of a character, and marks that.
pub(super) fn cut(out: &mut String, from: usize, limit: usize) {
    if out.len() - from <= limit {
        return;
    }
    let mut end = from + limit.saturating_sub(CUT.len());
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out.push_str(CUT);
}

/// Text without control characters, save the tabulator.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Escaped<'_> {
    fn write_to(&self, out: &mut String) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let is_control = |c: char| c.is_control() && c != '\t';
        while let Some(at) = rest.find(is_control) {
            let (plain, from) = rest.split_at(at);
            f.write_str(plain)?;
            let mut characters = from.chars();
            if let Some(control) = characters.next() {
                write!(f, "{}", control.escape_default())?;
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}
