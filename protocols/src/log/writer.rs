//! Lines to any writer that blocks (a file, standard error, a pipe), without holding anybody up.
//!
//! Here are the handle and its settings; what lies between it and the thread that writes is in
//! [`queue`](super::queue), the thread in [`worker`](super::worker).

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use super::layout::{DEFAULT_RECORD_LIMIT, Layout};
use super::queue::{Queue, WriterStats};
use super::record::Record;
use super::sink::Sink;
use super::worker::{self, Plain, Target};
use crate::line_writer::line_writer;

/// How many bytes may wait for the writing thread, unless something else is asked for: 4 MiB, some
/// twenty thousand lines, which bridges a disk that is slow for a second or two. As many again may be
/// with the thread.
pub const DEFAULT_QUEUE: usize = 4 << 20;

/// Settings of a [`LogWriter`] or a [`LogFile`](super::LogFile).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Layout, WriterOptions};
///
/// let options = WriterOptions::new().queue(1 << 20).layout(Layout::Message);
/// let writer = options.start(std::io::stderr())?;
/// # let _ = writer;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is started or opened"]
pub struct WriterOptions {
    queue: usize,
    record_limit: usize,
    layout: Layout,
    name: String,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl WriterOptions {
    /// The defaults.
    pub fn new() -> Self {
        WriterOptions {
            queue: DEFAULT_QUEUE,
            record_limit: DEFAULT_RECORD_LIMIT,
            layout: Layout::default(),
            name: "log".to_owned(),
        }
    }

    /// How many bytes of lines may wait for the writing thread; further ones are lost and counted. As
    /// many again may be with the thread. Default: [`DEFAULT_QUEUE`].
    pub fn queue(mut self, bytes: usize) -> Self {
        self.queue = bytes;
        self
    }

    /// How many bytes a record may have; see [`Layout::write`]. Default: [`DEFAULT_RECORD_LIMIT`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::log::{LogWriter, Record, Sink, WriterOptions};
    /// use std::io::Read;
    /// use std::time::Duration;
    ///
    /// let (mut reader, writer) = std::io::pipe()?;
    /// let options = WriterOptions::new().record_limit(40).queue(1 << 16).thread_name("app-log");
    /// let sink = options.start(writer)?;
    /// sink.record(&Record::new(log::Level::Info, "app", &"long ".repeat(100)));
    /// sink.flush(Duration::from_secs(5))?;
    /// drop(sink);
    /// let mut line = String::new();
    /// reader.read_to_string(&mut line)?;
    /// assert!(line.ends_with(" [cut]\n") && line.len() == 41, "{line}");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.record_limit = bytes;
        self
    }

    /// What of a record a line shows. Default: [`Layout::Full`].
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// The name of the thread that writes. Default: `log`.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Starts a thread that writes to `writer`.
    ///
    /// # Errors
    ///
    /// What the system gives: no thread could be started.
    pub fn start(&self, writer: impl Write + Send + 'static) -> io::Result<LogWriter> {
        self.start_on(Plain(writer))
    }

    pub(super) fn start_on(&self, target: impl Target) -> io::Result<LogWriter> {
        let queue = Arc::new(Queue::new(self.queue));
        worker::start(&self.name, Arc::clone(&queue), target)?;
        Ok(LogWriter {
            owner: Arc::new(Owner {
                queue,
                layout: self.layout,
                record_limit: self.record_limit,
            }),
        })
    }
}

/// Writes lines on a thread of its own, to whatever blocks: standard error, a pipe, a file (for which
/// there is [`LogFile`](super::LogFile)).
///
/// It can be cloned, sent to other threads, and used from anywhere, also while a coroutine is unwound:
/// nothing that logs ever waits. What there is no room for is lost, counted, and told of by a line in
/// its place. What could not be written (the disk is full) is too, once it is possible again; a line of
/// which a part is out is ended first, so that it does not run into the next.
///
/// * As a [`Sink`] it takes records.
/// * As a [`Write`], each write is one or more whole lines; an end that is missing is added. Output that
///   comes in pieces goes through a [`LineLogger`](super::LineLogger).
/// * For `tracing_subscriber::fmt`, a closure that clones it is a `MakeWriter`.
///
/// When the last clone goes, the thread writes what there is, and ends. A program that ends does not
/// wait for it: [`flush`](Sink::flush) first. A forked child has no such thread.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{LogWriter, Sink};
/// use std::io::Write;
/// use std::time::Duration;
///
/// let log = LogWriter::new(std::io::stderr())?;
/// writeln!(&log, "listening on port {}", 80)?;
/// log.flush(Duration::from_secs(1))?;
/// assert_eq!(log.stats().written, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LogWriter {
    owner: Arc<Owner>,
}

/// What the clones share; the thread does not, so that the last clone can go.
struct Owner {
    queue: Arc<Queue>,
    layout: Layout,
    record_limit: usize,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl LogWriter {
    /// One with the default [settings](WriterOptions).
    ///
    /// # Errors
    ///
    /// As for [`WriterOptions::start`].
    pub fn new(writer: impl Write + Send + 'static) -> io::Result<Self> {
        WriterOptions::new().start(writer)
    }

    /// How full the queue is, how much was lost, and what was wrong last.
    pub fn stats(&self) -> WriterStats {
        self.owner.queue.stats()
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.owner.queue
    }

    /// An end that is missing is added.
    pub(super) fn write_lines(&self, bytes: &[u8]) {
        let queue = &self.owner.queue;
        match bytes.last() {
            None => {}
            Some(b'\n') => queue.push(bytes),
            Some(_) => queue.push(&[bytes, b"\n"].concat()),
        }
    }
}

impl Sink for LogWriter {
    fn record(&self, record: &Record<'_>) {
        let mut line = String::new();
        let owner = &self.owner;
        owner.layout.write(record, owner.record_limit, &mut line);
        line.push('\n');
        owner.queue.push(line.as_bytes());
    }

    fn flush(&self, limit: Duration) -> io::Result<()> {
        self.owner.queue.flush(limit)
    }
}

line_writer!(
    /// Does nothing, for those who write flush after each line, and nobody is to wait. See
    /// [`Sink::flush`].
    LogWriter
);

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogWriter")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
