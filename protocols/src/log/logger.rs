//! The front of it all: what the `log` package's macros call, with levels and sinks behind it.
//!
//! For `tracing` there is the layer in [`layer`](super::layer), over the same logger.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use log::{Level, LevelFilter, Metadata, SetLoggerError, kv};

use super::levels::Levels;
use super::nested::Within;
use super::record::{Field, Record};
use super::sink::Sink;

/// How long an end waits for what was logged, unless something else is asked for: five seconds, as long
/// as a person waits for a program to end.
pub const DEFAULT_FLUSH: Duration = Duration::from_secs(5);

/// Gives records to sinks, if their level is allowed.
///
/// It is a [`log::Log`], and the macros of that package take it after it was
/// [installed](Self::install), or as `logger:` argument. It can be cloned (a reference count), and used
/// from any thread and coroutine, also while these are unwound. Whatever one sink does, the others get
/// the record.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{LogWriter, Logger};
/// use log::LevelFilter;
///
/// let logger = Logger::builder()
///     .level(LevelFilter::Info)
///     .target("noisy", LevelFilter::Warn)
///     .sink(LogWriter::new(std::io::stderr())?)
///     .build();
/// let _until_the_end = logger.install()?;
/// let worker = eventlet_green::Builder::new().name("worker").spawn(|| {
///     log::info!(port = 80; "listening"); // … INFO  app [#1 worker] listening port=80
/// })?;
/// # worker.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With a console, whose `log(target, level)` sets levels and whose `log_here()` shows records:
///
/// ```
/// # #[cfg(feature = "backdoor")] {
/// use eventlet_protocols::backdoor::{Backdoor, LogTap};
/// use eventlet_protocols::log::Logger;
///
/// let tap = LogTap::new();
/// let logger = Logger::builder().sink(tap.clone()).build();
/// let console = Backdoor::builder().log_tap(tap).log_filter(move |target, level| {
///     let level = level.parse().map_err(|_| format!("no level: {level}"))?;
///     logger.set_level(target, level);
///     Ok(())
/// });
/// # let _ = console;
/// # }
/// ```
///
/// ```
/// use eventlet_protocols::log::{DEFAULT_FLUSH, LogWriter, Logger, Record};
/// use log::{Level, LevelFilter};
///
/// let logger = Logger::builder().sink(LogWriter::new(std::io::sink())?).build();
/// assert!(!logger.allows("app::db", Level::Debug));
/// logger.set_level("app::db", LevelFilter::Debug);
/// assert!(logger.allows("app::db::pool", Level::Debug) && !logger.allows("app", Level::Debug));
///
/// logger.record(&Record::new(Level::Debug, "app::db", "connected"));
/// logger.flush(DEFAULT_FLUSH)?;
/// assert_eq!(logger.refused(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Logger {
    shared: Arc<Shared>,
}

struct Shared {
    levels: RwLock<Levels>,
    sinks: Vec<Box<dyn Sink>>,
    installed: AtomicBool,
    refused: AtomicU64,
}

impl Logger {
    /// Settings for a new one.
    pub fn builder() -> LoggerBuilder {
        LoggerBuilder {
            levels: Levels::new(LevelFilter::Info),
            sinks: Vec::new(),
        }
    }

    /// Sets how much is logged of a target (a module's path, and those below it); of everything that
    /// has no level of its own, if it is empty. From any thread, at any time.
    pub fn set_level(&self, target: &str, level: LevelFilter) {
        let levels = self.shared.levels.write();
        let mut levels = levels.unwrap_or_else(PoisonError::into_inner);
        levels.set(target, level);
        if self.shared.installed.load(Ordering::Acquire) {
            log::set_max_level(levels.most());
        }
    }

    /// Whether records of that target and level go to the sinks.
    pub fn allows(&self, target: &str, level: Level) -> bool {
        let levels = self.shared.levels.read();
        let levels = levels.unwrap_or_else(PoisonError::into_inner);
        levels.allow(target, level)
    }

    /// Gives a record to the sinks, whatever its level. One that is made while others are, too deep to
    /// mean anything ([`MAX_NESTED`](super::MAX_NESTED)), is [counted](Self::refused) only.
    pub fn record(&self, record: &Record<'_>) {
        self.within(|| self.give(record));
    }

    /// Records that were made within records, too deep.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Waits until all sinks have out what they have taken, at most for `limit` each.
    ///
    /// # Errors
    ///
    /// As for [`Sink::flush`], of the first that failed.
    pub fn flush(&self, limit: Duration) -> io::Result<()> {
        let mut outcome = Ok(());
        for sink in &self.shared.sinks {
            outcome = outcome.and(sink.flush(limit));
        }
        outcome
    }

    /// Makes it the one that the macros of the `log` package give their records to. What this gives
    /// [flushes](Self::flush) when it is dropped, for at most [`DEFAULT_FLUSH`] a sink: keep it in `main`.
    ///
    /// # Errors
    ///
    /// There is one already, which stays.
    pub fn install(&self) -> Result<Installed, SetLoggerError> {
        log::set_boxed_logger(Box::new(self.clone()))?;
        self.shared.installed.store(true, Ordering::Release);
        let levels = self.shared.levels.read();
        log::set_max_level(levels.unwrap_or_else(PoisonError::into_inner).most());
        Ok(Installed {
            logger: Some(self.clone()),
        })
    }

    /// Does what makes a record, text and fields included, unless that is nested too deep.
    pub(super) fn within(&self, make: impl FnOnce()) {
        let Some(_within) = Within::enter() else {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        make();
    }

    pub(super) fn give(&self, record: &Record<'_>) {
        let mut panic = None;
        for sink in &self.shared.sinks {
            let outcome = catch_unwind(AssertUnwindSafe(|| sink.record(record)));
            panic = panic.or(outcome.err());
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.allows(metadata.target(), metadata.level())
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        self.within(|| {
            let mut fields = Fields::default();
            // Its visitor refuses nothing.
            let _ = record.key_values().visit(&mut fields);
            let made;
            let message = match record.args().as_str() {
                Some(text) => text,
                None => {
                    made = record.args().to_string();
                    &made
                }
            };
            let record = Record::new(record.level(), record.target(), message);
            self.give(&record.fields(&fields.list));
        });
    }

    /// [`Logger::flush`] for at most [`DEFAULT_FLUSH`]; its errors are not told here.
    fn flush(&self) {
        let _ = Logger::flush(self, DEFAULT_FLUSH);
    }
}

#[derive(Default)]
struct Fields<'a> {
    list: Vec<Field<'a>>,
}

impl<'a> kv::VisitSource<'a> for Fields<'a> {
    fn visit_pair(&mut self, key: kv::Key<'a>, value: kv::Value<'a>) -> Result<(), kv::Error> {
        let name = match key.to_borrowed_str() {
            Some(name) => name.into(),
            None => key.as_str().to_owned().into(),
        };
        self.list.push((name, value.to_string()));
        Ok(())
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger")
            .field("sinks", &self.shared.sinks.len())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Logger`] to be made.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Logger, LoggerBuilder, LogWriter};
/// use log::{Level, LevelFilter};
///
/// let builder: LoggerBuilder = Logger::builder().level(LevelFilter::Warn);
/// let logger = builder
///     .target("app", LevelFilter::Trace)
///     .sink(LogWriter::new(std::io::sink())?)
///     .build();
/// assert!(logger.allows("app::net", Level::Trace));
/// assert!(!logger.allows("a_library", Level::Info));
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "nothing happens until it is built"]
pub struct LoggerBuilder {
    levels: Levels,
    sinks: Vec<Box<dyn Sink>>,
}

impl LoggerBuilder {
    /// How much is logged of what has no level of its own. Default: `Info`, which a program can be run
    /// with for years.
    pub fn level(self, level: LevelFilter) -> Self {
        self.target("", level)
    }

    /// How much is logged of a target and of those below it. Default: as of everything else.
    pub fn target(mut self, target: &str, level: LevelFilter) -> Self {
        self.levels.set(target, level);
        self
    }

    /// Gives records to this sink as well. Default: to none.
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Makes the logger.
    pub fn build(self) -> Logger {
        Logger {
            shared: Arc::new(Shared {
                levels: RwLock::new(self.levels),
                sinks: self.sinks,
                installed: AtomicBool::new(false),
                refused: AtomicU64::new(0),
            }),
        }
    }
}

impl fmt::Debug for LoggerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggerBuilder")
            .field("levels", &self.levels)
            .field("sinks", &self.sinks.len())
            .finish()
    }
}

/// Flushes when it is dropped; from [`Logger::install`].
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Installed, LogWriter, Logger};
/// use std::time::Duration;
///
/// let logger = Logger::builder().sink(LogWriter::new(std::io::sink())?).build();
/// let until_the_end: Installed = logger.install()?;
/// log::info!("about to end");
/// until_the_end.finish(Duration::from_secs(5))?; // Tells what dropping it does not.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "it flushes when it is dropped: keep it until the program ends"]
pub struct Installed {
    /// Until it has been flushed.
    logger: Option<Logger>,
}

impl Installed {
    /// Flushes now, for those who want to know how that went, and not again.
    ///
    /// # Errors
    ///
    /// As for [`Logger::flush`].
    pub fn finish(mut self, limit: Duration) -> io::Result<()> {
        let logger = self.logger.take();
        logger.map_or(Ok(()), |logger| logger.flush(limit))
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if let Some(logger) = &self.logger {
            // Whom should it be told?
            let _ = logger.flush(DEFAULT_FLUSH);
        }
    }
}
