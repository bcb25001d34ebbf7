//! A writer that hands on complete lines: what a program prints in pieces becomes log lines.
//!
//! Where the lines go is the function's business. Parts of lines are kept here, up to a limit.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// How many bytes a line may have before it is handed on in parts, unless something else is asked for:
/// 8 KiB, more than a person reads, and what one logger keeps at most.
pub const DEFAULT_LINE_LIMIT: usize = 8 * 1024;

/// What stands at the end of each part but the last of a line that is longer than the limit.
pub const CONTINUED: &str = " [continued]";

/// The longest sequence of bytes that is one character of UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// A [`Write`] that calls a function with each line once it is complete, without its end (`\n` or
/// `\r\n`); an empty line is one, too.
///
/// * [`flush`](Write::flush) hands on nothing that is not complete, as those who write flush where
///   they like; [`end_line`](Self::end_line) does.
/// * Dropping it hands on what there is of the last line.
/// * A line longer than the [limit](Self::limit) comes in parts, each but the last ending with
///   [`CONTINUED`]: nothing is lost, and memory is bounded.
/// * If the function panics or is killed, the line it had counts as handed on; those behind it follow
///   with the next write, or when the logger is dropped.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::LineLogger;
/// use std::io::Write;
///
/// let mut lines = Vec::new();
/// let mut logger = LineLogger::text(|line| lines.push(line.to_owned()));
/// write!(logger, "one\ntw")?;
/// write!(logger, "o\n\nrest")?;
/// drop(logger);
/// assert_eq!(lines, ["one", "two", "", "rest"]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// What a child process prints:
///
/// ```
/// # #[cfg(feature = "processes")] {
/// use eventlet_protocols::log::LineLogger;
/// use eventlet_protocols::process::{Command, Stdio};
///
/// let mut child = Command::new("seq").arg("3").stdout(Stdio::piped()).spawn()?;
/// let mut output = child.stdout.take().expect("it is piped");
/// std::io::copy(&mut output, &mut LineLogger::text(|line| println!("seq: {line}")))?;
/// # child.wait()?;
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct LineLogger<F: FnMut(&[u8])> {
    emit: F,
    /// Lines that have not been handed on, the last of them incomplete. After a call of ours that
    /// ended well it has no line end.
    buffer: Vec<u8>,
    limit: usize,
}

impl<F: FnMut(&[u8])> LineLogger<F> {
    /// One that calls `emit` with the bytes of each line.
    pub fn new(emit: F) -> Self {
        LineLogger {
            emit,
            buffer: Vec::new(),
            limit: DEFAULT_LINE_LIMIT,
        }
    }

    /// How many bytes a line may have before it comes in parts. Default: [`DEFAULT_LINE_LIMIT`].
    ///
    /// # Panics
    ///
    /// If `most` is less than 4: a character might not fit.
    pub fn limit(mut self, most: usize) -> Self {
        assert!(
            most >= LONGEST_CHARACTER,
            "a line must have room for a character: at least {LONGEST_CHARACTER} bytes"
        );
        self.limit = most;
        self
    }

    /// Hands on what there is of a line that is not complete, as if it were; nothing if there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::log::{CONTINUED, LineLogger};
    /// use std::io::Write;
    ///
    /// let mut lines = Vec::new();
    /// let mut logger = LineLogger::text(|line| lines.push(line.to_owned())).limit(4);
    /// logger.write_all(b"a\nlong one, and the e")?;
    /// logger.end_line(); // Without it the end would wait for more.
    /// drop(logger);
    /// assert_eq!(lines[..2], ["a".to_owned(), format!("long{CONTINUED}")]);
    /// assert_eq!(lines.last().map(String::as_str), Some("e e"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn end_line(&mut self) {
        self.hand_on(Ending::Here);
    }

    fn hand_on(&mut self, ending: Ending) {
        let LineLogger {
            emit,
            buffer,
            limit,
        } = self;
        let mut used = Used { buffer, until: 0 };
        loop {
            let from = used.until;
            let text = &used.buffer[from..];
            let end = text.iter().position(|&byte| byte == b'\n');
            let line = without_return(&text[..end.unwrap_or(text.len())], end.is_some());
            if is_longer(line, *limit) {
                let length = whole_characters(&line[..*limit]);
                let part = [&line[..length], CONTINUED.as_bytes()].concat();
                used.until = from + length;
                emit(&part);
            } else if let Some(end) = end {
                let to = from + line.len();
                used.until = from + end + 1;
                emit(&used.buffer[from..to]);
            } else {
                if ending == Ending::Here && !line.is_empty() {
                    let to = from + line.len();
                    used.until = to;
                    emit(&used.buffer[from..to]);
                }
                return;
            }
        }
    }
}

impl LineLogger<fn(&[u8])> {
    /// One that calls `emit` with each line as text; what is not UTF-8 in it becomes U+FFFD.
    pub fn text(mut emit: impl FnMut(&str)) -> LineLogger<impl FnMut(&[u8])> {
        LineLogger::new(move |line: &[u8]| emit(&String::from_utf8_lossy(line)))
    }
}

/// What the end of the buffer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// A line that goes on.
    Open,
    /// The end of the line.
    Here,
}

/// Takes from the buffer what was handed on, however that ended.
struct Used<'a> {
    buffer: &'a mut Vec<u8>,
    until: usize,
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        self.buffer.drain(..self.until);
    }
}

fn without_return(line: &[u8], is_complete: bool) -> &[u8] {
    match line.strip_suffix(b"\r") {
        Some(line) if is_complete => line,
        _ => line,
    }
}

/// A return at the end may be part of the line's end.
fn is_longer(line: &[u8], limit: usize) -> bool {
    line.strip_suffix(b"\r").unwrap_or(line).len() > limit
}

/// How much of a part can be taken without cutting a character of UTF-8; all of what is no UTF-8.
fn whole_characters(part: &[u8]) -> usize {
    let near = part.len().saturating_sub(LONGEST_CHARACTER - 1);
    let is_start = |&byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    let Some(start) = part[near..].iter().rposition(is_start) else {
        return part.len();
    };
    match std::str::from_utf8(&part[near + start..]) {
        // A character that goes on behind the part.
        Err(error) if error.error_len().is_none() => near + start,
        _ => part.len(),
    }
}

impl<F: FnMut(&[u8])> Write for LineLogger<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        self.hand_on(Ending::Open);
        Ok(bytes.len())
    }

    /// Does nothing: a part of a line waits for the rest.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut(&[u8])> Drop for LineLogger<F> {
    fn drop(&mut self) {
        if thread::panicking() {
            // A second panic would end the process; the hook has told of it.
            let _ = catch_unwind(AssertUnwindSafe(|| self.end_line()));
        } else {
            self.end_line();
        }
    }
}

impl<F: FnMut(&[u8])> fmt::Debug for LineLogger<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineLogger")
            .field("kept", &self.buffer.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
