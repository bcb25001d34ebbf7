//! What is to be started, and how: a program, its arguments, its surroundings.
//!
//! Starting it is in [`start`](super::start); what runs then is a [`Child`](super::Child).

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::child::{Child, OnDrop};
use super::communicate::Output;
use super::notice::ExitNotice;
use super::start;
use super::stdio::Stdio;

/// How long the pipes of a child that has ended are still read while another process holds them,
/// unless a command says otherwise: far longer than it takes to read what a pipe holds, and not so
/// long that a forgotten grandchild is taken for a hang.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(5);

/// The process group that a child is put into; see setpgid(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// Its parent's: Ctrl-C in the terminal reaches it.
    #[default]
    Inherited,
    /// One of its own, with its number: all that it starts can be killed with it.
    New,
    /// That of a leader, given by its [`id`](Child::id), which must still be held or run.
    Joined(u32),
}

/// Something std's command can do, and this one does not offer by itself.
type Adjustment = Arc<dyn Fn(&mut process::Command) + Send + Sync>;

/// A program to start, in the shape of [`std::process::Command`]: what it is given, and what becomes
/// of its streams. It can be started any number of times.
///
/// All that the parent has open is closed in the child, but the three streams. Starting is done on
/// another thread ([`offload`](eventlet_green::offload())), since the system holds up the thread that
/// does it until the new program runs, a millisecond or more; others go on meanwhile.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::Command;
///
/// let output = Command::new("echo").arg("hello").output()?;
/// assert_eq!(output.stdout, b"hello\n");
/// assert!(output.status.success());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    surroundings: Vec<Surrounding>,
    directory: Option<PathBuf>,
    pub(super) stdin: Option<Stdio>,
    pub(super) stdout: Option<Stdio>,
    pub(super) stderr: Option<Stdio>,
    pub(super) group: Group,
    pub(super) on_drop: OnDrop,
    pub(super) drain: Option<Duration>,
    pub(super) notice: ExitNotice,
    adjustments: Vec<Adjustment>,
}

/// A change to the environment.
#[derive(Clone, Debug)]
enum Surrounding {
    Set(OsString, OsString),
    Removed(OsString),
    Cleared,
}

impl Command {
    /// A program, found along `PATH` if its name has no slash: without arguments, in the parent's
    /// environment and directory.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Command {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            surroundings: Vec::new(),
            directory: None,
            stdin: None,
            stdout: None,
            stderr: None,
            group: Group::default(),
            on_drop: OnDrop::default(),
            drain: Some(DEFAULT_DRAIN),
            notice: ExitNotice::default(),
            adjustments: Vec::new(),
        }
    }

    /// Adds an argument. No shell reads it.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        for argument in arguments {
            self.arg(argument);
        }
        self
    }

    /// Sets a variable of the environment.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::Command;
    ///
    /// let mut command = Command::new("/bin/sh");
    /// command
    ///     .args(["-c", "echo $GREETING, $NAME from $PWD, ${SECRET-nothing}"])
    ///     .env_clear()
    ///     .env("GREETING", "hello")
    ///     .envs([("NAME", "you"), ("SECRET", "42")])
    ///     .env_remove("SECRET")
    ///     .current_dir("/");
    /// assert_eq!(command.program(), "/bin/sh");
    /// assert_eq!(command.output()?.stdout, b"hello, you from /, nothing\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.surroundings.push(Surrounding::Set(name, value));
        self
    }

    /// Sets variables of the environment.
    pub fn envs(
        &mut self,
        variables: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
    ) -> &mut Self {
        for (name, value) in variables {
            self.env(name, value);
        }
        self
    }

    /// Takes a variable out of the environment.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        let name = name.as_ref().to_owned();
        self.surroundings.push(Surrounding::Removed(name));
        self
    }

    /// Takes all variables out of the environment, the parent's too; those set afterwards stay.
    pub fn env_clear(&mut self) -> &mut Self {
        self.surroundings.push(Surrounding::Cleared);
        self
    }

    /// The directory that the program starts in. A program named by a relative path is looked for
    /// there on some systems, and here on others: name it by an absolute one.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Standard input. Default: the parent's; for [`output`](Self::output), nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::{Command, Stdio};
    ///
    /// // `sort` of a file, with its complaints thrown away.
    /// let file = std::fs::File::open("/dev/null")?;
    /// let mut sort = Command::new("sort");
    /// let status = sort.stdin(file).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    /// assert!(status.success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stdin(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.stdin = Some(stdio.into());
        self
    }

    /// Standard output. Default: the parent's; for [`output`](Self::output), a pipe.
    pub fn stdout(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.stdout = Some(stdio.into());
        self
    }

    /// Standard error. Default: the parent's; for [`output`](Self::output), a pipe.
    pub fn stderr(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.stderr = Some(stdio.into());
        self
    }

    /// The process group. Default: the parent's, as in std.
    pub fn process_group(&mut self, group: Group) -> &mut Self {
        self.group = group;
        self
    }

    /// What happens to a child that runs when its [`Child`] is dropped. Default: it is left alone
    /// and reaped when it ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::{Command, OnDrop};
    ///
    /// let child = Command::new("sleep").arg("60").on_drop(OnDrop::Kill).spawn()?;
    /// let handle = child.handle();
    /// drop(child);
    /// assert!(!handle.wait()?.success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_drop(&mut self, what: OnDrop) -> &mut Self {
        self.on_drop = what;
        self
    }

    /// How long [`output`](Self::output) and [`communicate`](Child::communicate) read on after the
    /// child has ended, while a process that it left behind holds its pipes; `None`: until the end.
    /// Default: [`DEFAULT_DRAIN`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::{Command, Drained, ExitNotice};
    /// use std::time::Duration;
    ///
    /// // What it leaves behind holds its output open.
    /// let output = Command::new("sh")
    ///     .args(["-c", "sleep 5 & echo done"])
    ///     .exit_notice(ExitNotice::Automatic)
    ///     .drain_limit(Some(Duration::from_millis(10)))
    ///     .output()?;
    /// assert_eq!((&output.stdout[..], output.drained), (&b"done\n"[..], Drained::CutOff));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn drain_limit(&mut self, limit: Option<Duration>) -> &mut Self {
        self.drain = limit;
        self
    }

    /// How the end is noticed. Default: [`ExitNotice::Automatic`].
    pub fn exit_notice(&mut self, notice: ExitNotice) -> &mut Self {
        self.notice = notice;
        self
    }

    /// Has `adjust` change the command of std's just before each start, on the thread that starts
    /// it: for what has no method here, such as the user or `arg0`. What stands in the methods here
    /// is set afterwards, but for the arguments, environment and directory.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::Command;
    /// use std::os::unix::process::CommandExt;
    ///
    /// let mut command = Command::new("sh");
    /// command.args(["-c", "echo $0"]).adjust(|std| {
    ///     std.arg0("another name");
    /// });
    /// assert_eq!(command.output()?.stdout, b"another name\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn adjust(
        &mut self,
        adjust: impl Fn(&mut process::Command) + Send + Sync + 'static,
    ) -> &mut Self {
        self.adjustments.push(Arc::new(adjust));
        self
    }

    /// Starts the program.
    ///
    /// # Errors
    ///
    /// * `NotFound`, `PermissionDenied`: there is no such program or directory, or it may not be
    ///   run; the message names it.
    /// * `InvalidInput`: a NUL byte in a word; [`Stdio::merged`] for another stream than standard
    ///   error.
    /// * What else the system gives: too many processes (`WouldBlock`) or descriptors.
    /// * Why the caller could not wait: see [`ParkError`](eventlet_green::ParkError).
    ///
    /// If the caller is killed while it waits here, the child is killed.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::{Command, Stdio};
    /// use std::io::Read;
    ///
    /// let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
    /// let mut text = String::new();
    /// child.stdout.take().unwrap().read_to_string(&mut text)?;
    /// assert_eq!(text, "hello\n");
    /// assert!(child.wait()?.success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn spawn(&mut self) -> io::Result<Child> {
        let inherit = Stdio::inherit;
        start::start(self, [inherit(), inherit(), inherit()])
    }

    /// Starts the program and waits for its end.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn) and [`Child::wait`].
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait()
    }

    /// Starts the program, and gathers what it writes until its end.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn) and [`Child::communicate`].
    pub fn output(&mut self) -> io::Result<Output> {
        self.spawn_for_output()?.communicate(Bytes::new())
    }

    /// [`output`](Self::output), but after `limit` the child is killed, with its group if it
    /// [leads one](Group::New), and waited for.
    ///
    /// # Errors
    ///
    /// As for [`output`](Self::output); `TimedOut`, with an [`Unfinished`](super::Unfinished) that
    /// has what was written until then.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::process::{Command, Group, Unfinished};
    /// use std::time::Duration;
    ///
    /// let mut slow = Command::new("sh");
    /// slow.args(["-c", "echo begun; sleep 60; echo done"]).process_group(Group::New);
    /// let error = slow.output_timeout(Duration::from_millis(300)).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    /// assert!(Unfinished::of(&error).is_some());
    /// ```
    pub fn output_timeout(&mut self, limit: Duration) -> io::Result<Output> {
        let mut child = self.spawn_for_output()?;
        let outcome = child.communicate_timeout(Bytes::new(), limit);
        if outcome.is_err() {
            child.kill_all(super::SIGKILL)?;
            child.wait()?;
        }
        outcome
    }

    fn spawn_for_output(&mut self) -> io::Result<Child> {
        start::start(self, [Stdio::null(), Stdio::piped(), Stdio::piped()])
    }

    /// The program.
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// The directory, if one was set.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// As std has it, but for the streams.
    pub(super) fn to_std(&self) -> process::Command {
        let mut command = process::Command::new(&self.program);
        command.args(&self.arguments);
        for surrounding in &self.surroundings {
            match surrounding {
                Surrounding::Set(name, value) => command.env(name, value),
                Surrounding::Removed(name) => command.env_remove(name),
                Surrounding::Cleared => command.env_clear(),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    pub(super) fn adjustments(&self) -> Vec<Adjustment> {
        self.adjustments.clone()
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("directory", &self.directory)
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .field("group", &self.group)
            .field("on_drop", &self.on_drop)
            .finish_non_exhaustive()
    }
}
