//! A child that runs: its streams, waiting for its end, signals, and what happens when nobody wants
//! it any more.
//!
//! How its end is noticed and its number kept from others is the business of [`life`](super::life).

use std::ffi::{OsString, c_int};
use std::io;
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use eventlet_green::io::{PipeReader, PipeWriter};
use eventlet_green::sync::EventError;
use eventlet_green::{Time, now};

use super::command::Command;
use super::communicate::{Conversation, Output, Terms, hold};
use super::life::{End, Life};
use super::stdio::GreenEnds;
use super::{SIGKILL, SIGTERM};

/// What happens to a child that still runs when its [`Child`] is dropped.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, OnDrop, SIGKILL};
/// use std::os::unix::process::ExitStatusExt;
///
/// let child = Command::new("sleep").arg("60").on_drop(OnDrop::Kill).spawn()?;
/// let handle = child.handle();
/// drop(child);
/// assert_eq!(handle.wait()?.signal(), Some(SIGKILL));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDrop {
    /// Nothing: it runs on, and is reaped when it ends.
    #[default]
    Leave,
    /// It is killed with SIGKILL, with its group if it leads one, and reaped.
    Kill,
}

/// A running program, in the shape of [`std::process::Child`].
///
/// It never becomes a zombie, whoever forgets it: the loop reaps it when it ends, and if the loop has
/// ended before, a thread does. (One that leads a [group](super::Group::New) is reaped when all
/// handles to it are dropped; until then its number is kept from others, so that
/// [`kill_group`](Self::kill_group) meets nobody else.)
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Stdio};
/// use std::io::{Read, Write};
///
/// let mut child = Command::new("tr").args(["a-z", "A-Z"])
///     .stdin(Stdio::piped())
///     .stdout(Stdio::piped())
///     .spawn()?;
/// child.stdin.take().unwrap().write_all(b"hello")?;
/// let mut text = String::new();
/// child.stdout.as_mut().unwrap().read_to_string(&mut text)?;
/// assert_eq!(text, "HELLO");
/// assert!(child.wait()?.success());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::process::{Command, Group, SIGTERM, Unfinished};
/// use std::os::unix::process::ExitStatusExt;
/// use std::time::Duration;
///
/// let mut child = Command::new("sleep").arg("60").process_group(Group::New).spawn()?;
/// assert_eq!(child.id(), child.handle().id());
/// assert_eq!(child.try_wait()?, None, "it runs");
/// assert_eq!(child.wait_timeout(Duration::from_millis(1))?, None, "still");
/// let error = child.communicate_timeout("", Duration::from_millis(1)).unwrap_err();
/// assert!(Unfinished::of(&error).is_some_and(|unfinished| unfinished.stdout.is_empty()));
///
/// child.kill_group(SIGTERM)?; // It, and what it has started.
/// assert_eq!(child.wait()?.signal(), Some(SIGTERM));
/// child.kill(SIGTERM)?; // It has ended: nothing, and nobody else is reached.
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Child {
    /// Where it reads from, if that is a pipe. Dropping it tells the child of the end.
    pub stdin: Option<PipeWriter>,
    /// What it writes, if that is a pipe. Dropping it gives the child SIGPIPE when it writes more.
    pub stdout: Option<PipeReader>,
    /// What it writes to standard error, if that is a pipe.
    pub stderr: Option<PipeReader>,
    handle: ChildHandle,
    on_drop: OnDrop,
    pub(super) drain: Option<Duration>,
    pub(super) program: OsString,
}

impl Child {
    pub(super) fn new(command: &Command, life: Rc<Life>, ends: GreenEnds) -> Self {
        let (stdin, stdout, stderr) = ends;
        Child {
            stdin,
            stdout,
            stderr,
            handle: ChildHandle(Rc::new(Hold(life))),
            on_drop: command.on_drop,
            drain: command.drain,
            program: command.program().to_owned(),
        }
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.handle.id()
    }

    /// A handle for other coroutines, to wait for it and to send it signals.
    pub fn handle(&self) -> ChildHandle {
        self.handle.clone()
    }

    /// Closes its standard input, as std does, and waits for its end. What it writes to pipes that
    /// nobody reads keeps it from ending: see [`communicate`](Self::communicate).
    ///
    /// # Errors
    ///
    /// As for [`ChildHandle::wait`].
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.stdin = None;
        self.handle.wait()
    }

    /// [`wait`](Self::wait), but at most for `limit`: `None` if it runs on.
    ///
    /// # Errors
    ///
    /// As for [`ChildHandle::wait`].
    pub fn wait_timeout(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        self.stdin = None;
        self.handle.wait_timeout(limit)
    }

    /// Whether it has ended, and how, without waiting.
    ///
    /// # Errors
    ///
    /// `NotFound`, as for [`ChildHandle::wait`].
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.handle.try_wait()
    }

    /// Sends it a signal, by number. If it has ended, does nothing, and reaches nobody else.
    ///
    /// # Errors
    ///
    /// As for [`ChildHandle::kill`].
    pub fn kill(&self, signal: c_int) -> io::Result<()> {
        self.handle.kill(signal)
    }

    /// Sends a signal to all processes of the [group that it leads](super::Group::New), also when it
    /// has ended itself.
    ///
    /// # Errors
    ///
    /// As for [`ChildHandle::kill_group`].
    pub fn kill_group(&self, signal: c_int) -> io::Result<()> {
        self.handle.kill_group(signal)
    }

    pub(super) fn kill_all(&self, signal: c_int) -> io::Result<()> {
        self.handle.life().kill_all(signal)
    }

    /// Has it end: SIGTERM first, and after `grace`, if it still runs, SIGKILL, which nobody can
    /// refuse. Both go to its whole group if it leads one; what is left of that when it has ended
    /// is killed. Waits for its end.
    ///
    /// # Errors
    ///
    /// As for [`ChildHandle::kill`] and [`ChildHandle::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::{Command, SIGTERM};
    /// use std::os::unix::process::ExitStatusExt;
    /// use std::time::Duration;
    ///
    /// let mut child = Command::new("sleep").arg("60").spawn()?;
    /// let status = child.terminate(Duration::from_secs(5))?;
    /// assert_eq!(status.signal(), Some(SIGTERM));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn terminate(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        self.handle.terminate(grace)
    }

    /// Gives it `input` and closes its standard input, gathers what it writes, and waits for its
    /// end; all at once, so that neither side waits for the other however much there is. Streams
    /// that are no pipes, or were taken, are left out. A child that does not read its input is no
    /// error.
    ///
    /// What it writes is kept in memory. If it left behind a process that holds its pipes, reading
    /// ends when the [drain limit](Command::drain_limit) is over, and the
    /// [output says so](Output::drained).
    ///
    /// # Errors
    ///
    /// As for [`ChildHandle::wait`], and what reading gives.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::{Command, Stdio};
    ///
    /// let child = Command::new("sort")
    ///     .stdin(Stdio::piped())
    ///     .stdout(Stdio::piped())
    ///     .spawn()?;
    /// let output = child.communicate("b\na\n")?;
    /// assert_eq!(output.stdout, b"a\nb\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn communicate(mut self, input: impl Into<Bytes>) -> io::Result<Output> {
        self.communicate_within(input.into(), None)
    }

    /// [`communicate`](Self::communicate), but at most for `limit`. When that is over the pipes are
    /// closed, and the child is the caller's to [end](Self::terminate).
    ///
    /// # Errors
    ///
    /// As for [`communicate`](Self::communicate); `TimedOut`, with an
    /// [`Unfinished`](super::Unfinished) that has what was written until then.
    pub fn communicate_timeout(
        &mut self,
        input: impl Into<Bytes>,
        limit: Duration,
    ) -> io::Result<Output> {
        self.communicate_within(input.into(), Some(limit))
    }

    fn communicate_within(&mut self, input: Bytes, limit: Option<Duration>) -> io::Result<Output> {
        let conversation = Conversation {
            stdin: self.stdin.take(),
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            input,
        };
        let terms = Terms {
            program: &self.program,
            limit,
            drain: self.drain,
        };
        let handle = &self.handle;
        let (status, said) = hold(conversation, &terms, |until| handle.wait_until(until))?;
        Ok(Output {
            status,
            stdout: said.stdout,
            stderr: said.stderr,
            drained: said.drained,
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Kill {
            // It may have ended; there is nobody to tell of anything else.
            let _ = self.kill_all(SIGKILL);
        }
    }
}

/// Waiting for a [`Child`] and sending it signals, from any coroutine of the thread; a clone is the
/// same child. Dropping it does nothing to the child.
///
/// # Examples
///
/// ```
/// use eventlet_green::spawn;
/// use eventlet_protocols::process::{Command, SIGTERM};
///
/// let child = Command::new("sleep").arg("60").spawn()?;
/// let handle = child.handle();
/// let waits = spawn(move || handle.wait());
/// child.kill(SIGTERM)?;
/// assert!(!waits.join().unwrap()?.success());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::process::{Command, Group, SIGKILL};
/// use std::os::unix::process::ExitStatusExt;
/// use std::time::Duration;
///
/// let child = Command::new("sleep").arg("60").process_group(Group::New).spawn()?;
/// let handle = child.handle();
/// let watching = handle.clone();
/// let watcher = eventlet_green::spawn(move || watching.wait()); // As many as like.
/// assert_eq!(handle.id(), child.id());
/// assert_eq!(handle.wait_timeout(Duration::from_millis(1))?, None);
/// handle.kill_group(SIGKILL)?;
/// assert_eq!(watcher.join().unwrap()?.signal(), Some(SIGKILL));
/// assert!(handle.try_wait()?.is_some());
/// assert_eq!(handle.terminate(Duration::ZERO)?.signal(), Some(SIGKILL), "how it ended is kept");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChildHandle(Rc<Hold>);

/// Keeps the number of a child from others.
#[derive(Debug)]
struct Hold(Rc<Life>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl ChildHandle {
    fn life(&self) -> &Life {
        &self.0.0
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.life().id()
    }

    /// Waits for its end. Any number of coroutines may, and each is told.
    ///
    /// # Errors
    ///
    /// * `NotFound`: its exit status is lost. Somebody in this process waits for any child there is,
    ///   or the process was told to ignore SIGCHLD, so that the system keeps none.
    /// * Why the caller could not wait: see [`ParkError`](eventlet_green::ParkError).
    pub fn wait(&self) -> io::Result<ExitStatus> {
        told(self.life().ended.wait())?.status()
    }

    /// [`wait`](Self::wait), but at most for `limit`: `None` if it runs on.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_timeout(&self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        match told(self.life().ended.wait_timeout(limit))? {
            Some(end) => end.status().map(Some),
            // The loop may not have come to it.
            None => self.try_wait(),
        }
    }

    /// [`wait`](Self::wait), at most until then.
    pub(super) fn wait_until(&self, until: Option<Time>) -> io::Result<Option<ExitStatus>> {
        match until {
            None => self.wait().map(Some),
            Some(until) => self.wait_timeout(until - now()),
        }
    }

    /// Whether it has ended, and how, without waiting.
    ///
    /// # Errors
    ///
    /// `NotFound`, as for [`wait`](Self::wait).
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.life().look();
        self.life().end().map(End::status).transpose()
    }

    /// Sends it a signal, by number. If it has ended, does nothing, and reaches nobody else.
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: there is no signal of that number.
    /// * `PermissionDenied`: it runs as somebody else.
    pub fn kill(&self, signal: c_int) -> io::Result<()> {
        self.life().kill(signal)
    }

    /// Sends a signal to all processes of the [group that it leads](super::Group::New), also when it
    /// has ended itself.
    ///
    /// # Errors
    ///
    /// As for [`kill`](Self::kill); `InvalidInput` too if it leads none.
    pub fn kill_group(&self, signal: c_int) -> io::Result<()> {
        self.life().kill_group(signal)
    }

    /// As [`Child::terminate`].
    ///
    /// # Errors
    ///
    /// As for [`kill`](Self::kill) and [`wait`](Self::wait).
    pub fn terminate(&self, grace: Duration) -> io::Result<ExitStatus> {
        self.life().kill_all(SIGTERM)?;
        let ended = self.wait_timeout(grace)?;
        if self.life().is_leader() || ended.is_none() {
            // Those who stayed behind in the group, too.
            self.life().kill_all(SIGKILL)?;
        }
        match ended {
            Some(status) => Ok(status),
            None => self.wait(),
        }
    }
}

fn told<T>(outcome: Result<T, EventError>) -> io::Result<T> {
    outcome.map_err(|error| match error {
        EventError::Refused(reason) => reason.into(),
        error => io::Error::other(error),
    })
}
