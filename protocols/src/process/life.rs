//! The life of a child process: noticing its end, reaping it, and signals that reach nobody else.
//!
//! A child is waited for by its own descriptor or number, never by "any child", so that the children
//! of others in the process are left alone. It is reaped as soon as it ends, whether anybody asks or
//! not. One that leads a process group is looked at without being reaped for as long as somebody
//! holds it: while it is there, no other process can get its number, so that the number still means
//! the group when the leader has ended and its offspring lives on. See waitid(2), `WNOWAIT`.
//!
//! How the loop is told of an end is the business of [`notice`](super::notice).

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;

use eventlet_green::io::Descriptor;
use eventlet_green::sync::Event;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, waitid};

/// How a child has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Exited(ExitStatus),
    /// Somebody else in this process has waited for it, or the system reaps children by itself.
    Taken,
}

impl End {
    pub(super) fn status(self) -> io::Result<ExitStatus> {
        match self {
            End::Exited(status) => Ok(status),
            End::Taken => {
                let text = "the child's exit status was taken: by a wait for any child elsewhere in \
                            this process, or because it ignores SIGCHLD";
                Err(io::Error::new(io::ErrorKind::NotFound, text))
            }
        }
    }
}

/// Whether a child is the leader of a process group of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    Leader,
    Member,
}

/// A child, from its start until it is reaped.
#[derive(Debug)]
pub(super) struct Life {
    pid: Pid,
    rank: Rank,
    /// Its process descriptor, while it runs, where there is one.
    pub(super) descriptor: RefCell<Option<Descriptor>>,
    pub(super) ended: Event<End>,
    reaped: Cell<bool>,
    /// Whether somebody may still ask for it.
    held: Cell<bool>,
}

impl Life {
    pub(super) fn new(pid: Pid, rank: Rank) -> Self {
        Life {
            pid,
            rank,
            descriptor: RefCell::new(None),
            ended: Event::new(),
            reaped: Cell::new(false),
            held: Cell::new(true),
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn is_leader(&self) -> bool {
        self.rank == Rank::Leader
    }

    pub(super) fn end(&self) -> Option<End> {
        // Only values are ever sent.
        self.ended.try_wait().ok().flatten()
    }

    /// Looks whether it has ended, and tells those who wait. Never waits.
    pub(super) fn look(&self) -> bool {
        if self.ended.is_ready() {
            return true;
        }
        let keep = self.is_leader() && self.held.get();
        let Some(end) = self.ask(keep) else {
            return false;
        };
        self.reaped.set(!keep || matches!(end, End::Taken));
        let descriptor = self.descriptor.take();
        // It was not ready.
        let _ = self.ended.send(end);
        drop(descriptor);
        true
    }

    /// Nobody holds it any more: from now on its number may go to others once it has ended.
    pub(super) fn release(&self) {
        self.held.set(false);
        if self.look() && !self.reaped.replace(true) {
            self.ask(false);
        }
    }

    fn ask(&self, keep: bool) -> Option<End> {
        let mut options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        options.set(WaitIdOptions::NOWAIT, keep);
        let descriptor = self.descriptor.borrow();
        loop {
            match waitid(self.target(descriptor.as_ref()), options) {
                Ok(status) => return status.map(|status| End::Exited(exit_status(&status))),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Some(End::Taken),
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn target<'a>(&self, descriptor: Option<&'a Descriptor>) -> WaitId<'a> {
        use std::os::fd::AsFd;
        match descriptor {
            Some(descriptor) => WaitId::PidFd(descriptor.as_fd()),
            None => WaitId::Pid(self.pid),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn target<'a>(&self, _: Option<&'a Descriptor>) -> WaitId<'a> {
        WaitId::Pid(self.pid)
    }

    /// Sends a signal to the process alone. One that has ended needs none.
    pub(super) fn kill(&self, signal: c_int) -> io::Result<()> {
        let signal = named(signal)?;
        if self.look() {
            return Ok(());
        }
        match self.send(signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    fn send(&self, signal: Signal) -> rustix::io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Some(descriptor) = &*self.descriptor.borrow() {
            return rustix::process::pidfd_send_signal(descriptor, signal);
        }
        // Not reaped, so the number is still its own.
        rustix::process::kill_process(self.pid, signal)
    }

    /// Sends a signal to all of the group that it leads.
    pub(super) fn kill_group(&self, signal: c_int) -> io::Result<()> {
        let signal = named(signal)?;
        if !self.is_leader() {
            let text = "the child leads no process group: start it with Group::New";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if self.reaped.get() {
            return Ok(());
        }
        match rustix::process::kill_process_group(self.pid, signal) {
            // None is left of it, or (on some systems) none but the ended leader.
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::PERM) if self.look() => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Sends a signal to the group if there is one, else to the process.
    pub(super) fn kill_all(&self, signal: c_int) -> io::Result<()> {
        if self.is_leader() {
            self.kill_group(signal)
        } else {
            self.kill(signal)
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.held.set(false);
        if self.reaped.get() || self.ask(false).is_some() {
            return;
        }
        // The loop that watched it is gone.
        adopt(self.pid);
    }
}

/// Waits for a child whose loop is gone, so that it is no zombie for the rest of the program's life:
/// on a thread of its own, since there is nobody else left to do so.
pub(super) fn adopt(pid: Pid) {
    /// The thread calls the system, and nothing more.
    const STACK: usize = 64 * 1024;
    let wait = move || {
        let target = || WaitId::Pid(pid);
        while let Err(rustix::io::Errno::INTR) = waitid(target(), WaitIdOptions::EXITED) {}
    };
    let thread = thread::Builder::new().name("eventlet-orphan".to_owned());
    // Without a thread the child stays a zombie until the program ends: nothing else is lost.
    drop(thread.stack_size(STACK).spawn(wait));
}

/// A signal by its number.
fn named(signal: c_int) -> io::Result<Signal> {
    Signal::from_named_raw(signal).ok_or_else(|| {
        let text = format!("{signal} is the number of no signal");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

/// What wait(2) would have given.
fn exit_status(status: &WaitIdStatus) -> ExitStatus {
    const CODE_SHIFT: u32 = 8;
    const CORE_DUMPED: i32 = 0x80;
    let core = if status.dumped() { CORE_DUMPED } else { 0 };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitStatus::from_raw((code & 0xff) << CODE_SHIFT),
        (None, Some(signal)) => ExitStatus::from_raw(signal | core),
        // Only ends are asked for.
        (None, None) => ExitStatus::from_raw(status.raw_code()),
    }
}
