//! A log file that is opened anew when somebody has moved it away.
//!
//! Moving, compressing and deleting old files is the work of others (logrotate, newsyslog), which tell
//! with a signal when it is time.

use std::ffi::c_int;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use eventlet_green::signals::Signals;
use eventlet_green::{Builder, JoinHandle, offload};

use super::queue::WriterStats;
use super::record::Record;
use super::sink::Sink;
use super::worker::Target;
use super::writer::{LogWriter, WriterOptions};
use crate::line_writer::line_writer;

/// A [`LogWriter`] to a file, which it appends to, and which can be opened anew under its name while
/// others log: no line is lost or torn by that. The file is made if it is not there.
///
/// Each batch of lines is with the system when a [flush](Sink::flush) returns; it is not forced to the
/// disk (fsync), and does not survive a failure of power before the system has written it.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{LogFile, Sink};
/// use std::io::Write;
/// use std::time::Duration;
///
/// # let folder = std::env::temp_dir().join(format!("eventlet-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let (path, old) = (folder.join("app.log"), folder.join("app.log.1"));
/// let log = LogFile::open(&path)?;
/// writeln!(&log, "before")?;
/// log.flush(Duration::from_secs(1))?;
/// std::fs::rename(&path, &old)?;
/// log.reopen_now(Duration::from_secs(1))?;
/// writeln!(&log, "after")?;
/// log.flush(Duration::from_secs(1))?;
/// assert_eq!(std::fs::read_to_string(&old)?, "before\n");
/// assert_eq!(std::fs::read_to_string(&path)?, "after\n");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::log::{Layout, LogFile, Record, Sink, WriterOptions};
/// use log::Level;
/// use std::time::Duration;
///
/// # let folder = std::env::temp_dir().join(format!("eventlet-doc-rotate-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("app.log");
/// let file = LogFile::open_with(&path, &WriterOptions::new().layout(Layout::Message))?;
/// file.record(&Record::new(Level::Info, "app", "yesterday"));
/// std::fs::rename(&path, folder.join("app.log.1"))?; // As logrotate does.
/// file.reopen(); // Does not wait; what comes after goes to the new file.
/// file.record(&Record::new(Level::Info, "app", "today"));
/// file.flush(Duration::from_secs(5))?;
///
/// assert_eq!(std::fs::read_to_string(file.path())?, "today\n");
/// assert_eq!((file.stats().written, file.writer().stats().lost), (2, 0));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LogFile {
    writer: LogWriter,
    path: PathBuf,
}

impl LogFile {
    /// Opens the file to append to it, or makes it, with the default [settings](WriterOptions).
    ///
    /// # Errors
    ///
    /// As for [`open_with`](Self::open_with).
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        Self::open_with(path, &WriterOptions::new())
    }

    /// Opens the file to append to it, or makes it. The caller waits for that: its coroutine is parked,
    /// while another thread opens.
    ///
    /// # Errors
    ///
    /// * What the system gives (`NotFound` for a folder that is not there, `PermissionDenied`, …), with
    ///   the path.
    /// * No thread could be started; or why the caller could not wait: see
    ///   [`offload`](eventlet_green::offload()).
    pub fn open_with(path: impl Into<PathBuf>, options: &WriterOptions) -> io::Result<Self> {
        let path = path.into();
        let theirs = path.clone();
        let file = offload(move || open(&theirs))??;
        let target = Reopened {
            file,
            path: path.clone(),
        };
        let writer = options.start_on(target)?;
        Ok(LogFile { writer, path })
    }

    /// Asks for the file to be opened anew under its name, without waiting: what was logged before goes
    /// to the one that is open, what comes after to the new one. If that fails, the one that is open
    /// goes on and says so in a line, and so do [`stats`](Self::stats) and the next
    /// [flush](Sink::flush).
    pub fn reopen(&self) {
        self.writer.queue().reopen();
    }

    /// [`reopen`](Self::reopen), and waits until it is done, at most for `limit`.
    ///
    /// # Errors
    ///
    /// As for [`Sink::flush`]; how opening failed, with the path.
    pub fn reopen_now(&self, limit: Duration) -> io::Result<()> {
        self.reopen();
        self.flush(limit)
    }

    /// [Reopens](Self::reopen) whenever one of these signals comes ([`SIGHUP`], usually), until what
    /// this gives is dropped. A coroutine of this thread waits for them; the thread's loop must get to
    /// turn.
    ///
    /// [`SIGHUP`]: eventlet_green::signals::SIGHUP
    ///
    /// # Errors
    ///
    /// As for [`Signals::new`]; no stack for a coroutine.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::signals::SIGHUP;
    /// use eventlet_protocols::log::LogFile;
    ///
    /// # let path = std::env::temp_dir().join(format!("eventlet-doc-{}.log", std::process::id()));
    /// let log = LogFile::open(&path)?;
    /// let _rotation = log.reopen_on(&[SIGHUP])?;
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reopen_on(&self, signals: &[c_int]) -> io::Result<ReopenOnSignal> {
        let signals = Signals::new(signals)?;
        let file = self.clone();
        let builder = Builder::new().name(format!("reopens {}", self.path.display()));
        let listener = builder.spawn(move || {
            while signals.wait().is_ok() {
                file.reopen();
            }
        })?;
        Ok(ReopenOnSignal { listener })
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How full the queue is, how much was lost, and what was wrong last.
    pub fn stats(&self) -> WriterStats {
        self.writer.stats()
    }

    /// What writes to it: the same without the file.
    pub fn writer(&self) -> &LogWriter {
        &self.writer
    }

    fn write_lines(&self, bytes: &[u8]) {
        self.writer.write_lines(bytes);
    }
}

/// Reopens a [`LogFile`] on signals until it is dropped; from [`LogFile::reopen_on`].
///
/// # Examples
///
/// ```
/// use eventlet_green::signals::SIGHUP;
/// use eventlet_protocols::log::{LogFile, ReopenOnSignal};
///
/// # let path = std::env::temp_dir().join(format!("eventlet-doc-hup-{}.log", std::process::id()));
/// let file = LogFile::open(&path)?;
/// let rotation: ReopenOnSignal = file.reopen_on(&[SIGHUP])?;
/// // … and at the end, or when the program wants the signal for itself:
/// drop(rotation);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct ReopenOnSignal {
    listener: JoinHandle<()>,
}

impl Drop for ReopenOnSignal {
    fn drop(&mut self) {
        // Refused in a program that does not unwind: there it listens until the thread ends.
        let _ = self.listener.kill();
    }
}

struct Reopened {
    file: File,
    path: PathBuf,
}

impl Target for Reopened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.file = open(&self.path)?;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.map_err(|error| {
        let text = format!("cannot open the log {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    })
}

impl Sink for LogFile {
    fn record(&self, record: &Record<'_>) {
        self.writer.record(record);
    }

    fn flush(&self, limit: Duration) -> io::Result<()> {
        Sink::flush(&self.writer, limit)
    }
}

line_writer!(
    /// Does nothing; see [`Sink::flush`].
    LogFile
);

impl fmt::Debug for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogFile")
            .field("path", &self.path)
            .field("stats", &self.stats())
            .finish()
    }
}
