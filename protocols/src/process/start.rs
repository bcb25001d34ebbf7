//! Starting a program without holding up the loop.
//!
//! std starts programs by posix_spawn(3) or by fork and exec, both of which keep the calling thread
//! until the new program runs: a millisecond as a rule, ten when the machine is busy. So it is done
//! on a thread for blocking calls. A child is never lost on the way: if whoever wanted it is gone by
//! then, it is killed and reaped.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process;
use std::rc::Rc;

use eventlet_green::offload;
use rustix::process::Pid;

use super::child::Child;
use super::command::{Command, Group};
use super::life::{Life, Rank, adopt};
use super::notice::Ready;
use super::stdio::{self, Stdio};

/// Starts the program, its streams being what the command says, else as in `otherwise`.
pub(super) fn start(command: &Command, otherwise: [Stdio; 3]) -> io::Result<Child> {
    let named = [&command.stdin, &command.stdout, &command.stderr];
    let [stdin, stdout, stderr] = [0, 1, 2].map(|at| named[at].as_ref().unwrap_or(&otherwise[at]));
    let (theirs, ours) = stdio::connect([stdin, stdout, stderr])?;
    let ready = Ready::new(command.notice)?;
    let mut std_command = command.to_std();
    let adjustments = command.adjustments();
    let group = match command.group {
        Group::Inherited => None,
        Group::New => Some(0),
        Group::Joined(leader) => Some(group_number(leader)?),
    };
    let newborn = offload(move || {
        for adjust in adjustments {
            adjust(&mut std_command);
        }
        let [stdin, stdout, stderr] = theirs;
        std_command.stdin(stdin).stdout(stdout).stderr(stderr);
        if let Some(group) = group {
            std_command.process_group(group);
        }
        // Dropped with the closure: the child's ends of the pipes are closed here.
        std_command.spawn().map(|child| Newborn(Some(child)))
    })?;
    let newborn = newborn.map_err(|error| refused(command, error))?;
    let pid = newborn.pid();
    let rank = match command.group {
        Group::New => Rank::Leader,
        _ => Rank::Member,
    };
    let ends = ours.into_green()?;
    let life = Rc::new(Life::new(pid, rank));
    if let Err(error) = ready.watch(&life, pid) {
        // Reaped by the destructor of the life.
        life.kill_all(super::SIGKILL)?;
        newborn.keep();
        return Err(error);
    }
    newborn.keep();
    Ok(Child::new(command, life, ends))
}

fn group_number(leader: u32) -> io::Result<i32> {
    i32::try_from(leader).map_err(|_| {
        let text = format!("{leader} is the number of no process group");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

/// A child that nobody watches yet. Dropped, it is killed.
struct Newborn(Option<process::Child>);

impl Newborn {
    fn pid(&self) -> Pid {
        Pid::from_child(self.0.as_ref().expect("until it is kept or dropped"))
    }

    /// Somebody watches it.
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Newborn {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It can only have ended already.
            let _ = child.kill();
            adopt(Pid::from_child(&child));
        }
    }
}

/// What could not be started: std's error does not say.
fn refused(command: &Command, error: io::Error) -> io::Error {
    let kind = error.kind();
    let directory = command.directory().filter(|path| !path.is_dir());
    let refused = Refused {
        what: match directory {
            Some(directory) => in_directory(directory),
            None => format!("{}", command.program().display()),
        },
        error,
    };
    io::Error::new(kind, refused)
}

fn in_directory(directory: &Path) -> String {
    format!("a program in the directory {}", directory.display())
}

/// A program that could not be started, and why.
#[derive(Debug)]
struct Refused {
    what: String,
    error: io::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start {}: {}", self.what, self.error)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
