//! A line a request, or a record, to wherever the program wants it.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};

use crate::wire::{LogFormat, LogRecord};

/// Where the access log goes, and in which format.
///
/// Each request is written when its response is done. A writer or function that blocks holds the
/// loop up. If it waits in a coroutine's way, the requests that are done meanwhile are not logged,
/// but counted as [`lost`](Self::lost).
///
/// # Examples
///
/// Lines:
///
/// ```
/// use eventlet_protocols::server::AccessLog;
/// use eventlet_protocols::wire::LogFormat;
///
/// let log = AccessLog::stderr().format(LogFormat::Combined);
/// # let _ = log;
/// ```
///
/// Fields, for a program that has its own way of writing them:
///
/// ```
/// use eventlet_protocols::server::AccessLog;
///
/// let log = AccessLog::records(|record| {
///     eprintln!(
///         "client={} status={} bytes={} micros={}",
///         record.client,
///         record.status.as_u16(),
///         record.body_length,
///         record.wall.as_micros(),
///     );
/// });
/// # let _ = log;
/// ```
pub struct AccessLog {
    format: LogFormat,
    /// Not there while it is at work.
    sink: Cell<Option<Sink>>,
    /// Requests that could not be logged.
    lost: Cell<u64>,
}

enum Sink {
    Lines {
        writer: Box<dyn Write>,
        line: Vec<u8>,
    },
    Records(Box<dyn FnMut(&LogRecord<'_>)>),
}

impl AccessLog {
    fn with(sink: Sink) -> Self {
        AccessLog {
            format: LogFormat::default(),
            sink: Cell::new(Some(sink)),
            lost: Cell::new(0),
        }
    }

    /// To a writer, a line a request.
    pub fn to(writer: impl Write + 'static) -> Self {
        Self::with(Sink::Lines {
            writer: Box::new(writer),
            line: Vec::new(),
        })
    }

    /// To a function that is given what there is to say. What a peer has sent is in it as it came:
    /// escape it before it gets to where it could do harm. The [format](Self::format) is for lines
    /// only.
    pub fn records(write: impl FnMut(&LogRecord<'_>) + 'static) -> Self {
        Self::with(Sink::Records(Box::new(write)))
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

    /// Requests that could not be logged so far.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::{AccessLog, Config};
    /// use eventlet_protocols::wire::LogFormat;
    ///
    /// # let path = std::env::temp_dir().join(format!("eventlet-doc-access-{}", std::process::id()));
    /// let mut config = Config::new();
    /// config.log = Some(AccessLog::stdout().format(LogFormat::Common));
    /// let log = AccessLog::to(std::fs::File::create(&path)?);
    /// assert_eq!(log.lost(), 0);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    pub(super) fn write(&self, record: &LogRecord<'_>) {
        // Counted first, so that one whose writer panics or is killed is.
        self.lost.set(self.lost.get() + 1);
        // Others that come by while it waits find nothing, and are not mixed into this one.
        let Some(mut taken) = Taken::from(&self.sink) else {
            return;
        };
        let is_written = match &mut taken.sink {
            Some(Sink::Lines { writer, line }) => {
                line.clear();
                record.write_to(self.format, line);
                writer.write_all(line).and_then(|()| writer.flush()).is_ok()
            }
            Some(Sink::Records(write)) => {
                write(record);
                true
            }
            None => false,
        };
        if is_written {
            self.lost.set(self.lost.get() - 1);
        }
    }
}

/// A sink at work; it goes back however that ends.
struct Taken<'a> {
    place: &'a Cell<Option<Sink>>,
    sink: Option<Sink>,
}

impl<'a> Taken<'a> {
    fn from(place: &'a Cell<Option<Sink>>) -> Option<Self> {
        let sink = Some(place.take()?);
        Some(Taken { place, sink })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.place.set(self.sink.take());
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog")
            .field("format", &self.format)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}
