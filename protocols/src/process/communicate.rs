//! All that is said to a child and by it, at once, without a deadlock: a coroutine for each stream,
//! since a child that waits for its output to be read does not read its input.
//!
//! ```text
//!  begun ──► the child ends ──► drained: all pipes at their end ──────────► Output, Drained::Fully
//!    │            │                  └─ drain limit: pipes closed ────────► Output, Drained::CutOff
//!    └─ limit ────┴─ limit: pipes closed ──────────────────────────────────► TimedOut, Unfinished
//! ```

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write};
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use eventlet_green::io::{PipeReader, PipeWriter};
use eventlet_green::sync::WaitGroup;
use eventlet_green::{Time, now, spawn};

/// How much is read at once: what a pipe of Linux holds.
const PIECE: usize = 64 * 1024;

/// What a child has written, and how it has ended.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Output};
///
/// let script = "echo out; echo err >&2; exit 3";
/// let output: Output = Command::new("sh").args(["-c", script]).output()?;
/// assert_eq!(output.status.code(), Some(3));
/// assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// How it has ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, if that was a pipe of its own.
    pub stderr: Vec<u8>,
    /// Whether that is all.
    pub drained: Drained,
}

/// Whether the pipes of a child that has ended were read to their end.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Drained};
///
/// let output = Command::new("echo").arg("hello").output()?;
/// assert_eq!(output.drained, Drained::Fully);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drained {
    /// All that was written has been read.
    Fully,
    /// A process that the child left behind held a pipe for longer than the
    /// [drain limit](super::Command::drain_limit). What the child itself wrote has been read.
    CutOff,
}

/// What a child had written when the time limit was over: within the error of
/// [`communicate_timeout`](super::Child::communicate_timeout) and
/// [`output_timeout`](super::Command::output_timeout).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Unfinished};
/// use std::time::Duration;
///
/// let mut shell = Command::new("sh");
/// shell.args(["-c", "echo begun; exec sleep 60"]);
/// let error = shell.output_timeout(Duration::from_millis(200)).unwrap_err();
/// let unfinished: Option<&Unfinished> = Unfinished::of(&error);
/// assert!(unfinished.is_some_and(|unfinished| unfinished.program == "sh"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unfinished {
    /// The program.
    pub program: OsString,
    /// The time limit.
    pub limit: Duration,
    /// What it had written to standard output.
    pub stdout: Vec<u8>,
    /// What it had written to standard error, if that was a pipe of its own.
    pub stderr: Vec<u8>,
}

impl Unfinished {
    /// What is within an error, if it is one of these.
    pub fn of(error: &io::Error) -> Option<&Unfinished> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (program, limit) = (self.program.display(), self.limit);
        write!(f, "{program} had not ended after {limit:?}")
    }
}

impl std::error::Error for Unfinished {}

/// What is about to be said, and over which pipes.
pub(super) struct Conversation {
    pub(super) stdin: Option<PipeWriter>,
    pub(super) stdout: Option<PipeReader>,
    pub(super) stderr: Option<PipeReader>,
    pub(super) input: Bytes,
}

/// How long it may take, and whose it is.
pub(super) struct Terms<'a> {
    pub(super) program: &'a OsStr,
    pub(super) limit: Option<Duration>,
    pub(super) drain: Option<Duration>,
}

/// What was said.
pub(super) struct Said {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) drained: Drained,
}

/// Holds a conversation until its end. `ended` waits for the end of who is talked to, at most until
/// the time it is given.
pub(super) fn hold<T>(
    conversation: Conversation,
    terms: &Terms<'_>,
    ended: impl FnOnce(Option<Time>) -> io::Result<Option<T>>,
) -> io::Result<(T, Said)> {
    let deadline = terms.limit.map(|limit| now() + limit);
    let talk = Talk::begin(conversation);
    let Some(status) = ended(deadline)? else {
        return Err(talk.unfinished(terms));
    };
    let drained = talk.drain(terms.drain, deadline)?;
    if drained == Drained::CutOff && deadline.is_some_and(|deadline| deadline <= now()) {
        return Err(talk.unfinished(terms));
    }
    if let Some(error) = talk.stdout.failure.take().or(talk.stderr.failure.take()) {
        return Err(error);
    }
    let said = Said {
        stdout: talk.stdout.taken(),
        stderr: talk.stderr.taken(),
        drained,
    };
    Ok((status, said))
}

/// The coroutines of a conversation. Dropped, it closes the pipes, which ends them.
struct Talk {
    /// Until all is written.
    stdin: Rc<RefCell<Option<PipeWriter>>>,
    stdout: Gathered,
    stderr: Gathered,
    under_way: WaitGroup,
}

/// What comes out of one pipe.
#[derive(Default)]
struct Gathered {
    pipe: Option<PipeReader>,
    bytes: Rc<RefCell<Vec<u8>>>,
    failure: Rc<Cell<Option<io::Error>>>,
}

impl Talk {
    fn begin(conversation: Conversation) -> Self {
        let under_way = WaitGroup::new();
        let stdin = Rc::new(RefCell::new(conversation.stdin));
        let writer = stdin.borrow().clone();
        if let Some(mut writer) = writer {
            let (member, input) = (under_way.add(), conversation.input);
            let stdin = Rc::clone(&stdin);
            spawn(move || {
                // It need not read it all.
                let _ = writer.write_all(&input);
                // With the last handle the child is told of the end.
                drop((writer, stdin.take()));
                drop(member);
            });
        }
        Talk {
            stdin,
            stdout: Gathered::begin(conversation.stdout, &under_way),
            stderr: Gathered::begin(conversation.stderr, &under_way),
            under_way,
        }
    }

    fn unfinished(&self, terms: &Terms<'_>) -> io::Error {
        let unfinished = Unfinished {
            program: terms.program.to_owned(),
            limit: terms.limit.unwrap_or_default(),
            stdout: self.stdout.taken(),
            stderr: self.stderr.taken(),
        };
        io::Error::new(io::ErrorKind::TimedOut, unfinished)
    }

    /// Waits until all pipes are at their end, or one of the limits is over.
    fn drain(&self, limit: Option<Duration>, deadline: Option<Time>) -> io::Result<Drained> {
        let of_drain = limit.map(|limit| now() + limit);
        let until = match (of_drain, deadline) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let Some(until) = until else {
            self.under_way.wait()?;
            return Ok(Drained::Fully);
        };
        self.under_way.wait_timeout(until - now())?;
        Ok(match self.under_way.members() {
            0 => Drained::Fully,
            _ => Drained::CutOff,
        })
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        if self.under_way.members() == 0 {
            return;
        }
        // Closing fails only where no descriptor is left; then the pipes are closed when the other
        // end is.
        if let Some(stdin) = self.stdin.take() {
            let _ = stdin.close();
        }
        for pipe in [&self.stdout.pipe, &self.stderr.pipe].into_iter().flatten() {
            let _ = pipe.close();
        }
    }
}

impl Gathered {
    fn begin(pipe: Option<PipeReader>, under_way: &WaitGroup) -> Self {
        let this = Gathered {
            pipe,
            ..Gathered::default()
        };
        if let Some(mut pipe) = this.pipe.clone() {
            let member = under_way.add();
            let (bytes, failure) = (Rc::clone(&this.bytes), Rc::clone(&this.failure));
            spawn(move || {
                if let Err(error) = gather(&mut pipe, &bytes) {
                    failure.set(Some(error));
                }
                drop(member);
            });
        }
        this
    }

    fn taken(&self) -> Vec<u8> {
        self.bytes.take()
    }
}

fn gather(pipe: &mut PipeReader, into: &RefCell<Vec<u8>>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match pipe.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => into.borrow_mut().extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Closed by the talk, when its time was over.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
