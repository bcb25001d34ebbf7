//! Commands that the tests start, and what the system knows of processes.

use std::fs;

use eventlet_green::testing::{Leftovers, on_each_hub, on_each_hub_jumping, until};
use eventlet_protocols::process::{Command, ExitNotice};

/// Both ways in which the end of a child is noticed.
const NOTICES: [ExitNotice; 2] = [ExitNotice::Automatic, ExitNotice::Signal];

/// How the commands of a test are to be started.
#[derive(Clone, Copy)]
pub struct Way(ExitNotice);

impl Way {
    /// How programs usually have it.
    pub const USUAL: Way = Way(ExitNotice::Automatic);

    pub fn program(self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.exit_notice(self.0);
        command
    }

    /// A script for the shell.
    pub fn sh(self, script: &str) -> Command {
        let mut command = self.program("sh");
        command.args(["-c", script]);
        command
    }
}

/// Runs the body under each hub and by each way.
#[track_caller]
pub fn each_way(body: impl Fn(Way) + Sync) {
    on_each_hub(|| both(&body));
}

/// As [`each_way`], with a clock that jumps when nothing is left to do but to wait for it.
#[track_caller]
pub fn each_way_jumping(body: impl Fn(Way) + Sync) {
    on_each_hub_jumping(|_| both(&body));
}

pub fn both(body: &(impl Fn(Way) + Sync)) {
    for notice in NOTICES {
        body(Way(notice));
        settled();
    }
}

/// Waits until all that the children have left behind is dealt with.
pub fn settled() {
    until(|| Leftovers::now().is_empty());
}

/// The state of a process as ps(1) shows it (`R`, `S`, `Z`, …); `None` if there is none.
pub fn state(id: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The children of this process, as the system lists them: number and state.
pub fn children() -> Vec<(u32, char)> {
    let me = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
            continue;
        };
        let mut words = stat.rsplit_once(") ").unwrap().1.split(' ');
        let state = words.next().unwrap().chars().next().unwrap();
        if words.next() == Some(&me) {
            found.push((id, state));
        }
    }
    found
}

/// Prints to standard error itself: the test harness catches `eprintln`.
pub fn loudly(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}
