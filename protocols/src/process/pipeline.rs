//! Several programs, the output of one being the input of the next, as a shell's `|` has it.
//!
//! They are one process group, which the first leads, so that one signal reaches them all. The pipes
//! between them are theirs alone: nothing of what they say to each other passes through here.

use std::ffi::c_int;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use eventlet_green::io::{PipeReader, PipeWriter};

use super::SIGKILL;
use super::child::Child;
use super::command::{Command, Group};
use super::communicate::{Conversation, Drained, Terms, hold};
use super::start;
use super::stdio::Stdio;

/// Programs to start, the output of each being the input of the next.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Pipeline};
///
/// let mut sort = Command::new("sort");
/// sort.arg("-u");
/// let mut head = Command::new("head");
/// head.args(["-n", "2"]);
/// let output = Pipeline::new(sort).pipe(head).communicate("b\na\nc\na\n")?;
/// assert_eq!(output.stdout, b"a\nb\n");
/// assert!(output.is_success());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::process::{Command, Pipeline};
/// use std::time::Duration;
///
/// let slow = || Pipeline::new(Command::new("cat")).pipe(Command::new("cat"));
/// let mut running = slow().spawn()?;
/// assert_eq!(running.wait()?.len(), 2);
/// assert!(slow().communicate_timeout("hello", Duration::from_secs(20))?.is_success());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is started until `spawn` or `communicate`"]
pub struct Pipeline {
    first: Command,
    others: Vec<Command>,
}

impl Pipeline {
    /// The first program. Its standard input is what the command says, else a pipe from here.
    pub fn new(first: Command) -> Self {
        Pipeline {
            first,
            others: Vec::new(),
        }
    }

    /// Adds a program that reads what the last one writes. The standard output of the last of all is
    /// what its command says, else a pipe to here.
    pub fn pipe(mut self, next: Command) -> Self {
        self.others.push(next);
        self
    }

    /// Starts them all. The standard error of each is what its command says, else the parent's.
    ///
    /// # Errors
    ///
    /// As for [`Command::spawn`]; those that were started are then killed.
    pub fn spawn(self) -> io::Result<RunningPipeline> {
        let drain = self.first.drain;
        let mut commands: Vec<Command> = [self.first].into_iter().chain(self.others).collect();
        let last = commands.len() - 1;
        let mut running = RunningPipeline {
            stdin: None,
            stdout: None,
            children: Vec::with_capacity(commands.len()),
            drain,
        };
        let mut from_previous: Option<io::PipeReader> = None;
        for (at, mut command) in commands.drain(..).enumerate() {
            if let Some(reader) = from_previous.take() {
                command.stdin(reader);
            }
            let started = running.start_next(&mut command, at < last);
            match started {
                Ok(reader) => from_previous = reader,
                Err(error) => {
                    running.kill(SIGKILL)?;
                    return Err(error);
                }
            }
        }
        running.stdin = running.children[0].stdin.take();
        running.stdout = running.children[last].stdout.take();
        Ok(running)
    }

    /// Starts them all, gives the first one `input`, gathers what the last one writes, and waits for
    /// the end of them all.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn) and [`Child::communicate`].
    pub fn communicate(self, input: impl Into<Bytes>) -> io::Result<PipelineOutput> {
        self.spawn()?.communicate_within(input.into(), None)
    }

    /// [`communicate`](Self::communicate), but after `limit` they are all killed, with what they have
    /// started, and waited for.
    ///
    /// # Errors
    ///
    /// As for [`communicate`](Self::communicate); `TimedOut`, with an
    /// [`Unfinished`](super::Unfinished) of the first program.
    pub fn communicate_timeout(
        self,
        input: impl Into<Bytes>,
        limit: Duration,
    ) -> io::Result<PipelineOutput> {
        let mut running = self.spawn()?;
        let outcome = running.communicate_within(input.into(), Some(limit));
        if outcome.is_err() {
            running.kill(SIGKILL)?;
            running.wait()?;
        }
        outcome
    }
}

/// The programs of a [`Pipeline`], running.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Pipeline, SIGTERM};
/// use std::io::{Read, Write};
///
/// let pipeline = Pipeline::new(Command::new("cat")).pipe(Command::new("cat"));
/// let mut running = pipeline.spawn()?;
/// running.stdin.as_mut().expect("a pipe").write_all(b"hello")?;
/// let mut text = [0; 5];
/// running.stdout.as_mut().expect("a pipe").read_exact(&mut text)?;
/// assert_eq!((&text, running.children().len()), (b"hello", 2));
/// running.kill(SIGTERM)?;
/// assert!(running.wait()?.iter().all(|status| !status.success()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct RunningPipeline {
    /// The input of the first, if that is a pipe from here.
    pub stdin: Option<PipeWriter>,
    /// The output of the last, if that is a pipe to here.
    pub stdout: Option<PipeReader>,
    children: Vec<Child>,
    drain: Option<Duration>,
}

impl RunningPipeline {
    /// Starts one more. What it writes can be read from the pipe that is given, if there is a next.
    fn start_next(
        &mut self,
        command: &mut Command,
        has_next: bool,
    ) -> io::Result<Option<io::PipeReader>> {
        let reader = if has_next {
            let (reader, writer) = io::pipe()?;
            command.stdout(writer);
            Some(reader)
        } else {
            None
        };
        let leader = self.children.first().map(Child::id);
        command.process_group(leader.map_or(Group::New, Group::Joined));
        let streams = [Stdio::piped(), Stdio::piped(), Stdio::inherit()];
        self.children.push(start::start(command, streams)?);
        Ok(reader)
    }

    /// The programs, in their order.
    pub fn children(&mut self) -> &mut [Child] {
        &mut self.children
    }

    /// Closes the input of the first, and waits for the end of them all.
    ///
    /// # Errors
    ///
    /// As for [`Child::wait`].
    pub fn wait(&mut self) -> io::Result<Vec<ExitStatus>> {
        self.stdin = None;
        self.children.iter_mut().map(Child::wait).collect()
    }

    /// Sends all of them, and what they have started, a signal.
    ///
    /// # Errors
    ///
    /// As for [`Child::kill`].
    pub fn kill(&self, signal: c_int) -> io::Result<()> {
        match self.children.first() {
            Some(leader) => leader.kill_group(signal),
            None => Ok(()),
        }
    }

    fn communicate_within(
        &mut self,
        input: Bytes,
        limit: Option<Duration>,
    ) -> io::Result<PipelineOutput> {
        let conversation = Conversation {
            stdin: self.stdin.take(),
            stdout: self.stdout.take(),
            stderr: None,
            input,
        };
        let children = &self.children;
        let terms = Terms {
            program: &children[0].program,
            limit,
            drain: self.drain,
        };
        let (statuses, said) = hold(conversation, &terms, |until| {
            let handles = children.iter().map(Child::handle);
            handles.map(|handle| handle.wait_until(until)).collect()
        })?;
        Ok(PipelineOutput {
            statuses,
            stdout: said.stdout,
            drained: said.drained,
        })
    }
}

/// What the last program of a [`Pipeline`] has written, and how each has ended.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Pipeline};
/// use std::time::Duration;
///
/// let pipeline = Pipeline::new(Command::new("false")).pipe(Command::new("cat"));
/// let output = pipeline.communicate_timeout("", Duration::from_secs(20))?;
/// assert!(!output.is_success(), "one of them has failed");
/// let well: Vec<_> = output.statuses.iter().map(|status| status.success()).collect();
/// assert_eq!(well, [false, true]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipelineOutput {
    /// How each has ended, in their order.
    pub statuses: Vec<ExitStatus>,
    /// What the last one wrote.
    pub stdout: Vec<u8>,
    /// Whether that is all.
    pub drained: Drained,
}

impl PipelineOutput {
    /// Whether all have ended well, as with `pipefail` of a shell.
    pub fn is_success(&self) -> bool {
        self.statuses.iter().all(ExitStatus::success)
    }
}
