//! Log lines without holding the loop up: line loggers, files with rotation, syslog.
//!
//! ```
//! use eventlet_green::signals::SIGHUP;
//! use eventlet_protocols::log::{LogFile, Logger, Syslog};
//!
//! # let path = std::env::temp_dir().join(format!("eventlet-doc-log-{}.log", std::process::id()));
//! let file = LogFile::open(&path)?;
//! let _rotation = file.reopen_on(&[SIGHUP])?;
//! let logger = Logger::builder()
//!     .sink(file)
//!     .sink(Syslog::local("app").start()?)
//!     .build();
//! let _until_the_end = logger.install()?;
//! log::warn!(free = 12; "the disk is nearly full");
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * [`Logger`]: what the macros of the `log` package call, with levels; with the feature `tracing`,
//!   `Logger::layer` for subscribers of that.
//! * [`Sink`]: what takes records ([`Record`], [`Origin`]). Sinks are [`LogFile`], [`LogWriter`] (any
//!   writer), [`Syslog`], the console's `LogTap`, and a program's own.
//! * [`LineLogger`], [`record_lines`]: output in pieces as lines, and as records. [`Tee`]: one writer
//!   before several.
//!
//! # What is promised
//!
//! * Nobody who logs waits: not for a disk, not for syslog. It can be done from any thread and
//!   coroutine, in destructors while a panic or a kill unwinds, and within logging.
//! * What there is no room for is lost, counted, and told of in its place. What is there is bounded.
//! * Records of one thread keep their order in each sink.
//! * A record is one line, whatever is in it.
//!
//! # What it is not
//!
//! Nothing here deletes or compresses old files, sends over TCP or TLS, or survives `fork`: a child has
//! none of the threads that write.
//!
//! In programs that use the `log` package the name of this module would stand in the way of its macros:
//! the package `eventlet` has it as `logging`.

mod file;
#[cfg(feature = "tracing")]
mod layer;
mod layout;
mod levels;
mod line;
mod lines;
mod logger;
mod nested;
mod queue;
mod record;
mod sink;
mod syslog;
mod tee;
mod worker;
mod writer;

pub use file::{LogFile, ReopenOnSignal};
#[cfg(feature = "tracing")]
pub use layer::LogLayer;
pub use layout::{CUT, DEFAULT_RECORD_LIMIT, Layout};
pub use line::{CONTINUED, DEFAULT_LINE_LIMIT, LineLogger};
pub use lines::record_lines;
pub use logger::{DEFAULT_FLUSH, Installed, Logger, LoggerBuilder};
pub use nested::MAX_NESTED;
pub use queue::WriterStats;
pub use record::{Field, Origin, Record};
pub use sink::Sink;
pub use syslog::{
    DEFAULT_DATA_ID, DEFAULT_RECORDS, FIRST_PAUSE, Facility, LAST_PAUSE, LOCAL_LIMIT, LOCAL_PLACES,
    SEND_PATIENCE, Syslog, SyslogFormat, SyslogOptions, SyslogStats, UDP_LIMIT_3164,
    UDP_LIMIT_5424,
};
pub use tee::Tee;
pub use writer::{DEFAULT_QUEUE, LogWriter, WriterOptions};
