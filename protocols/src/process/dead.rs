//! What is said of a program that cannot be talked to any more.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::process::ExitStatus;

/// Why a [`Process`](super::Process) did not do what it was asked.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Process, ProcessError};
/// use std::io::ErrorKind;
///
/// let mut echo = Process::start(Command::new("echo").arg("hello"))?;
/// echo.set_line_limit(3);
/// match echo.read_line() {
///     Err(ProcessError::Io(error)) => assert_eq!(error.kind(), ErrorKind::InvalidData),
///     other => panic!("a line of six bytes: {other:?}"),
/// }
/// assert_eq!(echo.read_to_end()?, b"hello\n"); // Nothing is lost.
/// assert!(echo.read(&mut [0]).unwrap_err().is_dead());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ProcessError {
    /// It can never do it again.
    Dead(DeadProcess),
    /// It may do it another time: `TimedOut`, `InvalidData` for a line that is too long, or why the
    /// caller could not wait. Nothing that was read is lost.
    Io(io::Error),
}

impl ProcessError {
    /// Whether the process is dead.
    pub fn is_dead(&self) -> bool {
        matches!(self, ProcessError::Dead(_))
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessError::Dead(dead) => dead.fmt(f),
            ProcessError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ProcessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ProcessError::Dead(_) => None,
            ProcessError::Io(error) => error.source(),
        }
    }
}

impl From<ProcessError> for io::Error {
    /// `BrokenPipe` for a dead process, with the [`DeadProcess`] within.
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Dead(dead) => io::Error::new(io::ErrorKind::BrokenPipe, dead),
            ProcessError::Io(error) => error,
        }
    }
}

/// How it was found out that a process is dead.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Cause, Command, Process, ProcessError};
///
/// let mut echo = Process::start(Command::new("echo").arg("hello"))?;
/// echo.read_line()?;
/// let Err(ProcessError::Dead(dead)) = echo.read_line() else { panic!("it said one line") };
/// assert_eq!(dead.cause, Cause::OutputEnded);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Its output is at its end.
    OutputEnded,
    /// It does not take its input any more.
    InputRefused,
    /// It has ended while nobody talked to it.
    Ended,
    /// The pipe that was asked for was closed by the caller.
    Closed,
}

/// A program that cannot be talked to any more.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, DeadProcess, Process, ProcessError};
///
/// let mut shell = Process::start(Command::new("sh").args(["-c", "echo no luck >&2; exit 3"]))?;
/// let Err(ProcessError::Dead(dead)) = shell.read_line() else { panic!("it says nothing") };
/// let DeadProcess { program, status, stderr, .. } = dead;
/// assert_eq!((program.to_str(), status.and_then(|status| status.code())), (Some("sh"), Some(3)));
/// assert_eq!(stderr, ["no luck"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadProcess {
    /// The program.
    pub program: OsString,
    /// How it was found out.
    pub cause: Cause,
    /// How it has ended; `None` if it runs on without its pipes, or its status is lost.
    pub status: Option<ExitStatus>,
    /// The last lines that it wrote to standard error, the oldest first, if that is apart.
    pub stderr: Vec<String>,
}

impl fmt::Display for DeadProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program.display();
        let cause = match self.cause {
            Cause::OutputEnded => "has ended its output",
            Cause::InputRefused => "does not take its input any more",
            Cause::Ended => "has ended",
            Cause::Closed => "was closed here",
        };
        write!(f, "{program} {cause}")?;
        if let Some(status) = self.status {
            write!(f, " ({status})")?;
        }
        match self.stderr.last() {
            Some(line) => write!(f, ", last saying: {line}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DeadProcess {}
