//! A conversation with one program over its standard input and output, after the original's
//! `Process`.
//!
//! What went wrong there is not so here: a write that is larger than the pipe waits, a missing
//! program is an error at the start, the callback is called once, and standard error is apart.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::io::{PipeReader, PipeWriter};
use eventlet_green::{Time, now, spawn};

use super::child::{Child, ChildHandle};
use super::command::Command;
use super::dead::{Cause, DeadProcess, ProcessError};
use super::start;
use super::stdio::Stdio;
use super::tail::Tail;

/// How long a line may be, unless told otherwise: 1 MiB, far more than programs that speak in lines
/// ever say in one, and no harm to memory.
pub const DEFAULT_LINE_LIMIT: usize = 1 << 20;

/// How long the exit status and the last words of a program are waited for once its pipes are at
/// their end: it is ending as a rule, and one that goes on without its pipes is not worth more.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A program that is talked to.
///
/// Dropping it closes its pipes; what happens to the program stands in [`Command::on_drop`].
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Process, ProcessError};
///
/// let mut cat = Process::start(&Command::new("cat"))?;
/// cat.write(b"hello\n")?;
/// assert_eq!(cat.read_line()?, b"hello\n");
/// cat.close_stdin();
/// let Err(ProcessError::Dead(dead)) = cat.read_line() else {
///     panic!("there is no more");
/// };
/// assert!(dead.status.is_some_and(|status| status.success()));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::process::{Command, Process, SIGTERM};
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// let mut cat = Process::start(&Command::new("cat"))?;
/// let died = Rc::new(Cell::new(false));
/// let seen = Rc::clone(&died);
/// cat.on_death(move |dead| seen.set(dead.program == "cat"));
/// cat.set_timeout(Some(Duration::from_secs(5)))?; // For each wait.
/// cat.set_line_limit(80);
///
/// cat.write(b"some bytes, some lines")?;
/// let mut bytes = [0; 4];
/// assert_eq!(cat.read(&mut bytes)?, 4);
/// assert!(!cat.is_dead());
/// cat.close_stdin();
/// assert_eq!(cat.read_to_end()?, b" bytes, some lines");
/// cat.wait()?;
/// cat.close();
/// assert!(cat.is_dead() && died.get());
///
/// let sleep = Process::start(Command::new("sleep").arg("60"))?;
/// assert_eq!(sleep.id(), sleep.handle().id());
/// sleep.kill(SIGTERM)?;
/// assert!(!sleep.handle().wait()?.success());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Process {
    child: Child,
    input: Option<PipeWriter>,
    output: Option<BufReader<PipeReader>>,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    line_limit: usize,
    mourners: Rc<Mourners>,
    /// Once it was found dead.
    dead: Option<DeadProcess>,
    pub(super) started: Time,
    /// Whether somebody has had it from a pool: it is not looked at before.
    pub(super) served: bool,
}

impl Process {
    /// Starts a program with pipes to its standard input and output. The last lines of its standard
    /// error are kept for [`DeadProcess`], unless the command says what becomes of it; the original
    /// had it [merged](Stdio::merged).
    ///
    /// # Errors
    ///
    /// As for [`Command::spawn`]; `InvalidInput` if the command says that its standard input or output
    /// is no pipe.
    pub fn start(command: &Command) -> io::Result<Self> {
        let is_elsewhere = |stdio: &Option<Stdio>| stdio.as_ref().is_some_and(|it| !it.is_piped());
        if is_elsewhere(&command.stdin) || is_elsewhere(&command.stdout) {
            let text = "a process that is talked to needs pipes as standard input and output";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut child = start::start(command, [Stdio::piped(), Stdio::piped(), Stdio::piped()])?;
        let tail = child.stderr.take().map(Tail::begin);
        Ok(Process {
            input: child.stdin.take(),
            output: child.stdout.take().map(BufReader::new),
            mourners: Rc::new(Mourners {
                tail,
                callbacks: RefCell::default(),
                found: Cell::new(None),
            }),
            child,
            partial: Vec::new(),
            line_limit: DEFAULT_LINE_LIMIT,
            dead: None,
            started: now(),
            served: false,
        })
    }

    /// Reads what there is, waiting for the first byte; never zero, but for an empty buffer.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Dead`] at the end of its output.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, ProcessError> {
        if into.is_empty() {
            return Ok(0);
        }
        if !self.partial.is_empty() {
            let count = self.partial.len().min(into.len());
            into[..count].copy_from_slice(&self.partial[..count]);
            self.partial.drain(..count);
            return Ok(count);
        }
        let Some(output) = &mut self.output else {
            return Err(self.closed());
        };
        match output.read(into) {
            Ok(0) => Err(self.found_dead(Cause::OutputEnded)),
            Ok(count) => Ok(count),
            Err(error) => Err(ProcessError::Io(error)),
        }
    }

    /// Reads to the end of its output, which may be at once; a read after that finds it dead.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Dead`] after [`close`](Self::close); [`ProcessError::Io`], and what was read
    /// is there for the next read.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>, ProcessError> {
        let Some(output) = &mut self.output else {
            return Err(self.closed());
        };
        match output.read_to_end(&mut self.partial) {
            Ok(_) => Ok(std::mem::take(&mut self.partial)),
            Err(error) => Err(ProcessError::Io(error)),
        }
    }

    /// Reads a line, with its line end; the last one may have none.
    ///
    /// # Errors
    ///
    /// * [`ProcessError::Dead`] at the end of its output.
    /// * [`ProcessError::Io`]: `InvalidData` for a line that is longer than the
    ///   [limit](Self::set_line_limit). [`read`](Self::read) gives what there is of it.
    pub fn read_line(&mut self) -> Result<Vec<u8>, ProcessError> {
        loop {
            let Some(output) = &mut self.output else {
                return Err(self.closed());
            };
            let there = output.fill_buf().map_err(ProcessError::Io)?;
            if there.is_empty() {
                if self.partial.is_empty() {
                    return Err(self.found_dead(Cause::OutputEnded));
                }
                return Ok(std::mem::take(&mut self.partial));
            }
            let end = there.iter().position(|&byte| byte == b'\n');
            let count = end.map_or(there.len(), |at| at + 1);
            let room = self.line_limit.saturating_sub(self.partial.len());
            if count > room {
                let text = format!("a line of more than {} bytes", self.line_limit);
                let error = io::Error::new(io::ErrorKind::InvalidData, text);
                return Err(ProcessError::Io(error));
            }
            self.partial.extend_from_slice(&there[..count]);
            output.consume(count);
            if end.is_some() {
                return Ok(std::mem::take(&mut self.partial));
            }
        }
    }

    /// Writes all of it, waiting for room in the pipe as often as it takes. Nothing is kept back.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Dead`] if the program does not take it, or after
    /// [`close_stdin`](Self::close_stdin). On [`ProcessError::Io`] some of it may have been written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ProcessError> {
        let Some(input) = &mut self.input else {
            return Err(self.closed());
        };
        match input.write_all(bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(self.found_dead(Cause::InputRefused))
            }
            Err(error) => Err(ProcessError::Io(error)),
        }
    }

    /// Closes its standard input, so that it is told of the end. Its output can still be read.
    pub fn close_stdin(&mut self) {
        self.input = None;
    }

    /// Closes both pipes. For the callbacks that is its death, though the program may run on.
    pub fn close(&mut self) {
        self.input = None;
        self.output = None;
        self.partial = Vec::new();
        if self.dead.is_none() {
            self.mourners.find(Cause::Closed);
            let dead = self.obituary(Cause::Closed, Duration::ZERO);
            self.bury(dead);
        }
    }

    /// Has `callback` called once when the program is found dead, or ends while nobody talks to it,
    /// in whichever coroutine finds out. If it is dead already, soon.
    pub fn on_death(&mut self, callback: impl FnOnce(&DeadProcess) + 'static) {
        let callbacks = &self.mourners.callbacks;
        callbacks.borrow_mut().push(Box::new(callback));
        let (handle, mourners) = (self.child.handle(), Rc::clone(&self.mourners));
        let program = self.child.program.clone();
        spawn(move || {
            let status = handle.wait().ok();
            mourners.call(&DeadProcess {
                program,
                cause: mourners.found.get().unwrap_or(Cause::Ended),
                status,
                stderr: mourners.last_words(LAST_WORDS),
            });
        });
    }

    /// How long one wait for its output, or for room in its input, may take; it then gives
    /// [`ProcessError::Io`] with `TimedOut`. Default: `None`, for ever.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        if let Some(output) = &self.output {
            output.get_ref().set_read_timeout(limit)?;
        }
        match &self.input {
            Some(input) => input.set_write_timeout(limit),
            None => Ok(()),
        }
    }

    /// How many bytes a line may have, with its end. Default: [`DEFAULT_LINE_LIMIT`].
    pub fn set_line_limit(&mut self, bytes: usize) {
        self.line_limit = bytes;
    }

    /// Whether it was found dead, or has ended.
    pub fn is_dead(&self) -> bool {
        self.dead.is_some() || !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal; see [`Child::kill`].
    ///
    /// # Errors
    ///
    /// As for [`Child::kill`].
    pub fn kill(&self, signal: c_int) -> io::Result<()> {
        self.child.kill(signal)
    }

    /// Closes its standard input and waits for its end.
    ///
    /// # Errors
    ///
    /// As for [`ChildHandle::wait`].
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.input = None;
        self.child.wait()
    }

    /// A handle to wait for it and to send it signals.
    pub fn handle(&self) -> ChildHandle {
        self.child.handle()
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What was asked of a pipe that is closed; that does not mean that the program is dead.
    fn closed(&self) -> ProcessError {
        let known = self.dead.clone();
        ProcessError::Dead(known.unwrap_or_else(|| self.obituary(Cause::Closed, Duration::ZERO)))
    }

    fn found_dead(&mut self, cause: Cause) -> ProcessError {
        let dead = match &self.dead {
            Some(dead) => dead.clone(),
            None => {
                self.mourners.find(cause);
                let dead = self.obituary(cause, LAST_WORDS);
                self.bury(dead.clone());
                dead
            }
        };
        ProcessError::Dead(dead)
    }

    fn obituary(&self, cause: Cause, patience: Duration) -> DeadProcess {
        let handle = self.child.handle();
        let status = match patience {
            Duration::ZERO => handle.try_wait(),
            patience => handle.wait_timeout(patience),
        };
        let patience = match status {
            Ok(Some(_)) => patience,
            _ => Duration::ZERO,
        };
        DeadProcess {
            program: self.child.program.clone(),
            cause,
            status: status.ok().flatten(),
            stderr: self.mourners.last_words(patience),
        }
    }

    fn bury(&mut self, dead: DeadProcess) {
        self.dead = Some(dead.clone());
        self.mourners.call(&dead);
    }

    /// How it has ended, if it has.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("child", &self.child)
            .field("dead", &self.dead)
            .finish_non_exhaustive()
    }
}

type Callback = Box<dyn FnOnce(&DeadProcess)>;

/// Who is to be told of its death, and what is known of its last words.
struct Mourners {
    tail: Option<Tail>,
    callbacks: RefCell<Vec<Callback>>,
    /// Set as soon as a call of its owner's has found out, and before that call waits for the last words:
    /// whoever hears of the end meanwhile tells of the same cause.
    found: Cell<Option<Cause>>,
}

impl Mourners {
    fn find(&self, cause: Cause) {
        self.found.set(Some(cause));
    }

    fn last_words(&self, patience: Duration) -> Vec<String> {
        let lines = self.tail.as_ref().map(|tail| tail.lines(patience));
        lines.unwrap_or_default()
    }

    fn call(&self, dead: &DeadProcess) {
        let callbacks = self.callbacks.take();
        for callback in callbacks {
            callback(dead);
        }
    }
}
