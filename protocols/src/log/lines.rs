//! Lines as records: what writes text only (an access log, a child process) into any sink.

use std::io::Write;

use log::Level;

use super::line::LineLogger;
use super::record::Record;
use super::sink::Sink;

/// A [`Write`] that makes each complete line a record of this level and target.
///
/// # Examples
///
/// The access log of a server to syslog:
///
/// ```
/// use eventlet_protocols::log::{Syslog, record_lines};
/// use eventlet_protocols::server::AccessLog;
///
/// let syslog = Syslog::local("app").start()?;
/// let log = AccessLog::to(record_lines(syslog, log::Level::Info, "access"));
/// # let _ = log;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn record_lines(sink: impl Sink, level: Level, target: impl Into<String>) -> impl Write {
    let target = target.into();
    LineLogger::text(move |line: &str| {
        sink.record(&Record::new(level, &target, line));
    })
}
