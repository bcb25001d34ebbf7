//! A line a request, to wherever the program wants it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Write};

use crate::wire::{LogFormat, LogRecord};

/// Where the access log goes, and in which format.
///
/// Lines are written one by one, when the response is done. A writer that blocks holds the loop up.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::AccessLog;
/// use eventlet_protocols::wire::LogFormat;
///
/// let log = AccessLog::stderr().format(LogFormat::Combined);
/// # let _ = log;
/// ```
pub struct AccessLog {
    format: LogFormat,
    sink: RefCell<Sink>,
    /// Lines that could not be written.
    lost: Cell<u64>,
}

struct Sink {
    writer: Box<dyn Write>,
    line: Vec<u8>,
}

impl AccessLog {
    /// To a writer.
    pub fn to(writer: impl Write + 'static) -> Self {
        let sink = Sink {
            writer: Box::new(writer),
            line: Vec::new(),
        };
        AccessLog {
            format: LogFormat::default(),
            sink: RefCell::new(sink),
            lost: Cell::new(0),
        }
    }

    /// To standard error.
    pub fn stderr() -> Self {
        Self::to(io::stderr())
    }

    /// To standard output.
    pub fn stdout() -> Self {
        Self::to(io::stdout())
    }

    /// In another format than the default, [`LogFormat::CommonSeconds`].
    pub fn format(mut self, format: LogFormat) -> Self {
        self.format = format;
        self
    }

    /// Lines that could not be written so far.
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    pub(super) fn write(&self, record: &LogRecord<'_>) {
        // A writer that parks lets another connection come by: its line is lost, and counted, not
        // mixed into this one.
        let written = match self.sink.try_borrow_mut() {
            Ok(mut sink) => {
                let Sink { writer, line } = &mut *sink;
                line.clear();
                record.write_to(self.format, line);
                writer.write_all(line).and_then(|()| writer.flush()).is_ok()
            }
            Err(_) => false,
        };
        if !written {
            self.lost.set(self.lost.get() + 1);
        }
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
